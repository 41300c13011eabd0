//! Which component answers a path. The matching itself is `routefinder`, the
//! crate that Spin uses, so that the same manifest means the same here.

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use http::{HeaderValue, Response};
use routefinder::RouteSpec;

use crate::manifest::StaticResponse;
use crate::metrics::RouteMetrics;

/// What answers at a route.
pub enum Target {
    /// Index into the application's components.
    Component(usize),
    /// `static_response`.
    Fixed(Response<Bytes>),
}

impl Target {
    pub fn fixed(declared: &StaticResponse) -> Result<Self> {
        let mut response = Response::builder().status(declared.status_code.unwrap_or(200));
        for (name, value) in &declared.headers {
            response = response.header(name, value);
        }
        Ok(Self::Fixed(response.body(declared.body.clone().unwrap_or_default().into())?))
    }
}

/// Everything of a route that does not change from request to request.
pub struct Route {
    pub target: Target,
    /// As in the manifest, with a `/` in front.
    pub based: HeaderValue,
    /// As in the manifest.
    pub raw: HeaderValue,
    /// As in the manifest, without a trailing `/...`.
    pub prefix: HeaderValue,
    pub metrics: RouteMetrics,
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
    pub fn add(&mut self, route: &str, target: Target, metrics: RouteMetrics) -> Result<()> {
        let rooted = if route.starts_with('/') { route.to_owned() } else { format!("/{route}") };
        let based = rooted.trim_end_matches('/').to_owned();
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
            target,
            based: header(&based)?,
            raw: header(route)?,
            prefix: header(route.strip_suffix("/...").unwrap_or(route))?,
            metrics,
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
    use crate::metrics::Metrics;

    fn router(routes: &[&str]) -> Router {
        let mut router = Router::default();
        for (index, route) in routes.iter().enumerate() {
            let metrics = Metrics::new().expect("metrics").route("", route);
            router.add(route, Target::Component(index), metrics).expect("route parses");
        }
        router
    }

    fn found(router: &Router, path: &str) -> Option<(usize, String)> {
        router.find(path).map(|matched| match matched.route.target {
            Target::Component(index) => (index, matched.path_info),
            Target::Fixed(_) => (usize::MAX, matched.path_info),
        })
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
