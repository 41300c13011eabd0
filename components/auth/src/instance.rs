//! What the requests of one instance owe each other.
//!
//! Argon2 is one long computation, and an instance does one thing at a time. If it began while
//! others use the database here, each of them would wait for its end, and who is inside a
//! transaction would hold the database's write lock for so much longer. And if all began what a
//! password is asked for, none of a crowd would be done before its connection gives up.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use api::Problem;
use database::{Database, Error};
use spin_sdk::time::sleep;

/// A query takes about this long.
const PAUSE: Duration = Duration::from_millis(1);

/// A hash takes some times as long.
const PAUSE_FOR_PERMIT: Duration = Duration::from_millis(10);

/// After a tenth of a second a password is hashed all the same: neither a crowd nor a database that
/// hangs must be able to keep anyone from an answer. A transaction waits five seconds for its lock.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// Requests that hash a password side by side: one does, and another is at the database.
const PERMITS: usize = 2;

/// Who waits for longer is told to come back, before anything was done for them in vain. With what the
/// database may take afterwards a client has its answer within five seconds.
const MAX_WAIT_FOR_PERMIT: Duration = Duration::from_secs(2);

/// What is over is dropped this often: each time costs a statement, and finds little.
const PRUNE_EVERY_MILLIS: i64 = 60_000;

static WAITING: Mutex<VecDeque<u64>> = Mutex::new(VecDeque::new());
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

/// A permit to hash a password, of which this instance has few, in the order of coming. Ask for it
/// before a connection, and keep it until the answer. 503 after [`MAX_WAIT_FOR_PERMIT`].
pub(crate) async fn permit() -> Result<Counted, Problem> {
    let end = Instant::now() + MAX_WAIT_FOR_PERMIT;
    let place = Place::last();
    while !place.is_first() || HASHING.load(Ordering::Relaxed) >= PERMITS {
        if Instant::now() > end {
            let cause = format!("others hash passwords for {MAX_WAIT_FOR_PERMIT:?}");
            return Err(Problem::unavailable(cause));
        }
        // One request cannot wake another: `wit-bindgen` would need a stream between each two.
        sleep(PAUSE_FOR_PERMIT).await;
    }
    Ok(Counted::by(&HASHING))
}

/// Among those who wait for a permit, who are no more than the host gives one instance.
struct Place(u64);

impl Place {
    fn last() -> Self {
        let mut waiting = waiting();
        let place = waiting.back().map_or(0, |last| last + 1);
        waiting.push_back(place);
        Self(place)
    }

    fn is_first(&self) -> bool {
        waiting().front() == Some(&self.0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        waiting().retain(|place| *place != self.0);
    }
}

fn waiting() -> MutexGuard<'static, VecDeque<u64>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
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
