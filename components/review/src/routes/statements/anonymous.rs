use api::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};

/// A request that carries neither cookie nor token. One that does would tie its author to it, so
/// it is refused before anything of it is read.
pub(crate) struct Anonymous;

impl<S: Sync> FromRequestParts<S> for Anonymous {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let tied = [header::COOKIE, header::AUTHORIZATION, header::PROXY_AUTHORIZATION];
        if tied.iter().any(|name| parts.headers.contains_key(name)) {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "must_be_anonymous",
                "Send this without Cookie and Authorization, so that nothing ties it to you.",
            ));
        }
        Ok(Self)
    }
}
