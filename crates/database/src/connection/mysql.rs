use spin_sdk::mysql::{Connection, Error as SdkError, MysqlError, ParameterValue};

use crate::row::Values;
use crate::{Error, Row, Value};

pub(super) async fn open(url: &str) -> Result<Connection, Error> {
    Connection::open(url).await.map_err(from_sdk)
}

pub(super) async fn query(
    connection: &Connection,
    sql: String,
    values: Vec<Value>,
) -> Result<Vec<Row>, Error> {
    let result = connection.query(sql, parameters(values)).await.map_err(from_sdk)?;
    let (_, stream, outcome) = result.into_inner();
    let rows = super::read_all(stream, |values| Row(Values::Mysql(values))).await;
    outcome.await.map_err(from_interface)?;
    Ok(rows)
}

/// The interface does not say how many rows changed; the server does, on the same connection.
pub(super) async fn execute(
    connection: &Connection,
    sql: String,
    values: Vec<Value>,
) -> Result<u64, Error> {
    connection.execute(sql, parameters(values)).await.map_err(from_sdk)?;
    let rows = query(connection, "SELECT row_count()".to_owned(), Vec::new()).await?;
    let changed = rows.first().map_or(Ok(0), |row| row.integer(0))?;
    // Negative for a statement that changes no rows.
    Ok(u64::try_from(changed).unwrap_or(0))
}

fn parameters(values: Vec<Value>) -> Vec<ParameterValue> {
    let parameter = |value| match value {
        Value::Integer(number) => ParameterValue::Int64(number),
        Value::Real(number) => ParameterValue::Floating64(number),
        Value::Text(text) => ParameterValue::Str(text),
        Value::Blob(bytes) => ParameterValue::Binary(bytes),
        Value::Null => ParameterValue::DbNull,
    };
    values.into_iter().map(parameter).collect()
}

fn from_sdk(error: SdkError) -> Error {
    match error {
        SdkError::MysqlError(error) => from_interface(error),
        SdkError::Decode(message) => Error::Statement(message),
    }
}

fn from_interface(error: MysqlError) -> Error {
    match error {
        MysqlError::ConnectionFailed(message) => Error::Unavailable(message),
        MysqlError::QueryFailed(message) | MysqlError::Other(message) => from_message(message),
        MysqlError::BadParameter(message) | MysqlError::ValueConversionFailed(message) => {
            Error::Statement(message)
        }
    }
}

/// The interface gives a text only. The server's own errors carry a number in it; without one
/// the connection was lost. What the text repeats of a row goes nowhere.
fn from_message(message: String) -> Error {
    match number(&message) {
        Some(1062) => Error::Unique(key(&message).to_owned()),
        // Deadlock; lock not had in time; MariaDB: record changed since it was read.
        Some(1213 | 1205 | 1020) => Error::Conflict(message),
        // Too many connections, no access, no such database, shutting down, killed, read-only, full.
        Some(
            1040 | 1044 | 1045 | 1049 | 1053 | 1203 | 1317 | 1927 | 1290 | 1836 | 1021 | 1114
            | 3024 | 1969 | 3169 | 4031,
        ) => Error::Unavailable(message),
        Some(_) => Error::Statement(message),
        None => Error::Unavailable(message),
    }
}

/// Hosts write `ERROR 23000 (1062): Duplicate entry 'a' for key 'accounts.login'` or, as Spin
/// does, `Server(ServerError { code: 1062, message: "Duplicate entry …" … })`. Only the first
/// place of each is looked at, because what follows repeats what people wrote.
fn number(message: &str) -> Option<u32> {
    let between = |open: &str, close: char| {
        let (_, rest) = message.split_once(open)?;
        rest.split(close).next()?.parse().ok()
    };
    between("(", ')').or_else(|| between("{ code: ", ','))
}

fn key(message: &str) -> &str {
    let key = message.rsplit_once("for key '").and_then(|(_, rest)| rest.split('\'').next());
    key.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::from_message;
    use crate::Error;

    #[test]
    fn numbers_become_kinds() {
        let unique = "ERROR 23000 (1062): Duplicate entry 'for key '' for key 'accounts.login'";
        assert!(
            matches!(from_message(unique.into()), Error::Unique(key) if key == "accounts.login")
        );
        let spin = r#"Server(ServerError { code: 1062, message: "Duplicate entry '(7)' for key 'PRIMARY'", state: "23000" })"#;
        assert!(matches!(from_message(spin.into()), Error::Unique(key) if key == "PRIMARY"));
        let deadlock = "Server error: `ERROR 40001 (1213): Deadlock found`";
        assert!(matches!(from_message(deadlock.into()), Error::Conflict(_)));
        let syntax = "ERROR 42000 (1064): You have an error in your SQL syntax";
        assert!(matches!(from_message(syntax.into()), Error::Statement(_)));
        let lost = "Input/output error: connection closed";
        assert!(matches!(from_message(lost.into()), Error::Unavailable(_)));
    }
}
