//! A shared cache (RFC 9111) in front of a component, used only while it has much to do.
//!
//! A component opts in with `s-maxage` on what everyone may see. While few requests are under
//! way each of them reaches it, and so sees every write; under load, when a page is asked for
//! many times within its lifetime, the host answers in the component's place. Load comes in bursts,
//! so for a while after the last one the host still does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::header::{AGE, AUTHORIZATION, CACHE_CONTROL, COOKIE, ETAG, HOST, IF_NONE_MATCH, VARY};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, LOCATION, SET_COOKIE};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, request,
};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use quick_cache::{OptionsBuilder, Weighter, sync};

use crate::body::Body;
use crate::limits::Limits;
use crate::trace::TRACEPARENT;

/// Answers kept at one address, which differ by what `Vary` names: languages times encodings,
/// and some room.
const VARIANTS: usize = 8;
/// An answer is renewed when so many times what is left of its life have passed.
const LAST_PART: u32 = 4;
/// What an answer takes besides its bytes: the policy, the table's entry.
const OVERHEAD_BYTES: u64 = 2_048;
/// A guess from which the table's first size is made; it grows.
const TYPICAL_BYTES: u64 = 16_384;

pub struct SharedCache {
    answers: sync::Cache<Box<str>, Variants, Size>,
    bytes: u64,
    load: Load,
    /// The component has shared an answer: before that there is nothing to find.
    shares: AtomicBool,
}

/// Whether a component has much to do, or had a moment ago.
struct Load {
    in_flight: i64,
    linger_ms: u64,
    began: Instant,
    /// In milliseconds from `began`.
    until: AtomicU64,
}

type Variants = Arc<[Arc<Stored>]>;

struct Stored {
    policy: CachePolicy,
    body: Bytes,
    /// Of the body and of the heads that the policy keeps.
    bytes: usize,
    /// A request is under way that renews it.
    renewing: AtomicBool,
}

/// Of an answer that is kept. Until this is dropped nobody else renews it; then it has been
/// replaced, or somebody has to try again.
pub(crate) struct Renewal(Arc<Stored>);

#[derive(Clone)]
struct Size;

impl Weighter<Box<str>, Variants> for Size {
    fn weight(&self, address: &Box<str>, variants: &Variants) -> u64 {
        let stored: usize = variants.iter().map(|stored| stored.bytes).sum();
        address.len() as u64 + stored as u64 + OVERHEAD_BYTES * variants.len() as u64
    }
}

/// A request whose answer was not in the cache, and may be put there.
pub(crate) struct Asked(Request<()>);

impl SharedCache {
    pub(crate) fn new(limits: &Limits) -> Self {
        let bytes = limits.shared_cache_bytes;
        let options = OptionsBuilder::new()
            .estimated_items_capacity(usize::try_from(bytes / TYPICAL_BYTES).unwrap_or(0).max(1))
            .weight_capacity(bytes)
            // One shard: whatever fits the cache fits its shard, and few threads share it.
            .shards(1)
            .build();
        let answers = match options {
            Ok(options) => {
                sync::Cache::with_options(options, Size, Default::default(), Default::default())
            }
            Err(_) => sync::Cache::with_weighter(1, bytes, Size),
        };
        Self { answers, bytes, load: Load::new(limits), shares: AtomicBool::new(false) }
    }

    /// Whether the answer may be in the cache, or may be put there. Not of a component that shares
    /// nothing, not while few are `under_way` and were of late, and not for whoever may be told
    /// something else than all, or wants to know anew.
    pub(crate) fn concerns(&self, parts: &request::Parts, under_way: i64, now: Instant) -> bool {
        let shares = self.bytes > 0 && self.shares.load(Relaxed);
        let personal = [COOKIE, AUTHORIZATION, CACHE_CONTROL];
        shares
            && self.load.is_high(under_way, now)
            && parts.method == Method::GET
            && !personal.iter().any(|name| parts.headers.contains_key(name))
            // Of several lines of one name the library compares the first.
            && parts.headers.len() == parts.headers.keys_len()
    }

    /// The answer, if it is here and fresh. In the last fifth of its life the first who asks is to
    /// renew it, so that it does not run out while many ask; where that fails, the answer is still
    /// good for them, and the next who asks tries.
    pub(crate) fn find(
        &self,
        request: &request::Parts,
    ) -> Option<(Response<Body>, Option<Renewal>)> {
        let variants = self.answers.get(address(&request.uri))?;
        let now = SystemTime::now();
        let (stored, mut parts) = variants.iter().find_map(|stored| {
            match stored.policy.before_request(request, now) {
                BeforeRequest::Fresh(parts) => Some((stored, parts)),
                BeforeRequest::Stale { .. } => None,
            }
        })?;
        let left = stored.policy.time_to_live(now).saturating_mul(LAST_PART);
        let renewal = (left < stored.policy.age(now)).then(|| Renewal::begin(stored)).flatten();
        // Written by the server in the form that HTTP asks for.
        parts.headers.remove(DATE);
        let mut body = stored.body.clone();
        if unmodified(&request.headers, &parts.headers) {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(CONTENT_LENGTH);
            parts.headers.remove(CONTENT_TYPE);
            body.clear();
        }
        Some((Response::from_parts(parts, Body::full(body)), renewal))
    }

    /// Puts a complete answer in, if its component allows that.
    pub(crate) fn keep(&self, asked: Option<&Asked>, response: &Response<Body>) {
        if response.status() != StatusCode::OK || !shareable(response.headers()) {
            return;
        }
        self.shares.store(true, Relaxed);
        let (Some(asked), Some(body)) = (asked, response.body().whole()) else { return };
        let (selecting, answer) = (asked.selecting(response.headers()), head(response));
        let heads = size(selecting.headers()) + size(answer.headers());
        let address = address(asked.0.uri());
        let bytes = body.len() + heads + address.len();
        let now = SystemTime::now();
        let policy = CachePolicy::new_options(&selecting, &answer, now, CacheOptions::default());
        if policy.time_to_live(now).is_zero() {
            return;
        }
        let renewing = AtomicBool::new(false);
        // A slice of what was received would keep all of that.
        let body = Bytes::copy_from_slice(body);
        let stored = Stored { policy, body, bytes, renewing };
        let others = self.answers.get(address);
        let others = others.iter().flat_map(|variants| variants.iter());
        let variants = std::iter::once(Arc::new(stored))
            .chain(others.filter(|other| !other.selected_by(&asked.0)).cloned())
            .take(VARIANTS)
            .collect();
        self.answers.insert(address.into(), variants);
    }

    /// After a write that succeeded (RFC 9111, section 4.4).
    pub(crate) fn invalidate(&self, uri: &Uri, response: &Response<Body>) {
        let status = response.status();
        if !status.is_success() && !status.is_redirection() {
            return;
        }
        self.answers.remove(address(uri));
        let location = response.headers().get(LOCATION);
        if let Some(location) = location.and_then(|value| Uri::try_from(value.as_bytes()).ok()) {
            self.answers.remove(address(&location));
        }
    }
}

impl Load {
    fn new(limits: &Limits) -> Self {
        Self {
            in_flight: i64::try_from(limits.shared_cache_in_flight).unwrap_or(i64::MAX),
            linger_ms: limits.shared_cache_linger_ms,
            began: Instant::now(),
            until: AtomicU64::new(0),
        }
    }

    fn is_high(&self, under_way: i64, now: Instant) -> bool {
        let now = u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or(u64::MAX);
        if under_way < self.in_flight {
            return now < self.until.load(Relaxed);
        }
        // Threads share it, so it is written no more often than the clock advances.
        let until = now.saturating_add(self.linger_ms);
        if self.until.load(Relaxed) != until {
            self.until.store(until, Relaxed);
        }
        true
    }
}

impl Asked {
    pub(crate) fn of(parts: &request::Parts) -> Self {
        let mut request = Request::new(());
        request.uri_mut().clone_from(&parts.uri);
        request.headers_mut().clone_from(&parts.headers);
        Self(request)
    }

    /// The request as far as it decides which answer it gets, and no further: who asked is not kept.
    /// Copies, because what was parsed holds the whole head that it is a part of.
    fn selecting(&self, answer: &HeaderMap) -> Request<()> {
        let mut request = Request::new(());
        if let Ok(uri) = self.0.uri().to_string().parse() {
            *request.uri_mut() = uri;
        }
        for name in varying(answer).chain([HOST]) {
            let value = self.0.headers().get(&name).map(HeaderValue::as_bytes);
            if let Some(Ok(value)) = value.map(HeaderValue::from_bytes) {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }
}

impl Renewal {
    fn begin(stored: &Arc<Stored>) -> Option<Self> {
        (!stored.renewing.swap(true, Relaxed)).then(|| Self(Arc::clone(stored)))
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.renewing.store(false, Relaxed);
    }
}

impl Stored {
    /// Whether the request differs in nothing that the answer varies by.
    fn selected_by(&self, request: &Request<()>) -> bool {
        match self.policy.before_request(request, SystemTime::now()) {
            BeforeRequest::Fresh(_) => true,
            BeforeRequest::Stale { matches, .. } => matches,
        }
    }
}

/// Components are told nothing of the scheme and the host here, so what comes after is enough.
fn address(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

/// Copies, as of the request.
fn head(response: &Response<Body>) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = response.status();
    for (name, value) in response.headers() {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            head.headers_mut().append(name.clone(), value);
        }
    }
    head
}

/// Only by `s-maxage`: of an answer that says less, nobody promised that all may see it.
fn shareable(answer: &HeaderMap) -> bool {
    let control = answer.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    control.is_some_and(|control| control.contains("s-maxage="))
        && !answer.contains_key(SET_COOKIE)
        // What the host tells a component is not what the client sent.
        && varying(answer).all(|name| !name.as_str().starts_with("spin-") && name != TRACEPARENT)
        && [CACHE_CONTROL, AGE].iter().all(|name| answer.get_all(name).iter().all(is_countable))
}

/// No number of seconds in it is so great that time cannot be added to it. RFC 9111 (section 1.2.2)
/// lets a cache count to 2^31; the library takes what it is told.
fn is_countable(value: &HeaderValue) -> bool {
    value.as_bytes().split(|byte| !byte.is_ascii_digit()).all(|number| number.len() < 10)
}

fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn varying(answer: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let lists = answer.get_all(VARY).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).filter_map(|name| name.trim().parse().ok())
}

/// Whether the client has it already (RFC 9110, section 13.1.2), by weak comparison.
fn unmodified(request: &HeaderMap, answer: &HeaderMap) -> bool {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let text = |headers: &HeaderMap, name| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let Some(tag) = text(answer, ETAG).map(|tag| strong(&tag)) else { return false };
    text(request, IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',').any(|other| other.trim() == "*" || strong(other) == tag)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cache() -> SharedCache {
        of(&Limits { shared_cache_in_flight: 2, ..Limits::default() })
    }

    /// Of a component that shared something before.
    fn of(limits: &Limits) -> SharedCache {
        let cache = SharedCache::new(limits);
        assert!(!cache.concerns(&get("/", &[]), i64::MAX, Instant::now()));
        cache.keep(None, &answered(SHARED, ""));
        cache
    }

    fn get(uri: &str, headers: &[(&'static str, &'static str)]) -> request::Parts {
        let mut request = Request::get(uri).header("host", "here");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    fn answered(control: &str, body: &'static str) -> Response<Body> {
        Response::builder()
            .header("cache-control", control)
            .header("vary", "accept-language, cookie")
            .header("etag", "W/\"1\"")
            .body(Body::full(Bytes::from_static(body.as_bytes())))
            .expect("an answer")
    }

    fn keep(cache: &SharedCache, parts: &request::Parts, answer: &Response<Body>) {
        assert!(cache.concerns(parts, 2, Instant::now()));
        cache.keep(Some(&Asked::of(parts)), answer);
    }

    fn found(cache: &SharedCache, parts: &request::Parts) -> Option<Response<Body>> {
        let found = cache.concerns(parts, 2, Instant::now()).then(|| cache.find(parts)).flatten();
        found.map(|(answer, _)| answer)
    }

    const SHARED: &str = "max-age=0, s-maxage=60";

    #[test]
    fn nothing_is_asked_or_kept_for_one_person_or_while_there_is_little_to_do() {
        let cache = cache();
        let now = Instant::now();
        assert!(!cache.concerns(&get("/", &[]), 1, now));
        assert!(!cache.concerns(&get("/", &[("cookie", "a=b")]), 2, now));
        assert!(!cache.concerns(&get("/", &[("authorization", "Bearer x")]), 2, now));
        assert!(!cache.concerns(&get("/", &[("cache-control", "no-cache")]), 2, now));
        for control in
            ["no-cache", "public, max-age=60", "private, s-maxage=60", "no-store, s-maxage=60"]
        {
            keep(&cache, &get("/", &[]), &answered(control, "a"));
            assert!(found(&cache, &get("/", &[])).is_none(), "{control}");
        }
        let mut with_cookie = answered(SHARED, "a");
        with_cookie.headers_mut().insert(SET_COOKIE, "a=b".parse().expect("a value"));
        keep(&cache, &get("/", &[]), &with_cookie);
        assert!(found(&cache, &get("/", &[])).is_none());
    }

    #[test]
    fn it_answers_until_a_while_after_a_burst() {
        let (cache, page) = (cache(), get("/", &[]));
        let linger = Duration::from_millis(Limits::default().shared_cache_linger_ms);
        let now = Instant::now();
        assert!(!cache.concerns(&page, 1, now));
        assert!(cache.concerns(&page, 2, now));
        assert!(cache.concerns(&page, 1, now + linger / 2));
        assert!(!cache.concerns(&page, 1, now + linger * 2));
    }

    #[test]
    fn each_variant_is_found_by_what_it_varies_by() {
        let cache = cache();
        let korean = get("/a?b=c", &[("accept-language", "ko"), ("user-agent", "one")]);
        let english = get("/a?b=c", &[("accept-language", "en")]);
        keep(&cache, &korean, &answered(SHARED, "ko"));
        keep(&cache, &english, &answered(SHARED, "en"));
        let body = |parts| found(&cache, parts).and_then(|answer| answer.body().whole().cloned());
        assert_eq!(body(&korean).as_deref(), Some(&b"ko"[..]));
        assert_eq!(body(&english).as_deref(), Some(&b"en"[..]));
        let other = get("/a?b=c", &[("accept-language", "ko"), ("user-agent", "two")]);
        assert_eq!(body(&other).as_deref(), Some(&b"ko"[..]));
        assert!(found(&cache, &get("/a?b=c", &[])).is_none());
        assert!(found(&cache, &get("/a", &[("accept-language", "ko")])).is_none());
    }

    #[test]
    fn a_client_that_has_it_is_told_so_and_a_write_takes_it_away() {
        let cache = cache();
        keep(&cache, &get("/a", &[]), &answered(SHARED, "a"));
        let again = found(&cache, &get("/a", &[("if-none-match", "\"0\", \"1\"")])).expect("kept");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.body().whole().map(Bytes::len), Some(0));
        let other = found(&cache, &get("/a", &[("if-none-match", "\"0\"")])).expect("kept");
        assert_eq!(other.status(), StatusCode::OK);
        assert_eq!(other.headers().get("age").map(|age| age.as_bytes()), Some(&b"0"[..]));
        let mut written = answered("no-store", "");
        *written.status_mut() = StatusCode::SEE_OTHER;
        written.headers_mut().insert(LOCATION, "/a".parse().expect("a value"));
        cache.invalidate(&"/b".parse().expect("an address"), &written);
        assert!(found(&cache, &get("/a", &[])).is_none());
    }

    #[test]
    fn one_of_those_who_ask_renews_it_in_the_last_fifth_of_its_life() {
        let cache = cache();
        let mut aged = answered(SHARED, "a");
        aged.headers_mut().insert("age", "49".parse().expect("a value"));
        keep(&cache, &get("/a", &[]), &aged);
        let renews = |address: &str| {
            let found = cache.find(&get(address, &[]));
            found.expect("a fresh answer").1
        };
        let first = renews("/a");
        assert!(first.is_some() && renews("/a").is_none());
        drop(first);
        assert!(renews("/a").is_some(), "the first did not succeed");
        let mut younger = answered(SHARED, "a");
        younger.headers_mut().insert("age", "47".parse().expect("a value"));
        keep(&cache, &get("/c", &[]), &younger);
        assert!(renews("/c").is_none());
        let mut expired = answered(SHARED, "a");
        expired.headers_mut().insert("age", "60".parse().expect("a value"));
        keep(&cache, &get("/b", &[]), &expired);
        assert!(found(&cache, &get("/b", &[])).is_none());
    }

    #[test]
    fn what_lives_for_ever_is_not_shared() {
        let cache = cache();
        let ages = ["0", "18446744073709551614"];
        for (control, age) in ["s-maxage=18446744073709551615", SHARED].into_iter().zip(ages) {
            let mut answer = answered(control, "a");
            answer.headers_mut().insert("age", age.parse().expect("a value"));
            keep(&cache, &get("/a", &[]), &answer);
            assert!(found(&cache, &get("/a", &[])).is_none());
        }
    }

    #[test]
    fn it_never_holds_more_than_its_bytes() {
        let limits = Limits { shared_cache_bytes: 100_000, ..Limits::default() };
        let cache = of(&Limits { shared_cache_in_flight: 0, ..limits });
        for number in 0..1_000 {
            keep(&cache, &get(&format!("/{number}"), &[]), &answered(SHARED, "a"));
        }
        assert!(cache.answers.weight() <= 100_000);
        assert!(found(&cache, &get("/999", &[])).is_some());
    }
}
