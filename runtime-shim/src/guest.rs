//! What one instance of a component holds, and what it is linked with.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::HeaderName;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component as Code, GuestTaskId, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

use crate::app::Component;
use crate::cgi::{self, Exchange};
use crate::core::Core;
use crate::handler::{Answer, Handler, HandlerPre};
use crate::held::Budget;
use crate::imports::{self, outbound_http};
use crate::inbound_http;
use crate::trace::TraceContext;

/// Requests of an instance that are remembered, so that a call which a guest
/// makes after its response head still finds the request it belongs to.
const REMEMBERED: usize = 64;

/// Random bytes that one call gives: the library draws them one by one.
const RANDOM_BYTES: u64 = 1024 * 1024;

/// Of a body that a guest writes, what waits for the client to take it.
const BODY_CHUNK_BYTES: usize = 128 * 1024;

/// What belongs to one request, wherever it goes.
#[derive(Clone, Copy)]
pub struct RequestContext {
    pub trace: TraceContext,
    /// How many components called each other to get here.
    pub depth: u64,
}

impl RequestContext {
    /// Of a request that comes from outside. `sample`: whether a trace that starts with it is
    /// recorded.
    pub fn started(headers: &http::HeaderMap, sample: bool) -> Self {
        Self { trace: TraceContext::of(headers, sample), depth: 0 }
    }

    /// Of a request that this one makes to another component.
    pub fn chained(self) -> Self {
        Self { trace: self.trace.child(), depth: self.depth + 1 }
    }
}

/// Outbound calls of an instance that are under way.
#[derive(Default)]
pub(crate) struct Calls(Arc<()>);

/// One of them, until it is dropped.
pub(crate) struct OutboundCall(#[expect(dead_code, reason = "it counts")] Arc<()>);

impl Calls {
    /// `None` if there are `limit` already.
    pub(crate) fn start(&self, limit: u64) -> Option<OutboundCall> {
        let started = Arc::strong_count(&self.0) as u64 - 1;
        (started < limit).then(|| OutboundCall(Arc::clone(&self.0)))
    }
}

/// The data of a store.
pub struct Guest {
    pub component: Arc<Component>,
    pub core: Arc<Core>,
    pub table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    pub(crate) hooks: Hooks,
    pub(crate) held: Budget,
    limiter: Limiter,
    requests: VecDeque<(GuestTaskId, RequestContext)>,
    /// Of a program that runs.
    pub(crate) exchange: Option<Exchange>,
    pub activity: Arc<Activity>,
}

/// A page that asks another component, and that one its database, goes on as often as there are
/// looks at what is ready, and would wait for a turn at each if there were one look only.
const LOOKS_PER_TURN: u32 = 16;
/// What computes gives way to others for so long at most, about the length of its own turn.
const WAY: Duration = Duration::from_millis(2);

/// What the epoch callback tells those outside the store, who cannot look in.
#[derive(Default)]
pub struct Activity {
    /// Everything in the store waited, since the guest was last interrupted.
    pub rested: AtomicBool,
    /// The guest was interrupted while computing, since this was last looked at.
    pub yielded: AtomicBool,
    /// The task that was computing then.
    pub computing: Mutex<Option<GuestTaskId>>,
    /// The guest waits for its turn to go on computing.
    pub queued: AtomicBool,
    /// The instance was ended before it was done.
    pub broken: AtomicBool,
    turn: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Activity {
    /// Guests that compute take turns, one between some looks at sockets: a request that arrives
    /// waits for one turn, however many people sign in at the time.
    async fn next_turn(self: Arc<Self>, turns: Arc<Semaphore>) {
        self.queued.store(true, Relaxed);
        let ended = Instant::now();
        for _ in 0..LOOKS_PER_TURN {
            // tokio's own yield lets sockets and timers have their turn too.
            tokio::task::yield_now().await;
            if ended.elapsed() > WAY {
                break;
            }
        }
        self.end_turn();
        // The semaphore is never closed.
        let turn = turns.acquire_owned().await.ok();
        *self.turn.lock() = turn;
        self.queued.store(false, Relaxed);
    }

    /// Whether the guest computes, seen when it has stopped for now. Others get the turn of one that
    /// waits for something.
    pub fn computes(&self) -> bool {
        if self.yielded.swap(false, Relaxed) || self.queued.load(Relaxed) {
            return true;
        }
        self.end_turn();
        self.rested.store(true, Relaxed);
        false
    }

    /// The guest waits for something, or another's turn has come.
    pub fn end_turn(&self) {
        self.turn.lock().take();
    }
}

impl Guest {
    pub fn remember(&mut self, task: GuestTaskId, context: RequestContext) {
        if self.requests.len() >= REMEMBERED {
            self.requests.pop_front();
        }
        self.requests.push_back((task, context));
        self.hooks.latest = Some(context);
    }

    /// Bytes of memory that requests made it take. A guest cannot give any back.
    pub fn grown(&self) -> u64 {
        u64::try_from(self.limiter.taken - self.limiter.first).unwrap_or(0)
    }

    /// Gives a program the request that it is run for, with all of its body.
    pub(crate) fn become_program(
        &mut self,
        request: http::Request<WasiBody>,
        answer: Answer,
    ) -> wasmtime::Result<()> {
        let (parts, body) = request.into_parts();
        let body = inbound_http::bytes(body);
        let limit = usize::try_from(self.component.limits.program_output_bytes)?;
        let exchange = Exchange::new(answer, limit);
        let argv = self.component.argv.as_deref().unwrap_or_default();
        // A header of a request is no reason to see another value than the component's own.
        let own = |name: &str| self.component.environment.iter().any(|(own, _)| own == name);
        let variables = cgi::environment(&parts, body.len()).into_iter();
        let variables: Vec<_> = variables.filter(|(name, _)| !own(name)).collect();
        let mut wasi = wasi(&self.core, &self.component)?;
        wasi.args(&cgi::arguments(argv, &parts)).envs(&variables);
        wasi.stdin(MemoryInputPipe::new(body)).stdout(exchange.stdout());
        self.wasi = wasi.build();
        self.exchange = Some(exchange);
        Ok(())
    }

    /// The request that one of `tasks` answers.
    pub fn request_of(&self, tasks: impl Iterator<Item = GuestTaskId>) -> Option<RequestContext> {
        let mut tasks = tasks;
        tasks.find_map(|task| {
            self.requests
                .iter()
                .rev()
                .find(|(known, _)| *known == task)
                .map(|(_, context)| *context)
        })
    }
}

/// Holds an instance to `memory_bytes` and `table_elements`, and tells the metrics what it takes.
struct Limiter {
    component: Arc<Component>,
    /// Bytes that it may still take, of all its memories together.
    memory: usize,
    /// Elements that its tables may still take together.
    elements: usize,
    taken: i64,
    /// What it took for its start.
    first: i64,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let Some(left) = self.memory.checked_sub(more) else { return Ok(false) };
        self.memory = left;
        self.taken += more as i64;
        self.component.metrics.memory.add(more as i64);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let Some(left) = self.elements.checked_sub(desired.saturating_sub(current)) else {
            return Ok(false);
        };
        self.elements = left;
        Ok(true)
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.component.metrics.memory.sub(self.taken);
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// What `wasi:http` asks of its host.
pub(crate) struct Hooks {
    component: Arc<Component>,
    core: Arc<Core>,
    latest: Option<RequestContext>,
    pub(crate) calls: Calls,
}

/// Headers that belong to a connection, not to a message. `host` is not among
/// them: guests read it, and Spin lets them. One shared filter: it is asked
/// for with every request.
static CONNECTION_HEADERS: LazyLock<ForbiddenHeaderFilter> =
    LazyLock::new(|| Arc::new(is_of_connection));

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
        Arc::clone(&CONNECTION_HEADERS)
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
        let call = self.calls.start(component.limits.outbound_calls);
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

pub(crate) fn linker(engine: &Engine) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    imports::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// Links `code` as far as that can be done once for all instances. Calling one
/// of the interfaces in `uncalled`, which this host lacks, is a trap.
pub(crate) fn link(
    linker: &Linker<Guest>,
    code: &Code,
    uncalled: &[String],
    is_program: bool,
) -> Result<HandlerPre> {
    let engine = linker.engine();
    let world = code.component_type();
    let mut missing = Vec::new();
    let mut own = linker.clone();
    for (name, item) in world.imports(engine) {
        let ComponentItem::ComponentInstance(interface) = item.ty else { continue };
        if imports::is_offered(name) {
            continue;
        }
        if uncalled.iter().any(|uncalled| uncalled == name) {
            imports::add_trap(&mut own, name, &interface)?;
        } else {
            missing.push(name);
        }
    }
    if !missing.is_empty() {
        bail!(
            "imports {}, which this host does not have; what it imports but never calls can be listed as `uncalled_imports` in [component.ID.tool.runtime-shim]",
            missing.join(", ")
        );
    }
    HandlerPre::of(own.instantiate_pre(code)?, is_program)
}

/// An instance ready for requests.
pub(crate) async fn instantiate(
    core: &Arc<Core>,
    component: &Arc<Component>,
) -> Result<(Store<Guest>, Handler)> {
    let limits = &component.limits;
    let activity = Arc::new(Activity::default());
    let mut table = ResourceTable::new();
    table.set_max_capacity(usize::try_from(limits.handles)?);
    let mut http = WasiHttpCtx::new();
    // As much as a client may send.
    http.set_field_size_limit(usize::try_from(core.app.limits.max_header_bytes)?);
    let guest = Guest {
        component: Arc::clone(component),
        core: Arc::clone(core),
        table,
        wasi: wasi(core, component)?.build(),
        http,
        hooks: Hooks {
            component: Arc::clone(component),
            core: Arc::clone(core),
            latest: None,
            calls: Calls::default(),
        },
        held: Budget::new(limits.held_bytes),
        limiter: Limiter {
            component: Arc::clone(component),
            memory: usize::try_from(limits.memory_bytes)?,
            elements: usize::try_from(limits.table_elements)?,
            taken: 0,
            first: 0,
        },
        requests: VecDeque::with_capacity(REMEMBERED),
        exchange: None,
        activity: Arc::clone(&activity),
    };
    let mut store = Store::new(&core.app.engine, guest);
    store.limiter(|guest| &mut guest.limiter);
    store.set_hostcall_fuel(usize::try_from(limits.hostcall_bytes)?);
    store.set_max_component_handles(usize::try_from(limits.handles)?);
    store.set_epoch_deadline(1);
    let turns = Arc::clone(&core.turns);
    store.epoch_deadline_callback(move |mut store| {
        // The deadline passed while the guest waited: it has only just begun to compute.
        if activity.rested.swap(false, Relaxed) {
            return Ok(UpdateDeadline::Continue(1));
        }
        activity.yielded.store(true, Relaxed);
        let task = store.async_call_stack()?.next();
        *activity.computing.lock() = task;
        let turn = Arc::clone(&activity).next_turn(Arc::clone(&turns));
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(turn)))
    });
    // A constructor that does not end must not hold a slot for ever.
    let wait = Duration::from_millis(limits.compute_ms);
    let activity = Arc::clone(&store.data().activity);
    let handler = {
        let mut starting = pin!(component.code()?.instantiate(&mut store));
        let started = poll_fn(|cx| {
            let polled = starting.as_mut().poll(cx);
            activity.computes();
            polled
        });
        tokio::time::timeout(wait, started).await
    };
    activity.end_turn();
    let handler = handler.context("the instance did not finish its start")??;
    let limiter = &mut store.data_mut().limiter;
    limiter.first = limiter.taken;
    Ok((store, handler))
}

fn wasi(core: &Arc<Core>, component: &Arc<Component>) -> wasmtime::Result<WasiCtxBuilder> {
    let [stdout, stderr] = component.output.clone();
    let mut builder = WasiCtxBuilder::new();
    builder.envs(&component.environment).stdout(stdout).stderr(stderr);
    builder.max_random_size(RANDOM_BYTES);
    // Files are copies on a local disk, and reading one takes less than asking another thread.
    builder.allow_blocking_current_thread(true);
    if let Some(files) = &component.files {
        builder.preopened_dir(files.path(), "/", FsPerms::ReadOnly)?;
    }
    let (app, own) = (Arc::clone(&core.app), Arc::clone(component));
    let sockets = component.allow_list.allows_sockets();
    builder.allow_tcp(sockets).allow_udp(sockets);
    builder.allow_ip_name_lookup(!component.allow_list.is_empty()).socket_addr_check(
        move |address, purpose| {
            let reaches = |scheme, address: SocketAddr| {
                own.allow_list.allows_socket(scheme, address.ip(), address.port())
                    && !app.blocked.contains(address.ip())
            };
            let allowed = match purpose {
                // Before it connects, a socket is bound to any address and port.
                SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                    address.ip().is_unspecified() && address.port() == 0
                }
                SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
                SocketAddrUse::TcpConnect => reaches("tcp", address),
                SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => reaches("udp", address),
            };
            Box::pin(async move { allowed })
        },
    );
    Ok(builder)
}
