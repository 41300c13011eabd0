//! A request body that is still on its way.
//!
//! An instance that waits for the rest of one is of no use to others: a few clients on slow lines,
//! or a few that mean harm, would have all places with some bytes each. So at most half of them are
//! for requests whose bodies are still coming. Further bodies are read before an instance is asked
//! for, as a proxy does that buffers requests, and the guest waits for none of it.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::answer::Problem;

/// What is held of a body is counted in steps of this many KiB.
const STEP: u32 = 16;
/// The longest piece of it that a guest is handed, about what a client's line brings at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Where bodies wait for an instance, and for how many bytes of them there is room.
pub(crate) struct Waiting {
    /// Of requests that an instance may have before their bodies are whole. None: they never may.
    pub places: Option<Arc<Semaphore>>,
    /// In KiB, of all bodies that wait on this thread.
    pub room: Arc<Semaphore>,
    /// The longest body that is held, in bytes.
    pub limit: u64,
}

impl Waiting {
    /// Reads `body` until it is whole or there is a place for it.
    ///
    /// # Errors
    ///
    /// It is longer than it may be without a place, or whoever sends it broke off.
    pub(crate) async fn arrived(self, body: WasiBody) -> Result<Upload, Problem> {
        let may_be_long = self.places.is_some();
        let mut upload = Upload {
            first: BytesMut::new(),
            trailers: None,
            rest: Some(body),
            room: None,
            place: None,
            at_once: !may_be_long,
        };
        let mut place = pin!(async {
            match self.places {
                // The semaphore is never closed.
                Some(places) => places.acquire_owned().await.ok(),
                None => std::future::pending().await,
            }
        });
        let step = STEP.min(u32::try_from(self.limit / 1024).unwrap_or(STEP)).max(1);
        while let Some(rest) = &mut upload.rest {
            let is_long = upload.first.len() as u64 > self.limit;
            if is_long && !may_be_long {
                return Err(Problem::BodyTooLarge);
            }
            let held = upload.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * 1024;
            let has_room = upload.first.len() <= held;
            if !has_room && let Some(room) = &mut upload.room {
                // Those that hold some do not wait for more, which all of them might.
                match Arc::clone(&self.room).try_acquire_many_owned(step) {
                    Ok(more) => {
                        room.merge(more);
                        continue;
                    }
                    Err(_) if !may_be_long => return Err(Problem::Overloaded),
                    Err(_) => {}
                }
            }
            tokio::select! {
                biased;
                frame = rest.frame(), if has_room && !is_long => match frame {
                    Some(frame) => upload.add(frame.map_err(|_| Problem::Malformed)?),
                    None => upload.rest = None,
                },
                room = Arc::clone(&self.room).acquire_many_owned(step),
                    if !has_room && upload.room.is_none() =>
                {
                    upload.room = room.ok();
                }
                place = &mut place => {
                    upload.place = place;
                    break;
                }
            }
        }
        Ok(upload)
    }
}

/// A request body of which some has arrived.
pub(crate) struct Upload {
    first: BytesMut,
    trailers: Option<HeaderMap>,
    /// None once it has ended.
    rest: Option<WasiBody>,
    /// For what is held of it.
    room: Option<OwnedSemaphorePermit>,
    /// Until its end.
    place: Option<OwnedSemaphorePermit>,
    /// The guest takes it as a whole.
    at_once: bool,
}

impl Upload {
    fn add(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            // A copy: small pieces would each keep the buffer that they came in.
            Ok(data) => self.first.extend_from_slice(&data),
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
        self.rest.take_if(|rest| rest.is_end_stream());
    }

    /// Some of what is held, so that a guest takes no more memory for it than if it came now; or all,
    /// for one that takes it as a whole and keeps it.
    fn piece(&mut self) -> Bytes {
        if self.at_once {
            let whole = self.first.split().freeze();
            return match self.room.take() {
                Some(room) => counted(whole, room),
                None => whole,
            };
        }
        let length = self.first.len().min(PIECE_BYTES);
        let piece = self.first.split_to(length).freeze();
        if self.first.is_empty() {
            self.room = None;
        }
        piece
    }
}

/// `bytes`, which hold `room` for as long as anybody has them.
pub(crate) fn counted(bytes: Bytes, room: OwnedSemaphorePermit) -> Bytes {
    struct Counted(Bytes, #[expect(dead_code, reason = "held")] OwnedSemaphorePermit);
    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    Bytes::from_owner(Counted(bytes, room))
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(self.piece()))));
        }
        if let Some(rest) = &mut self.rest {
            let frame = ready!(Pin::new(rest).poll_frame(cx));
            if frame.is_some() {
                return Poll::Ready(frame);
            }
            (self.rest, self.place) = (None, None);
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        let ended = self.rest.as_ref().is_none_or(Body::is_end_stream);
        self.first.is_empty() && self.trailers.is_none() && ended
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.len() as u64;
        let rest = self.rest.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint
    }
}
