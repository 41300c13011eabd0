//! SQL ↔ domain, one file for each table.

pub(crate) mod hospitals;
pub(crate) mod imports;
pub(crate) mod reviews;

use std::sync::atomic::AtomicBool;

use database::migration::{self, Migration};
use database::{Database, Error, Value};

use crate::config::Config;

const MIGRATIONS: [Migration; 3] = [
    Migration(include_str!("../../migrations/sqlite/0001_hospitals.sql")),
    Migration(include_str!("../../migrations/sqlite/0002_reviews.sql")),
    Migration(include_str!("../../migrations/sqlite/0003_latest_reviews.sql")),
];

/// A connection to the component's database, its schema up to date.
pub(crate) async fn open(config: &Config) -> Result<Database, Error> {
    static MIGRATED: AtomicBool = AtomicBool::new(false);
    let db = Database::open(&config.database_url).await?;
    migration::run(&db, "review", &MIGRATIONS, &MIGRATED).await?;
    Ok(db)
}

/// A statement whose text depends on what is asked for. Values never enter the text.
struct Statement {
    sql: String,
    values: Vec<Value>,
    has_condition: bool,
}

impl Statement {
    fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new(), has_condition: false }
    }

    /// Adds `text` as a condition that has to hold beside the others.
    fn condition(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.has_condition { " AND " } else { " WHERE " });
        self.has_condition = true;
        self.push(text, values);
    }

    /// Adds `text`, where each `?` stands for the next of `values`.
    fn push(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        for (index, part) in text.split('?').enumerate() {
            if index > 0 {
                self.values.extend(values.next());
                self.sql.push_str(&format!("?{}", self.values.len()));
            }
            self.sql.push_str(part);
        }
    }

    /// Adds `(?, ?, …)` with all of `values`, of which there is at least one.
    fn push_list(&mut self, values: impl IntoIterator<Item = Value>) {
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "(?" } else { ", ?" }, [value]);
        }
        self.sql.push(')');
    }

    async fn query(self, db: &Database) -> Result<Vec<database::Row>, Error> {
        db.query(&self.sql, self.values).await
    }
}

#[cfg(test)]
mod tests {
    use database::Value;

    use super::Statement;

    #[test]
    fn conditions_are_numbered_as_they_come() {
        let mut select = Statement::new("SELECT a FROM b");
        select.condition("d = ?", ["x".into()]);
        select.condition("(e, f) > (?, ?)", ["y".into(), "z".into()]);
        select.condition("g IN ", []);
        select.push_list([Value::Integer(1), Value::Integer(2)]);
        assert_eq!(
            select.sql,
            "SELECT a FROM b WHERE d = ?1 AND (e, f) > (?2, ?3) AND g IN (?4, ?5)"
        );
        assert_eq!(select.values.len(), 5);
    }
}
