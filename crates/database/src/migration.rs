//! Schema changes, in order, each applied once.
//!
//! SQLite is brought up to date by whoever opens it. The other databases are changed by
//! [`migrate`] alone, which `runtime-shim migrate` asks for with an account that may do so;
//! the accounts that serve need no right to change a schema.
//!
//! While a new version is rolled out, instances of the one before still run. So a step only
//! adds what they can ignore (expand); what they still use is removed by a later version, once
//! none of them runs any more (contract). That is why a database newer than the code is served.

use std::sync::atomic::{AtomicBool, Ordering};

use api::Problem;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};

use crate::{Database, Dialect, Error, Value};

/// Where `runtime-shim migrate` asks. Under no prefix that a trigger or a gateway routes here.
pub const PATH: &str = "/internal/migrate";

/// The steps of one schema, a slice for each dialect. A step is the whole text of a file in
/// `migrations/`; a statement ends at a line that ends with `;`.
///
/// On MySQL each statement commits by itself, so a step is written such that it can be
/// repeated after it was interrupted (`IF NOT EXISTS`).
pub struct Migrations {
    /// The component's name: the table that counts the steps carries it, because components
    /// may share one SQLite file.
    pub component: &'static str,
    pub sqlite: &'static [&'static str],
    pub postgres: &'static [&'static str],
    pub mysql: &'static [&'static str],
}

/// What [`migrate`] did.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    pub component: &'static str,
    /// How many steps the database had before.
    pub from: usize,
    /// How many it has now.
    pub to: usize,
}

impl Migrations {
    fn steps(&self, dialect: Dialect) -> &'static [&'static str] {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
            Dialect::Mysql => self.mysql,
        }
    }
}

/// Answers [`PATH`] by `migrate`, which has to work before anything else of the component does.
/// Only an operator asks, so a refusal says what the matter is.
pub fn router<F>(migrate: impl Fn() -> F + Clone + Send + Sync + 'static) -> Router
where
    F: Future<Output = Result<Outcome, Error>> + Send,
{
    let refused = |error: Error| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_migrated", error.to_string())
    };
    let answer = async move || migrate().await.map(Json).map_err(refused);
    Router::new().route(PATH, post(answer)).method_not_allowed_fallback(api::method_not_allowed)
}

/// Makes sure that the schema is what this code needs. `done` is the caller's static: a warm
/// instance asks the database only once.
pub async fn ensure(
    database: &Database,
    migrations: &Migrations,
    done: &AtomicBool,
) -> Result<(), Error> {
    if done.load(Ordering::Relaxed) {
        return Ok(());
    }
    if database.dialect() == Dialect::Sqlite {
        migrate(database, migrations).await?;
    } else {
        let needed = migrations.steps(database.dialect()).len();
        let applied = match applied(database, migrations).await {
            // The table that counts is not there.
            Err(Error::Statement(_)) => 0,
            other => other?,
        };
        if applied < needed {
            return Err(Error::Configuration(format!(
                "the database of {} is at version {applied} and this code needs {needed}; run `runtime-shim migrate` first",
                migrations.component
            )));
        }
    }
    done.store(true, Ordering::Relaxed);
    Ok(())
}

/// Applies what is missing. Of two that start at once, one does it and the other waits.
pub async fn migrate(database: &Database, migrations: &Migrations) -> Result<Outcome, Error> {
    if database.dialect() == Dialect::Mysql {
        return migrate_mysql(database, migrations).await;
    }
    // The usual case on SQLite costs no write lock.
    if let Ok(applied) = applied(database, migrations).await
        && applied == migrations.steps(database.dialect()).len()
    {
        return Ok(Outcome { component: migrations.component, from: applied, to: applied });
    }
    database
        .transaction(async |database: &Database| {
            if database.dialect() == Dialect::Postgres {
                // Until the end of the transaction. The number is the component's alone.
                let lock = format!(
                    "SELECT 1 FROM pg_advisory_xact_lock(hashtext('{}_migrations'))",
                    migrations.component
                );
                database.query(&lock, []).await?;
            }
            apply(database, migrations).await
        })
        .await
}

/// MySQL's schema changes commit by themselves, so a transaction would not keep others out.
async fn migrate_mysql(database: &Database, migrations: &Migrations) -> Result<Outcome, Error> {
    let name: Value = format!("{}_migrations", migrations.component).into();
    let lock = database.query_one("SELECT get_lock(?1, 60)", [name.clone()]).await?;
    if lock.is_none_or(|row| row.optional_integer(0).ok().flatten() != Some(1)) {
        return Err(Error::Unavailable("another migration is running".into()));
    }
    let outcome = apply(database, migrations).await;
    database.query("SELECT release_lock(?1)", [name]).await?;
    outcome
}

async fn apply(database: &Database, migrations: &Migrations) -> Result<Outcome, Error> {
    let component = migrations.component;
    database
        .query(
            &format!(
                "CREATE TABLE IF NOT EXISTS {component}_migrations (version BIGINT NOT NULL PRIMARY KEY)"
            ),
            [],
        )
        .await?;
    let from = applied(database, migrations).await?;
    let steps = migrations.steps(database.dialect());
    if from > steps.len() {
        return Err(Error::Configuration(format!(
            "the database of {component} is at version {from}, newer than this code, which knows {}",
            steps.len()
        )));
    }
    for (index, text) in steps.iter().enumerate().skip(from) {
        for statement in statements(text) {
            database.query(&statement, []).await?;
        }
        let version = i64::try_from(index + 1).unwrap_or(i64::MAX);
        let insert = format!("INSERT INTO {component}_migrations (version) VALUES (?1)");
        database.query(&insert, [Value::Integer(version)]).await?;
    }
    Ok(Outcome { component, from, to: steps.len() })
}

/// How many steps the database has.
async fn applied(database: &Database, migrations: &Migrations) -> Result<usize, Error> {
    let sql = format!("SELECT count(*) FROM {}_migrations", migrations.component);
    let row = database.query_one(&sql, []).await?;
    let count = row.map_or(Ok(0), |row| row.integer(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn statements(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("--")) {
        current.push_str(line);
        current.push('\n');
        if line.trim_end().ends_with(';') {
            statements.push(current.trim().trim_end_matches(';').to_owned());
            current.clear();
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn a_statement_ends_at_a_line_that_ends_with_a_semicolon() {
        let text =
            "-- why\nCREATE TABLE a (\n  b TEXT DEFAULT 'x;y'\n);\nCREATE INDEX c ON a (b);\n";
        assert_eq!(
            statements(text),
            ["CREATE TABLE a (\n  b TEXT DEFAULT 'x;y'\n)", "CREATE INDEX c ON a (b)"]
        );
    }
}
