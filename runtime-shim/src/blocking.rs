//! Threads for what blocks: writes to SQLite, and looking names up.
//!
//! A guest can occupy all that belong to a serving thread's runtime, by directories that it does not
//! read to the end or by names whose servers do not answer. So others do not wait for those.

use std::io;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinError;

/// Of the whole process. They end when there is nothing to do.
const THREADS: usize = 64;

/// Its own thread would be never needed, and there is none.
static POOL: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| Builder::new_current_thread().max_blocking_threads(THREADS).build());

/// # Errors
///
/// `work` panicked.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    match &*POOL {
        Ok(pool) => pool.spawn_blocking(work).await,
        Err(_) => tokio::task::spawn_blocking(work).await,
    }
}
