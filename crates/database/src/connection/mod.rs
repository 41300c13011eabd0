//! A connection to one of the databases, each through its own interface.

mod mysql;
mod postgres;
mod sqlite;

use spin_sdk::wit_bindgen::{StreamReader, StreamResult};

use crate::dialect::Dialect;
use crate::{Error, Row, Value};

/// Rows asked of the host at once. A crossing costs more than a row, so a page of a list
/// is read in one.
const ROWS_PER_READ: usize = 128;

pub(crate) enum Connection {
    Sqlite(spin_sdk::sqlite::Connection),
    Postgres(spin_sdk::pg::Connection),
    Mysql(spin_sdk::mysql::Connection),
}

impl Connection {
    pub(crate) async fn open(dialect: Dialect, url: &str) -> Result<Self, Error> {
        Ok(match dialect {
            Dialect::Sqlite => Self::Sqlite(sqlite::open(url).await?),
            Dialect::Postgres => Self::Postgres(postgres::open(url).await?),
            Dialect::Mysql => Self::Mysql(mysql::open(url).await?),
        })
    }

    pub(crate) async fn query(&self, sql: String, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(connection) => sqlite::query(connection, sql, values).await,
            Self::Postgres(connection) => postgres::query(connection, sql, values).await,
            Self::Mysql(connection) => mysql::query(connection, sql, values).await,
        }
    }

    /// How many rows the statement changed.
    pub(crate) async fn execute(&self, sql: String, values: Vec<Value>) -> Result<u64, Error> {
        match self {
            Self::Sqlite(connection) => sqlite::execute(connection, sql, values).await,
            Self::Postgres(connection) => postgres::execute(connection, sql, values).await,
            Self::Mysql(connection) => mysql::execute(connection, sql, values).await,
        }
    }

    /// The first statements of a transaction. SQLite's takes the write lock at once: one that
    /// first reads and then writes would fail when another writes between the two.
    pub(crate) fn begin(&self) -> &'static [&'static str] {
        match self {
            Self::Sqlite(_) => &["BEGIN IMMEDIATE"],
            Self::Postgres(_) => &["BEGIN"],
            // MySQL refuses BEGIN as a prepared statement (error 1295). The level is PostgreSQL's
            // default: what is read after a lock is as it is then, not as at the start.
            Self::Mysql(_) => {
                &["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET autocommit = 0"]
            }
        }
    }

    /// What follows `COMMIT` or `ROLLBACK`.
    pub(crate) fn end(&self) -> &'static [&'static str] {
        if matches!(self, Self::Mysql(_)) { &["SET autocommit = 1"] } else { &[] }
    }
}

/// All rows of a result's stream, a batch for each crossing.
async fn read_all<T>(mut stream: StreamReader<T>, row: impl Fn(T) -> Row) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let (status, batch) = stream.read(Vec::with_capacity(ROWS_PER_READ)).await;
        rows.extend(batch.into_iter().map(&row));
        if !matches!(status, StreamResult::Complete(_)) {
            return rows;
        }
    }
}
