//! Where an insider works, for the component review to ask on the insider's behalf.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use session::Insider;

use super::own_account;
use crate::config::Auth;

#[derive(Serialize)]
pub(crate) struct Employment {
    hospital_id: Option<String>,
    review_pseudonym: String,
}

pub(crate) async fn show(
    State(auth): State<Auth>,
    insider: Insider,
) -> api::Result<Json<Employment>> {
    let database = auth.database().await?;
    let account = own_account(&database, &insider).await?;
    Ok(Json(Employment {
        review_pseudonym: auth.pseudonyms().reviewer(&account.id),
        hospital_id: account.hospital_id,
    }))
}
