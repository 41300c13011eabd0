use axum::http::header;
use axum::response::{IntoResponse, Response};

/// What only insiders use is of no use to a search engine.
const RULES: &str = "User-agent: *\nDisallow: /account\nDisallow: /api/\nDisallow: /lang\nDisallow: /signin\nDisallow: /signup\n";

pub(crate) async fn read() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], RULES).into_response()
}
