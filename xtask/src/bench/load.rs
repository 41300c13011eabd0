//! What asks the servers: one thread with kept-alive HTTP/1.1 connections.
//!
//! [`closed`] asks again on each connection when it has its answer. A server that stalls is asked
//! less meanwhile (coordinated omission), so its tail looks better than people would find it;
//! [`scheduled`] asks at fixed times and counts latency from when a request was due.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// An answer that takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is asked once may prepare a database, on a busy machine.
const LONG_PATIENCE: Duration = Duration::from_secs(60);
/// After a failure a connection waits before it tries again, as a client would.
const PAUSE: Duration = Duration::from_millis(10);
/// Microseconds.
const LONGEST: u64 = 60_000_000;

/// One request, sent again and again.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) address: SocketAddr,
    pub(super) method: Method,
    pub(super) path: String,
    /// JSON; each request takes the next one.
    pub(super) bodies: Vec<Bytes>,
}

impl Call {
    pub(super) fn get(address: SocketAddr, path: &str) -> Self {
        Self { address, method: Method::GET, path: path.to_owned(), bodies: Vec::new() }
    }

    pub(super) fn post(address: SocketAddr, path: &str, bodies: Vec<Bytes>) -> Self {
        Self { address, method: Method::POST, path: path.to_owned(), bodies }
    }

    fn request(&self, number: u64) -> Result<Request<Full<Bytes>>> {
        let request = Request::builder()
            .method(&self.method)
            .uri(&self.path)
            .header(http::header::HOST, self.address.to_string())
            // It is the component that is measured, not a cache in front of it.
            .header(http::header::CACHE_CONTROL, "no-cache");
        if self.bodies.is_empty() {
            return Ok(request.body(Full::default())?);
        }
        let body = self.bodies[number as usize % self.bodies.len()].clone();
        let request = request.header(http::header::CONTENT_TYPE, "application/json");
        Ok(request.body(Full::new(body))?)
    }
}

/// What came of it. Latencies in microseconds.
pub(super) struct Answers {
    /// Of those answered 2xx.
    pub(super) answered: Histogram<u64>,
    /// Of those told to come back later (503).
    pub(super) refused: Histogram<u64>,
    pub(super) failed: u64,
    pub(super) elapsed: Duration,
}

impl Answers {
    pub(super) fn none() -> Result<Self> {
        let empty = || Histogram::new_with_bounds(1, LONGEST, 3);
        Ok(Self { answered: empty()?, refused: empty()?, failed: 0, elapsed: Duration::ZERO })
    }

    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        self.answered.add(&other.answered)?;
        self.refused.add(&other.refused)?;
        self.failed += other.failed;
        self.elapsed += other.elapsed;
        Ok(())
    }

    pub(super) fn requests(&self) -> u64 {
        self.answered.len() + self.refused.len() + self.failed
    }

    /// Answered 2xx, per second.
    pub(super) fn rate(&self) -> f64 {
        self.answered.len() as f64 / self.elapsed.as_secs_f64()
    }

    fn within(self, begun: Instant) -> Self {
        Self { elapsed: begun.elapsed(), ..self }
    }

    fn note(&mut self, since: Instant, status: Option<StatusCode>) {
        let latency = u64::try_from(since.elapsed().as_micros()).unwrap_or(LONGEST);
        match status {
            Some(status) if status.is_success() => self.answered.saturating_record(latency),
            Some(StatusCode::SERVICE_UNAVAILABLE) => self.refused.saturating_record(latency),
            _ => self.failed += 1,
        }
    }
}

/// Each of `connections` asks whenever it has its answer, until `time` is over or `limit` requests
/// were sent.
pub(super) async fn closed(
    call: &Call,
    connections: usize,
    time: Duration,
    limit: u64,
) -> Result<Answers> {
    let answers = RefCell::new(Answers::none()?);
    let (begun, sent) = (Instant::now(), AtomicU64::new(0));
    let clients = (0..connections).map(|_| async {
        let mut client = Client::new(call);
        while begun.elapsed() < time {
            let number = sent.fetch_add(1, Relaxed);
            if number >= limit {
                break;
            }
            let since = Instant::now();
            let status = client.ask(number).await?;
            answers.borrow_mut().note(since, status);
            if status.is_none() {
                sleep(PAUSE).await;
            }
        }
        anyhow::Ok(())
    });
    try_join_all(clients).await?;
    Ok(answers.into_inner().within(begun))
}

/// Asks `rate` times a second for `time`, on up to `connections` connections. Where all of them
/// wait, the next request is late, which its latency counts.
pub(super) async fn scheduled(
    call: &Call,
    connections: usize,
    rate: f64,
    time: Duration,
) -> Result<Answers> {
    let answers = RefCell::new(Answers::none()?);
    let (begun, sent) = (Instant::now(), AtomicU64::new(0));
    let count = (rate * time.as_secs_f64()) as u64;
    let clients = (0..connections).map(|_| async {
        let mut client = Client::new(call);
        loop {
            let number = sent.fetch_add(1, Relaxed);
            let due = begun + Duration::from_secs_f64(number as f64 / rate);
            if number >= count || begun.elapsed() > time + PATIENCE {
                return anyhow::Ok(());
            }
            if due > Instant::now() {
                sleep_until(due).await;
            }
            let status = client.ask(number).await?;
            answers.borrow_mut().note(due, status);
        }
    });
    try_join_all(clients).await?;
    Ok(answers.into_inner().within(begun))
}

/// One connection, made anew where it was lost.
struct Client<'a> {
    call: &'a Call,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl<'a> Client<'a> {
    fn new(call: &'a Call) -> Self {
        Self { call, sender: None }
    }

    /// The status of the whole answer; `None` where there was none.
    async fn ask(&mut self, number: u64) -> Result<Option<StatusCode>> {
        let request = self.call.request(number)?;
        Ok(match timeout(PATIENCE, self.exchange(request)).await {
            Ok(Ok(status)) => Some(status),
            Ok(Err(_)) | Err(_) => {
                self.sender = None;
                None
            }
        })
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<StatusCode> {
        let sender = match &mut self.sender {
            Some(sender) if !sender.is_closed() => sender,
            place => place.insert(connect(self.call.address).await?),
        };
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok(status)
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // What it ends with, the sender learns as well.
    tokio::spawn(connection);
    Ok(sender)
}

/// One answer of success, whole.
pub(super) async fn once(call: &Call) -> Result<Bytes> {
    let mut sender = timeout(PATIENCE, connect(call.address)).await??;
    let response = timeout(LONG_PATIENCE, sender.send_request(call.request(0)?)).await??;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let said = String::from_utf8_lossy(&body);
    ensure!(status.is_success(), "{} answers {status}: {said}", call.path);
    Ok(body)
}

/// Everything here runs on the thread that called.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot make a runtime")
}
