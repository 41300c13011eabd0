//! SQL ↔ domain, one file per table.

pub(crate) mod accounts;
pub(crate) mod documents;
pub(crate) mod mail_codes;
pub(crate) mod mail_domains;
pub(crate) mod moderators;
pub(crate) mod pass_keys;
pub(crate) mod passes;
pub(crate) mod proofs;
pub(crate) mod proven_addresses;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod throttles;
pub(crate) mod vouch_codes;

use std::sync::atomic::AtomicBool;

use database::migration::{self, Migrations, Outcome, ensure};
use database::{Database, Error};

use crate::config::database_url;

/// The component's name in the tables that shared crates use.
pub(crate) const COMPONENT: &str = "auth";

const MIGRATIONS: Migrations = Migrations {
    component: COMPONENT,
    sqlite: &[
        include_str!("../../migrations/sqlite/0001_accounts_and_sessions.sql"),
        include_str!("../../migrations/sqlite/0002_proofs_and_passes.sql"),
    ],
    postgres: &[
        include_str!("../../migrations/postgres/0001_accounts_and_sessions.sql"),
        include_str!("../../migrations/postgres/0002_proofs_and_passes.sql"),
    ],
    mysql: &[
        include_str!("../../migrations/mysql/0001_accounts_and_sessions.sql"),
        include_str!("../../migrations/mysql/0002_proofs_and_passes.sql"),
    ],
};

/// Brings the schema up to date: with the database's URL alone, no table and no secret.
pub(crate) async fn migrate() -> Result<Outcome, Error> {
    let url = database_url().await.map_err(Error::Configuration)?;
    let database = Database::open(&url).await?.patient();
    migration::migrate(&database, &MIGRATIONS).await
}

static CURRENT: AtomicBool = AtomicBool::new(false);

/// Makes sure that the tables are what this code expects.
pub(crate) async fn ensure_current(database: &Database) -> Result<(), Error> {
    ensure(database, &MIGRATIONS, &CURRENT).await
}
