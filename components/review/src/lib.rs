//! Hospitals from open data, and what insiders say of them.

mod auth;
mod config;
mod domain;
mod publication;
mod routes;
mod store;

use std::sync::OnceLock;

use api::Problem;
use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post, put};
use config::Config;
use database::migration;
use routes::moderation::{log, removals, reply_tokens, reports, takedowns};
use routes::{complaints, export, hospitals, imports, publications, replies, reviews, statements};
use spin_sdk::{http::Request, http_service};

#[http_service]
async fn handle(request: Request) -> Response {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    if request.uri().path() == migration::PATH {
        return api::serve(migration::router(store::migrate), request).await;
    }
    let router = match config::load().await {
        Ok(config) => {
            publication::daily(config).await;
            ROUTER.get_or_init(|| router(config)).clone()
        }
        Err(cause) => Router::new().fallback(async move || Problem::unavailable(cause)),
    };
    api::serve(router, request).await
}

fn router(config: &'static Config) -> Router {
    Router::new()
        .route("/api/review/openapi.json", get(openapi))
        .route("/api/review/hospitals", get(hospitals::list))
        .route("/api/review/hospital-facets", get(hospitals::facets))
        .route("/api/review/hospitals/{id}", get(hospitals::show))
        .route("/api/review/reviews", get(reviews::latest::list))
        .route(
            "/api/review/hospitals/{id}/reviews",
            get(reviews::list).merge(anonymous(post(statements::create))),
        )
        .route(
            "/api/review/hospitals/{id}/reviews/{review_id}",
            get(reviews::show).merge(anonymous(put(statements::edit))),
        )
        .route(
            "/api/review/hospitals/{id}/reviews/{review_id}/withdrawal",
            anonymous(post(statements::withdraw)),
        )
        .route(
            "/api/review/hospitals/{id}/reviews/{review_id}/appeal",
            anonymous(post(statements::appeal)),
        )
        .route("/api/review/keys/{public_key}", anonymous(get(statements::show)))
        .route("/api/review/hospitals/{id}/reviews/{review_id}/reports", post(complaints::report))
        .route(
            "/api/review/hospitals/{id}/reviews/{review_id}/takedowns",
            post(complaints::request_takedown),
        )
        .route(
            "/api/review/hospitals/{id}/reviews/{review_id}/reply",
            put(replies::put).delete(replies::delete),
        )
        .route("/api/review/publications", post(publications::create))
        .route("/api/review/export.ndjson", get(export::show))
        .route("/api/review/moderation/log", get(log::list))
        .route("/api/review/moderation/reports", get(reports::list))
        .route("/api/review/moderation/reports/{id}/dismissal", post(reports::dismiss))
        .route("/api/review/moderation/takedowns", get(takedowns::list))
        .route("/api/review/moderation/takedowns/{id}/decisions", post(takedowns::decide))
        .route("/api/review/moderation/removals", get(removals::list).post(removals::propose))
        .route("/api/review/moderation/removals/{id}", delete(removals::drop_proposal))
        .route("/api/review/moderation/removals/{id}/confirmation", post(removals::confirm))
        .route(
            "/api/review/moderation/reply-tokens",
            get(reply_tokens::list).post(reply_tokens::issue),
        )
        .route("/api/review/moderation/reply-tokens/{id}", delete(reply_tokens::revoke))
        .route("/api/review/operator/hospital-imports", post(imports::start))
        .route("/api/review/operator/hospital-imports/{id}/rows", put(imports::stage))
        .route("/api/review/operator/hospital-imports/{id}/commit", post(imports::commit))
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
        .with_state(config)
}

/// Of what a review key says or asks the log does not even keep the address.
fn anonymous(routes: MethodRouter<&'static Config>) -> MethodRouter<&'static Config> {
    routes.layer(map_response(async |response| api::without_path(response)))
}

async fn openapi() -> Response {
    api::openapi(include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json")))
}
