//! What the host itself answers when no component did: RFC 9457 problem
//! details for programs, a small page for people.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::body::Body;
use crate::trace::TraceContext;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Long enough for a queue of `queue` requests to empty.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// Everything that the host can have to say, and no more: why it happened is in the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Problem {
    NotFound,
    Malformed,
    HeadTooLarge,
    BodyTooLarge,
    Crashed,
    Overloaded,
    TimedOut,
    Loop,
}

impl Problem {
    pub(crate) fn status(self) -> StatusCode {
        self.row().0
    }

    /// Status, code, and what the client can do, in Korean and English.
    fn row(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "not_found",
                "주소에 해당하는 페이지가 없습니다. 주소를 확인해 주세요.",
                "There is nothing at this address.",
            ),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "malformed_request",
                "요청 형식이 올바르지 않거나 전송이 끊겼습니다. 다시 보내 주세요.",
                "The request is malformed or broke off. Send it again.",
            ),
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head_too_large",
                "요청 헤더가 너무 많습니다. 줄여서 다시 보내 주세요.",
                "The request has too many headers. Send fewer.",
            ),
            Self::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "보낸 내용이 너무 큽니다. 줄여서 다시 보내 주세요.",
                "The request body is too large. Send less.",
            ),
            Self::Crashed => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "처리하는 중에 문제가 생겼습니다. 잠시 후 다시 시도해 주세요.",
                "Something went wrong here. Try again later.",
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "지금 요청이 많습니다. 잠시 후 다시 시도해 주세요.",
                "Too many requests right now. Try again shortly.",
            ),
            Self::TimedOut => (
                StatusCode::GATEWAY_TIMEOUT,
                "timed_out",
                "시간 안에 처리하지 못했습니다. 잠시 후 다시 시도해 주세요.",
                "The request took too long. Try again later.",
            ),
            Self::Loop => (
                StatusCode::LOOP_DETECTED,
                "loop_detected",
                "요청이 서비스 안에서 되풀이되어 중단했습니다.",
                "The request went round in circles and was stopped.",
            ),
        }
    }
}

/// Who is to be told about a problem, kept aside before the request is given to a guest.
pub(crate) struct Asker {
    accept: Option<HeaderValue>,
    trace: TraceContext,
}

impl Asker {
    pub(crate) fn of(headers: &HeaderMap, trace: TraceContext) -> Self {
        Self { accept: headers.get(ACCEPT).cloned(), trace }
    }
}

/// The host's own answer.
pub(crate) fn problem(problem: Problem, asker: &Asker) -> Response<Body> {
    let trace = asker.trace;
    let (content_type, text) = if prefers_html(asker.accept.as_ref()) {
        ("text/html; charset=utf-8", page(problem, trace))
    } else {
        ("application/problem+json", json(problem, trace))
    };
    let mut response = Response::new(Body::full(Bytes::from(text)));
    *response.status_mut() = problem.status();
    let answer = response.headers_mut();
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&trace.to_string()) {
        answer.insert(REQUEST_ID, id);
    }
    if problem == Problem::Overloaded {
        answer.insert(RETRY_AFTER, RETRY_SECONDS);
    }
    response
}

/// Browsers ask for text/html by name; programs do not.
fn prefers_html(accept: Option<&HeaderValue>) -> bool {
    let Some(accept) = accept.and_then(|value| value.to_str().ok()) else { return false };
    let place = |kind| accept.find(kind);
    match (place("text/html"), place("json")) {
        (Some(html), Some(json)) => html < json,
        (html, _) => html.is_some(),
    }
}

fn json(problem: Problem, trace: TraceContext) -> String {
    let (status, code, _, detail) = problem.row();
    serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
        "trace_id": trace.to_string(),
    })
    .to_string()
}

/// Nothing in it comes from the request but the trace id, which is hex digits.
fn page(problem: Problem, trace: TraceContext) -> String {
    let (status, _, korean, english) = problem.row();
    let status = status.as_u16();
    format!(
        "<!doctype html><html lang=\"ko\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{status}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:1rem/1.6 system-ui,sans-serif;\
         max-width:36rem;margin:15vh auto;padding:0 1rem;word-break:keep-all}}</style>\
         <h1>{status}</h1><p>{korean}</p><p lang=\"en\">{english}</p>\
         <p><small>{trace}</small></p></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_a_page_and_programs_get_json() {
        let accepts = |value: &'static str| prefers_html(Some(&HeaderValue::from_static(value)));
        assert!(accepts("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(!accepts("application/json"));
        assert!(!accepts("application/json, text/html"));
        assert!(!accepts("*/*"));
        assert!(!prefers_html(None));
    }
}
