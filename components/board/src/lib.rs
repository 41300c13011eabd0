//! The free board: posts, questions, comments, votes.

mod config;
mod domain;
mod routes;
mod store;

use std::sync::OnceLock;

use api::Problem;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, put};
use spin_sdk::http::Request;
use spin_sdk::http_service;

use config::Config;
use database::migration;
use routes::{accepted_answer, comments, posts, votes};

fn routes() -> Router<Config> {
    Router::new()
        .route("/api/board/posts", get(posts::list).post(posts::create))
        .route("/api/board/posts/{post}", get(posts::read).patch(posts::edit).delete(posts::remove))
        .route(
            "/api/board/posts/{post}/vote",
            put(votes::vote_for_post).delete(votes::withdraw_from_post),
        )
        .route(
            "/api/board/posts/{post}/accepted-answer",
            put(accepted_answer::accept).delete(accepted_answer::clear),
        )
        .route("/api/board/posts/{post}/comments", get(comments::list).post(comments::create))
        .route(
            "/api/board/posts/{post}/comments/{comment}",
            get(comments::read).patch(comments::edit).delete(comments::remove),
        )
        .route(
            "/api/board/posts/{post}/comments/{comment}/vote",
            put(votes::vote_for_comment).delete(votes::withdraw_from_comment),
        )
        .route("/api/board/openapi.json", get(openapi))
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
}

#[http_service]
async fn handle(request: Request) -> Response {
    let router = if request.uri().path() == migration::PATH {
        Ok(migration::router(store::migrate))
    } else {
        router().await
    };
    let router = router.unwrap_or_else(|problem| Router::new().fallback(async move || problem));
    api::serve(router, request).await
}

/// Built by the first request, since only then the variables can be read.
async fn router() -> Result<Router, Problem> {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    if let Some(router) = ROUTER.get() {
        return Ok(router.clone());
    }
    let config = Config::from_variables().await.map_err(Problem::unavailable)?;
    Ok(ROUTER.get_or_init(|| routes().with_state(config)).clone())
}

async fn openapi() -> Response {
    api::openapi(include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json")))
}
