use crate::{Error, Value};

/// One row, its columns in the order of the statement.
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// MySQL gives text in a binary collation as bytes, which is why both are taken.
    pub fn text(&self, column: usize) -> Result<String, Error> {
        let not_text = Error::Column(column, "text");
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text.clone()),
            Some(Value::Blob(bytes)) => String::from_utf8(bytes.clone()).map_err(|_| not_text),
            _ => Err(not_text),
        }
    }

    pub fn integer(&self, column: usize) -> Result<i64, Error> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
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
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => get(self, column).map(Some),
        }
    }
}
