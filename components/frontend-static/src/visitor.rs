//! Who asks for a page: in which language, from which address, and whether signed in.

use std::sync::Arc;

use api::{Problem, now_millis};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::language::Language;
use crate::upstream::{Failure, auth};

/// Auth's cookie with which a new access token is had.
pub(crate) const REFRESH_COOKIE: &str = "refresh";

/// An access token this close to its end (seconds) is renewed before it is used, so that it
/// does not end between two calls of one page.
const RENEW_SECONDS: i64 = 5;

#[derive(Debug, Clone)]
pub(crate) struct Visitor(Arc<Facts>);

#[derive(Debug)]
pub(crate) struct Facts {
    pub language: Language,
    /// The access token. It is passed on unverified: each API checks it and decides, a page
    /// only shows what its bearer may then try.
    pub token: Option<String>,
    pub refresh: Option<String>,
    /// What guesses are counted by.
    pub address: String,
    pub traceparent: Option<HeaderValue>,
    /// The path and query of the page.
    pub here: String,
}

impl Facts {
    /// Of the W3C `traceparent`, as the log of every component has it.
    pub(crate) fn trace_id(&self) -> &str {
        let traceparent = self.traceparent.as_ref().and_then(|value| value.to_str().ok());
        traceparent.and_then(|value| value.split('-').nth(1)).unwrap_or_default()
    }
}

impl std::ops::Deref for Visitor {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

impl Visitor {
    /// Reads the request. Where the access token has ended and a refresh token is there, it
    /// is renewed once; the cookies that come with it are for the answer.
    pub(crate) async fn of(uri: &Uri, headers: &HeaderMap) -> (Self, Vec<HeaderValue>) {
        let mut facts = Facts {
            language: Language::of(headers),
            token: session::cookie(headers, session::COOKIE)
                .filter(|token| is_current(token))
                .map(str::to_owned),
            refresh: session::cookie(headers, REFRESH_COOKIE).map(str::to_owned),
            address: api::client_address(headers),
            traceparent: headers.get("traceparent").cloned(),
            here: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        };
        let mut cookies = Vec::new();
        if facts.token.is_none() && facts.refresh.is_some() && !uri.path().starts_with("/assets/") {
            cookies = renew(&mut facts).await;
        }
        (Self(Arc::new(facts)), cookies)
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        self.token.is_some()
    }

    /// By the token's own word: it decides which links are shown, never what is allowed.
    pub(crate) fn is_moderator(&self) -> bool {
        let content = self.token.as_deref().and_then(content);
        content.is_some_and(|content| content.roles.iter().any(|role| role == session::MODERATOR))
    }

    #[cfg(test)]
    pub(crate) fn public() -> Self {
        Self(Arc::new(Facts {
            language: Language::Korean,
            token: None,
            refresh: None,
            address: String::new(),
            traceparent: None,
            here: "/".to_owned(),
        }))
    }
}

/// Takes back a cookie that an API no longer accepts, so that the next page does not try it.
pub(crate) fn forget(cookie: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{cookie}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax"))
        .ok()
}

/// A refusal leaves the visitor signed out: the page they asked for is still theirs to read.
async fn renew(facts: &mut Facts) -> Vec<HeaderValue> {
    let renewed = match auth::refresh(facts).await {
        Ok(renewed) => renewed,
        Err(Failure::Refused(refusal)) if refusal.status == StatusCode::UNAUTHORIZED => {
            return forget(REFRESH_COOKIE).into_iter().collect();
        }
        Err(_) => return Vec::new(),
    };
    facts.token = Some(renewed.access_token);
    let prefix = format!("{REFRESH_COOKIE}=");
    for cookie in renewed.cookies.iter().filter_map(|cookie| cookie.to_str().ok()) {
        let value = cookie.strip_prefix(&prefix).and_then(|rest| rest.split(';').next());
        if let Some(value) = value {
            facts.refresh = Some(value.to_owned());
        }
    }
    renewed.cookies
}

/// What of a token a page acts on.
#[derive(Deserialize)]
struct Content {
    /// Seconds since the Unix epoch.
    exp: i64,
    #[serde(default)]
    roles: Vec<String>,
}

fn content(token: &str) -> Option<Content> {
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())?;
    serde_json::from_slice(&payload).ok()
}

fn is_current(token: &str) -> bool {
    let now = now_millis() / 1_000;
    content(token).is_some_and(|content| now < content.exp.saturating_sub(RENEW_SECONDS))
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let visitor = parts.extensions.get::<Self>().cloned();
        visitor.ok_or_else(|| Problem::internal("the entry point set no visitor"))
    }
}

/// A visitor who is signed in. Others get 401, which [`answer`](crate::answer) turns into
/// the sign-in page.
pub(crate) struct SignedIn(pub Visitor);

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        if visitor.is_signed_in() { Ok(Self(visitor)) } else { Err(Problem::unauthorized()) }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::is_current;

    #[test]
    fn a_token_counts_until_shortly_before_its_end() {
        let token =
            |exp: i64| format!("h.{}.s", URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}}}")));
        let now = api::now_millis() / 1_000;
        assert!(is_current(&token(now + 60)));
        assert!(!is_current(&token(now + 2)));
        assert!(!is_current(&token(now - 1)));
        assert!(!is_current(&token(i64::MIN)));
        assert!(!is_current("not.a.token"));
        assert!(!is_current(""));
    }
}
