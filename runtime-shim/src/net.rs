//! Where the host opens its sockets. Others open some of their own: `mysql_async` to what
//! [`Network::resolve`] found and checked, `wasmtime-wasi` to what the component's list allows
//! (`wasi:sockets`), `ureq` before anything is served (`download`), and the exporter of spans (`otlp`).

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use parking_lot::Mutex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::allow_list::BlockedNetworks;
use crate::blocking;
use crate::limits::{Limits, permits};

/// Connections that the kernel holds until a thread accepts them.
const BACKLOG: i32 = 1024;

/// The longest name (RFC 1035, section 2.3.4, as text).
const NAME_BYTES: usize = 253;

/// How many are tried until one is free.
const PORTS: usize = 100;

/// An address that this process alone listens on, once per thread.
pub struct Address {
    address: SocketAddr,
    /// Listens from the beginning, for the first thread that asks.
    first: Mutex<Option<Socket>>,
}

impl Address {
    /// Reserves `address` (port 0: any free port) or says who is in the way.
    ///
    /// Sockets that share a port would also share it with another host's
    /// silently, so the first one is bound without sharing, to see that the
    /// port is free and to learn its number. It stays, so that the port does as
    /// well until the application is compiled; from then on it shares.
    pub fn reserve(address: SocketAddr) -> Result<Self> {
        let bound = listen(address, false).and_then(|socket| {
            socket.set_reuse_port(true)?;
            Ok((socket.local_addr()?.as_socket(), socket))
        });
        match bound {
            Ok((Some(address), socket)) => Ok(Self { address, first: Mutex::new(Some(socket)) }),
            Ok((None, _)) => bail!("cannot listen on {address}"),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                bail!("cannot listen on {address}: the port is in use by another program")
            }
            Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
        }
    }

    /// The first that is free of `address` and the ports after it.
    pub fn next(address: SocketAddr) -> Result<Self> {
        let mut found = Self::reserve(address);
        for port in (address.port()..u16::MAX).skip(1).take(PORTS) {
            if found.is_ok() {
                break;
            }
            found = Self::reserve(SocketAddr::new(address.ip(), port));
        }
        found
    }

    pub fn get(&self) -> SocketAddr {
        self.address
    }

    /// One more listener on the address, for the runtime that calls this.
    pub fn listener(&self) -> io::Result<TcpListener> {
        let first = self.first.lock().take();
        let socket = first.map_or_else(|| listen(self.address, true), Ok)?;
        TcpListener::from_std(socket.into())
    }
}

/// Takes as many file descriptors as this process may have: usual is a tenth of
/// `max_connections`, for the sake of programs that use select(2).
pub fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!("the limit of open files stays at {:?}: {error}", limit.current);
    }
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A port whose last connections still linger is free all the same.
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// Why an outbound connection was not made.
#[derive(Debug)]
pub enum ConnectError {
    NoSuchName,
    /// Every address of the name lies in a blocked network.
    Prohibited,
    TimedOut,
    Refused(io::Error),
    Tls(io::Error),
}

impl std::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSuchName => f.write_str("the name does not resolve"),
            Self::Prohibited => f.write_str("the address is in a blocked network"),
            Self::TimedOut => f.write_str("no connection within the time allowed"),
            Self::Refused(error) | Self::Tls(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// A connection to a peer, with TLS or without.
pub(crate) struct Stream {
    io: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    /// Of those that there may be at once.
    #[expect(dead_code, reason = "held")]
    place: Option<OwnedSemaphorePermit>,
    /// Bytes that were there at once.
    taken: usize,
}

/// A peer that sends without a pause gives way to others after so much: what it sends may be thousands
/// of heads (1xx), which the library reads one after the other.
const TURN_BYTES: usize = 64 * 1024;

impl Stream {
    pub(crate) fn plain(stream: TcpStream, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { io: Either::Left(stream), place, taken: 0 }
    }

    pub(crate) fn secure(
        stream: TlsStream<TcpStream>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { io: Either::Right(Box::new(stream)), place, taken: 0 }
    }

    /// What both sides agreed to speak, where TLS was asked for that.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        match &self.io {
            Either::Left(_) => None,
            Either::Right(stream) => stream.get_ref().1.alpn_protocol(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken >= TURN_BYTES {
            self.taken = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = room.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, room);
        let taken = self.taken + room.filled().len() - before;
        self.taken = if polled.is_ready() { taken } else { 0 };
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// An IPv6 address without the brackets that it has in a URL.
pub(crate) fn unbracketed(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// The network as one component has it on one thread.
#[derive(Clone)]
pub(crate) struct Network {
    blocked: BlockedNetworks,
    /// One for each name that is being looked up: those whose servers do not answer occupy a
    /// thread each.
    look_ups: Arc<Semaphore>,
}

impl Network {
    pub(crate) fn new(blocked: BlockedNetworks, limits: &Limits) -> Self {
        Self { blocked, look_ups: Arc::new(Semaphore::new(permits(limits.look_ups))) }
    }

    /// Connects to `host:port`. The networks are checked on the addresses that the
    /// connection is then made to, so a name cannot point somewhere else in between.
    pub(crate) async fn connect(
        &self,
        host: &str,
        port: u16,
        wait: Duration,
    ) -> Result<TcpStream, ConnectError> {
        let attempt = async {
            let allowed = self.resolve(host, port).await?;
            let stream = TcpStream::connect(&*allowed).await.map_err(ConnectError::Refused)?;
            stream.set_nodelay(true).map_err(ConnectError::Refused)?;
            Ok(stream)
        };
        tokio::time::timeout(wait, attempt).await.unwrap_or(Err(ConnectError::TimedOut))
    }

    /// The addresses of `host:port` that lie in no blocked network, at least one.
    ///
    /// `mysql_async` opens its sockets itself and cannot be given one. It is given these addresses
    /// instead of the name, so it too connects to nothing but what was checked here.
    pub(crate) async fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let host = unbracketed(host);
        let found: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![(address, port).into()],
            Err(_) => self.look_up(host, port).await.ok_or(ConnectError::NoSuchName)?,
        };
        if found.is_empty() {
            return Err(ConnectError::NoSuchName);
        }
        let allowed: Vec<SocketAddr> =
            found.into_iter().filter(|address| !self.blocked.contains(address.ip())).collect();
        if allowed.is_empty() { Err(ConnectError::Prohibited) } else { Ok(allowed) }
    }

    async fn look_up(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        if host.len() > NAME_BYTES {
            return None;
        }
        let permit = Arc::clone(&self.look_ups).acquire_owned().await.ok()?;
        let host = host.to_owned();
        let found = blocking::NAMES.spawn(move || {
            // Whoever asked may be gone, and the thread is occupied all the same.
            let _permit = permit;
            (host, port).to_socket_addrs().map(Iterator::collect)
        });
        found.await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_looks_up_too_many_names_keeps_nobody_else_waiting() {
        const SHORT: Duration = Duration::from_millis(50);
        let limits = Limits { look_ups: 2, ..Limits::default() };
        let networks =
            [(); 2].map(|()| Network::new(BlockedNetworks::parse(&[]).expect("none"), &limits));
        let held = Arc::clone(&networks[0].look_ups).acquire_many_owned(2).await;
        let looked_up = |network: usize| {
            tokio::time::timeout(SHORT, networks[network].resolve("localhost", 80))
        };
        assert!(looked_up(0).await.is_err(), "a third");
        assert!(networks[0].resolve("127.0.0.1", 80).await.is_ok(), "no name");
        let other = networks[1].resolve("localhost", 80).await;
        assert!(other.expect("an address").iter().all(|address| address.ip().is_loopback()));
        drop(held);
        assert!(networks[0].resolve("localhost", 80).await.is_ok());
    }
}
