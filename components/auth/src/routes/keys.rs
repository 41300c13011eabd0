//! The public keys that access tokens are checked with.

use api::Problem;
use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::config;

pub(crate) const PATH: &str = "/api/auth/.well-known/jwks.json";

/// A router of its own: while auth's database is away, the others go on checking sessions.
pub(crate) fn router() -> Router {
    Router::new().route(PATH, get(show)).method_not_allowed_fallback(api::method_not_allowed)
}

/// Public, and cacheable for five minutes: a new key may be that long in becoming known.
async fn show() -> Result<impl IntoResponse, Problem> {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    Ok((headers, config::signer().await?.jwks().to_vec()))
}
