use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use tower_service::Service;

use crate::{Problem, conditional, origin};

/// Answers one request: the origin check before the handler, then problems written out with
/// their trace id, and tags on what was read.
pub async fn serve<B>(mut router: Router, request: Request<B>) -> Response
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let trace_id = trace_id(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let headers = request.headers().clone();
    if let Err(problem) = origin::check(&method, request.uri(), &headers) {
        let mut answer = problem.respond(&trace_id);
        secure(answer.headers_mut());
        return answer;
    }
    let Ok(mut response) = router.call(request.map(Body::new)).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let named = response.extensions().get::<WithoutPath>().is_none();
        log(&problem, &method, named.then_some(&path), &trace_id);
        let allow = response.headers_mut().remove(header::ALLOW);
        let mut answer = problem.respond(&trace_id);
        answer.headers_mut().extend(allow.map(|methods| (header::ALLOW, methods)));
        secure(answer.headers_mut());
        return answer;
    }
    secure(response.headers_mut());
    let streamed = response.extensions().get::<Streamed>().is_some();
    if method == Method::GET && response.status() == StatusCode::OK && !streamed {
        return tagged(&headers, response).await;
    }
    response
}

/// The answer's body is longer than memory should hold.
#[derive(Clone, Copy)]
struct Streamed;

/// An answer that is sent while it is made, and so has no tag.
pub fn streamed(mut response: Response) -> Response {
    response.extensions_mut().insert(Streamed);
    response
}

/// The request's path says more than the log may keep.
#[derive(Clone, Copy)]
struct WithoutPath;

/// The answer to a request whose path is not to be logged: it holds what belongs to one person.
pub fn without_path(mut response: Response) -> Response {
    response.extensions_mut().insert(WithoutPath);
    response
}

async fn tagged(request: &HeaderMap, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    // The bodies of our handlers are in memory already; this cannot fail or wait.
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let response = Response::from_parts(parts, Body::from(bytes.clone()));
    conditional::tag(request, response, &bytes)
}

/// An answer may hold what only this caller may see, so no shared cache keeps it.
fn secure(headers: &mut HeaderMap) {
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// The trace id of a W3C `traceparent`, which the host sets; zeros where no host did.
fn trace_id(headers: &HeaderMap) -> String {
    origin::header_text(headers, "traceparent")
        .and_then(|value| value.split('-').nth(1))
        .filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
        .map_or_else(|| "0".repeat(32), str::to_owned)
}

/// Only what an operator has to act on: a refused request is not news.
fn log(problem: &Problem, method: &Method, path: Option<&String>, trace_id: &str) {
    let Some(cause) = &problem.cause else { return };
    let line = serde_json::json!({
        "level": if problem.status.is_server_error() { "error" } else { "info" },
        "trace_id": trace_id,
        "method": method.as_str(),
        "path": path,
        "status": problem.status.as_u16(),
        "code": problem.code,
        "cause": cause,
    });
    eprintln!("{line}");
}

/// The router's fallback.
pub async fn not_found() -> Problem {
    Problem::not_found()
}

/// The router's fallback for a known path with another method; axum adds `Allow`.
pub async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take that method; see Allow.",
    )
}

/// The component's own contract, made at build time by the crate `openapi`.
pub fn openapi(document: &'static [u8]) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}
