use axum::Json;
use axum::extract::State;
use session::Operator;

use crate::config::Config;
use crate::publication::{self, Summary};

/// The batch, with what was written today.
pub(crate) async fn create(
    _: Operator,
    State(config): State<&'static Config>,
) -> api::Result<Json<Summary>> {
    publication::at_once(config).await.map(Json)
}
