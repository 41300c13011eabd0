//! Indexes are made once over all rows instead of changed with each: that sorts instead of
//! searching, and takes a fraction of the time. What they are is read from the database itself.

use anyhow::{Error, Result, anyhow};

use super::client::{Client, Engine};

#[derive(Default)]
pub(super) struct Indexes {
    /// SQL that drops them.
    pub(super) set_aside: String,
    /// SQL that makes them as they were.
    pub(super) make: String,
    /// Whether a failure leaves the database without them.
    lasting: bool,
}

impl Indexes {
    /// All of these tables but primary keys.
    pub(super) fn of(client: &Client, tables: &[&str]) -> Result<Self> {
        let quoted: Vec<String> = tables.iter().map(|table| format!("'{table}'")).collect();
        let sql = match client.engine() {
            Engine::Sqlite => SQLITE,
            Engine::Postgres => POSTGRES,
            Engine::Mysql => MYSQL,
        };
        let found = client.query(&sql.replace("TABLES", &quoted.join(", ")))?;
        let mut indexes = Self { lasting: client.engine() == Engine::Mysql, ..Self::default() };
        for line in found.lines() {
            let (drop, make) =
                line.split_once('\t').ok_or_else(|| anyhow!("an index without a name"))?;
            indexes.set_aside.push_str(&format!("{drop};\n"));
            indexes.make.push_str(&format!("{make};\n"));
        }
        Ok(indexes)
    }

    /// What is left to do after a failure.
    pub(super) fn explain(&self, error: Error) -> Error {
        if !self.lasting {
            return error.context("nothing was changed");
        }
        error.context(format!(
            "the database is half filled; empty it and migrate it again, or make what is missing of\n{}",
            self.make
        ))
    }
}

/// Triggers keep the full-text index; it is made again from its table's rows.
const SQLITE: &str = "\
    SELECT 'DROP ' || type || ' ' || name, replace(sql, char(10), ' ') FROM sqlite_master \
    WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name IN (TABLES) \
    UNION ALL SELECT 'SELECT 1', 'INSERT INTO ' || name || ' (' || name || ') VALUES (''rebuild'')' FROM sqlite_master \
    WHERE sql LIKE 'CREATE VIRTUAL TABLE % USING fts5(%' AND replace(name, '_tokens', '') IN (TABLES)";

const POSTGRES: &str = "\
    SELECT 'DROP INDEX ' || indexname, indexdef FROM pg_indexes \
    WHERE schemaname = current_schema() AND tablename IN (TABLES) \
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname) ORDER BY indexname";

const MYSQL: &str = "\
    SELECT concat('ALTER TABLE ', table_name, ' DROP INDEX ', index_name), \
    concat('ALTER TABLE ', table_name, ' ADD ', \
    CASE WHEN index_type = 'FULLTEXT' THEN 'FULLTEXT ' WHEN non_unique = 0 THEN 'UNIQUE ' ELSE '' END, \
    'INDEX ', index_name, ' (', group_concat(column_name ORDER BY seq_in_index SEPARATOR ', '), ')') \
    FROM information_schema.statistics \
    WHERE table_schema = database() AND table_name IN (TABLES) AND index_name <> 'PRIMARY' \
    GROUP BY table_name, index_name, index_type, non_unique ORDER BY table_name, index_name";
