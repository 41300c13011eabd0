//! Where a person is led after signing in or choosing a language: always within the site.

/// A longer address is none of ours.
const MAX_BYTES: usize = 2_048;

/// `next` if it is a path of this site, else the home page. `//host` and `/\host` are other
/// sites to a browser, and a control character may be dropped by one until a path is such.
pub(crate) fn or_home(next: &str) -> &str {
    let local = next.starts_with('/') && !next[1..].starts_with(['/', '\\']);
    let plain = next.len() <= MAX_BYTES && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if local && plain { next } else { "/" }
}

/// The path and query of the page that a form was sent from, by its `Referer`, if `host` is
/// the site it was on.
pub(crate) fn of_referer(referer: &str, host: &str) -> Option<String> {
    let uri: axum::http::Uri = referer.parse().ok()?;
    let own = uri.authority()?.as_str().eq_ignore_ascii_case(host);
    let path = uri.path_and_query()?.as_str();
    own.then(|| or_home(path).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{of_referer, or_home};

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(or_home("/board/1?x=%EA%B0%80#a"), "/board/1?x=%EA%B0%80#a");
        for next in [
            "",
            "board",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "/\t/evil.example",
            "/가",
            "javascript:alert(1)",
        ] {
            assert_eq!(or_home(next), "/", "{next:?}");
        }
        assert_eq!(or_home(&format!("/{}", "a".repeat(3_000))), "/");
    }

    #[test]
    fn a_referer_counts_only_from_this_site() {
        assert_eq!(
            of_referer("http://a.kr:3000/board/1?q=2", "a.kr:3000").as_deref(),
            Some("/board/1?q=2")
        );
        assert_eq!(of_referer("http://a.kr//evil.example", "a.kr").as_deref(), Some("/"));
        assert_eq!(of_referer("http://b.kr/board/1", "a.kr"), None);
        assert_eq!(of_referer("/board/1", "a.kr"), None);
    }
}
