//! Errors as RFC 9457 problem details.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What the client is told. Why it happened goes to the log only, through [`Problem::because`].
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) cause: Option<String>,
}

/// One field of a request that is wrong. `field` is a path such as `stars.pay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub field: String,
    pub code: &'static str,
    pub detail: String,
}

/// The wire form. `trace_id` is an extension member (RFC 9457 section 3.2).
#[derive(Serialize)]
struct Details<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    errors: &'a [FieldError],
    trace_id: &'a str,
}

impl Problem {
    /// `code` is stable snake_case; `detail` tells the client what to do.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// 401: the request carries no valid session.
    pub fn unauthorized() -> Self {
        let mut problem = Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Sign in and send the access token.",
        );
        // RFC 9110 section 11.6.1 wants the scheme named with every 401.
        problem.headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        problem
    }

    /// 403: the session is valid, the right is missing.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: nothing is there, or nothing the caller may know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    /// 409: the request contradicts what is stored.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422 with the fields that are wrong.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "Correct the fields named in errors and send the request again.",
        );
        problem.errors = errors;
        problem
    }

    /// 422 for a single field.
    pub fn invalid_field(
        field: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self::invalid(vec![FieldError { field: field.into(), code, detail: detail.into() }])
    }

    /// 429: ask again after `seconds`.
    pub fn too_many_requests(seconds: u64, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail).retry_after(seconds)
    }

    /// 503: a part this request needs is away for the moment.
    pub fn unavailable(cause: impl std::fmt::Display) -> Self {
        /// Long enough for a connection to come back, short enough not to be noticed as an outage.
        const RETRY_AFTER_SECONDS: u64 = 2;
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The service is busy. Send the same request again a little later.",
        )
        .retry_after(RETRY_AFTER_SECONDS)
        .because(cause)
    }

    /// 500: a mistake of ours.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side. Report the trace id if it persists.",
        )
        .because(cause)
    }

    /// Adds what only the log is told.
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Tells the client this instead.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Writes the cause into the log, where no request is to be answered with the problem.
    pub fn log(&self, during: &str) {
        let line = serde_json::json!({
            "level": "error",
            "during": during,
            "code": self.code,
            "cause": self.cause,
        });
        eprintln!("{line}");
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.headers.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        self
    }

    /// The answer itself, with the trace id that the log line carries too.
    pub(crate) fn respond(self, trace_id: &str) -> Response {
        let details = Details {
            r#type: format!("urn:jinmaek:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            errors: &self.errors,
            trace_id,
        };
        // Strings and numbers always serialise.
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let length = HeaderValue::from(body.len());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LENGTH, length);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}

/// Leaves the problem for [`serve`](crate::serve), which knows the trace id and writes it out.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Collects every wrong field of a request, so that a person corrects them all at once.
#[derive(Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// The text, or its refusal noted under `field` and an empty text in its place, which
    /// [`check`](Self::check) keeps from being used.
    pub fn text(&mut self, field: &str, text: Result<String, text::Refusal>) -> String {
        text.unwrap_or_else(|refusal| {
            self.refuse(field, refusal.code(), refusal.detail());
            String::new()
        })
    }

    pub fn refuse(&mut self, field: &str, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldError { field: field.to_owned(), code, detail: detail.into() });
    }

    /// `Err` with all that was refused.
    pub fn check(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}
