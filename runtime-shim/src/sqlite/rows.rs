//! What a statement finds, in the types of whoever asked.

use rusqlite::Statement;
use rusqlite::types::{Value, ValueRef};

use super::session::{RunError, names};

pub struct Rows<R> {
    pub columns: Vec<String>,
    pub rows: Vec<R>,
    /// What they take.
    pub bytes: u64,
}

/// Builds a row of the caller's type from its values.
pub trait Row: Send + 'static {
    type Cell;
    fn cell(value: Value) -> Self::Cell;
    fn new(cells: Vec<Self::Cell>) -> Self;
}

/// Runs `statement` and takes all its rows, at most `limit` bytes of values.
pub(super) fn query<R: Row>(
    statement: &mut Statement<'_>,
    parameters: &[Value],
    limit: u64,
) -> Result<Rows<R>, RunError> {
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
        let mut cells = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let value = row.get_ref(index)?;
            bytes += size(&value);
            if bytes > limit {
                return Err(too_long());
            }
            cells.push(cell::<R>(value, column)?);
        }
        rows.push(R::new(cells));
    }
    drop(found);
    Ok(Rows { columns, rows, bytes })
}

fn cell<R: Row>(value: ValueRef<'_>, column: &str) -> Result<R::Cell, RunError> {
    let value = Value::try_from(value)
        .map_err(|_| RunError::Other(format!("column {column} holds text that is not UTF-8")))?;
    Ok(R::cell(value))
}

/// What a value costs in memory, its cell included.
fn size(value: &ValueRef<'_>) -> u64 {
    const CELL: u64 = 32;
    CELL + match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() as u64,
        _ => 0,
    }
}
