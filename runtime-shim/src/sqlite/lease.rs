//! A guest's turn at a database.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use rusqlite::types::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::session::{Clock, Kind, Session, outside_memory};
use super::{Database, DatabaseError, Row, Rows, run};
use crate::blocking;

/// The longest text of a statement that runs on a serving thread. SQLite looks at no clock between two
/// functions of a row, so this bounds how many there are.
const INLINE_TEXT_BYTES: usize = 4 * 1024;

/// One guest's connection. Dropping it rolls back what was left open and gives
/// the connection to the next one.
pub struct Lease {
    database: Arc<Database>,
    /// `None` while a blocking thread has it, and for good if that thread panicked.
    held: Option<Held>,
    clock: Clock,
}

/// A connection and its turns. They go where it goes: a guest may give up a call whose statement
/// still runs.
struct Held {
    session: Session,
    _slot: OwnedSemaphorePermit,
    /// From the first write of a transaction to its end.
    writing: Option<OwnedSemaphorePermit>,
}

impl Lease {
    pub(super) fn new(
        database: Arc<Database>,
        session: Session,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        let clock = session.clock.clone();
        let held = Some(Held { session, _slot: slot, writing: None });
        Self { database, held, clock }
    }

    /// Runs one statement and takes all its rows, at most `limit` bytes of values.
    pub async fn execute<R: Row>(
        &mut self,
        sql: &str,
        parameters: Vec<Value>,
        limit: u64,
    ) -> Result<Rows<R>, DatabaseError> {
        // A server's own log can say this; here nothing else can. Values may be people's texts.
        tracing::trace!("statement: {sql}");
        let sql = &*outside_memory(sql);
        let (here, aside) = (self.database.here, self.database.aside);
        let kind = self.session()?.kind(sql, here);
        let kind = match kind {
            Err(error) if error.is_retryable() => {
                let (slow, sql) = (self.database.slow().await?, sql.to_owned());
                self.aside(Some(slow), move |session| session.kind(&sql, aside)).await?
            }
            kind => kind,
        }?;
        let mut slow = None;
        if kind == Kind::Write {
            if self.held.as_ref().is_some_and(|held| held.writing.is_none()) {
                let database = &self.database;
                let turn = database.turn(&database.writer, "the writer before did not finish");
                let turn = turn.await?;
                self.held.as_mut().ok_or_else(lost)?.writing = Some(turn);
            }
        } else {
            if kind == Kind::Control || sql.len() <= INLINE_TEXT_BYTES {
                let found = self.session()?.run(sql, &parameters, limit, here);
                match found {
                    // Too much for this thread, or another program holds a lock.
                    Err(error) if kind == Kind::Read && error.is_retryable() => {}
                    finished => return finished.map_err(DatabaseError::from),
                }
            }
            slow = Some(self.database.slow().await?);
        }
        let sql = sql.to_owned();
        let run = move |session: &Session| session.run(&sql, &parameters, limit, aside);
        let result = self.aside(slow, run).await?;
        let held = self.held.as_mut().ok_or_else(lost)?;
        if held.session.connection.is_autocommit() {
            held.writing = None;
        }
        result.map_err(DatabaseError::from)
    }

    fn session(&self) -> Result<&Session, DatabaseError> {
        self.held.as_ref().map(|held| &held.session).ok_or_else(lost)
    }

    /// Has a blocking thread do `work`, which keeps `slow` until it is done.
    async fn aside<T: Send + 'static>(
        &mut self,
        slow: Option<OwnedSemaphorePermit>,
        work: impl FnOnce(&Session) -> T + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let held = self.held.take().ok_or_else(lost)?;
        let (held, done) = run(move || {
            let done = work(&held.session);
            drop(slow);
            Ok((held, done))
        })
        .await?;
        self.held = Some(held);
        Ok(done)
    }

    pub fn last_insert_rowid(&self) -> i64 {
        self.session().map_or(0, |session| session.connection.last_insert_rowid())
    }

    pub fn changes(&self) -> u64 {
        self.session().map_or(0, |session| session.connection.changes())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.database.metrics.in_use.dec();
        let Some(held) = self.held.take() else {
            // Nobody waits for the statement that still runs.
            return self.clock.stop_now();
        };
        let Session { connection, changed, .. } = &held.session;
        let is_clean = connection.is_autocommit() && !changed.load(Relaxed);
        let database = Arc::clone(&self.database);
        let end = move || {
            let Session { connection, changed, clock } = &held.session;
            clock.reset();
            let clean = connection.is_autocommit() || connection.execute_batch("rollback").is_ok();
            if clean && !changed.load(Relaxed) {
                database.idle.lock().push((held.session, Instant::now()));
            }
        };
        if is_clean {
            return end();
        }
        // What was written is taken back, and temporary tables are removed: as much work as they were.
        blocking::DISK.spawn(end);
    }
}

fn lost() -> DatabaseError {
    DatabaseError("the connection was lost; open another".to_owned())
}
