//! What the requests of one instance owe each other.
//!
//! Argon2 is one long computation, and an instance does one thing at a time. If it began while
//! another request here is inside a transaction, that one would hold the database's write lock
//! for so much longer, and where many sign in at once the others would give up waiting for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use database::Database;
use spin_sdk::time::sleep;

static TRANSACTIONS: AtomicUsize = AtomicUsize::new(0);

/// A transaction takes about this long.
const PAUSE: Duration = Duration::from_millis(1);

/// After half a second a password is compared all the same: neither refreshing sessions nor a
/// database that hangs must be able to keep anyone from an answer. A transaction waits five
/// seconds for its lock.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// Counts a transaction of this instance for as long as it lives.
pub(crate) struct InTransaction(());

impl InTransaction {
    pub(crate) fn new() -> Self {
        TRANSACTIONS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for InTransaction {
    fn drop(&mut self) {
        TRANSACTIONS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Like [`Database::transaction`], but counted.
pub(crate) async fn transaction<T, E: From<database::Error>>(
    database: &Database,
    work: impl AsyncFn(&Database) -> Result<T, E>,
) -> Result<T, E> {
    let _counted = InTransaction::new();
    database.transaction(work).await
}

/// Returns when no request of this instance is inside a transaction. Start Argon2 right after,
/// without another `await`.
pub(crate) async fn between_transactions() {
    let end = Instant::now() + MAX_WAIT;
    while TRANSACTIONS.load(Ordering::Relaxed) > 0 && Instant::now() < end {
        sleep(PAUSE).await;
    }
}
