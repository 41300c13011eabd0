//! Accounts and sessions, proofs of employment and review passes: who an insider is and where they
//! work, told to nobody.

mod config;
mod domain;
mod guess;
mod instance;
mod mailer;
mod routes;
mod store;

use std::sync::OnceLock;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use spin_sdk::{http::Request, http_service};

use config::Auth;
use database::migration;
use routes::{accounts, keys, moderation, moderators, passes, proofs, sessions};

/// Made by the first request that finds the component set up; kept as long as the instance.
static ROUTER: OnceLock<Router> = OnceLock::new();

#[http_service]
async fn handle(request: Request) -> Response {
    let router = match ROUTER.get() {
        _ if request.uri().path() == migration::PATH => migration::router(store::migrate),
        _ if request.uri().path() == keys::PATH => keys::router(),
        Some(router) => router.clone(),
        None => start().await,
    };
    api::serve(router, request).await
}

/// A component that is not set up answers with the reason, to every request, until it is.
async fn start() -> Router {
    match Auth::load().await {
        Ok(auth) => ROUTER.get_or_init(|| router(auth)).clone(),
        Err(problem) => Router::new().fallback(async move || problem),
    }
}

fn router(auth: Auth) -> Router {
    Router::new()
        .route("/api/auth/accounts", post(accounts::create))
        .route("/api/auth/accounts/me", get(accounts::show).delete(accounts::remove))
        .route("/api/auth/accounts/me/password", post(accounts::change_password))
        .route("/api/auth/sessions", post(sessions::create).delete(sessions::remove_all))
        .route("/api/auth/sessions/refresh", post(sessions::refresh))
        .route("/api/auth/sessions/current", delete(sessions::remove_current))
        .route("/api/auth/proofs", get(proofs::show))
        .route("/api/auth/proofs/pending/{method}", delete(proofs::take_back))
        .route("/api/auth/proofs/mail-domains", get(proofs::mail::domains))
        .route("/api/auth/proofs/mail", post(proofs::mail::request))
        .route("/api/auth/proofs/mail/confirmation", post(proofs::mail::confirm))
        .route("/api/auth/proofs/document", post(proofs::document::upload))
        .route("/api/auth/proofs/vouching", post(proofs::vouching::request))
        .route("/api/auth/vouches", post(proofs::vouching::vouch))
        .route("/api/auth/passes", post(passes::issue))
        .route("/api/auth/passes/keys", get(passes::keys))
        .route("/api/auth/passes/crowd", get(passes::crowd))
        .route("/internal/auth/passes/redemptions", post(passes::redeem))
        .route(
            "/api/auth/moderators/{login}",
            put(moderators::add).delete(moderators::remove).layer(map_response(nameless)),
        )
        .route("/api/auth/moderation/documents", get(moderation::documents::list))
        .route("/api/auth/moderation/documents/{id}", get(moderation::documents::show))
        .route("/api/auth/moderation/documents/{id}/decisions", post(moderation::documents::decide))
        .route("/api/auth/moderation/mail-domains", get(moderation::mail_domains::list))
        .route(
            "/api/auth/moderation/mail-domains/{hospital_id}/{domain}",
            put(moderation::mail_domains::approve).delete(moderation::mail_domains::remove),
        )
        .route("/api/auth/openapi.json", get(openapi))
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
        .with_state(auth)
}

/// The log does not keep an address that names somebody.
async fn nameless(response: Response) -> Response {
    api::without_path(response)
}

async fn openapi() -> Response {
    api::openapi(include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json")))
}
