//! Threads for what blocks: writes to SQLite, and looking names up.
//!
//! A guest can occupy all that belong to a serving thread's runtime, by directories that it does not
//! read to the end or by names whose servers do not answer. So others do not wait for those.

use std::io;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Of the whole process. They end when there is nothing to do.
const THREADS: usize = 64;

/// A runtime without a thread of its own: it is there for those that block.
static POOL: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| Builder::new_current_thread().max_blocking_threads(THREADS).build());

/// Does `work` whether or not anybody waits for it, who gets an error if it panicked.
pub(crate) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match &*POOL {
        Ok(pool) => pool.spawn_blocking(work),
        Err(_) => tokio::task::spawn_blocking(work),
    }
}
