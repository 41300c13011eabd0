//! What the requests of one instance owe each other.
//!
//! Argon2 is one long computation, and an instance does one thing at a time. If it began while
//! others are under way here, each of them would wait for its end, and who is inside a transaction
//! would hold the database's write lock for so much longer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use spin_sdk::time::sleep;

/// Requests of this instance that do not wait for their turn to hash.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// A query takes about this long.
const PAUSE: Duration = Duration::from_millis(1);

/// After a quarter of a second a password is hashed all the same: neither a crowd of other
/// requests nor a database that hangs must be able to keep anyone from an answer.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// Counts a request for as long as it lives.
pub(crate) struct UnderWay(());

impl UnderWay {
    pub(crate) fn new() -> Self {
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The request of whoever calls [`alone`], while it waits.
struct Waiting(());

impl Waiting {
    fn new() -> Self {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns when all other requests of this instance are done, or wait here as well. Start Argon2
/// right after, without another `await`, and never call it inside a transaction.
pub(crate) async fn alone() {
    let end = Instant::now() + MAX_WAIT;
    let _waiting = Waiting::new();
    while UNDER_WAY.load(Ordering::Relaxed) > 0 && Instant::now() < end {
        sleep(PAUSE).await;
    }
}
