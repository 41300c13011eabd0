//! Conditional requests (RFC 9110 section 13).
//!
//! A tag is `"REVISION.HASH"`: the hash of the body tells a cache whether anything changed
//! that the reader sees, votes included, while an edit is only refused when the revision,
//! which counts edits, is not the one that its author read. The hash need not resist anyone,
//! since whoever could make two bodies collide would fool only a cache of the older one.

use std::hash::{DefaultHasher, Hasher};

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::Problem;

/// A JSON answer for something that is edited: its tag carries the revision.
pub struct Tagged<T> {
    pub revision: i64,
    pub body: T,
}

#[derive(Clone, Copy)]
struct Revision(i64);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        response.extensions_mut().insert(Revision(self.revision));
        response
    }
}

/// The revisions that `If-Match` admits; `None` where the header is missing or `*`.
pub struct IfMatch(Option<Vec<i64>>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(Self(None));
        };
        let value = value.to_str().map_err(|_| {
            Problem::invalid_field("If-Match", "invalid_etag", "must be the ETag of a GET")
        })?;
        if value.trim() == "*" {
            return Ok(Self(None));
        }
        let revisions = value.split(',').filter_map(|tag| revision_of(tag.trim())).collect();
        Ok(Self(Some(revisions)))
    }
}

impl IfMatch {
    /// 412 unless `revision` is one that the client has read.
    pub fn check(&self, revision: i64) -> Result<(), Problem> {
        match &self.0 {
            Some(revisions) if !revisions.contains(&revision) => Err(Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "changed_meanwhile",
                "It was edited meanwhile. Read it again, then send your change.",
            )),
            _ => Ok(()),
        }
    }
}

fn revision_of(tag: &str) -> Option<i64> {
    tag.strip_prefix('"')?.split('.').next()?.trim_end_matches('"').parse().ok()
}

/// Tags a 200 answer and turns it into 304 where the client already has it.
pub(crate) fn tag(request: &HeaderMap, mut response: Response, body: &[u8]) -> Response {
    let revision = response.extensions().get::<Revision>().map_or(0, |revision| revision.0);
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    let Ok(value) = HeaderValue::from_str(&format!("\"{revision}.{:x}\"", hasher.finish())) else {
        return response;
    };
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let matches = known.is_some_and(|known| {
        known.split(',').any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.trim_start_matches("W/").as_bytes() == value.as_bytes()
        })
    });
    if matches {
        response = StatusCode::NOT_MODIFIED.into_response();
    }
    response.headers_mut().insert(header::ETAG, value);
    response
}

#[cfg(test)]
mod tests {
    use super::{IfMatch, revision_of};

    #[test]
    fn the_revision_is_read_from_the_tag() {
        assert_eq!(revision_of("\"3.abc\""), Some(3));
        assert_eq!(revision_of("\"3\""), Some(3));
        assert_eq!(revision_of("3.abc"), None);
        assert_eq!(revision_of("W/\"3.abc\""), None);
    }

    #[test]
    fn only_a_revision_that_was_read_may_be_edited() {
        assert!(IfMatch(Some(vec![3])).check(3).is_ok());
        assert!(IfMatch(Some(vec![2])).check(3).is_err());
        assert!(IfMatch(Some(vec![])).check(3).is_err());
        assert!(IfMatch(None).check(3).is_ok());
    }
}
