use axum::response::Response;
use spin_sdk::{http::Request, http_service};

#[http_service]
async fn handle(request: Request) -> Response {
    api::serve(axum::Router::new().fallback(api::not_found), request).await
}
