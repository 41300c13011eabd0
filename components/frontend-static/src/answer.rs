//! What every answer has in common: refusals as pages, security headers, small bodies.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::Deserialize;

use crate::assets::STYLE_HASH;
use crate::compression::compress;
use crate::local_path;
use crate::pages::error;
use crate::upstream;
use crate::visitor::{Visitor, forget};

/// One year, as RFC 6797 sites commonly promise.
const HSTS: &str = "max-age=31536000; includeSubDomains";

/// A browser asks every time whether the page is still the same. A host under load may answer with
/// what is some seconds old: no reader waits for a text that they do not know of.
const SHARED: &str = "max-age=0, must-revalidate, s-maxage=10";

/// The scheme, because only over TLS a page promises to stay there.
const VARY: &str = "accept-encoding, accept-language, cookie, x-forwarded-proto";

/// Nothing but what a page of ours holds. Styles by their hash: an injected `style` or
/// attribute does nothing.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src '{STYLE_HASH}'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// What the finishing needs of the request, which the router consumes.
pub(crate) struct Asked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
}

/// Of the problem that `api::serve` wrote.
#[derive(Deserialize)]
struct ProblemDetails {
    trace_id: String,
}

/// `cookies` come from a session that was renewed on the way; what the page itself sets
/// comes after them and wins.
pub(crate) async fn finish(
    asked: &Asked,
    visitor: &Visitor,
    response: Response,
    cookies: Vec<HeaderValue>,
) -> Response {
    let (mut parts, body) = response.into_parts();
    // Bodies of ours are in memory already; this cannot fail or wait.
    let mut body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if has_type(&parts.headers, "application/problem+json") {
        if parts.status == StatusCode::UNAUTHORIZED && is_navigation(asked) {
            return to_sign_in(asked, visitor, cookies);
        }
        let trace_id = serde_json::from_slice::<ProblemDetails>(&body)
            .map(|problem| problem.trace_id)
            .unwrap_or_default();
        body = error::page(visitor, parts.status, &trace_id).into();
        parts.headers.remove(header::CONTENT_LENGTH);
        parts
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    let public = !visitor.is_signed_in();
    if has_type(&parts.headers, "text/html") {
        let tag = parts.headers.get(header::ETAG).filter(|_| public).cloned();
        let (smaller, encoding) = compress(&asked.headers, body, tag.as_ref());
        body = smaller;
        if let Some(encoding) = encoding {
            parts
                .headers
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
    }
    let mut response = Response::from_parts(parts, Body::from(body));
    describe(response.headers_mut(), public && asked.method.is_safe());
    secure(response.headers_mut(), asked);
    set_cookies(response.headers_mut(), cookies);
    response
}

/// Lets a host under load answer with what it answered less than ten seconds ago.
pub(crate) async fn share(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(SHARED));
    response
}

/// For caches. A page differs by language, by encoding and by who is signed in. What an
/// insider saw is not kept: on a shared computer the way back would show which texts are theirs.
/// Nor is a form that was refused, which holds what somebody wrote.
fn describe(headers: &mut HeaderMap, public: bool) {
    if headers.contains_key(header::VARY) {
        return;
    }
    headers.insert(header::VARY, HeaderValue::from_static(VARY));
    let control = match headers.get(header::CACHE_CONTROL) {
        _ if !public => "private, no-store",
        Some(control) if control == SHARED => SHARED,
        _ => "no-cache",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
    // The same tag names the page in each encoding, which only a weak one may.
    let weak = headers
        .get(header::ETAG)
        .and_then(|tag| HeaderValue::from_str(&format!("W/{}", tag.to_str().ok()?)).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}

fn secure(headers: &mut HeaderMap, asked: &Asked) {
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let fixed = [
        // Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let forwarded = asked.headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    if forwarded || asked.uri.scheme_str() == Some("https") {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
}

/// Before the cookies of the page itself.
fn set_cookies(headers: &mut HeaderMap, renewed: Vec<HeaderValue>) {
    let own: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in renewed.into_iter().chain(own) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// To the sign-in page, and from there to the page that was asked for or that held the form.
fn to_sign_in(asked: &Asked, visitor: &Visitor, cookies: Vec<HeaderValue>) -> Response {
    let text = |name| asked.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let next = if asked.method.is_safe() {
        local_path::or_home(&visitor.here).to_owned()
    } else {
        text(header::REFERER)
            .zip(asked.uri.authority())
            .and_then(|(referer, host)| local_path::of_referer(referer, host.as_str()))
            .unwrap_or_else(|| "/".to_owned())
    };
    let mut response = redirect(&format!("/signin{}", upstream::query(&[("next", &next)])));
    describe(response.headers_mut(), true);
    secure(response.headers_mut(), asked);
    set_cookies(response.headers_mut(), cookies);
    // The token looked current and was refused all the same, as after the account was deleted
    // elsewhere. Kept, it would make the sign-in page lead straight back here.
    let refused = visitor.is_signed_in().then(|| forget(session::COOKIE)).flatten();
    set_cookies(response.headers_mut(), refused.into_iter().collect());
    response
}

/// Whether a person waits for a page. Clients that do not say so are taken for one.
fn is_navigation(asked: &Asked) -> bool {
    asked.headers.get("sec-fetch-mode").is_none_or(|mode| mode == "navigate")
}

fn has_type(headers: &HeaderMap, essence: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.starts_with(essence))
}

/// 303: what follows is read with GET.
pub(crate) fn redirect(path: &str) -> Response {
    // Paths of ours are ASCII; anything else leads home rather than nowhere.
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// [`redirect`] with cookies that an API set.
pub(crate) fn redirect_with(path: &str, cookies: Vec<HeaderValue>) -> Response {
    let mut response = redirect(path);
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
