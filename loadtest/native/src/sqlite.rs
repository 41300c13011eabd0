//! A connection per thread, on which a statement holds up the thread: the least that can be done.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::{INSERT, Line, NAME, SELECT};

const ROWS: i64 = 1_000;
/// The other threads write as well.
const LOCK_WAIT: Duration = Duration::from_secs(5);

pub(crate) struct Database(Mutex<Connection>);

/// Makes the tables and fills the one that is read.
pub(crate) fn prepare(file: &Path) -> Result<()> {
    let mut connection = connect(file)?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS measured (id BIGINT PRIMARY KEY, score BIGINT NOT NULL, name VARCHAR(100) NOT NULL);
         CREATE TABLE IF NOT EXISTS inserted (id VARCHAR(36) PRIMARY KEY, score BIGINT NOT NULL, name VARCHAR(100) NOT NULL);
         DELETE FROM measured",
    )?;
    let transaction = connection.transaction()?;
    for id in 1..=ROWS {
        let values = (id, id * 1000, format!("{NAME} {id}"));
        transaction.execute("INSERT INTO measured VALUES (?, ?, ?)", values)?;
    }
    Ok(transaction.commit()?)
}

fn connect(file: &Path) -> Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")?;
    // Else a statement with `LIMIT ?` is planned again each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

impl Database {
    pub(crate) fn open(file: &Path) -> Result<Self> {
        Ok(Self(Mutex::new(connect(file)?)))
    }

    pub(crate) fn rows(&self, count: i64) -> Result<Vec<Line>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare_cached(&format!("{SELECT} ?"))?;
        let lines = statement.query_map([count], |row| {
            Ok(Line { id: row.get(0)?, score: row.get(1)?, name: row.get(2)? })
        })?;
        Ok(lines.collect::<Result<_, _>>()?)
    }

    pub(crate) fn insert(&self, id: &str) -> Result<()> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.prepare_cached(&format!("{INSERT} (?, ?, ?)"))?.execute((id, 1, NAME))?;
        Ok(())
    }
}
