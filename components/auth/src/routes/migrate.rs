//! Bringing the schema up to date, before anything else of the component can work.

use axum::Json;
use database::Database;
use database::migration::{self, Outcome};
use serde::Serialize;

use crate::config::variable;
use crate::instance::InTransaction;
use crate::store;

/// Under no prefix that a trigger routes here: only the host asks, for `runtime-shim migrate`.
pub(crate) const PATH: &str = "/internal/migrate";

#[derive(Serialize)]
pub(crate) struct Migrated {
    component: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
}

/// It needs the database's URL alone: no table, no secret.
pub(crate) async fn run() -> api::Result<Json<Migrated>> {
    let database = Database::open(&variable("database_url").await?).await?.patient();
    let _counted = InTransaction::new();
    let outcome = migration::migrate(&database, &store::MIGRATIONS).await?;
    Ok(Json(Migrated { component: store::COMPONENT, outcome }))
}
