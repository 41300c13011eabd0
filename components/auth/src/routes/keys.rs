//! The public keys that access tokens are checked with.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::config::Auth;

/// Public, and cacheable for five minutes: a new key may be that long in becoming known.
pub(crate) async fn show(State(auth): State<Auth>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, auth.signer().jwks().to_vec())
}
