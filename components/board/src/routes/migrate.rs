use api::Problem;
use axum::Json;
use database::Database;
use database::migration::{self, Outcome};
use serde::Serialize;

use crate::config;
use crate::store::{self, search};

/// Under no prefix that a trigger routes here: only the host asks, for `runtime-shim migrate`.
pub(crate) const PATH: &str = "/internal/migrate";

#[derive(Serialize)]
pub(crate) struct Migrated {
    component: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Brings the schema up to date. It needs the database's URL alone, so that it works before
/// anything else of the component does.
pub(crate) async fn run() -> api::Result<Json<Migrated>> {
    let url = config::variable("database_url").await.map_err(Problem::unavailable)?;
    let db = Database::open(&url).await?.patient();
    let outcome = migration::migrate(&db, &store::MIGRATIONS).await?;
    while !search::index_older_posts(&db).await? {}
    Ok(Json(Migrated { component: store::COMPONENT, outcome }))
}
