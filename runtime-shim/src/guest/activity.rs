//! Whether a guest computes or waits, and whose turn it is to compute.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::GuestTaskId;

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
    pub(super) async fn next_turn(self: Arc<Self>, turns: Arc<Semaphore>) {
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
