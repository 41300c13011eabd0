//! `spin:mysql`, with whatever statements a test sends.

use std::pin::pin;

use anyhow::{Context, Result, anyhow, bail};
use futures::future::{Either, select, try_join_all};
use spin_sdk::http::Request;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::mysql::{Connection, DbValue, Error, MysqlError, ParameterValue};
use spin_sdk::time::sleep;

use crate::{Query, asked, milliseconds};

/// Runs the statements of the body on one connection: one per line, with parameters behind tabs.
/// Answers a line for each row, and with `continue` one for each error.
pub(crate) async fn run(request: Request, query: &Query) -> Result<String> {
    let connection = open(query).await?;
    let statements = String::from_utf8(request.into_body().bytes().await?.to_vec())?;
    let mut lines = String::new();
    for line in statements.lines() {
        match statement(&connection, line, query.contains_key("columns")).await {
            Ok(rows) => lines.push_str(&rows),
            Err(error) if query.contains_key("continue") => lines.push_str(&format!("{error:#}\n")),
            Err(error) => return Err(error),
        }
    }
    Ok(lines)
}

async fn open(query: &Query) -> Result<Connection> {
    Connection::open(asked(query, "url")?).await.map_err(shown_error)
}

async fn statement(connection: &Connection, line: &str, columns: bool) -> Result<String> {
    let mut parts = line.split('\t');
    let statement = parts.next().unwrap_or_default();
    let parameters = parts.map(parameter).collect::<Result<Vec<_>>>()?;
    if let Some(command) = statement.strip_prefix("execute ") {
        connection.execute(command, parameters).await.map_err(shown_error)?;
        return Ok(String::new());
    }
    let found = connection.query(statement, parameters).await.map_err(shown_error)?;
    let mut lines = String::new();
    if columns {
        let all = found.columns().iter();
        let all = all.map(|column| format!("{} {:?}", column.name, column.data_type));
        lines = format!("{}\n", all.collect::<Vec<_>>().join("|"));
    }
    let (columns, mut stream, end) = found.into_inner();
    while let Some(row) = stream.next().await {
        if row.len() != columns.len() {
            bail!("{} values in {} columns", row.len(), columns.len());
        }
        lines.push_str(&row.iter().map(shown).collect::<Vec<_>>().join("|"));
        lines.push('\n');
    }
    end.await.map_err(|error| shown_error(Error::MysqlError(error)))?;
    Ok(lines)
}

fn shown_error(error: Error) -> anyhow::Error {
    match error {
        Error::MysqlError(MysqlError::ConnectionFailed(text)) => {
            anyhow!("connection-failed: {text}")
        }
        Error::MysqlError(MysqlError::QueryFailed(text)) => anyhow!("query-failed: {text}"),
        other => anyhow!("{other:?}"),
    }
}

/// `null`, or a type and a value: `i8:-1`, `str:text`, `bin:00ff`.
fn parameter(text: &str) -> Result<ParameterValue> {
    if text == "null" {
        return Ok(ParameterValue::DbNull);
    }
    let (kind, value) = text.split_once(':').context("type:value")?;
    Ok(match kind {
        "bool" => ParameterValue::Boolean(value.parse()?),
        "i8" => ParameterValue::Int8(value.parse()?),
        "i16" => ParameterValue::Int16(value.parse()?),
        "i32" => ParameterValue::Int32(value.parse()?),
        "i64" => ParameterValue::Int64(value.parse()?),
        "u8" => ParameterValue::Uint8(value.parse()?),
        "u16" => ParameterValue::Uint16(value.parse()?),
        "u32" => ParameterValue::Uint32(value.parse()?),
        "u64" => ParameterValue::Uint64(value.parse()?),
        "f32" => ParameterValue::Floating32(value.parse()?),
        "f64" => ParameterValue::Floating64(value.parse()?),
        "str" => ParameterValue::Str(value.to_owned()),
        "bin" => ParameterValue::Binary(bytes(value)?),
        _ => bail!("a parameter of type `{kind}`"),
    })
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    let pair = |at| hex.get(at..at + 2).context("two digits per byte");
    (0..hex.len()).step_by(2).map(|at| Ok(u8::from_str_radix(pair(at)?, 16)?)).collect()
}

fn shown(value: &DbValue) -> String {
    match value {
        DbValue::Boolean(value) => format!("bool:{value}"),
        DbValue::Int8(value) => format!("i8:{value}"),
        DbValue::Int16(value) => format!("i16:{value}"),
        DbValue::Int32(value) => format!("i32:{value}"),
        DbValue::Int64(value) => format!("i64:{value}"),
        DbValue::Uint8(value) => format!("u8:{value}"),
        DbValue::Uint16(value) => format!("u16:{value}"),
        DbValue::Uint32(value) => format!("u32:{value}"),
        DbValue::Uint64(value) => format!("u64:{value}"),
        DbValue::Floating32(value) => format!("f32:{value}"),
        DbValue::Floating64(value) => format!("f64:{value}"),
        DbValue::Str(value) => format!("str:{value}"),
        DbValue::Binary(value) => {
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("bin:{hex}")
        }
        DbValue::DbNull => "null".to_owned(),
        DbValue::Unsupported => "unsupported".to_owned(),
    }
}

/// `count` statements at once, each on a connection of its own.
pub(crate) async fn parallel(query: &Query) -> Result<String> {
    let count: u32 = asked(query, "count")?.parse()?;
    let all = (0..count).map(|_| async {
        let connection = open(query).await?;
        statement(&connection, "select sleep(0.5)", false).await
    });
    Ok(try_join_all(all).await?.concat())
}

/// Holds a connection on which nothing runs.
pub(crate) async fn hold(query: &Query) -> Result<String> {
    let connection = open(query).await?;
    sleep(milliseconds(query)?).await;
    drop(connection);
    Ok("held".to_owned())
}

/// Starts a statement and gives it up before it ends.
pub(crate) async fn give_up(query: &Query) -> Result<String> {
    let connection = open(query).await?;
    let running = pin!(statement(&connection, asked(query, "statement")?, false));
    match select(running, pin!(sleep(milliseconds(query)?))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Ok("given up".to_owned()),
    }
}

/// Reads `count` rows of three columns in one piece, and adds up what is in them.
pub(crate) async fn rows(query: &Query) -> Result<String> {
    let count: usize = asked(query, "count")?.parse()?;
    let connection = open(query).await?;
    let text = "select id, score, name from measured order by id limit ?";
    let limit = [ParameterValue::Int64(count as i64)];
    let found = connection.query(text, limit).await.map_err(shown_error)?;
    let (_, mut stream, end) = found.into_inner();
    let mut rows = Vec::with_capacity(count);
    loop {
        let before = rows.len();
        let (status, read) = stream.read(rows).await;
        rows = read;
        if rows.len() == before
            || !matches!(status, spin_sdk::wit_bindgen::StreamResult::Complete(_))
        {
            break;
        }
        if rows.len() >= count {
            break;
        }
    }
    drop(stream);
    end.await.map_err(|error| shown_error(Error::MysqlError(error)))?;
    let mut sum = 0;
    for row in &rows {
        if let [DbValue::Int64(id), DbValue::Int64(score), DbValue::Str(name)] = row.as_slice() {
            sum += id + score + name.len() as i64;
        }
    }
    Ok(format!("{} {sum}", rows.len()))
}
