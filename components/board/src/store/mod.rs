//! SQL ↔ domain, one file per table.

pub(crate) mod comments;
pub(crate) mod labels;
pub(crate) mod posts;
pub(crate) mod search;
pub(crate) mod votes;

use std::sync::atomic::{AtomicBool, Ordering};

use database::migration::{self, Migrations, Outcome};
use database::{Database, Error, Row, Value};

use crate::config::{self, Config};
use crate::domain::{Id, Rendered, markdown};

/// The component's name in the tables that shared crates use.
pub(crate) const COMPONENT: &str = "board";

const MIGRATIONS: Migrations = Migrations {
    component: COMPONENT,
    sqlite: &[
        include_str!("../../migrations/sqlite/0001_threads.sql"),
        include_str!("../../migrations/sqlite/0002_search.sql"),
    ],
    postgres: &[include_str!("../../migrations/postgres/0001_threads.sql")],
    mysql: &[include_str!("../../migrations/mysql/0001_threads.sql")],
};

/// A connection for one request, to a schema that is current.
pub(crate) async fn open(config: &Config) -> Result<Database, Error> {
    static CURRENT: AtomicBool = AtomicBool::new(false);
    static SEARCHABLE: AtomicBool = AtomicBool::new(false);
    let db = Database::open(&config.database_url).await?;
    migration::ensure(&db, &MIGRATIONS, &CURRENT).await?;
    if !SEARCHABLE.load(Ordering::Relaxed) && search::index_older_posts(&db).await? {
        SEARCHABLE.store(true, Ordering::Relaxed);
    }
    Ok(db)
}

/// Brings the schema up to date, and the posts that older versions wrote.
pub(crate) async fn migrate() -> Result<Outcome, Error> {
    let url = config::variable("database_url").await.map_err(Error::Configuration)?;
    let db = Database::open(&url).await?.patient();
    let outcome = migration::migrate(&db, &MIGRATIONS).await?;
    while !search::index_older_posts(&db).await? {}
    Ok(outcome)
}

fn id(text: String, column: usize) -> Result<Id, Error> {
    Id::try_from(text).map_err(|_| Error::Column(column, "an id"))
}

/// A text and its HTML out of three columns that follow one another: the text, the HTML and
/// the renderer that made it. What an older one made is not shown any more.
fn rendered(row: &Row, column: usize) -> Result<Rendered, Error> {
    let source = row.text(column)?;
    if row.integer(column + 2)? == markdown::RENDERER {
        return Ok(Rendered { source, html: row.text(column + 1)? });
    }
    Ok(Rendered::new(source))
}

fn key(id: &Id) -> Value {
    Value::Text(id.to_string())
}

/// Nobody has an empty pseudonym, so the public has voted for nothing.
fn reader_key(reader: Option<&str>) -> Value {
    reader.unwrap_or_default().into()
}

fn optional_key(id: Option<&Id>) -> Value {
    id.map_or(Value::Null, key)
}

fn optional_integer(number: Option<i64>) -> Value {
    number.map_or(Value::Null, Value::Integer)
}
