use crate::{Database, Error, Row, Value, contains};

/// A statement whose text depends on what is asked for. Values never enter the text.
pub struct Statement {
    sql: String,
    values: Vec<Value>,
    has_condition: bool,
}

impl Statement {
    pub fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new(), has_condition: false }
    }

    /// Adds `text` as a condition that has to hold beside the others.
    pub fn condition(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.has_condition { " AND " } else { " WHERE " });
        self.has_condition = true;
        self.push(text, values);
    }

    /// Adds `text`, where each `?` stands for the next of `values`.
    pub fn push(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        for (index, part) in text.split('?').enumerate() {
            if index > 0 {
                let number = self.bind(values.next().unwrap_or(Value::Null));
                self.sql.push_str(&format!("?{number}"));
            }
            self.sql.push_str(part);
        }
    }

    /// Adds `text`, after which conditions are those of the query around what was said so far.
    pub fn around(&mut self, text: &str) {
        self.sql.push_str(text);
        self.has_condition = false;
    }

    /// Adds `(?, ?, …)` with all of `values`, of which there is at least one.
    pub fn push_list(&mut self, values: impl IntoIterator<Item = Value>) {
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "(?" } else { ", ?" }, [value]);
        }
        self.sql.push(')');
    }

    /// The number of a further parameter, for [`Self::numbered_condition`].
    pub fn bind(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len()
    }

    /// Like [`Self::condition`], its parameters numbered already.
    pub fn numbered_condition(&mut self, text: &str) {
        self.sql.push_str(if self.has_condition { " AND " } else { " WHERE " });
        self.has_condition = true;
        self.sql.push_str(text);
    }

    /// Comes after `place` in the order of `columns`, or before it: `sign` is `<` or `>`.
    pub fn keyset<const N: usize>(
        &mut self,
        database: &Database,
        columns: [&str; N],
        sign: &str,
        place: [Value; N],
    ) {
        let numbers = place.map(|value| self.bind(value));
        self.numbered_condition(&database.dialect().keyset(&columns, sign, &numbers));
    }

    /// Has `term` in one of `columns`. Capital letters count as small ones, as far as the database
    /// knows them.
    pub fn contains(&mut self, database: &Database, columns: &[&str], term: &str) {
        let number = self.bind(contains(term).into());
        let contains = |column| database.dialect().contains(column, number, has_case(term));
        let any = columns.iter().copied().map(contains).collect::<Vec<_>>().join(" OR ");
        self.numbered_condition(&format!("({any})"));
    }

    /// Has all of `tokens` in the column `tokens` of `table`; see [`crate::Dialect::has_tokens`].
    pub fn has_tokens(&mut self, database: &Database, table: &str, tokens: &str) {
        let dialect = database.dialect();
        let number = self.bind(dialect.tokens(tokens));
        self.numbered_condition(&dialect.has_tokens(table, number));
    }

    pub async fn query(self, database: &Database) -> Result<Vec<Row>, Error> {
        database.query(&self.sql, self.values).await
    }

    /// How many rows changed.
    pub async fn execute(self, database: &Database) -> Result<u64, Error> {
        database.execute(&self.sql, self.values).await
    }
}

fn has_case(term: &str) -> bool {
    term.chars().any(|c| !c.to_lowercase().eq([c]) || !c.to_uppercase().eq([c]))
}

#[cfg(test)]
mod tests {
    use super::{Statement, has_case};
    use crate::Value;

    #[test]
    fn conditions_are_numbered_as_they_come() {
        let mut select = Statement::new("SELECT a FROM b");
        select.condition("d = ?", ["x".into()]);
        select.condition("(e, f) > (?, ?)", ["y".into(), "z".into()]);
        select.condition("g IN ", []);
        select.push_list([Value::Integer(1), Value::Integer(2)]);
        select.around(") h");
        select.condition("i = ?", [Value::Integer(3)]);
        assert_eq!(
            select.sql,
            "SELECT a FROM b WHERE d = ?1 AND (e, f) > (?2, ?3) AND g IN (?4, ?5)) h WHERE i = ?6"
        );
        assert_eq!(select.values.len(), 6);
    }

    #[test]
    fn only_letters_that_have_a_counterpart_have_case() {
        assert!(["CT", "ct 촬영", "É", "ß", "ǆ"].into_iter().all(has_case));
        assert!(!["도수 치료", "50%", "漢字", "👩‍⚕️"].into_iter().any(has_case));
    }
}
