//! What `wasi:http` asks of its host, and the calls that a guest makes through it.

use std::sync::{Arc, LazyLock};

use http::HeaderName;
use http::header::HOST;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks};

use super::RequestContext;
use crate::app::Component;
use crate::core::Core;
use crate::handler::HandlerPre;
use crate::imports::outbound_http;
use crate::limits::size;

/// Of a body that a guest writes, what waits for the client to take it.
const BODY_CHUNK_BYTES: usize = 128 * 1024;

/// One of an instance's outbound calls, until it is dropped.
pub(crate) type OutboundCall = OwnedSemaphorePermit;

/// What `wasi:http` asks of its host.
pub(crate) struct Hooks {
    component: Arc<Component>,
    core: Arc<Core>,
    pub(super) latest: Option<RequestContext>,
    /// Outbound calls that the instance may make besides those under way.
    calls: Arc<Semaphore>,
}

impl Hooks {
    pub(super) fn new(core: &Arc<Core>, component: &Arc<Component>) -> Self {
        let (core, component) = (Arc::clone(core), Arc::clone(component));
        // An operator may allow none.
        let calls = size(component.limits.outbound_calls).min(Semaphore::MAX_PERMITS);
        Self { component, core, latest: None, calls: Arc::new(Semaphore::new(calls)) }
    }

    /// `None` if as many are under way as may be.
    pub(crate) fn start_call(&self) -> Option<OutboundCall> {
        Arc::clone(&self.calls).try_acquire_owned().ok()
    }
}

/// Headers that belong to a connection, not to a message. One shared filter: it is asked
/// for with every request.
static CONNECTION_HEADERS: LazyLock<ForbiddenHeaderFilter> =
    LazyLock::new(|| Arc::new(is_of_connection));
/// A guest of WASI 0.2 reads the host of a request as its authority, and finds it in no header, as in Spin.
static WITH_HOST: LazyLock<ForbiddenHeaderFilter> =
    LazyLock::new(|| Arc::new(|name| name == HOST || is_of_connection(name)));

pub(crate) fn is_of_connection(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

type Sent = Box<
    dyn Future<
            Output = wasmtime_wasi_http::Result<(
                http::Response<WasiBody>,
                Box<dyn Future<Output = wasmtime_wasi_http::Result<()>> + Send>,
            )>,
        > + Send,
>;

impl WasiHttpHooks for Hooks {
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        let hides_host = self.component.code().is_ok_and(HandlerPre::hides_host);
        Arc::clone(if hides_host { &WITH_HOST } else { &CONNECTION_HEADERS })
    }

    /// Calls of WASI 0.2 components come this way; those of 0.3 through `OutboundHttp`.
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Box<dyn Future<Output = wasmtime_wasi_http::Result<()>> + Send>,
    ) -> Sent {
        let (core, component, context) =
            (Arc::clone(&self.core), Arc::clone(&self.component), self.latest);
        let call = self.start_call();
        Box::new(async move {
            let call = call.ok_or(wasmtime_wasi_http::Error::ConnectionLimitReached)?;
            let response =
                outbound_http::send(&core, &component, context, call, request, options).await?;
            let finished: Box<dyn Future<Output = wasmtime_wasi_http::Result<()>> + Send> =
                Box::new(async { Ok(()) });
            Ok((response, finished))
        })
    }
}
