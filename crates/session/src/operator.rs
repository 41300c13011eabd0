//! The operator, who has no account but a token.

use api::Problem;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The hash of the token that opens the operator's routes; `None` where they are shut.
#[derive(Clone)]
pub struct OperatorToken(Option<[u8; 32]>);

/// Whoever has the token of the variable `operator_token`. As an extractor it answers 404 where
/// that is empty, so that these routes do not exist, and 401 to any other token.
pub struct Operator;

impl OperatorToken {
    /// From the variable.
    pub fn new(token: &str) -> Self {
        Self((!token.is_empty()).then(|| Sha256::digest(token).into()))
    }
}

impl<S> FromRequestParts<S> for Operator
where
    S: Send + Sync,
    OperatorToken: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let expected = OperatorToken::from_ref(state).0.ok_or_else(Problem::not_found)?;
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.split_once(' ')).unwrap_or_default().1.trim();
        // Hashes have one length, so that the comparison does not tell the token's.
        let given: [u8; 32] = Sha256::digest(token).into();
        if bool::from(given.ct_eq(&expected)) { Ok(Self) } else { Err(Problem::unauthorized()) }
    }
}
