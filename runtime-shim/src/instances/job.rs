//! A request on its way to an instance, and what becomes of it.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures::task::AtomicWaker;
use http::{Request, Response};
use wasmtime_wasi_http::WasiBody;

use crate::admission::Running;
use crate::body::Written;
use crate::guest::{Activity, RequestContext};

/// A request on its way to an instance.
pub struct Job {
    pub request: Request<WasiBody>,
    pub context: RequestContext,
    pub answer: oneshot::Sender<wasmtime::Result<Response<WasiBody>>>,
    pub ticket: Arc<Ticket>,
    pub queued: Instant,
    /// Of one from outside, once an instance has it.
    pub(crate) running: Option<Running>,
}

/// Why a request got no response.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub enum Fate {
    /// The instance trapped, for this request or another.
    Trapped,
    /// Its own time was over.
    TimedOut,
    /// The instance was ended because of another request.
    Disturbed,
    /// It waited too long for an instance.
    Queued,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trapped => "the instance trapped",
            Self::TimedOut => "the request took too long",
            Self::Disturbed => "another request had the instance ended",
            Self::Queued => {
                "no instance became free in time (instances, concurrent_requests, queue_wait_ms)"
            }
        })
    }
}

/// Shared between a request's caller and its instance.
pub struct Ticket {
    pub(super) time: Duration,
    fate: AtomicU8,
    expired: AtomicWaker,
    /// Its response has begun.
    answered: AtomicBool,
    /// That which has the request.
    pub(super) instance: OnceLock<Arc<Activity>>,
}

impl Ticket {
    pub fn new(time: Duration) -> Self {
        let fate = AtomicU8::new(Fate::Trapped as u8);
        let (expired, answered) = (AtomicWaker::new(), AtomicBool::new(false));
        Self { time, fate, expired, answered, instance: OnceLock::new() }
    }

    pub fn fate(&self) -> Fate {
        match self.fate.load(Relaxed) {
            fate if fate == Fate::TimedOut as u8 => Fate::TimedOut,
            fate if fate == Fate::Disturbed as u8 => Fate::Disturbed,
            fate if fate == Fate::Queued as u8 => Fate::Queued,
            _ => Fate::Trapped,
        }
    }

    /// From now on its time is that of a response, whose body this is.
    pub(crate) fn answered(&self, body: WasiBody) -> Written {
        self.answered.store(true, Relaxed);
        match self.instance.get() {
            Some(instance) => Written::by(Arc::clone(instance), body),
            None => body.into(),
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    pub(super) fn set(&self, fate: Fate) {
        self.fate.store(fate as u8, Relaxed);
        self.expired.wake();
    }

    /// Resolves when the request's time is over.
    pub(super) async fn over(&self) {
        poll_fn(|cx| {
            self.expired.register(cx.waker());
            if self.fate() == Fate::TimedOut { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
