//! Where a request comes from.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method, Uri, header};

use crate::Problem;

/// 403 for a write that another site's page sends with our cookies (CSRF).
///
/// Browsers send `Origin` with every write, and `Sec-Fetch-Site` with every request; where
/// both are missing the client is a program, which nobody can trick into sending cookies.
pub(crate) fn check(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let own = match headers.get(header::ORIGIN) {
        Some(origin) => origin.to_str().is_ok_and(|origin| is_own(origin, host(uri, headers))),
        None => header_text(headers, "sec-fetch-site")
            .is_none_or(|site| matches!(site, "same-origin" | "none")),
    };
    if own {
        return Ok(());
    }
    Err(Problem::forbidden("cross_origin", "Send this request from the site itself."))
}

/// `wasi:http` gives `Host` as the authority of the request's address, not as a header.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    uri.authority()
        .map(|authority| authority.as_str())
        .or_else(|| header_text(headers, header::HOST.as_str()))
}

fn is_own(origin: &str, host: Option<&str>) -> bool {
    let origin = origin.parse::<Uri>().ok();
    let authority = origin.as_ref().and_then(Uri::authority);
    matches!((authority, host), (Some(authority), Some(host)) if authority.as_str().eq_ignore_ascii_case(host))
}

/// The address that guesses are counted by, as text.
///
/// The host sets `spin-client-addr` and drops what a client sends under that name. A request
/// chained from another component comes from `0.0.0.0`, and one from a proxy on the same machine,
/// such as the sidecar of a pod, from a loopback address: then their word in `x-forwarded-for` is
/// taken, whose last entry is the one they added themselves.
pub fn client_address(headers: &HeaderMap) -> String {
    let peer = header_text(headers, "spin-client-addr").unwrap_or_default();
    let peer = peer.rsplit_once(':').map_or(peer, |(address, _)| address);
    let forwarded = header_text(headers, "x-forwarded-for")
        .and_then(|list| list.rsplit(',').next())
        .map(|address| address.trim().to_owned());
    match peer.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => forwarded.unwrap_or_else(|| peer.to_owned()),
        Ok(address) if !address.is_unspecified() => peer.to_owned(),
        _ => forwarded.unwrap_or_else(|| "unknown".to_owned()),
    }
}

pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

    use super::{check, client_address};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_our_own_pages_may_write() {
        let allowed = |pairs| check(&Method::POST, &Uri::from_static("/"), &headers(pairs)).is_ok();
        assert!(allowed(&[("host", "a.kr"), ("origin", "https://a.kr")]));
        assert!(allowed(&[("host", "a.kr:3000"), ("origin", "http://A.kr:3000")]));
        assert!(allowed(&[("host", "a.kr")]));
        assert!(allowed(&[("host", "a.kr"), ("sec-fetch-site", "same-origin")]));
        assert!(!allowed(&[("host", "a.kr"), ("origin", "https://b.kr")]));
        assert!(!allowed(&[("host", "a.kr"), ("origin", "https://a.kr:8443")]));
        assert!(!allowed(&[("host", "a.kr"), ("origin", "null")]));
        assert!(!allowed(&[("host", "a.kr"), ("sec-fetch-site", "cross-site")]));
        let evil = headers(&[("origin", "https://b.kr")]);
        assert!(check(&Method::GET, &Uri::from_static("/"), &evil).is_ok());
        let address = Uri::from_static("http://b.kr/x");
        assert!(check(&Method::POST, &address, &evil).is_ok());
        assert!(check(&Method::POST, &Uri::from_static("http://a.kr/x"), &evil).is_err());
    }

    #[test]
    fn a_forwarded_address_counts_only_from_whom_we_trust() {
        let spoofed =
            headers(&[("spin-client-addr", "9.9.9.9:1234"), ("x-forwarded-for", "1.1.1.1")]);
        assert_eq!(client_address(&spoofed), "9.9.9.9");
        let chained =
            headers(&[("spin-client-addr", "0.0.0.0:0"), ("x-forwarded-for", "1.1.1.1, 2.2.2.2")]);
        assert_eq!(client_address(&chained), "2.2.2.2");
        let sidecar = headers(&[
            ("spin-client-addr", "127.0.0.6:5"),
            ("x-forwarded-for", "1.1.1.1, 2.2.2.2"),
        ]);
        assert_eq!(client_address(&sidecar), "2.2.2.2");
        assert_eq!(client_address(&headers(&[("spin-client-addr", "127.0.0.1:5")])), "127.0.0.1");
        assert_eq!(client_address(&headers(&[])), "unknown");
        let v6 = headers(&[("spin-client-addr", "[::1]:80")]);
        assert_eq!(client_address(&v6), "[::1]");
    }
}
