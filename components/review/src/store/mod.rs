//! SQL ↔ domain, one file for each table.

pub(crate) mod banned_keys;
pub(crate) mod edits;
pub(crate) mod hospitals;
pub(crate) mod imports;
pub(crate) mod moderation_log;
pub(crate) mod publication;
pub(crate) mod ratings;
pub(crate) mod removals;
pub(crate) mod replies;
pub(crate) mod reports;
pub(crate) mod reviews;
pub(crate) mod takedowns;
mod texts;

use std::sync::atomic::AtomicBool;

use database::migration::{self, Migrations, Outcome};
use database::{Database, Error, Row, Value};

use crate::config::{self, Config};
use crate::domain::moderation::Reason;

const MIGRATIONS: Migrations = Migrations {
    component: "review",
    sqlite: &[
        include_str!("../../migrations/sqlite/0001_hospitals.sql"),
        include_str!("../../migrations/sqlite/0002_reviews.sql"),
        include_str!("../../migrations/sqlite/0003_latest_reviews.sql"),
        include_str!("../../migrations/sqlite/0004_search_and_ratings.sql"),
        include_str!("../../migrations/sqlite/0005_signed_reviews.sql"),
    ],
    postgres: &[
        include_str!("../../migrations/postgres/0001_hospitals.sql"),
        include_str!("../../migrations/postgres/0002_reviews.sql"),
        include_str!("../../migrations/postgres/0003_signed_reviews.sql"),
    ],
    mysql: &[
        include_str!("../../migrations/mysql/0001_hospitals.sql"),
        include_str!("../../migrations/mysql/0002_reviews.sql"),
        include_str!("../../migrations/mysql/0003_signed_reviews.sql"),
    ],
};

/// A connection to the component's database, whose schema is what this code needs.
pub(crate) async fn open(config: &Config) -> Result<Database, Error> {
    static MIGRATED: AtomicBool = AtomicBool::new(false);
    let db = Database::open(&config.database_url).await?;
    migration::ensure(&db, &MIGRATIONS, &MIGRATED).await?;
    texts::continue_index(&db).await?;
    Ok(db)
}

/// Brings the schema up to date, and what older versions wrote.
pub(crate) async fn migrate() -> Result<Outcome, Error> {
    let url = config::database_url().await.map_err(Error::Configuration)?;
    let db = Database::open(&url).await?.patient();
    let outcome = migration::migrate(&db, &MIGRATIONS).await?;
    while !texts::continue_index(&db).await? {}
    Ok(outcome)
}

/// The one number that a query gives.
async fn number<const N: usize>(
    db: &Database,
    sql: &str,
    values: [Value; N],
) -> Result<i64, Error> {
    db.query_one(sql, values).await?.map_or(Ok(0), |row| row.integer(0))
}

fn reason(row: &Row, column: usize) -> Result<Reason, Error> {
    Reason::named(row.str(column)?).ok_or(Error::Column(column, "a reason"))
}
