//! The two cookies of a signed-in browser (RFC 6265).
//!
//! Scripts see neither, and neither travels unencrypted but to the machine itself. The refresh
//! token stays out of every request that another site causes; the access token goes with a
//! link from one, so that a visitor who follows it is still signed in, while the origin check
//! keeps such a request from writing.

use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderName};

use crate::domain::refresh::{LIFETIME_MILLIS, RefreshToken};
use crate::domain::signing::ACCESS_SECONDS;

const REFRESH: &str = "refresh";

/// The refresh token of a request, if it has one of our form.
pub(crate) fn refresh_token(headers: &HeaderMap) -> Option<RefreshToken> {
    RefreshToken::parse(session::cookie(headers, REFRESH)?)
}

pub(crate) fn set_refresh(token: &RefreshToken) -> (HeaderName, String) {
    let (value, seconds) = (token.cookie(), LIFETIME_MILLIS / 1000);
    (
        SET_COOKIE,
        format!("{REFRESH}={value}; Max-Age={seconds}; Path=/; HttpOnly; Secure; SameSite=Strict"),
    )
}

pub(crate) fn set_access(token: &str) -> (HeaderName, String) {
    let name = session::COOKIE;
    (
        SET_COOKIE,
        format!("{name}={token}; Max-Age={ACCESS_SECONDS}; Path=/; HttpOnly; Secure; SameSite=Lax"),
    )
}

/// Both cookies, gone.
pub(crate) fn clear() -> [(HeaderName, String); 2] {
    let gone = |name: &str, same_site: &str| {
        (SET_COOKIE, format!("{name}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite={same_site}"))
    };
    [gone(REFRESH, "Strict"), gone(session::COOKIE, "Lax")]
}
