//! What one instance of a component holds, and what it is linked with.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component as Code, GuestTaskId, Linker, ResourceTable};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

pub(crate) use activity::Activity;
use hooks::Hooks;
pub(crate) use hooks::{OutboundCall, is_of_connection};
use limiter::Limiter;

use crate::app::Component;
use crate::cgi::{self, Exchange};
use crate::core::Core;
use crate::handler::{Answer, Handler, HandlerPre};
use crate::held::Budget;
use crate::imports;
use crate::inbound_http;
use crate::limits::size;
use crate::trace::TraceContext;

mod activity;
mod hooks;
mod limiter;

/// Requests of an instance that are remembered, so that a call which a guest
/// makes after its response head still finds the request it belongs to.
const REMEMBERED: usize = 64;

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
        self.limiter.grown()
    }

    /// Gives a program the request that it is run for, with all of its body.
    pub(crate) fn become_program(
        &mut self,
        request: http::Request<WasiBody>,
        answer: Answer,
    ) -> wasmtime::Result<()> {
        let (parts, body) = request.into_parts();
        let body = inbound_http::bytes(body);
        let exchange = Exchange::new(answer, &self.component.limits);
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

    /// The request that one of `tasks` answers, or of tasks from long ago the latest one.
    pub fn request_of(&self, tasks: impl Iterator<Item = GuestTaskId>) -> Option<RequestContext> {
        let mut tasks = tasks;
        let known = tasks.find_map(|task| {
            let mut requests = self.requests.iter().rev();
            requests.find(|(known, _)| *known == task).map(|(_, context)| *context)
        });
        known.or(self.hooks.latest)
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
        if imports::is_offered(name) || imports::are_types(engine, &interface) {
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
    table.set_max_capacity(size(limits.handles));
    let mut http = WasiHttpCtx::new();
    // As much as a client may send.
    http.set_field_size_limit(size(limits.max_header_bytes));
    let guest = Guest {
        component: Arc::clone(component),
        core: Arc::clone(core),
        table,
        wasi: wasi(core, component)?.build(),
        http,
        hooks: Hooks::new(core, component),
        held: Budget::new(limits.held_bytes),
        limiter: Limiter::new(Arc::clone(component)),
        requests: VecDeque::with_capacity(REMEMBERED),
        exchange: None,
        activity: Arc::clone(&activity),
    };
    let mut store = Store::new(&core.app.engine, guest);
    store.limiter(|guest| &mut guest.limiter);
    store.set_hostcall_fuel(size(limits.hostcall_bytes));
    store.set_max_component_handles(size(limits.handles));
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
    store.data_mut().limiter.started();
    Ok((store, handler))
}

fn wasi(core: &Arc<Core>, component: &Arc<Component>) -> wasmtime::Result<WasiCtxBuilder> {
    let [stdout, stderr] = component.output.clone();
    let mut builder = WasiCtxBuilder::new();
    builder.envs(&component.environment).stdout(stdout).stderr(stderr);
    builder.max_random_size(component.limits.random_bytes);
    // Files are copies on a local disk, and reading one takes less than asking another thread.
    builder.allow_blocking_current_thread(true);
    if let Some(files) = &component.files {
        builder.preopened_dir(files.path(), "/", FsPerms::ReadOnly)?;
    }
    let (app, own) = (Arc::clone(&core.app), Arc::clone(component));
    let told = AtomicBool::new(false);
    let outbound = !component.allow_list.is_empty();
    builder.allow_tcp(outbound).allow_udp(outbound).allow_ip_name_lookup(outbound);
    builder.socket_addr_check(move |address, purpose| {
        let reaches = |scheme| {
            own.allow_list.allows_socket(scheme, address.ip(), address.port())
                && !app.blocked.contains(address.ip())
        };
        // Before it connects, a socket is bound to any address and port.
        let binds = |scheme| {
            address.ip().is_unspecified()
                && address.port() == 0
                && own.allow_list.allows_sockets(scheme)
        };
        let allowed = match purpose {
            SocketAddrUse::TcpBind => binds("tcp"),
            SocketAddrUse::UdpBind => binds("udp"),
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
            SocketAddrUse::TcpConnect => reaches("tcp"),
            SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => reaches("udp"),
        };
        // What others send is not the guest's doing, and a loop would fill the log.
        let asked = !matches!(purpose, SocketAddrUse::UdpReceive);
        if !allowed && asked && !told.swap(true, Relaxed) {
            tracing::warn!(
                component = %own.id,
                "a socket for {address} refused ({purpose:?}): allowed_outbound_hosts has no tcp:// or udp:// for it, or its network is blocked"
            );
        }
        Box::pin(async move { allowed })
    });
    Ok(builder)
}
