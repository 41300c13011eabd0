//! The two directions of a body: what goes to a client, and what comes from one.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::guest::Activity;
use crate::limits::Limits;

/// A response up to this size is sent whole, with its length, if the guest has
/// written it by the time that its head arrives.
const COLLECTED_BYTES: usize = 64 * 1024;
/// How often the guest gets to run before its response counts as a stream: it
/// may have been interrupted between its head and its body.
const TURNS: u32 = 2;

/// Nothing, for which no memory is taken either.
pub(crate) fn empty() -> WasiBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A response body that an instance writes.
///
/// One that ends because its instance was ended looks whole to the library, and would to the client. So
/// one of unknown length that ends after its instance was ended early counts as broken off, also
/// where it was whole by then.
pub(crate) struct Written {
    body: WasiBody,
    /// None: somebody else writes it, and says so if it breaks off.
    by: Option<Arc<Activity>>,
}

impl Written {
    pub(crate) fn by(instance: Arc<Activity>, body: WasiBody) -> Self {
        Self { body, by: Some(instance) }
    }

    /// What was written, of a program that may end as it likes.
    pub(crate) fn unchecked(self) -> WasiBody {
        self.body
    }

    /// Of one with a length it is known what is left.
    fn is_whole(&self) -> bool {
        self.body.size_hint().exact() == Some(0)
    }

    fn is_broken(&self) -> bool {
        self.by.as_ref().is_some_and(|instance| instance.broken.load(Relaxed))
    }
}

impl From<WasiBody> for Written {
    fn from(body: WasiBody) -> Self {
        Self { body, by: None }
    }
}

impl HttpBody for Written {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let is_whole = self.is_whole();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let broken = frame.is_none() && !is_whole && self.is_broken();
        Poll::Ready(if broken { Some(Err(Error::HttpResponseIncomplete)) } else { frame })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && (self.is_whole() || !self.is_broken())
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response body on its way to a client.
pub(crate) enum Body {
    Full(Option<Bytes>),
    Streamed(Box<Streamed>),
}

/// How long a streamed body is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// Between two chunks.
    pub pause: Duration,
    /// From its head to its end.
    pub whole: Duration,
}

impl Patience {
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            pause: Duration::from_millis(limits.response_idle_ms),
            whole: Duration::from_millis(limits.response_ms),
        }
    }
}

pub(crate) struct Streamed {
    /// What was read while looking whether the body is small.
    first: Option<Bytes>,
    rest: Written,
    /// Why the first thing that comes is a failure.
    failure: Option<String>,
    pause: Duration,
    end: Instant,
    cut_off: Pin<Box<Sleep>>,
}

impl Body {
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self::Full(Some(bytes))
    }

    /// All of it, where that is known before it is sent.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        match self {
            Self::Full(bytes) => bytes.as_ref(),
            Self::Streamed(_) => None,
        }
    }

    /// Why it fails, where that is known before anything of it is sent.
    pub(crate) fn failure(&self) -> Option<&str> {
        match self {
            Self::Full(_) => None,
            Self::Streamed(streamed) => streamed.failure.as_deref(),
        }
    }

    /// Takes what is there already, without waiting for more than the guest's
    /// next turn. `patience` is for the rest.
    pub(crate) async fn of_guest(body: impl Into<Written>, patience: Patience) -> Self {
        let mut body = body.into();
        let mut turns = TURNS;
        let mut collected = Bytes::new();
        let mut longer = BytesMut::new();
        let mut failure = None;
        loop {
            match body.frame().now_or_never() {
                Some(None) => return Self::full(joined(collected, longer)),
                Some(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if collected.is_empty() && longer.is_empty() => collected = data,
                    Ok(data) => {
                        if longer.is_empty() {
                            longer.extend_from_slice(&collected);
                        }
                        longer.extend_from_slice(&data);
                    }
                    Err(trailers) => {
                        body = one_frame(Ok(trailers));
                        break;
                    }
                },
                // A failure must reach the client as a broken response, not as a short one.
                Some(Some(Err(error))) => {
                    failure = Some(error.to_string());
                    body = one_frame(Err(error));
                    break;
                }
                None if turns > 0 => {
                    turns -= 1;
                    tokio::task::yield_now().await;
                }
                None => break,
            }
            if body.is_end_stream() {
                return Self::full(joined(collected, longer));
            }
            if collected.len().max(longer.len()) > COLLECTED_BYTES {
                break;
            }
        }
        let first = joined(collected, longer);
        Self::Streamed(Box::new(Streamed {
            first: (!first.is_empty()).then_some(first),
            rest: body,
            failure,
            pause: patience.pause,
            end: Instant::now() + patience.whole,
            cut_off: Box::pin(tokio::time::sleep(patience.pause.min(patience.whole))),
        }))
    }
}

fn one_frame(frame: Result<Frame<Bytes>, Error>) -> Written {
    StreamBody::new(futures::stream::once(async { frame })).boxed_unsync().into()
}

fn joined(only: Bytes, several: BytesMut) -> Bytes {
    if several.is_empty() { only } else { several.freeze() }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(
                bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))),
            ),
            Self::Streamed(streamed) => streamed.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Streamed(streamed) => streamed.first.is_none() && streamed.rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Streamed(streamed) => streamed.size_hint(),
        }
    }
}

impl Streamed {
    /// What a guest passes on from elsewhere has a length, and who takes it may want to know it.
    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, Bytes::len) as u64;
        let whole = self.rest.size_hint().exact().map(|rest| SizeHint::with_exact(first + rest));
        whole.unwrap_or_default()
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let now = Instant::now();
        if now < self.end
            && let Poll::Ready(frame) = Pin::new(&mut self.rest).poll_frame(cx)
        {
            self.cut_off.as_mut().reset(self.end.min(now + self.pause));
            return Poll::Ready(frame);
        }
        match self.cut_off.poll_unpin(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Error::ConnectionWriteTimeout))),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A request body that ends in an error at `limit` bytes and remembers that it did.
///
/// Some of what comes after is read and dropped first: a client that is still
/// sending when the connection closes would not see the answer.
pub(crate) struct Limited {
    body: Incoming,
    limit: u64,
    read: u64,
    exceeded: Arc<AtomicBool>,
}

impl Limited {
    pub(crate) fn new(body: Incoming, limit: u64) -> (Self, Arc<AtomicBool>) {
        let exceeded = Arc::new(AtomicBool::new(false));
        (Self { body, limit, read: 0, exceeded: Arc::clone(&exceeded) }, exceeded)
    }

    /// Reads and drops the body, as far as that is done at all.
    pub(crate) async fn discard(mut self) {
        while let Some(Ok(_)) = self.frame().await {}
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                let whole = self.read <= self.limit;
                return Poll::Ready((!whole).then_some(Err(Error::HttpRequestBodySize(None))));
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return Poll::Ready(Some(Err(Error::Hyper(error)))),
            };
            self.read += frame.data_ref().map_or(0, Bytes::len) as u64;
            if self.read <= self.limit {
                return Poll::Ready(Some(Ok(frame)));
            }
            self.exceeded.store(true, Relaxed);
            if self.read > self.limit.saturating_mul(2) {
                return Poll::Ready(Some(Err(Error::HttpRequestBodySize(None))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.read <= self.limit
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = 32 * 1024;

    /// So many frames of a body whose length is known.
    struct Passed(u64);

    impl HttpBody for Passed {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            if self.0 == 0 {
                return Poll::Ready(None);
            }
            self.0 -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; FRAME])))))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0 * FRAME as u64)
        }
    }

    #[tokio::test]
    async fn a_length_that_is_known_is_not_forgotten() {
        let patience = Patience::of(&Limits::default());
        for frames in [0, 1, 20] {
            let mut body = Body::of_guest(Passed(frames).boxed_unsync(), patience).await;
            let mut left = frames * FRAME as u64;
            assert_eq!(body.whole().is_some(), left < COLLECTED_BYTES as u64);
            while left > 0 {
                assert_eq!(body.size_hint().exact(), Some(left));
                let frame = body.frame().await.expect("a frame").expect("whole");
                left -= frame.data_ref().map_or(0, Bytes::len) as u64;
            }
            assert!(body.frame().await.is_none());
        }
    }
}
