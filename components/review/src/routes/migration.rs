//! What `runtime-shim migrate` asks for. Not below `/api/review`, so that no route of a trigger
//! or a gateway reaches it.

use axum::Json;
use database::migration::Outcome;
use serde::Serialize;

use crate::{config, store};

#[derive(Serialize)]
pub(crate) struct Report {
    component: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Works before anything else of the component does: the other variables may be missing.
pub(crate) async fn run() -> api::Result<Json<Report>> {
    let url = config::database_url().await.map_err(api::Problem::unavailable)?;
    let outcome = store::migrate(&url).await?;
    Ok(Json(Report { component: "review", outcome }))
}
