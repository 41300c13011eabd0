//! The three APIs, as a page calls them.

pub(crate) mod auth;
pub(crate) mod board;
pub(crate) mod moderation;
pub(crate) mod review;

use std::sync::OnceLock;
use std::time::Duration;

use api::Problem;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use bytes::Bytes;
use futures::future::{Either, select};
use http_body_util::{BodyExt, Full, Limited};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::visitor::Facts;

/// How long an API may take before the page is shown without it. Signing in hashes a
/// password and may stand in a queue for it; anything slower than this is lost to a reader.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Fifty comments at their longest, as text and as HTML, are about 3 MB.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// What is not one of the unreserved characters of RFC 3986 is encoded: ids are opaque and
/// may hold `/`, `+` and `=`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Debug, Clone, Copy)]
enum Service {
    Auth,
    Board,
    Review,
}

static URLS: [OnceLock<String>; 3] = [const { OnceLock::new() }; 3];

impl Service {
    /// Its base URL, from the variable of its name, read once: it does not change while we run.
    async fn url(self) -> Result<&'static str> {
        let cell = &URLS[self as usize];
        if let Some(url) = cell.get() {
            return Ok(url);
        }
        let name = match self {
            Self::Auth => "auth_url",
            Self::Board => "board_url",
            Self::Review => "review_url",
        };
        let url = spin_sdk::variables::get(name).await;
        let url = url.map_err(|error| Failure::Unavailable(format!("variable {name}: {error}")))?;
        Ok(cell.get_or_init(|| url.trim_end_matches('/').to_owned()))
    }
}

/// Why a call did not give what was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The API said no.
    Refused(Refusal),
    /// It did not answer, not in time, or not in the form agreed on. For the log.
    Unavailable(String),
}

/// What of the API's problem a page acts on.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub code: String,
    pub errors: Vec<FieldError>,
    /// Seconds.
    pub retry_after: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct FieldError {
    pub field: String,
    pub code: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProblemDetails {
    code: String,
    errors: Vec<FieldError>,
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let refusal = match failure {
            Failure::Unavailable(cause) => return Self::unavailable(cause),
            Failure::Refused(refusal) => refusal,
        };
        match refusal.status {
            StatusCode::UNAUTHORIZED => Self::unauthorized(),
            StatusCode::FORBIDDEN => Self::forbidden("forbidden", "This is not yours to change."),
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::TOO_MANY_REQUESTS => {
                Self::too_many_requests(refusal.retry_after.unwrap_or(60), "Try again later.")
            }
            StatusCode::SERVICE_UNAVAILABLE => Self::unavailable(refusal.code),
            StatusCode::CONFLICT
            | StatusCode::PRECONDITION_FAILED
            | StatusCode::UNPROCESSABLE_ENTITY => Self::new(
                refusal.status,
                "refused",
                "Go back, read the page again, and try once more.",
            ),
            status => Self::internal(format!("an API answered {status} {}", refusal.code)),
        }
    }
}

impl Failure {
    /// For a page that is shown without what failed.
    pub(crate) fn log(&self, visitor: &Facts) {
        let line = serde_json::json!({
            "level": "error",
            "trace_id": visitor.trace_id(),
            "path": visitor.here.split('?').next(),
            "cause": format!("{self:?}"),
        });
        eprintln!("{line}");
    }

    /// As if the API had refused this field.
    pub(crate) fn invalid(field: &str, code: &str) -> Self {
        Self::Refused(Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "invalid".to_owned(),
            errors: vec![FieldError { field: field.to_owned(), code: code.to_owned() }],
            retry_after: None,
        })
    }

    /// Whether the API refused this field.
    pub(crate) fn names(&self, field: &str) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.errors.iter().any(|error| error.field == field))
    }

    pub(crate) fn is(&self, status: StatusCode) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == status)
    }
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// A successful answer.
struct Answer {
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::Unavailable(format!("unexpected answer: {error}")))
    }

    /// With the tag that `If-Match` takes.
    fn tagged<T: DeserializeOwned>(&self) -> Result<(T, String)> {
        let tag = self.headers.get(header::ETAG).and_then(|value| value.to_str().ok());
        Ok((self.json()?, tag.unwrap_or_default().to_owned()))
    }

    fn cookies(&self) -> Vec<HeaderValue> {
        self.headers.get_all(header::SET_COOKIE).iter().cloned().collect()
    }
}

/// Whom a call speaks for.
enum Bearer {
    /// The visitor, if signed in.
    Visitor,
    /// Nobody, even if the visitor is signed in: what is asked must not be tied to an account.
    Nobody,
    /// Whoever was given this token.
    Token(String),
}

/// A call to be made: `Call::new(Service::Board, Method::GET, path).send(visitor)`.
struct Call {
    service: Service,
    method: Method,
    path: String,
    bearer: Bearer,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn new(service: Service, method: Method, path: impl Into<String>) -> Self {
        Self {
            service,
            method,
            path: path.into(),
            bearer: Bearer::Visitor,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    fn get(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::GET, path)
    }

    fn bearing(self, bearer: Bearer) -> Self {
        Self { bearer, ..self }
    }

    fn json(mut self, value: &serde_json::Value) -> Self {
        self.body = value.to_string().into();
        self.header(header::CONTENT_TYPE.as_str(), Some("application/json"))
    }

    fn body(mut self, media_type: &str, body: Bytes) -> Self {
        self.body = body;
        self.header(header::CONTENT_TYPE.as_str(), Some(media_type))
    }

    /// Leaves the header out where there is no value, or none that a header may hold.
    fn header(mut self, name: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Whatever is not 2xx is a [`Failure`].
    async fn send(self, visitor: &Facts) -> Result<Answer> {
        let (service, method) = (self.service, self.method.clone());
        let described =
            format!("{method} {service:?} {}", self.path.split('?').next().unwrap_or_default());
        let exchange = std::pin::pin!(self.exchange(visitor));
        let timeout = std::pin::pin!(spin_sdk::time::sleep(TIMEOUT));
        match select(exchange, timeout).await {
            Either::Left((Err(Failure::Unavailable(cause)), _)) => {
                Err(Failure::Unavailable(format!("{described}: {cause}")))
            }
            Either::Left((result, _)) => result,
            Either::Right(_) => {
                Err(Failure::Unavailable(format!("{described}: no answer within {TIMEOUT:?}")))
            }
        }
    }

    async fn exchange(self, visitor: &Facts) -> Result<Answer> {
        let token = match &self.bearer {
            Bearer::Visitor => visitor.token.as_deref(),
            Bearer::Nobody => None,
            Bearer::Token(token) => Some(token.as_str()),
        };
        let bearer = token.map(|token| format!("Bearer {token}"));
        let url = format!("{}{}", self.service.url().await?, self.path);
        let call = self
            .header("authorization", bearer.as_deref())
            .header("x-forwarded-for", Some(&visitor.address));
        let unavailable = |error: &dyn std::fmt::Display| Failure::Unavailable(error.to_string());
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = url.parse().map_err(|error| unavailable(&error))?;
        *request.headers_mut() = call.headers;
        if let Some(traceparent) = &visitor.traceparent {
            request.headers_mut().insert("traceparent", traceparent.clone());
        }
        let response = spin_sdk::http::send(request).await.map_err(|error| unavailable(&error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| unavailable(&error))?.to_bytes();
        if parts.status.is_success() {
            return Ok(Answer { headers: parts.headers, body });
        }
        Err(refused(parts.status, &parts.headers, &body))
    }
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    if status.is_server_error() {
        return Failure::Unavailable(status.to_string());
    }
    let problem: ProblemDetails = serde_json::from_slice(body).unwrap_or_default();
    let retry_after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Failure::Refused(Refusal {
        status,
        code: problem.code,
        errors: problem.errors,
        retry_after: retry_after.and_then(|seconds| seconds.parse().ok()),
    })
}

/// One segment of a path.
pub(crate) fn segment(id: &str) -> String {
    utf8_percent_encode(id, RESERVED).to_string()
}

/// A query string of the parameters that have a value.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

#[cfg(test)]
mod tests {
    use super::{query, segment};

    #[test]
    fn ids_stay_one_segment_and_empty_parameters_are_left_out() {
        assert_eq!(segment("a/b+c=.."), "a%2Fb%2Bc%3D..");
        assert_eq!(
            query(&[("q", "서울 의원"), ("region", "")]),
            "?q=%EC%84%9C%EC%9A%B8+%EC%9D%98%EC%9B%90"
        );
        assert_eq!(query(&[("q", "")]), "");
    }
}
