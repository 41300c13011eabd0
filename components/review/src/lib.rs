//! Hospitals from open data, and what insiders say of them.

mod config;
mod domain;
mod routes;
mod store;

use std::sync::OnceLock;

use api::Problem;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post, put};
use config::Config;
use database::migration;
use routes::{hospitals, imports, reviews};
use spin_sdk::{http::Request, http_service};

#[http_service]
async fn handle(request: Request) -> Response {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    if request.uri().path() == migration::PATH {
        return api::serve(migration::router(store::migrate), request).await;
    }
    let router = match config::load().await {
        Ok(config) => ROUTER.get_or_init(|| router(config)).clone(),
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
        .route("/api/review/hospitals/{id}/reviews", get(reviews::list).post(reviews::create))
        .route(
            "/api/review/hospitals/{id}/reviews/{review_id}",
            get(reviews::show).patch(reviews::edit).delete(reviews::delete),
        )
        .route("/api/review/reviews", get(reviews::latest::list))
        .route("/api/review/operator/hospital-imports", post(imports::start))
        .route("/api/review/operator/hospital-imports/{id}/rows", put(imports::stage))
        .route("/api/review/operator/hospital-imports/{id}/commit", post(imports::commit))
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
        .with_state(config)
}

async fn openapi() -> Response {
    api::openapi(include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json")))
}
