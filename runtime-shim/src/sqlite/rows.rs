//! What a statement finds, in a guest's values.

use rusqlite::Statement;
use rusqlite::types::{Value as Parameter, ValueRef};

use super::session::{RunError, names};
use crate::imports::wit::spin::sqlite::sqlite::{RowResult, Value};

pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<RowResult>,
    /// What they take.
    pub bytes: u64,
}

/// Runs `statement` and takes all its rows, at most `limit` bytes of values.
pub(super) fn query(
    statement: &mut Statement<'_>,
    parameters: &[Parameter],
    limit: u64,
) -> Result<Rows, RunError> {
    let too_long =
        || RunError::Other(format!("query result exceeds limit of {limit} bytes; use LIMIT"));
    let mut bytes = names(statement) as u64;
    if bytes > limit {
        return Err(too_long());
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut values = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let value = row.get_ref(index)?;
            bytes += size(&value);
            if bytes > limit {
                return Err(too_long());
            }
            values.push(owned(value, column)?);
        }
        rows.push(RowResult { values });
    }
    drop(found);
    Ok(Rows { columns, rows, bytes })
}

fn owned(value: ValueRef<'_>, column: &str) -> Result<Value, RunError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8(bytes.to_vec()).map_err(|_| {
            RunError::Other(format!("column {column} holds text that is not UTF-8"))
        })?),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

/// What a value costs in memory, its cell included.
fn size(value: &ValueRef<'_>) -> u64 {
    const CELL: u64 = 32;
    CELL + match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() as u64,
        _ => 0,
    }
}
