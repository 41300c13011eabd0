//! Threads for what blocks: writes to SQLite, and looking names up.
//!
//! A guest can occupy all that belong to a serving thread's runtime, by directories that it does not
//! read to the end and by names that it looks up through `wasi:sockets`. So others do not wait for
//! those, nor those that write for names whose servers do not answer.

use std::io;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Threads of the whole process. They end when there is nothing to do.
pub(crate) struct Threads(LazyLock<io::Result<Runtime>>);

pub(crate) static DISK: Threads = Threads(LazyLock::new(|| threads(64, DISK_STACK_BYTES)));
/// Each component may occupy `look_ups` of them on each serving thread.
pub(crate) static NAMES: Threads = Threads(LazyLock::new(|| threads(512, NAME_STACK_BYTES)));

/// SQLite plans what is in views of views, and in expressions of expressions, level by level, and one byte
/// too few ends the process. Of its `EXPRESSION_DEPTH` squared, 2 MiB hold some two thirds.
const DISK_STACK_BYTES: usize = 32 * 1024 * 1024;
/// As much as tokio takes.
const NAME_STACK_BYTES: usize = 2 * 1024 * 1024;

/// A runtime without a thread of its own: it is there for those that block.
fn threads(most: usize, stack_bytes: usize) -> io::Result<Runtime> {
    Builder::new_current_thread().max_blocking_threads(most).thread_stack_size(stack_bytes).build()
}

impl Threads {
    /// Does `work` whether or not anybody waits for it, who gets an error if it panicked.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        match &*self.0 {
            Ok(pool) => pool.spawn_blocking(work),
            Err(_) => tokio::task::spawn_blocking(work),
        }
    }
}
