use spin_sdk::pg::{Connection, DbError, Error as SdkError, ParameterValue, PgError, QueryError};

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
    let rows = super::read_all(stream, |values| Row(Values::Postgres(values))).await;
    outcome.await.map_err(from_interface)?;
    Ok(rows)
}

pub(super) async fn execute(
    connection: &Connection,
    sql: String,
    values: Vec<Value>,
) -> Result<u64, Error> {
    connection.execute(sql, parameters(values)).await.map_err(from_sdk)
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
        SdkError::PgError(error) => from_interface(error),
        SdkError::Decode(message) => Error::Statement(message),
    }
}

fn from_interface(error: PgError) -> Error {
    match error {
        PgError::ConnectionFailed(message) => Error::Unavailable(message),
        PgError::QueryFailed(QueryError::DbError(error)) => from_server(error),
        // Without a code it is not the server that speaks: the connection was lost.
        PgError::QueryFailed(QueryError::Text(message)) => Error::Unavailable(message),
        PgError::BadParameter(message)
        | PgError::ValueConversionFailed(message)
        | PgError::Other(message) => Error::Statement(message),
    }
}

/// By the class of the SQLSTATE (PostgreSQL's manual, appendix A). The detail of an error may
/// repeat values of a row, so it goes nowhere.
fn from_server(error: DbError) -> Error {
    let DbError { code, message, extras, .. } = error;
    let constraint =
        extras.into_iter().find(|(name, _)| name == "constraint_name" || name == "constraint");
    match (code.as_str(), code.get(..2)) {
        ("23505", _) => Error::Unique(constraint.map_or(message, |(_, name)| name)),
        ("40001" | "40P01" | "55P03", _) => Error::Conflict(message),
        // Connection lost, out of resources, stopped by an operator, no such database or account.
        (_, Some("08" | "53" | "57" | "58" | "28" | "3D")) | ("25006", _) => {
            Error::Unavailable(message)
        }
        _ => Error::Statement(format!("{code}: {message}")),
    }
}
