//! Client connections of one thread, and the one clock that watches them all:
//! a timer per connection or per request would cost each of them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use slab::Slab;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use wasmtime_wasi_http::Error;

use crate::body::Body;
use crate::limits::Limits;

/// How often the connections are looked at; their limits are seconds.
const LOOK: Duration = Duration::from_millis(500);

/// How often a draining thread looks whether its last connection is gone.
const DRAIN_LOOK: Duration = Duration::from_millis(10);

/// Looks after which a connection without a request gives up what it holds, some 20 KiB.
const REST: u32 = 2;

/// Looks for which a client may take nothing of a response before that counts as left untaken.
const UNTAKEN: u32 = 1;

/// The default size of a frame of HTTP/2 (RFC 9113, section 4.2).
const PIECE_BYTES: usize = 16 * 1024;

/// What a connection is asked to do when its task runs next.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Order {
    Continue,
    /// Give up parser and buffers until the next request.
    Rest,
    /// Finish what is under way, then close.
    Finish,
    Close,
}

/// The connections of one thread.
#[derive(Default)]
pub(crate) struct Connections {
    watched: Mutex<Slab<Arc<Watch>>>,
    /// Looks since the thread started; the unit of every `since`.
    clock: AtomicU32,
    /// Whoever gets an answer is asked to send the next request elsewhere.
    leaving: AtomicBool,
}

/// What is known of one connection without asking it.
pub(crate) struct Watch {
    /// The bodies of HTTP/2 responses, each with the look at which its client was last given
    /// something, 0 while the component is waited for. A client may take nothing of a stream and yet
    /// keep the socket free.
    untaken: Mutex<Slab<u32>>,
    /// Requests under way.
    busy: AtomicU32,
    /// Part of a request head has arrived, the rest has not.
    in_head: AtomicBool,
    /// HTTP/2 sends frames of its own between requests, which are no heads.
    multiplexed: AtomicBool,
    since: AtomicU32,
    /// The look before which the client stopped taking what is sent to it; 0 while it takes it.
    full: AtomicU32,
    order: AtomicU8,
    waker: AtomicWaker,
}

impl Connections {
    pub(crate) fn add(self: &Arc<Self>) -> Registered {
        let watch = Arc::new(Watch {
            untaken: Mutex::default(),
            busy: AtomicU32::new(0),
            in_head: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            since: AtomicU32::new(self.clock.load(Relaxed)),
            full: AtomicU32::new(0),
            order: AtomicU8::new(Order::Continue as u8),
            waker: AtomicWaker::new(),
        });
        let mut watched = self.watched.lock();
        let key = watched.insert(Arc::clone(&watch));
        Registered { connections: Arc::clone(self), key, watch }
    }

    /// Resolves when the last one has ended.
    pub(crate) async fn gone(&self) {
        while !self.watched.lock().is_empty() {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
    }

    /// Closes a connection that has had no request for as long as a request's head may take; false
    /// where there is none.
    pub(crate) fn close_one_idle(&self, limits: &Limits) -> bool {
        let (now, longest) = (self.clock.load(Relaxed), looks(limits.header_read_ms));
        let watched = self.watched.lock();
        let is_idle = |watch: &&Arc<Watch>| {
            let quiet = now.wrapping_sub(watch.since.load(Relaxed));
            let closes = watch.order.load(Relaxed) == Order::Close as u8;
            let sends = watch.busy.load(Relaxed) > 0 || watch.full.load(Relaxed) > 0;
            quiet > longest && !sends && !closes
        };
        let found = watched.iter().map(|(_, watch)| watch).find(is_idle);
        found.inspect(|watch| watch.give(Order::Close)).is_some()
    }

    /// From now on a connection ends with its next answer.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Relaxed);
    }

    /// Asks every connection to finish what it does and close.
    pub(crate) fn finish(&self) {
        for (_, watch) in self.watched.lock().iter() {
            watch.give(Order::Finish);
        }
    }

    /// Closes the connections that hold on without a request.
    pub(crate) async fn watch(&self, limits: &Limits) {
        let (head, idle) = (looks(limits.header_read_ms), looks(limits.idle_connection_ms));
        let write = looks(limits.write_ms);
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            let now = self.clock.fetch_add(1, Relaxed).wrapping_add(1);
            for (_, watch) in self.watched.lock().iter() {
                let full = watch.full.load(Relaxed);
                if full > 0 && now.wrapping_sub(full) > write || watch.has_untaken(now, write) {
                    watch.give(Order::Close);
                }
                let quiet = now.wrapping_sub(watch.since.load(Relaxed));
                if watch.busy.load(Relaxed) > 0 {
                    continue;
                }
                if quiet > REST && !watch.multiplexed.load(Relaxed) {
                    watch.rest();
                }
                if watch.in_head.load(Relaxed) && quiet > head {
                    watch.give(Order::Close);
                } else if quiet > idle {
                    watch.give(Order::Finish);
                }
                // A connection that was asked to finish and is still here holds on.
                if quiet > idle.saturating_add(head) {
                    watch.give(Order::Close);
                }
            }
            self.shed_untaken(now, limits.http2_untaken as usize);
        }
    }

    /// Closes those connections of HTTP/2 whose clients leave the most responses untaken, until no more
    /// than `most` are left of all: each may hold some 100 KiB.
    fn shed_untaken(&self, now: u32, most: usize) {
        let watched = self.watched.lock();
        let mut leaving: Vec<_> = watched
            .iter()
            .map(|(_, watch)| (watch.untaken(now, UNTAKEN), watch))
            .filter(|(count, _)| *count > 0)
            .collect();
        let mut total: usize = leaving.iter().map(|(count, _)| count).sum();
        leaving.sort_unstable_by_key(|(count, _)| *count);
        while total > most
            && let Some((count, watch)) = leaving.pop()
        {
            watch.give(Order::Close);
            total -= count;
        }
    }
}

/// How many looks are made in so many milliseconds.
fn looks(ms: u64) -> u32 {
    u32::try_from(ms / LOOK.as_millis() as u64).unwrap_or(u32::MAX)
}

impl Watch {
    /// Whether the client, for more than `longest` looks, took nothing of all that it asked for. A
    /// proxy has many users behind one connection, and one of them may pause.
    fn has_untaken(&self, now: u32, longest: u32) -> bool {
        let asked = self.busy.load(Relaxed) as usize;
        asked > 0 && asked == self.untaken(now, longest)
    }

    /// How many responses the client took nothing of for more than `longest` looks.
    fn untaken(&self, now: u32, longest: u32) -> usize {
        if !self.multiplexed.load(Relaxed) {
            return 0;
        }
        let untaken = self.untaken.lock();
        let since = untaken.iter().map(|(_, since)| *since);
        since.filter(|since| *since > 0 && now.wrapping_sub(*since) > longest).count()
    }

    /// Orders that are given already stay.
    fn rest(&self) {
        let (now, rest) = (Order::Continue as u8, Order::Rest as u8);
        if self.order.compare_exchange(now, rest, Relaxed, Relaxed).is_ok() {
            self.waker.wake();
        }
    }

    fn give(&self, order: Order) {
        self.order.store(order as u8, Relaxed);
        self.waker.wake();
    }

    /// What to do now; the task is woken when that changes.
    pub(crate) fn order(&self, cx: &Context<'_>) -> Order {
        self.waker.register(cx.waker());
        match self.order.load(Relaxed) {
            order if order == Order::Close as u8 => Order::Close,
            order if order == Order::Finish as u8 => Order::Finish,
            order if order == Order::Rest as u8 => Order::Rest,
            _ => Order::Continue,
        }
    }
}

/// A connection's place in the list, given up when dropped.
pub(crate) struct Registered {
    connections: Arc<Connections>,
    key: usize,
    pub watch: Arc<Watch>,
}

impl Registered {
    /// The request is under way until the result is dropped.
    pub(crate) fn request(self: &Arc<Self>) -> UnderWay {
        self.watch.busy.fetch_add(1, Relaxed);
        self.watch.in_head.store(false, Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Whether nothing is under way, nor waits for the client to take it. The order to rest is
    /// carried out, or is out of date.
    pub(crate) fn rests(&self) -> bool {
        let (rest, now) = (Order::Rest as u8, Order::Continue as u8);
        let _ = self.watch.order.compare_exchange(rest, now, Relaxed, Relaxed);
        let watch = &self.watch;
        let sends = watch.busy.load(Relaxed) > 0 || watch.full.load(Relaxed) > 0;
        !sends && !watch.in_head.load(Relaxed)
    }

    /// Whether the next answer is the last one on this connection.
    pub(crate) fn is_leaving(&self) -> bool {
        self.connections.leaving.load(Relaxed)
    }

    /// For the log.
    pub(crate) fn key(&self) -> usize {
        self.key
    }

    fn touch(&self) {
        self.watch.since.store(self.connections.clock.load(Relaxed), Relaxed);
    }

    /// The look at which something that counts from then on began, never 0.
    fn now(&self) -> u32 {
        self.connections.clock.load(Relaxed).max(1)
    }

    /// Notes whether the client takes what is sent to it.
    fn sent<T>(&self, sent: &Poll<T>) {
        if sent.is_ready() {
            self.watch.full.store(0, Relaxed);
            // Of HTTP/2 only requests count, or a client that asks for nothing but PINGs would stay.
            if !self.watch.multiplexed.load(Relaxed) {
                self.touch();
            }
        } else {
            let _ = self.watch.full.compare_exchange(0, self.now(), Relaxed, Relaxed);
        }
    }

    /// From now on it speaks HTTP/2.
    pub(crate) fn multiplexes(&self) {
        self.watch.multiplexed.store(true, Relaxed);
    }

    /// Bytes from the client: a request head begins, unless one is under way.
    fn received(&self) {
        let watch = &self.watch;
        if watch.multiplexed.load(Relaxed) {
            return;
        }
        if watch.busy.load(Relaxed) == 0 && !watch.in_head.swap(true, Relaxed) {
            self.touch();
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.connections.watched.lock().remove(self.key);
    }
}

pub(crate) struct UnderWay(Arc<Registered>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.watch.busy.fetch_sub(1, Relaxed);
        self.0.touch();
    }
}

/// The body of a response, whose request is under way until the body has ended.
pub(crate) struct Sending {
    body: Body,
    under_way: UnderWay,
    /// Its place among those that a client of HTTP/2 has to take.
    place: Option<usize>,
    /// What is left of a chunk.
    left: Bytes,
}

impl Sending {
    pub(crate) fn new(body: Body, under_way: UnderWay, multiplexed: bool) -> Self {
        let Registered { watch, .. } = &*under_way.0;
        let place = multiplexed.then(|| watch.untaken.lock().insert(under_way.0.now()));
        Self { body, under_way, place, left: Bytes::new() }
    }

    /// A piece of what is left, and the last byte by itself. HTTP/2 takes a whole chunk where it may
    /// send one byte of it, and keeps the rest; but asks for no other before that has gone.
    fn piece(&mut self) -> Bytes {
        let length = self.left.len().saturating_sub(1).clamp(1, PIECE_BYTES);
        self.left.split_to(length.min(self.left.len()))
    }

    /// Notes at `place` since when the client has something to take, or that it has not.
    fn note(&self, place: usize, has: bool) {
        let registered = &self.under_way.0;
        registered.watch.untaken.lock()[place] = if has { registered.now() } else { 0 };
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.under_way.0.watch.untaken.lock().remove(place);
        }
    }
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(place) = self.place else { return Pin::new(&mut self.body).poll_frame(cx) };
        if self.left.is_empty() {
            let frame = Pin::new(&mut self.body).poll_frame(cx);
            self.note(place, frame.is_ready());
            match ready!(frame).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(chunk))) => self.left = chunk,
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        } else {
            self.note(place, true);
        }
        // Also where the chunk is empty, which is not the end of the body.
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A client's socket that notes when something comes or goes.
pub(crate) struct Watched {
    pub stream: TcpStream,
    pub registered: Arc<Registered>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = room.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, room);
        if polled.is_ready() && room.filled().len() > before {
            self.registered.received();
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.registered.sent(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.registered.sent(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
