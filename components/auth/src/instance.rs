//! What the requests of one instance owe each other.
//!
//! Argon2 is one long computation, and an instance does one thing at a time. If it began while
//! others use the database here, each of them would wait for its end, and who is inside a
//! transaction would hold the database's write lock for so much longer. And if all began what a
//! password is asked for, none of a crowd would be done before its connection gives up.

use std::ops::Deref;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use api::Problem;
use database::{Database, Error};
use spin_sdk::time::sleep;

/// A query takes about this long.
const PAUSE: Duration = Duration::from_millis(1);

/// A hash takes some times as long.
const PAUSE_FOR_PERMIT: Duration = Duration::from_millis(10);

/// After half a second a password is hashed all the same: neither a crowd nor a database that
/// hangs must be able to keep anyone from an answer. A transaction waits five seconds for its lock.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// Requests that hash a password side by side: one does, and another is at the database.
const PERMITS: usize = 2;

/// Who waits for longer is told to come back, before anything was done for them in vain.
const MAX_WAIT_FOR_PERMIT: Duration = Duration::from_secs(1);

/// What is over is dropped this often: each time costs a statement, and finds little.
const PRUNE_EVERY_MILLIS: i64 = 60_000;

static HASHING: AtomicUsize = AtomicUsize::new(0);
static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
static PRUNED_AT: AtomicI64 = AtomicI64::new(0);

/// A connection to auth's database, counted from when it is asked for.
pub(crate) struct Connection {
    database: Database,
    _counted: Counted,
}

impl Connection {
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
        let counted = Counted::by(&CONNECTIONS);
        Ok(Self { database: Database::open(url).await?, _counted: counted })
    }
}

impl Deref for Connection {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

/// Counts until it is dropped.
pub(crate) struct Counted(&'static AtomicUsize);

impl Counted {
    fn by(counter: &'static AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One of the few permits to hash a password in this instance. Ask for it before a
/// connection, and keep it until the answer. 503 after [`MAX_WAIT_FOR_PERMIT`].
pub(crate) async fn permit() -> Result<Counted, Problem> {
    let end = Instant::now() + MAX_WAIT_FOR_PERMIT;
    while HASHING.load(Ordering::Relaxed) >= PERMITS {
        if Instant::now() > end {
            let cause = format!("others hash passwords for {MAX_WAIT_FOR_PERMIT:?}");
            return Err(Problem::unavailable(cause));
        }
        // One request cannot wake another: `wit-bindgen` would need a stream between each two.
        sleep(PAUSE_FOR_PERMIT).await;
    }
    Ok(Counted::by(&HASHING))
}

/// Returns when no request of this instance uses the database, or after [`MAX_WAIT`]. Drop your
/// own connection first, and start Argon2 right after, without another `await`.
pub(crate) async fn between_queries() {
    let end = Instant::now() + MAX_WAIT;
    while CONNECTIONS.load(Ordering::Relaxed) > 0 && Instant::now() < end {
        sleep(PAUSE).await;
    }
}

/// Whether this instance should drop now what is over; then it should not again for a while.
pub(crate) fn should_prune(now: i64) -> bool {
    let due = now - PRUNED_AT.load(Ordering::Relaxed) >= PRUNE_EVERY_MILLIS;
    if due {
        PRUNED_AT.store(now, Ordering::Relaxed);
    }
    due
}
