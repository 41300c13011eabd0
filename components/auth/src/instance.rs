//! What the requests of one instance owe each other.
//!
//! Argon2 is one long computation, and an instance does one thing at a time. If it began while
//! others use the database here, each of them would wait for its end, and who is inside a
//! transaction would hold the database's write lock for so much longer.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use database::{Database, Error};
use spin_sdk::time::sleep;

/// A query takes about this long.
const PAUSE: Duration = Duration::from_millis(1);

/// After half a second a password is hashed all the same: neither a crowd nor a database that
/// hangs must be able to keep anyone from an answer. A transaction waits five seconds for its lock.
const MAX_WAIT: Duration = Duration::from_millis(500);

static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);

/// A connection to auth's database, counted from when it is asked for.
pub(crate) struct Connection {
    database: Database,
    _counted: Counted,
}

impl Connection {
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
        let counted = Counted::new();
        Ok(Self { database: Database::open(url).await?, _counted: counted })
    }
}

impl Deref for Connection {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

struct Counted(());

impl Counted {
    fn new() -> Self {
        CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns when no request of this instance uses the database, or after [`MAX_WAIT`]. Drop your
/// own connection first, and start Argon2 right after, without another `await`.
pub(crate) async fn between_queries() {
    let end = Instant::now() + MAX_WAIT;
    while CONNECTIONS.load(Ordering::Relaxed) > 0 && Instant::now() < end {
        sleep(PAUSE).await;
    }
}
