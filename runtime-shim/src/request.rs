//! One request's way: route, headers for the guest, an instance, the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::uri::{Authority, Scheme};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
    request,
};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use wasmtime_wasi_http::WasiBody;

use crate::answer::{self, Asker, Problem};
use crate::app::Component;
use crate::body::{self, Body, Limited, Patience};
use crate::core::Core;
use crate::guest::RequestContext;
use crate::log;
use crate::otlp::{Kind, Span};
use crate::route::{Matched, Route, Target};
use crate::shared_cache::Asked;
use crate::trace::TRACEPARENT;

/// What is below is answered by the host alone, as in Spin.
const WELL_KNOWN: &str = "/.well-known/spin/";

pub(crate) const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
pub(crate) const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
pub(crate) const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
pub(crate) const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");
/// What Spin tells a component that another one called.
pub(crate) const CHAINED_CLIENT_ADDR: HeaderValue = HeaderValue::from_static("0.0.0.0:0");
const ROOT: HeaderValue = HeaderValue::from_static("/");
const ANY_ROUTE: HeaderValue = HeaderValue::from_static("/...");
/// Headers that [`describe`] adds to a route without parameters, room for which is made once.
const ADDED: usize = 8;
/// As the library has it for HTTP/1.
const MOST_HEADERS: usize = 100;
const NOTHING: HeaderValue = HeaderValue::from_static("");

/// Answers a request that came from `client`.
pub(crate) async fn answer(
    core: &Arc<Core>,
    client: &HeaderValue,
    request: Request<Incoming>,
) -> Response<Body> {
    if let Some(response) = told_by_host(core, request.uri().path()) {
        return response;
    }
    let context = RequestContext::started(request.headers(), core.app.samples());
    let asker = Asker::of(request.headers(), context.trace);
    if let Err(problem) = check(&request) {
        core.app.metrics.unrouted.answered(problem.status());
        return answer::problem(problem, &asker);
    }
    let Some(matched) = route(core, request.uri().path()) else {
        core.app.metrics.unrouted.answered(Problem::NotFound.status());
        return answer::problem(Problem::NotFound, &asker);
    };
    let index = match &matched.route.target {
        Target::Component(index) => *index,
        Target::Fixed(response) => {
            matched.route.metrics.answered(response.status());
            return response.clone().map(Body::full);
        }
    };
    let measured = Measured {
        core,
        component: &core.app.components[index],
        route: matched.route,
        context,
        method: request.method().clone(),
        started: Instant::now(),
    };
    measured.component.metrics.in_flight.inc();
    let (parts, body) = request.into_parts();
    let inbound = Inbound { index, matched, client, parts, body };
    let response = respond(&measured, inbound, &asker).await;
    measured.finish(response)
}

/// What the library leaves to its user.
fn check(request: &Request<Incoming>) -> Result<(), Problem> {
    let headers = request.headers();
    // Of HTTP/2 a line may be a byte, and take a hundred here.
    if headers.len() > MOST_HEADERS {
        return Err(Problem::HeadTooLarge);
    }
    // RFC 9112, section 3.2: another server may take the other one for its host.
    let hosts = headers.get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        return Err(Problem::Malformed);
    }
    Ok(())
}

/// A request from outside and the component that it is for.
struct Inbound<'a> {
    index: usize,
    matched: Matched<'a>,
    client: &'a HeaderValue,
    parts: request::Parts,
    body: Incoming,
}

/// Answers from the shared cache where that may, and else has an instance do so. What is due to be
/// renewed, and still good, serves where no instance does.
async fn respond(measured: &Measured<'_>, inbound: Inbound<'_>, asker: &Asker) -> Response<Body> {
    let Component { shared_cache, metrics, .. } = measured.component;
    let under_way = metrics.in_flight.get();
    let cached = shared_cache.concerns(&inbound.parts, under_way, measured.started);
    let found = cached.then(|| shared_cache.find(&inbound.parts)).flatten();
    let (kept, _renewal) = match found {
        Some((response, None)) => {
            metrics.shared.inc();
            return response;
        }
        Some((response, renewal)) => (Some(response), renewal),
        None => (None, None),
    };
    match ask_instance(measured, inbound, cached).await {
        Ok(response) => response,
        Err(Problem::BodyTooLarge) => answer::problem(Problem::BodyTooLarge, asker),
        Err(problem) => kept.unwrap_or_else(|| answer::problem(problem, asker)),
    }
}

/// Has an instance answer.
async fn ask_instance(
    measured: &Measured<'_>,
    inbound: Inbound<'_>,
    cached: bool,
) -> Result<Response<Body>, Problem> {
    let &Measured { core, component, context, .. } = measured;
    let Inbound { index, matched, client, mut parts, body } = inbound;
    let (body, exceeded) = receive(core, index, body).await?;
    // Only now: who is slow to send a body takes no place of those that may be inside.
    let _admitted = core.pools[index].admit(component).ok_or(Problem::Overloaded)?;
    let asked = cached.then(|| Asked::of(&parts));
    let written = (!parts.method.is_safe()).then(|| parts.uri.clone());
    describe(&mut parts, matched, client, context);
    let answered = core.answered(index, Request::from_parts(parts, body), context).await;
    if exceeded.is_some_and(|exceeded| exceeded.load(Relaxed)) {
        return Err(Problem::BodyTooLarge);
    }
    let (parts, body) = answered?.into_parts();
    if parts.status.is_informational() {
        tracing::error!(
            component = %component.id, trace_id = %context.trace,
            "no response: {} is the host's to say", parts.status
        );
        return Err(Problem::Crashed);
    }
    let body = Body::of_guest(body, Patience::of(&component.limits)).await;
    if let Some(failure) = body.failure()
        && has_body(&measured.method, parts.status)
    {
        // The head says that all went well, and nobody has seen it yet.
        tracing::error!(
            component = %component.id, trace_id = %context.trace,
            "no response: its body failed at once: {}", log::shown(&failure)
        );
        return Err(Problem::Crashed);
    }
    let response = Response::from_parts(parts, body);
    component.shared_cache.keep(asked.as_ref(), &response);
    if let Some(uri) = written {
        component.shared_cache.invalidate(&uri, &response);
    }
    Ok(response)
}

/// Whether a body is sent with a response (RFC 9110, 6.4.1). Where none is, its length may be that of
/// another one.
pub(crate) fn has_body(method: &Method, status: StatusCode) -> bool {
    *method != Method::HEAD && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// As much of `body` as has to be there before an instance is asked for, with what tells whether the
/// rest turns out to be too long.
async fn receive(
    core: &Core,
    index: usize,
    body: Incoming,
) -> Result<(WasiBody, Option<Arc<AtomicBool>>), Problem> {
    let limits = &core.app.components[index].limits;
    let limit = limits.request_body_bytes;
    if body.is_end_stream() {
        return Ok((body::empty(), None));
    }
    let is_too_large = body.size_hint().lower() > limit;
    let (body, exceeded) = Limited::new(body, limit);
    if is_too_large {
        let time = Duration::from_millis(limits.request_ms);
        let _ = tokio::time::timeout(time, body.discard()).await;
        return Err(Problem::BodyTooLarge);
    }
    match core.arrived(index, body.boxed_unsync()).await {
        Ok(body) => Ok((body, Some(exceeded))),
        Err(_) if exceeded.load(Relaxed) => Err(Problem::BodyTooLarge),
        Err(problem) => Err(problem),
    }
}

pub(crate) fn told_by_host(core: &Core, path: &str) -> Option<Response<Body>> {
    let (kind, text) = match path.strip_prefix(WELL_KNOWN)? {
        "health" => ("text/plain", Bytes::from_static(b"OK")),
        "info" => ("application/json", core.app.info.clone()),
        _ => return None,
    };
    let mut response = Response::new(Body::full(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Some(response)
}

/// The public route of `path`, which the host does not keep to itself.
pub(crate) fn route<'a>(core: &'a Core, path: &str) -> Option<Matched<'a>> {
    if path.starts_with(WELL_KNOWN) { None } else { core.app.router.find(path) }
}

/// Counts a request, however it ends.
struct Measured<'a> {
    core: &'a Arc<Core>,
    component: &'a Component,
    route: &'a Route,
    context: RequestContext,
    method: Method,
    started: Instant,
}

impl Measured<'_> {
    fn finish(self, response: Response<Body>) -> Response<Body> {
        let duration = self.started.elapsed();
        self.route.metrics.answered(response.status());
        self.component.metrics.latency.observe(duration.as_secs_f64());
        if let Some(spans) = &self.core.app.spans {
            spans.record(Span {
                trace: self.context.trace,
                kind: Kind::Request,
                component: &self.component.id,
                method: &self.method,
                place: self.route.based.to_str().unwrap_or_default(),
                status: Some(response.status()),
                duration,
            });
        }
        response
    }
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        self.component.metrics.in_flight.dec();
    }
}

/// Tells the guest what Spin would tell it. A client cannot say any of it.
pub(crate) fn describe(
    parts: &mut request::Parts,
    matched: Matched<'_>,
    client: &HeaderValue,
    context: RequestContext,
) {
    let authority = parts
        .uri
        .authority()
        .cloned()
        .or_else(|| Authority::try_from(parts.headers.get(HOST)?.as_bytes()).ok())
        .unwrap_or(Authority::from_static("localhost"));
    let path = parts.uri.path_and_query().cloned();
    let full_url = format!("http://{authority}{}", path.as_ref().map_or("/", |path| path.as_str()));
    let headers = &mut parts.headers;
    strip(headers);
    headers.reserve(ADDED);
    if parts.uri.authority().is_some()
        && let Some(host) = authority.as_str().rsplit('@').next()
        && let Ok(host) = HeaderValue::from_str(host)
    {
        // The one that counts (RFC 9112, section 3.2.2; RFC 9113, section 8.3.1).
        headers.insert(HOST, host);
    }
    headers.insert(PATH_INFO, HeaderValue::try_from(matched.path_info).unwrap_or(NOTHING));
    headers.insert(FULL_URL, HeaderValue::try_from(full_url).unwrap_or(NOTHING));
    headers.insert(MATCHED_ROUTE, matched.route.based.clone());
    headers.insert(BASE_PATH, ROOT);
    headers.insert(RAW_COMPONENT_ROUTE, matched.route.raw.clone());
    headers.insert(COMPONENT_ROUTE, matched.route.prefix.clone());
    headers.insert(CLIENT_ADDR, client.clone());
    headers.insert(TRACEPARENT, context.trace.header());
    for (name, value) in matched.captures {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let name = HeaderName::try_from(format!("spin-path-match-{name}"));
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(authority);
    uri.path_and_query = path;
    if let Ok(uri) = Uri::from_parts(uri) {
        parts.uri = uri;
    }
}

/// A call from another component, as the called one sees it.
pub(crate) fn chained(request: Request<WasiBody>, context: RequestContext) -> Request<WasiBody> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let full_url = HeaderValue::try_from(format!("http://localhost{path}")).unwrap_or(NOTHING);
    let path_info = HeaderValue::from_str(parts.uri.path()).unwrap_or(NOTHING);
    let headers = &mut parts.headers;
    strip(headers);
    headers.remove(HOST);
    headers.insert(FULL_URL, full_url);
    headers.insert(PATH_INFO, path_info);
    headers.insert(MATCHED_ROUTE, ANY_ROUTE);
    headers.insert(BASE_PATH, ROOT);
    headers.insert(RAW_COMPONENT_ROUTE, ANY_ROUTE);
    headers.insert(COMPONENT_ROUTE, NOTHING);
    headers.insert(CLIENT_ADDR, CHAINED_CLIENT_ADDR);
    headers.insert(TRACEPARENT, context.trace.header());
    Request::from_parts(parts, body)
}

/// A copy of a request that only reads (RFC 9110, 9.2.1), to be made once more where it was lost
/// for a reason that is not its own.
pub(crate) fn repeatable(request: &Request<WasiBody>) -> Option<Request<WasiBody>> {
    if !request.method().is_safe() || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(body::empty());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// Removes what only the host may say.
fn strip(headers: &mut HeaderMap) {
    let forged: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("spin-")).cloned().collect();
    for name in forged {
        headers.remove(name);
    }
}
