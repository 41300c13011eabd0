use spin_sdk::sqlite::{self, Connection, RowResult};

use crate::row::Values;
use crate::{Error, Row, Value};

/// `url` is `sqlite:LABEL`, where the label is one of the component's `sqlite_databases`.
pub(super) async fn open(url: &str) -> Result<Connection, Error> {
    Ok(Connection::open(url.trim_start_matches("sqlite:")).await?)
}

pub(super) async fn query(
    connection: &Connection,
    sql: String,
    values: Vec<Value>,
) -> Result<Vec<Row>, Error> {
    let (_, stream, outcome) = connection.execute(&sql, values).await?.into_inner();
    let rows = super::read_all(stream, |RowResult { values }| Row(Values::Sqlite(values))).await;
    outcome.await?;
    Ok(rows)
}

pub(super) async fn execute(
    connection: &Connection,
    sql: String,
    values: Vec<Value>,
) -> Result<u64, Error> {
    query(connection, sql, values).await?;
    Ok(connection.changes().await)
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        match error {
            sqlite::Error::NoSuchDatabase | sqlite::Error::AccessDenied => {
                Self::Configuration("the component has no such SQLite database".into())
            }
            sqlite::Error::DatabaseFull => Self::Unavailable("database full".into()),
            sqlite::Error::InvalidConnection => Self::Unavailable("invalid connection".into()),
            sqlite::Error::Io(message) => from_message(message),
        }
    }
}

/// The interface gives a text only, so the kind has to be read from SQLite's own words,
/// which it keeps stable.
fn from_message(message: String) -> Error {
    if let Some((_, columns)) = message.split_once("UNIQUE constraint failed: ") {
        return Error::Unique(columns.to_owned());
    }
    let passing = [
        "database is locked",
        "database table is locked",
        "database is busy",
        "disk I/O error",
        "database or disk is full",
        "readonly database",
        "unable to open database",
        "pool",
    ];
    if passing.iter().any(|text| message.contains(text)) {
        return Error::Unavailable(message);
    }
    Error::Statement(message)
}

#[cfg(test)]
mod tests {
    use super::from_message;
    use crate::Error;

    #[test]
    fn messages_become_kinds() {
        let unique = from_message("UNIQUE constraint failed: accounts.login".into());
        assert!(matches!(unique, Error::Unique(columns) if columns == "accounts.login"));
        let locked = from_message("database is locked".into());
        assert!(matches!(locked, Error::Unavailable(_)));
        let syntax = from_message("near \"SELEC\": syntax error".into());
        assert!(matches!(syntax, Error::Statement(_)));
    }
}
