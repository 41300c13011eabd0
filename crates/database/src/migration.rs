//! Schema changes, in order, each applied once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Database, Error, Value};

/// One step of a schema: the whole text of a file in `migrations/`. A statement ends at a
/// line that ends with `;`.
pub struct Migration(pub &'static str);

/// Applies what is missing, in one transaction, so that two instances that start at once
/// agree. Steps are numbered by their place in the slice, from 1; the table that counts them carries the
/// component's name, because components may share one SQLite file.
///
/// `done` is the caller's static: a warm instance asks the database only once.
pub async fn run(
    database: &Database,
    component: &str,
    steps: &[Migration],
    done: &AtomicBool,
) -> Result<(), Error> {
    if done.load(Ordering::Relaxed) {
        return Ok(());
    }
    database
        .query(
            &format!(
                "CREATE TABLE IF NOT EXISTS {component}_migrations (version BIGINT PRIMARY KEY)"
            ),
            [],
        )
        .await?;
    let applied = applied(database, component).await?;
    if applied > steps.len() {
        return Err(Error::Configuration(format!(
            "the database of {component} is at version {applied}, newer than this code, which knows {}",
            steps.len()
        )));
    }
    if applied < steps.len() {
        database.transaction(async |database| apply(database, component, steps).await).await?;
    }
    done.store(true, Ordering::Relaxed);
    Ok(())
}

async fn apply(database: &Database, component: &str, steps: &[Migration]) -> Result<(), Error> {
    let applied = applied(database, component).await?;
    for (index, Migration(text)) in steps.iter().enumerate().skip(applied) {
        for statement in statements(text) {
            database.query(&statement, []).await?;
        }
        let version = i64::try_from(index + 1).unwrap_or(i64::MAX);
        database
            .query(
                &format!("INSERT INTO {component}_migrations (version) VALUES (?1)"),
                [Value::Integer(version)],
            )
            .await?;
    }
    Ok(())
}

/// How many steps the database has. A database newer than the code is refused: the code
/// cannot know what changed.
async fn applied(database: &Database, component: &str) -> Result<usize, Error> {
    let sql = format!("SELECT count(*) FROM {component}_migrations");
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
            statements.push(std::mem::take(&mut current).trim().to_owned());
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
            ["CREATE TABLE a (\n  b TEXT DEFAULT 'x;y'\n);", "CREATE INDEX c ON a (b);"]
        );
    }
}
