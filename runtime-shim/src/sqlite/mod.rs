//! An SQLite file shared by all requests: a bounded pool of connections, one
//! writer at a time in the order of asking, and no core ever waits for either.
//!
//! Reads run on the caller's own thread, since waking another costs more than
//! a short read; one that takes too long is started again on a blocking thread.
//! Whatever writes runs on a blocking thread, because a commit may wait for the disk,
//! and so does what nobody has looked at yet ([`weight`]).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::limits::Limit;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use lease::Lease;
pub(crate) use rows::Rows;
use session::{Bounds, Session};
use weight::Weights;

use crate::blocking;
use crate::limits::{Limits, permits};
use crate::metrics::PoolMetrics;

mod authorizer;
mod functions;
mod lease;
mod rows;
mod session;
mod weight;

/// The largest script that SQLite takes at all.
const SCRIPT_BYTES: i32 = 1_000_000_000;

/// Statements of a database that are looked at, at once. They may take long to plan.
const LOOKS: usize = 16;

/// Why a statement or a connection was refused; the text is for the component.
#[derive(Debug)]
pub struct DatabaseError(pub String);

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

pub struct Database {
    path: PathBuf,
    /// Run on each new connection.
    schema: &'static str,
    /// With since when, the one used last at the end.
    idle: Mutex<Vec<(Session, Instant)>>,
    slots: Arc<Semaphore>,
    writer: Arc<Semaphore>,
    /// For those that nobody has looked at yet.
    looks: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    weights: Arc<Weights>,
    limits: Limits,
    /// On a serving thread, and on a blocking one at first.
    here: Bounds,
    /// On a blocking one.
    aside: Bounds,
    metrics: PoolMetrics,
}

impl Database {
    pub fn new(
        path: PathBuf,
        schema: &'static str,
        limits: &Limits,
        metrics: PoolMetrics,
    ) -> Arc<Self> {
        Arc::new(Self {
            path,
            schema,
            idle: Mutex::default(),
            slots: Arc::new(Semaphore::new(permits(limits.sqlite_connections))),
            writer: Arc::new(Semaphore::new(1)),
            slow: Arc::new(Semaphore::new(permits(limits.sqlite_slow_statements))),
            looks: Arc::new(Semaphore::new(LOOKS)),
            weights: Arc::default(),
            limits: limits.clone(),
            here: Bounds::here(limits),
            aside: Bounds::aside(limits),
            metrics,
        })
    }

    /// A connection for the caller alone, until the lease is dropped.
    pub async fn lease(self: &Arc<Self>) -> Result<Lease, DatabaseError> {
        let asked = Instant::now();
        let slot = self.turn(&self.slots, "no connection became free").await?;
        let idle = self.idle.lock().pop();
        let session = match idle {
            Some((session, _)) => session,
            None => {
                let database = Arc::clone(self);
                run(move || database.connect()).await?
            }
        };
        self.metrics.wait.observe(asked.elapsed().as_secs_f64());
        self.metrics.in_use.inc();
        Ok(Lease::new(Arc::clone(self), session, slot))
    }

    /// Closes the connections that nothing used for long, but one: the last that is closed writes all
    /// of the log to the file.
    pub(crate) fn prune(&self) {
        let longest = Duration::from_millis(self.limits.sqlite_idle_ms);
        let mut idle = self.idle.lock();
        let is_old = |(_, since): &&(Session, Instant)| since.elapsed() > longest;
        let old = idle.iter().take_while(is_old).count();
        let old = old.min(idle.len().saturating_sub(1));
        if old > 0 {
            let closed: Vec<_> = idle.drain(..old).collect();
            blocking::DISK.spawn(move || drop(closed));
        }
    }

    /// Waits for `semaphore`, at most `wait`.
    async fn turn(
        &self,
        semaphore: &Arc<Semaphore>,
        failure: &str,
    ) -> Result<OwnedSemaphorePermit, DatabaseError> {
        if let Ok(permit) = Arc::clone(semaphore).try_acquire_owned() {
            return Ok(permit);
        }
        let wait = Duration::from_millis(self.limits.sqlite_wait_ms);
        match tokio::time::timeout(wait, Arc::clone(semaphore).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(DatabaseError(format!(
                "database is busy: {failure} within {} ms",
                wait.as_millis()
            ))),
        }
    }

    async fn slow(&self) -> Result<OwnedSemaphorePermit, DatabaseError> {
        self.turn(&self.slow, "statements that take long did not finish").await
    }

    /// Runs the statements of `script`, on a connection of its own.
    pub fn run_script(&self, script: &str) -> Result<(), DatabaseError> {
        let connection = self.connect()?.connection;
        // SQLite measures all that is left of a script, and it is the operator's.
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, SCRIPT_BYTES)?;
        Ok(connection.execute_batch(script)?)
    }

    fn connect(&self) -> Result<Session, DatabaseError> {
        Session::open(&self.path, self.schema, &self.limits)
    }

    /// Runs one statement, on a connection of its own.
    pub fn write(
        &self,
        statement: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<(), DatabaseError> {
        self.connect()?.connection.execute(statement, parameters)?;
        Ok(())
    }
}

async fn run<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, DatabaseError> + Send + 'static,
) -> Result<R, DatabaseError> {
    blocking::DISK.spawn(work).await.map_err(|error| DatabaseError(error.to_string()))?
}
