use spin_sdk::{mysql, pg};

use crate::{Error, Value};

/// One row, its columns in the order of the statement.
pub struct Row(pub(crate) Values);

/// As the interface of the database gave them: what is never asked for is never converted.
pub(crate) enum Values {
    Sqlite(Vec<Value>),
    Postgres(Vec<pg::DbValue>),
    Mysql(Vec<mysql::DbValue>),
}

/// One value, whichever database it is from.
enum Cell<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Of a type that is not used here.
    Other,
}

impl Row {
    /// MySQL gives text in a binary collation as bytes, which is why both are taken.
    pub fn text(&self, column: usize) -> Result<String, Error> {
        let not_text = Error::Column(column, "text");
        match self.cell(column) {
            Some(Cell::Text(text)) => Ok(text.to_owned()),
            Some(Cell::Bytes(bytes)) => {
                std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| not_text)
            }
            _ => Err(not_text),
        }
    }

    pub fn integer(&self, column: usize) -> Result<i64, Error> {
        match self.cell(column) {
            Some(Cell::Integer(number)) => Ok(number),
            _ => Err(Error::Column(column, "integer")),
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
        match self.cell(column) {
            Some(Cell::Null) => Ok(None),
            _ => get(self, column).map(Some),
        }
    }

    fn cell(&self, column: usize) -> Option<Cell<'_>> {
        match &self.0 {
            Values::Sqlite(values) => values.get(column).map(of_sqlite),
            Values::Postgres(values) => values.get(column).map(of_postgres),
            Values::Mysql(values) => values.get(column).map(of_mysql),
        }
    }
}

fn of_sqlite(value: &Value) -> Cell<'_> {
    match value {
        Value::Integer(number) => Cell::Integer(*number),
        Value::Text(text) => Cell::Text(text),
        Value::Blob(bytes) => Cell::Bytes(bytes),
        Value::Null => Cell::Null,
        Value::Real(_) => Cell::Other,
    }
}

fn of_postgres(value: &pg::DbValue) -> Cell<'_> {
    match value {
        pg::DbValue::Int64(number) => Cell::Integer(*number),
        pg::DbValue::Int32(number) => Cell::Integer((*number).into()),
        pg::DbValue::Boolean(truth) => Cell::Integer((*truth).into()),
        pg::DbValue::Str(text) => Cell::Text(text),
        pg::DbValue::Binary(bytes) => Cell::Bytes(bytes),
        pg::DbValue::DbNull => Cell::Null,
        _ => Cell::Other,
    }
}

fn of_mysql(value: &mysql::DbValue) -> Cell<'_> {
    match value {
        mysql::DbValue::Int64(number) => Cell::Integer(*number),
        mysql::DbValue::Int32(number) => Cell::Integer((*number).into()),
        mysql::DbValue::Int8(number) => Cell::Integer((*number).into()),
        mysql::DbValue::Uint64(number) => i64::try_from(*number).map_or(Cell::Other, Cell::Integer),
        mysql::DbValue::Str(text) => Cell::Text(text),
        mysql::DbValue::Binary(bytes) => Cell::Bytes(bytes),
        mysql::DbValue::DbNull => Cell::Null,
        _ => Cell::Other,
    }
}
