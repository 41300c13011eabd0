//! The work that `cargo xtask bench` measures, written as our components are: one database crate
//! over all servers, one variable read per need. Spin runs the same file.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use database::{Database, Row, Value};
use serde::Serialize;
use spin_sdk::http::{FullBody, Request, Response, StatusCode};
use spin_sdk::{http_service, variables};
use uuid::Uuid;

/// Rows of the table that is read.
const ROWS: i64 = 1_000;

#[derive(Serialize)]
struct Line<'a> {
    id: i64,
    score: i64,
    name: &'a str,
}

#[http_service]
async fn handle(request: Request) -> Response<FullBody<Bytes>> {
    match answer(request.uri().path()).await {
        Ok(body) => Response::new(FullBody::new(body)),
        Err(error) => {
            let mut response = Response::new(FullBody::new(format!("{error:#}").into()));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

async fn answer(path: &str) -> Result<Bytes> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["hello"] => Ok(Bytes::from_static(b"hello")),
        ["variable", times] => variable(times.parse()?).await,
        ["rows", database, count] => rows(&open(database).await?, count.parse()?).await,
        ["insert", database] => insert(&open(database).await?).await,
        ["prepare", database] => prepare(&open(database).await?.patient()).await,
        _ => bail!("there is no work of that name"),
    }
}

/// Reads a variable so often, and answers its value.
async fn variable(times: u32) -> Result<Bytes> {
    let mut value = String::new();
    for _ in 0..times {
        value = variables::get("greeting").await?;
    }
    Ok(value.into())
}

async fn open(database: &str) -> Result<Database> {
    let url = match database {
        "sqlite" => "sqlite:default".to_owned(),
        server => variables::get(format!("{server}_url")).await?,
    };
    Ok(Database::open(&url).await?)
}

async fn rows(database: &Database, count: i64) -> Result<Bytes> {
    let select = "SELECT id, score, name FROM measured ORDER BY id LIMIT ?1";
    let rows = database.query(select, [Value::Integer(count)]).await?;
    let lines = rows.iter().map(line).collect::<Result<Vec<_>>>()?;
    Ok(serde_json::to_vec(&lines)?.into())
}

fn line(row: &Row) -> Result<Line<'_>> {
    Ok(Line { id: row.integer(0)?, score: row.integer(1)?, name: row.str(2)? })
}

async fn insert(database: &Database) -> Result<Bytes> {
    let insert = "INSERT INTO inserted (id, score, name) VALUES (?1, ?2, ?3)";
    let id = Uuid::now_v7().to_string();
    let name = Value::Text("a name of some length".to_owned());
    let count = database.execute(insert, [Value::Text(id), Value::Integer(1), name]).await?;
    if count != 1 {
        bail!("{count} rows were inserted");
    }
    Ok(Bytes::from_static(b"inserted"))
}

/// Makes the two tables and fills the one that is read.
async fn prepare(database: &Database) -> Result<Bytes> {
    for (table, id) in [("measured", "BIGINT"), ("inserted", "VARCHAR(36)")] {
        let table = format!(
            "CREATE TABLE {table} (id {id} PRIMARY KEY, score BIGINT NOT NULL, name VARCHAR(100) NOT NULL)"
        );
        database.execute(&table, []).await.context("CREATE TABLE")?;
    }
    let filled: Result<(), anyhow::Error> = database
        .transaction(async |database| {
            let insert = "INSERT INTO measured (id, score, name) VALUES (?1, ?2, ?3)";
            for id in 1..=ROWS {
                let name = Value::Text(format!("a name of some length {id}"));
                let values = [Value::Integer(id), Value::Integer(id * 1000), name];
                database.execute(insert, values).await?;
            }
            Ok(())
        })
        .await;
    filled?;
    Ok(Bytes::from_static(b"prepared"))
}
