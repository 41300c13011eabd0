use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::{FieldError, Problem, body::field_problem};

/// The parameters of the query string. 422 naming the one that is unknown or wrong.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        refuse_invalid_utf8(query)?;
        let pairs = form_urlencoded::parse(query.as_bytes());
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
            .map(Self)
            .map_err(|error| field_problem(&error.path().to_string(), &error.inner().to_string()))
    }
}

/// The parser below would put U+FFFD for bytes that are not UTF-8, and a search for that
/// would silently find nothing.
fn refuse_invalid_utf8(query: &str) -> Result<(), Problem> {
    let invalid = |pair: &&str| percent_encoding::percent_decode_str(pair).decode_utf8().is_err();
    let Some(pair) = query.split('&').find(invalid) else {
        return Ok(());
    };
    let field = pair.split('=').next().unwrap_or_default().to_owned();
    Err(Problem::invalid(vec![FieldError {
        field,
        code: "invalid_utf8",
        detail: "must be UTF-8".into(),
    }]))
}

/// The parameters of the path, in order. What cannot be one of ours is simply not there: 404.
pub struct Path<T>(pub T);

impl<const N: usize, S: Send + Sync> FromRequestParts<S> for Path<[String; N]> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found())?;
        let values: Vec<String> = params.iter().map(|(_, value)| value.to_owned()).collect();
        values.try_into().map(Self).map_err(|_| Problem::not_found())
    }
}
