//! Outbound HTTP: `wasi:http/client@0.3.0` and, through the same function,
//! `wasi:http/outgoing-handler@0.2`. Held to `allowed_outbound_hosts`; a call to
//! `NAME.spin.internal` or to the application itself never touches a socket.

use std::error::Error as _;
use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::header::{CONTENT_LENGTH, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, HasData, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::client::HostWithStore;
use wasmtime_wasi_http::p3::bindings::http::types::{DnsErrorPayload, ErrorCode};
use wasmtime_wasi_http::p3::{Request as GuestRequest, Response as GuestResponse};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtxView, WasiHttpView};

use crate::allow_list::chained_component;
use crate::answer::{self, Asker, Problem};
use crate::app::Component;
use crate::body::{self, Body, Patience};
use crate::core::Core;
use crate::guest::{Guest, OutboundCall, RequestContext};
use crate::limits::{Limits, permits, size};
use crate::log;
use crate::net::{self, ConnectError, Network, Stream};
use crate::otlp::{Kind, Span};
use crate::request::{self, CHAINED_CLIENT_ADDR};
use crate::route;
use crate::tls::PeerTls;
use crate::trace::TRACEPARENT;

type Failure = TrappableError<ErrorCode>;

/// The host's part of `wasi:http/client`.
pub(crate) struct OutboundHttp;

impl HasData for OutboundHttp {
    type Data<'a> = WasiHttpCtxView<'a>;
}

impl HostWithStore<Guest> for OutboundHttp {
    async fn send(
        accessor: &Accessor<Guest, Self>,
        request: Resource<GuestRequest>,
    ) -> Result<Resource<GuestResponse>, Failure> {
        let (core, component, context, call, request, options) = accessor.with(|mut access| {
            let tasks: Vec<_> =
                access.as_context_mut().async_call_stack().map_err(Failure::trap)?.collect();
            let guest = access.data_mut();
            let (core, component) = (Arc::clone(&guest.core), Arc::clone(&guest.component));
            let context = guest.request_of(tasks.into_iter());
            let Some(call) = guest.hooks.start_call() else {
                return Err(Failure::from(ErrorCode::ConnectionLimitReached));
            };
            let request = guest.table.delete(request).map_err(Failure::trap)?;
            let sent = async { Ok(()) };
            let (request, options) =
                request.into_http_with_getter(&mut access, sent, Guest::http)?;
            Ok::<_, Failure>((core, component, context, call, request, options))
        })?;
        let options = options.as_deref().copied();
        let response = send(&core, &component, context, call, request, options)
            .await
            .map_err(|error| error_code(&error))?;
        accessor.with(|mut access| {
            let view = access.get();
            let (response, _consumed) = GuestResponse::from_http(view.hooks, response);
            view.table.push(response).map_err(Failure::trap)
        })
    }
}

/// Sends `request` for `component`. `context` is the request that made it; `call` is under way until
/// the end of the response.
pub(crate) async fn send(
    core: &Arc<Core>,
    component: &Arc<Component>,
    context: Option<RequestContext>,
    call: OutboundCall,
    request: Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Response<WasiBody>, Error> {
    component.metrics.outbound.inc();
    let context =
        context.unwrap_or_else(|| RequestContext::started(request.headers(), core.app.samples()));
    let Some(target) = target(component, request.uri()) else {
        let authority = request.uri().authority().map(Authority::as_str);
        let authority = authority.filter(|it| !it.starts_with(':')).unwrap_or("self");
        let scheme = request.uri().scheme_str().unwrap_or("https");
        tracing::warn!(
            component = %component.id, trace_id = %context.trace,
            "outbound call to {scheme}://{} refused: not in allowed_outbound_hosts", log::shown(&authority)
        );
        return Err(Error::HttpRequestDenied);
    };
    let context = context.chained();
    let recorded = core
        .app
        .spans
        .as_ref()
        .map(|spans| (spans, request.method().clone(), request.uri().clone(), Instant::now()));
    let answered = reach(core, component, target, context, request, options).await;
    if let Some((spans, method, uri, started)) = recorded {
        spans.record(Span {
            trace: context.trace,
            kind: Kind::Call,
            component: &component.id,
            method: &method,
            place: uri.host().unwrap_or_default(),
            status: answered.as_ref().ok().map(Response::status),
            duration: started.elapsed(),
        });
    }
    answered.map(|response| counted(response, call))
}

fn counted(response: Response<WasiBody>, call: OutboundCall) -> Response<WasiBody> {
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|body| {
        body.map_frame(move |frame| {
            let _until_its_end = &call;
            frame
        })
        .boxed_unsync()
    })
}

/// `context` is the call's own.
async fn reach(
    core: &Arc<Core>,
    component: &Component,
    target: Target,
    context: RequestContext,
    request: Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Response<WasiBody>, Error> {
    match target {
        Target::Component(name) => {
            let Some(index) = core.app.component_index(&name) else {
                return Err(Error::DestinationNotFound);
            };
            let asker = Asker::of(request.headers(), context.trace);
            let request = request::chained(request, context);
            Ok(called(core, index, context, request, &asker).await)
        }
        Target::Itself => {
            let method = request.method().clone();
            let response = itself(core, context, request).await;
            let has_body = request::has_body(&method, response.status());
            Ok(if has_body { response } else { response.map(|_| body::empty()) })
        }
        Target::Elsewhere => {
            elsewhere(core, component, context, request, options.unwrap_or_default()).await
        }
    }
}

/// As a client from outside is answered, by the same routes.
async fn itself(
    core: &Arc<Core>,
    context: RequestContext,
    request: Request<WasiBody>,
) -> Response<WasiBody> {
    let asker = Asker::of(request.headers(), context.trace);
    let path = request.uri().path();
    if let Some(response) = request::told_by_host(core, path) {
        return response.map(BodyExt::boxed_unsync);
    }
    let Some(found) = request::route(core, path) else {
        return answer::problem(Problem::NotFound, &asker).map(BodyExt::boxed_unsync);
    };
    match &found.route.target {
        route::Target::Component(index) => {
            let (index, (mut parts, body)) = (*index, request.into_parts());
            let path = parts.uri.path_and_query().cloned();
            parts.uri = path.map_or_else(Uri::default, Uri::from);
            parts.headers.insert(HOST, core.own.clone());
            request::describe(&mut parts, found, &CHAINED_CLIENT_ADDR, context);
            let request = Request::from_parts(parts, body);
            called(core, index, context, request, &asker).await
        }
        route::Target::Fixed(response) => {
            response.clone().map(|bytes| Body::full(bytes).boxed_unsync())
        }
    }
}

enum Target {
    Component(String),
    /// The application's own public routes.
    Itself,
    Elsewhere,
}

/// `None` if the component may not call there.
fn target(component: &Component, uri: &Uri) -> Option<Target> {
    let Some(host) = uri.host().filter(|host| !matches!(*host, "" | "self.alt")) else {
        return component.allow_list.allows_itself().then_some(Target::Itself);
    };
    let scheme = uri.scheme_str().unwrap_or("https");
    if !component.allow_list.allows(scheme, host, uri.port_u16()) {
        return None;
    }
    Some(match chained_component(host) {
        Some(name) => Target::Component(name.to_owned()),
        None => Target::Elsewhere,
    })
}

/// A call to a component in this process and on this thread.
async fn called(
    core: &Arc<Core>,
    index: usize,
    context: RequestContext,
    request: Request<WasiBody>,
    asker: &Asker,
) -> Response<WasiBody> {
    match core.call(index, request, context).await {
        Ok(response) => response.map(BodyExt::boxed_unsync),
        Err(problem) => answer::problem(problem, asker).map(BodyExt::boxed_unsync),
    }
}

async fn elsewhere(
    core: &Core,
    component: &Component,
    context: RequestContext,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    // The client names the peer by its address, whatever the guest copied here.
    request.headers_mut().remove(HOST);
    if !request.headers().contains_key(TRACEPARENT) {
        request.headers_mut().insert(TRACEPARENT, context.trace.header());
    }
    let limit = Duration::from_millis(component.limits.outbound_response_ms);
    let connect = Duration::from_millis(component.limits.outbound_connect_ms);
    let first_byte = options.first_byte_timeout.unwrap_or(limit).min(limit);
    // A pooled connection needs no connecting, so the two are waited for together.
    let wait = first_byte + options.connect_timeout.unwrap_or(connect).min(connect);
    // With its length, where the guest has written all of it; a read has no body at all then.
    let (parts, body) = request.into_parts();
    let body = Body::of_guest(body, Patience { pause: wait, whole: wait }).await.boxed_unsync();
    let mut request = Request::from_parts(parts, body);
    // Its peer would wait for the rest of a body that is shorter, and take it from the next request.
    let length = request.body().size_hint().exact().map(HeaderValue::from);
    if length.is_some_and(|length| {
        request.headers().get(CONTENT_LENGTH).is_some_and(|said| *said != length)
    }) {
        request.headers_mut().remove(CONTENT_LENGTH);
    }
    // RFC 9110, section 8.6: of a method that has a body servers want to know that this one is empty.
    let has_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    if has_body && request.body().is_end_stream() {
        request.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
    }
    let response =
        match tokio::time::timeout(wait, core.outbound(component).http.request(request)).await {
            Ok(response) => response.map_err(|error| request_error(&error))?,
            Err(_) => return Err(Error::HttpResponseTimeout),
        };
    let patience = Patience {
        pause: options.between_bytes_timeout.unwrap_or(limit).min(limit),
        ..Patience::of(&component.limits)
    };
    let (parts, body) = response.into_parts();
    let body = Body::of_guest(body.map_err(Error::Hyper).boxed_unsync(), patience).await;
    Ok(Response::from_parts(parts, body.boxed_unsync()))
}

/// Keeps connections of a component on one thread. Redirects are the guest's business: each
/// one is a new call, checked like any other.
pub(crate) struct Client {
    connector: Connector,
    builder: legacy::Builder,
    kept: Mutex<Kept>,
}

type Kept = legacy::Client<Connector, WasiBody>;

impl Client {
    pub(crate) fn new(network: Network, tls: Arc<PeerTls>, limits: &Limits) -> Self {
        let connector = Connector {
            network,
            tls,
            connect: Duration::from_millis(limits.outbound_connect_ms),
            places: Arc::new(Semaphore::new(permits(limits.outbound_connections))),
        };
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        // A guest may keep the head of a response.
        builder.http1_max_buf_size(limits.head_bytes());
        // Of none the library would close nothing.
        builder.pool_idle_timeout(Duration::from_millis(limits.outbound_idle_ms.max(1)));
        builder.pool_max_idle_per_host(size(limits.outbound_idle_connections));
        let kept = Mutex::new(builder.build(connector.clone()));
        Self { connector, builder, kept }
    }

    /// Where all connections are taken, those that nobody uses are given up.
    fn client(&self) -> Kept {
        let mut kept = self.kept.lock();
        if self.connector.places.available_permits() == 0 {
            *kept = self.builder.build(self.connector.clone());
        }
        kept.clone()
    }

    /// A peer may end a connection that is kept at the moment when a request is sent on it. One
    /// that only reads is sent once more (RFC 9110, 9.2.2).
    async fn request(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<hyper::body::Incoming>, legacy::Error> {
        let again = request::repeatable(&request);
        let client = self.client();
        match (client.request(request).await, again) {
            (Err(error), Some(again)) if was_ended(&error) => client.request(again).await,
            (answered, _) => answered,
        }
    }
}

#[derive(Clone)]
struct Connector {
    network: Network,
    tls: Arc<PeerTls>,
    connect: Duration,
    /// One for each connection.
    places: Arc<Semaphore>,
}

impl Connector {
    async fn connect(self, uri: Uri) -> Result<TokioIo<Stream>, ConnectError> {
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let host = uri.host().ok_or(ConnectError::NoSuchName)?;
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let place = tokio::time::timeout(self.connect, self.places.acquire_owned());
        // The semaphore is never closed.
        let place = place.await.map_err(|_| ConnectError::TimedOut)?.ok();
        let stream = self.network.connect(host, port, self.connect).await?;
        if !secure {
            return Ok(TokioIo::new(Stream::plain(stream, place)));
        }
        let name = net::unbracketed(host);
        let name = ServerName::try_from(name.to_owned()).map_err(|_| ConnectError::NoSuchName)?;
        let tls = TlsConnector::from(self.tls.of(host));
        let handshake = tokio::time::timeout(self.connect, tls.connect(name, stream));
        let stream =
            handshake.await.map_err(|_| ConnectError::TimedOut)?.map_err(ConnectError::Tls)?;
        Ok(TokioIo::new(Stream::secure(stream, place)))
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        if self.protocol() == Some(b"h2") {
            Connected::new().negotiated_h2()
        } else {
            Connected::new()
        }
    }
}

/// Whether the peer ended the connection without a word of an answer.
fn was_ended(error: &legacy::Error) -> bool {
    let ended = causes(error).find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<hyper::Error>()
            && error.is_incomplete_message()
        {
            return Some(true);
        }
        let error = cause.downcast_ref::<std::io::Error>()?;
        Some(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe))
    });
    ended.unwrap_or(false)
}

fn request_error(error: &legacy::Error) -> Error {
    let known = causes(error).find_map(|cause| {
        if let Some(Error::HttpRequestBodySize(size)) = cause.downcast_ref::<Error>() {
            return Some(Error::HttpRequestBodySize(*size));
        }
        Some(match cause.downcast_ref::<ConnectError>()? {
            ConnectError::NoSuchName => {
                Error::DnsError { rcode: Some("address not available".into()), info_code: Some(0) }
            }
            ConnectError::Prohibited => Error::DestinationIpProhibited,
            ConnectError::TimedOut => Error::ConnectionTimeout,
            ConnectError::Refused(_) => Error::ConnectionRefused,
            ConnectError::Tls(_) => Error::TlsProtocolError,
        })
    });
    known.unwrap_or_else(|| {
        if error.is_connect() { Error::ConnectionRefused } else { Error::HttpProtocolError }
    })
}

/// What is behind an error, from the nearest on.
fn causes(error: &legacy::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

fn error_code(error: &Error) -> ErrorCode {
    match error {
        Error::HttpRequestDenied => ErrorCode::HttpRequestDenied,
        Error::DestinationNotFound => ErrorCode::DestinationNotFound,
        Error::DestinationIpProhibited => ErrorCode::DestinationIpProhibited,
        Error::ConnectionTimeout => ErrorCode::ConnectionTimeout,
        Error::ConnectionRefused => ErrorCode::ConnectionRefused,
        Error::HttpResponseTimeout => ErrorCode::HttpResponseTimeout,
        Error::TlsProtocolError => ErrorCode::TlsProtocolError,
        Error::HttpRequestBodySize(size) => ErrorCode::HttpRequestBodySize(*size),
        Error::DnsError { rcode, info_code } => {
            ErrorCode::DnsError(DnsErrorPayload { rcode: rcode.clone(), info_code: *info_code })
        }
        _ => ErrorCode::HttpProtocolError,
    }
}
