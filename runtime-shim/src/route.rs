//! Which component answers a path. The matching itself is `routefinder`, the
//! crate that Spin uses, so that the same manifest means the same here.

use anyhow::{Context, Result, anyhow};
use http::HeaderValue;
use routefinder::RouteSpec;

/// Everything of a route that does not change from request to request.
pub struct Route {
    /// Index into the application's components.
    pub component: usize,
    /// As in the manifest, with the application's base in front.
    pub based: HeaderValue,
    /// As in the manifest.
    pub raw: HeaderValue,
    /// As in the manifest, without a trailing `/...`.
    pub prefix: HeaderValue,
    /// For metrics and logs.
    pub name: String,
}

#[derive(Default)]
pub struct Router(routefinder::Router<Route>);

pub struct Matched<'a> {
    pub route: &'a Route,
    /// What `/...` stood for, with its leading slash: `spin-path-info`.
    pub path_info: String,
    /// `:name` segments with their values.
    pub captures: Vec<(String, String)>,
}

impl Router {
    pub fn add(&mut self, base: &str, route: &str, component: usize) -> Result<()> {
        let raw = if route.starts_with('/') { route.to_owned() } else { format!("/{route}") };
        let trimmed = raw.trim_end_matches('/');
        let based = format!("{}{trimmed}", base.trim_end_matches('/'));
        let spec = match based.strip_suffix("/...") {
            Some(prefix) => format!("{prefix}/*"),
            None => based.clone(),
        };
        let spec = RouteSpec::try_from(spec.as_str())
            .map_err(|error| anyhow!("route `{route}`: {error}"))?;
        let header = |value: &str| {
            HeaderValue::from_str(value).with_context(|| format!("route `{route}` is not ASCII"))
        };
        let entry = Route {
            component,
            based: header(&based)?,
            raw: header(route)?,
            prefix: header(route.strip_suffix("/...").unwrap_or(route))?,
            name: route.to_owned(),
        };
        self.0.add(spec, entry).map_err(|error| anyhow!("route `{route}`: {error}"))
    }

    pub fn find(&self, path: &str) -> Option<Matched<'_>> {
        let found = self.0.best_match(path)?;
        let captures = found.captures();
        let path_info = captures.wildcard().map_or_else(String::new, |rest| {
            // Spin hands on a trailing slash, which routefinder drops.
            match (rest.is_empty(), path.ends_with('/')) {
                (true, false) => String::new(),
                (true, true) => "/".to_owned(),
                (false, false) => format!("/{rest}"),
                (false, true) => format!("/{rest}/"),
            }
        });
        let named =
            captures.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Matched { route: found.handler(), path_info, captures: named })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[&str]) -> Router {
        let mut router = Router::default();
        for (index, route) in routes.iter().enumerate() {
            router.add("/", route, index).expect("route parses");
        }
        router
    }

    fn found(router: &Router, path: &str) -> Option<(usize, String)> {
        router.find(path).map(|matched| (matched.route.component, matched.path_info))
    }

    #[test]
    fn exact_routes_win_over_wildcards_and_the_longer_prefix_wins() {
        let router =
            router(&["/...", "/api/...", "/api/auth/...", "/api/auth/me", "/u/:id", "/f/:id/..."]);
        assert_eq!(found(&router, "/"), Some((0, "/".into())));
        assert_eq!(found(&router, "/x/y"), Some((0, "/x/y".into())));
        assert_eq!(found(&router, "/api"), Some((1, "".into())));
        assert_eq!(found(&router, "/api/board/1/"), Some((1, "/board/1/".into())));
        assert_eq!(found(&router, "/api/auth/x"), Some((2, "/x".into())));
        assert_eq!(found(&router, "/api/auth/me"), Some((3, "".into())));
        assert_eq!(found(&router, "/u/42"), Some((4, "".into())));
        assert_eq!(found(&router, "/f/7/a/b"), Some((5, "/a/b".into())));
        let matched = router.find("/u/42").expect("matches");
        assert_eq!(matched.captures, [("id".to_owned(), "42".to_owned())]);
    }

    #[test]
    fn what_matches_no_route_is_not_found() {
        let router = router(&["/a", "/b/..."]);
        assert_eq!(found(&router, "/a/b"), None);
        assert_eq!(found(&router, "/bb"), None);
        assert_eq!(found(&router, "/"), None);
    }
}
