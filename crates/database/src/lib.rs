//! A component's own database. Today it is SQLite; the dialect is decided by the URL alone.
//!
//! A [`Database`] is one connection, opened for one request and given back when it is
//! dropped. The host rolls back whatever transaction it still holds then, so a request that
//! is cancelled or traps leaves nothing half-written.

mod error;
pub mod migration;

use spin_sdk::sqlite::{Connection, RowResult};

pub use error::Error;
pub use spin_sdk::sqlite::Value;

/// Rows asked of the host at once. A crossing costs more than a row, so a page of a list
/// is read in one.
const ROWS_PER_READ: usize = 128;

/// One connection to the component's database.
pub struct Database {
    connection: Connection,
}

/// One row, its columns in the order of the statement.
pub struct Row(Vec<Value>);

impl Database {
    /// Opens the database that `url` names: `sqlite:LABEL`, where the label is one of the
    /// component's `sqlite_databases`.
    pub async fn open(url: &str) -> Result<Self, Error> {
        // The URL may hold a password, so the message does not repeat it.
        let label = url.strip_prefix("sqlite:").ok_or_else(|| {
            Error::Configuration("the database URL is not of the form sqlite:LABEL".into())
        })?;
        let connection = Connection::open(label).await?;
        Ok(Self { connection })
    }

    /// Runs a statement and returns its rows. Parameters stand as `?1`, `?2`, ….
    pub async fn query(
        &self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Row>, Error> {
        let result = self.connection.execute(sql, parameters).await?;
        let (_, mut stream, outcome) = result.into_inner();
        let mut rows = Vec::new();
        loop {
            let (status, batch) = stream.read(Vec::with_capacity(ROWS_PER_READ)).await;
            let done = !matches!(status, spin_sdk::wit_bindgen::StreamResult::Complete(_));
            rows.extend(batch.into_iter().map(|RowResult { values }| Row(values)));
            if done {
                break;
            }
        }
        outcome.await?;
        Ok(rows)
    }

    /// Like [`query`](Self::query), for a statement that gives at most one row.
    pub async fn query_one(
        &self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// Runs a statement that changes rows and returns how many it changed.
    pub async fn execute(
        &self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value>,
    ) -> Result<u64, Error> {
        self.query(sql, parameters).await?;
        Ok(self.connection.changes().await)
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, else rolled back.
    ///
    /// The write lock is taken at the start. A transaction that first reads and then
    /// writes would otherwise fail when another one writes between the two.
    pub async fn transaction<T, E: From<Error>>(
        &self,
        work: impl AsyncFnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.query("BEGIN IMMEDIATE", []).await?;
        match work(self).await {
            Ok(value) => {
                self.query("COMMIT", []).await?;
                Ok(value)
            }
            Err(error) => {
                // When this fails too, the host rolls back as the connection returns.
                let _ = self.query("ROLLBACK", []).await;
                Err(error)
            }
        }
    }
}

impl Row {
    pub fn text(&self, column: usize) -> Result<String, Error> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(Error::Column(column, "text")),
        }
    }

    pub fn integer(&self, column: usize) -> Result<i64, Error> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
            _ => Err(Error::Column(column, "integer")),
        }
    }

    pub fn blob(&self, column: usize) -> Result<Vec<u8>, Error> {
        match self.0.get(column) {
            Some(Value::Blob(bytes)) => Ok(bytes.clone()),
            _ => Err(Error::Column(column, "blob")),
        }
    }

    pub fn optional_text(&self, column: usize) -> Result<Option<String>, Error> {
        self.unless_null(column, Self::text)
    }

    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, Error> {
        self.unless_null(column, Self::integer)
    }

    fn unless_null<T>(
        &self,
        column: usize,
        get: fn(&Self, usize) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => get(self, column).map(Some),
        }
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds `term` anywhere, its wildcards taken literally.
pub fn contains(term: &str) -> String {
    let mut pattern = String::with_capacity(term.len() + 2);
    pattern.push('%');
    for c in term.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn wildcards_in_a_search_term_are_literal() {
        assert_eq!(contains(r"50%_\"), r"%50\%\_\\%");
    }
}
