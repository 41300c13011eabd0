//! SQL ↔ domain, one file per table.

pub(crate) mod accounts;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod throttles;

use std::sync::atomic::AtomicBool;

use database::migration::{Migration, run};
use database::{Database, Error};

const MIGRATIONS: &[Migration] =
    &[Migration(include_str!("../../migrations/sqlite/0001_accounts_and_sessions.sql"))];

static MIGRATED: AtomicBool = AtomicBool::new(false);

/// Brings the tables up to what this code expects.
pub(crate) async fn migrate(database: &Database) -> Result<(), Error> {
    run(database, "auth", MIGRATIONS, &MIGRATED).await
}
