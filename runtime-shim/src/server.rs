//! The threads that serve: each accepts its own connections on the shared
//! address and answers them with its own instances.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::FutureExt;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::ReadBuf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::app::App;
use crate::body::Body;
use crate::connection::{Connections, Order, Registered, Sending, Watched};
use crate::core::Current;
use crate::net::Address;
use crate::request;

/// Threads of each core on which the blocking work of guests waits: names that they look up.
const BLOCKING_THREADS: usize = 16;
/// What one HTTP/2 connection may send of bodies before they are read, and of each of them (the
/// default of RFC 9113, section 6.9.2).
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;
const STREAM_WINDOW: u32 = 65_535;
/// What one HTTP/2 stream has ready to be sent.
const SEND_BYTES: usize = 64 * 1024;
/// Address space for the stack of each thread. A driver of a database may need as much for a type that
/// is built of others, thousands of levels deep, before it is seen to be.
const STACK_BYTES: usize = 256 * 1024 * 1024;
/// After a failed accept (no file descriptors left) others get time to finish.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a client sends on a connection that it keeps, just before that is ended, would be lost. So
/// for this long connections end with their next answer, and then those that have none.
const LEAVE: Duration = Duration::from_secs(1);

/// The serving threads. They stop when told through `stop`.
pub struct Server {
    threads: Vec<JoinHandle<()>>,
    apps: watch::Sender<Arc<App>>,
}

impl Server {
    /// Starts one thread per core; when this returns, all of them listen.
    pub fn start(app: &Arc<App>, address: &Address, stop: &watch::Receiver<bool>) -> Result<Self> {
        let threads = usize::try_from(app.limits.threads())?;
        let (apps, served) = watch::channel(Arc::clone(app));
        let threads = (0..threads)
            .map(|number| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .max_blocking_threads(BLOCKING_THREADS)
                    .build()?;
                let listener = {
                    let _inside = runtime.enter();
                    address.listener().context("cannot listen")?
                };
                let (served, stop) = (served.clone(), stop.clone());
                let thread = std::thread::Builder::new().name(format!("core-{number}"));
                let thread = thread.stack_size(STACK_BYTES);
                Ok(thread.spawn(move || {
                    runtime.block_on(serve(served, listener, stop));
                    // Work that is left over after the drain is not waited for.
                    runtime.shutdown_background();
                })?)
            })
            .collect::<Result<_>>()?;
        Ok(Self { threads, apps })
    }

    /// What is sent here is served from then on.
    pub fn apps(&self) -> watch::Sender<Arc<App>> {
        self.apps.clone()
    }

    /// Waits until every thread has drained.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a serving thread panicked");
            }
        }
    }
}

async fn serve(
    mut apps: watch::Receiver<Arc<App>>,
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) {
    let app = Arc::clone(&apps.borrow_and_update());
    let limits = app.limits.clone();
    let drain = Duration::from_millis(limits.drain_ms);
    let own = listener.local_addr().ok().and_then(|own| own.to_string().try_into().ok());
    let own = own.unwrap_or(HeaderValue::from_static("localhost"));
    let current = Arc::new(Current::new(app, own));
    let connections = Arc::new(Connections::default());
    let watching = {
        let (connections, limits) = (Arc::clone(&connections), limits.clone());
        tokio::spawn(async move { connections.watch(&limits).await })
    };
    let renewing = async {
        while apps.changed().await.is_ok() {
            let app = Arc::clone(&apps.borrow_and_update());
            current.replace(app);
        }
        std::future::pending().await
    };
    let stopping = async {
        let _ = stop.wait_for(|stop| *stop).await;
        connections.leave();
        tokio::time::sleep(Duration::from_millis(limits.unready_ms)).await;
    };
    let accepting = accept(&current, &listener, &connections);
    tokio::select! {
        () = accepting => {}
        () = renewing => {}
        () = stopping => {}
    }
    // What the kernel accepted already would be reset by closing the listener.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        admit(&current, stream, peer, &connections);
    }
    drop(listener);
    connections.leave();
    let drained = async {
        if tokio::time::timeout(LEAVE, connections.gone()).await.is_err() {
            connections.finish();
            connections.gone().await;
        }
    };
    if tokio::time::timeout(drain, drained).await.is_err() {
        tracing::warn!("closing connections that did not finish within {} ms", drain.as_millis());
    }
    watching.abort();
}

async fn accept(current: &Arc<Current>, listener: &TcpListener, connections: &Arc<Connections>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => admit(current, stream, peer, connections),
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection of all threads together, counted until it is dropped.
struct Open(prometheus::IntGauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Serves a new connection. If there are too many, one that has rested for long makes room for it, or
/// it is closed at once.
fn admit(
    current: &Arc<Current>,
    stream: TcpStream,
    peer: SocketAddr,
    connections: &Arc<Connections>,
) {
    let core = current.get();
    let open = Open(core.app.metrics.connections.clone());
    open.0.inc();
    let limits = &core.app.limits;
    let is_full = open.0.get().unsigned_abs() > limits.max_connections;
    if is_full && !connections.close_one_idle(limits) || stream.set_nodelay(true).is_err() {
        return;
    }
    let (current, registered) = (Arc::clone(current), Arc::new(connections.add()));
    tokio::spawn(async move {
        let _open = open;
        connection(current, stream, peer, registered).await;
    });
}

async fn connection(
    current: Arc<Current>,
    stream: TcpStream,
    peer: SocketAddr,
    registered: Arc<Registered>,
) {
    let client = HeaderValue::try_from(peer.to_string()).unwrap_or(HeaderValue::from_static(""));
    let mut io = Watched { stream, registered };
    // Parser and buffers are there as long as they are used: an idle connection has none.
    loop {
        match begun(&io).await {
            Begun::Nothing => return,
            Begun::Http1 => match serve_http1(&current, &client, io).await {
                Some(idle) => io = idle,
                None => return,
            },
            Begun::Http2 => return serve_http2(&current, &client, io).await,
        }
    }
}

enum Begun {
    /// The client left, or the connection has to go.
    Nothing,
    Http1,
    /// By prior knowledge: a client that speaks it says so at first (RFC 9113, 3.4).
    Http2,
}

/// Waits for the first bytes of a request.
async fn begun(io: &Watched) -> Begun {
    let mut first = [0; 3];
    poll_fn(|cx| {
        if matches!(io.registered.watch.order(cx), Order::Finish | Order::Close) {
            return Poll::Ready(Begun::Nothing);
        }
        let mut room = ReadBuf::new(&mut first);
        io.stream.poll_peek(cx, &mut room).map(|read| match read {
            Ok(0) | Err(_) => Begun::Nothing,
            Ok(_) if room.filled() == b"PRI" => Begun::Http2,
            Ok(_) => Begun::Http1,
        })
    })
    .await
}

/// Answers requests until the connection ends, or is given back as idle.
async fn serve_http1(current: &Arc<Current>, client: &HeaderValue, io: Watched) -> Option<Watched> {
    let registered = Arc::clone(&io.registered);
    let head = current.get().app.limits.head_bytes();
    let mut builder = http1::Builder::new();
    builder.max_buf_size(head).header_read_timeout(None);
    let answered = {
        let (current, client, registered) =
            (Arc::clone(current), client.clone(), Arc::clone(&registered));
        service_fn(move |request| answer(&current, &client, &registered, request))
    };
    let mut connection = Box::new(builder.serve_connection(TokioIo::new(io), answered));
    let finish = http1::Connection::graceful_shutdown;
    if !run(Pin::new(&mut *connection), finish, &registered, true).await {
        return None;
    }
    let parts = connection.into_parts();
    // Bytes that were read and are no request yet would be lost with the parser.
    parts.read_buf.is_empty().then(|| parts.io.into_inner())
}

async fn serve_http2(current: &Arc<Current>, client: &HeaderValue, io: Watched) {
    let registered = Arc::clone(&io.registered);
    registered.multiplexes();
    let (streams, headers) = {
        let limits = &current.get().app.limits;
        (limits.http2_streams.max(1), limits.max_header_bytes)
    };
    let bounded = |limit: u64| u32::try_from(limit).unwrap_or(u32::MAX);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(bounded(streams))
        .max_send_buf_size(SEND_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_header_list_size(bounded(headers));
    let answered = {
        let (current, client, registered) =
            (Arc::clone(current), client.clone(), Arc::clone(&registered));
        service_fn(move |request| answer(&current, &client, &registered, request))
    };
    let connection = pin!(builder.serve_connection(TokioIo::new(io), answered));
    run(connection, http2::Connection::graceful_shutdown, &registered, false).await;
}

/// Polls `connection` until it ends or has to, or rests where it may: whether it does.
async fn run<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    finish: impl Fn(Pin<&mut C>),
    registered: &Registered,
    may_rest: bool,
) -> bool {
    let mut finishing = false;
    poll_fn(|cx| {
        match registered.watch.order(cx) {
            Order::Close => return Poll::Ready(false),
            Order::Finish if !finishing => {
                finishing = true;
                finish(connection.as_mut());
            }
            Order::Rest if may_rest && registered.rests() => return Poll::Ready(true),
            Order::Finish | Order::Rest | Order::Continue => {}
        }
        connection.as_mut().poll(cx).map(|ended| {
            // A client that left or spoke no HTTP; it has been told what can be told.
            if let Err(error) = ended {
                tracing::debug!(connection = registered.key(), "connection ended: {error}");
            }
            false
        })
    })
    .await
}

fn answer(
    current: &Arc<Current>,
    client: &HeaderValue,
    registered: &Arc<Registered>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Sending>, Infallible>> + use<> {
    let (core, client, registered) = (current.get(), client.clone(), Arc::clone(registered));
    async move {
        let under_way = registered.request();
        // HTTP/2 has a frame for it, which is sent when the connection is asked to finish.
        let one_at_a_time = request.version() < Version::HTTP_2;
        let method = request.method().clone();
        let mut response = request::answer(&core, &client, request).await;
        if !one_at_a_time && !request::has_body(&method, response.status()) {
            leave_body_out(&mut response);
        }
        if one_at_a_time && registered.is_leaving() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Sending::new(body, under_way, !one_at_a_time)))
    }
}

/// hyper does so over HTTP/1 alone, and a client of HTTP/2 takes a body for an error (RFC 9113, 8.1.1).
fn leave_body_out(response: &mut Response<Body>) {
    let body = std::mem::replace(response.body_mut(), Body::full(Bytes::new()));
    if response.status() == StatusCode::NO_CONTENT {
        response.headers_mut().remove(CONTENT_LENGTH);
    } else if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
}
