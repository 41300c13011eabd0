//! A guest's turn at a database.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use rusqlite::types::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::session::{Clock, Kind, RunError, Session, outside_memory};
use super::weight::SchemaChange;
use super::{Database, DatabaseError, Rows, run};
use crate::blocking;

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
    /// From its first change of the schema on.
    schema_change: Option<SchemaChange>,
}

/// How far a statement came.
pub(super) enum Progress {
    Finished(Rows),
    /// It writes, which it has yet to do.
    Writes {
        schema: bool,
    },
    /// It takes more than a serving thread gives.
    TooMuch,
    /// Nobody knows what it is.
    Unknown,
}

impl Lease {
    pub(super) fn new(
        database: Arc<Database>,
        session: Session,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        let clock = session.clock.clone();
        let held = Some(Held { session, _slot: slot, writing: None, schema_change: None });
        Self { database, held, clock }
    }

    /// Runs one statement and takes all its rows, at most `limit` bytes of values.
    pub async fn execute(
        &mut self,
        sql: &str,
        parameters: Vec<Value>,
        limit: u64,
    ) -> Result<Rows, DatabaseError> {
        // A server's own log can say this; here nothing else can. Values may be people's texts.
        tracing::trace!("statement: {sql}");
        let done = self.run(&outside_memory(sql), parameters, limit).await;
        if let Some(held) = &mut self.held
            && held.session.connection.is_autocommit()
        {
            (held.writing, held.schema_change) = (None, None);
        }
        done
    }

    async fn run(
        &mut self,
        sql: &str,
        parameters: Vec<Value>,
        limit: u64,
    ) -> Result<Rows, DatabaseError> {
        let mut progress = match self.is_light(sql)? {
            true => self.run_here(sql, &parameters, limit)?,
            false => Progress::Unknown,
        };
        let parameters: Arc<[Value]> = parameters.into();
        if matches!(progress, Progress::Unknown) {
            progress = self.look(sql, Arc::clone(&parameters), limit).await?;
        }
        match progress {
            Progress::Finished(rows) => Ok(rows),
            Progress::Writes { schema } => self.write(sql, parameters, limit, schema).await,
            Progress::TooMuch | Progress::Unknown => {
                let slow = self.database.slow().await?;
                self.run_aside(Some(slow), sql, parameters, limit).await
            }
        }
    }

    fn is_light(&self, sql: &str) -> Result<bool, DatabaseError> {
        let session = self.session()?;
        let is_own = session.seen.own_schema.load(Relaxed);
        Ok(!is_own && self.database.weights.is_light(sql, session.schema))
    }

    fn run_here(
        &self,
        sql: &str,
        parameters: &[Value],
        limit: u64,
    ) -> Result<Progress, DatabaseError> {
        let (session, here) = (self.session()?, self.database.here);
        match session.kind(sql, here) {
            Ok(Kind::Write) => Ok(Progress::Writes { schema: false }),
            Ok(kind) => Ok(session.read(kind, sql, parameters, limit, here)?),
            Err(error) if error.is_retryable() => Ok(Progress::Unknown),
            Err(error) => Err(error.into()),
        }
    }

    /// Finds out what the statement is, and runs it unless it writes or takes long.
    async fn look(
        &mut self,
        sql: &str,
        parameters: Arc<[Value]>,
        limit: u64,
    ) -> Result<Progress, DatabaseError> {
        let Database { looks, here, aside, .. } = &*self.database;
        let (here, aside) = (*here, *aside);
        let turn = self.database.turn(looks, "statements before did not finish").await?;
        let changes = self.held.as_ref().is_some_and(|held| held.schema_change.is_some());
        let (sql, weights) = (sql.to_owned(), Arc::clone(&self.database.weights));
        let looked =
            move |session: &mut Session| match session.looked_at(&sql, &weights, changes, aside)? {
                (Kind::Write, schema) => Ok(Progress::Writes { schema }),
                (kind, _) => session.read(kind, &sql, &parameters, limit, here),
            };
        self.aside(Some(turn), looked).await?.map_err(|error: RunError| error.into())
    }

    async fn write(
        &mut self,
        sql: &str,
        parameters: Arc<[Value]>,
        limit: u64,
        schema: bool,
    ) -> Result<Rows, DatabaseError> {
        if self.held.as_ref().is_some_and(|held| held.writing.is_none()) {
            let database = &self.database;
            let turn = database.turn(&database.writer, "the writer before did not finish");
            let turn = turn.await?;
            self.held.as_mut().ok_or_else(lost)?.writing = Some(turn);
        }
        if schema {
            let (held, weights) = (self.held.as_mut().ok_or_else(lost)?, &self.database.weights);
            held.schema_change.get_or_insert_with(|| SchemaChange::begin(weights));
        }
        self.run_aside(None, sql, parameters, limit).await
    }

    async fn run_aside(
        &mut self,
        slow: Option<OwnedSemaphorePermit>,
        sql: &str,
        parameters: Arc<[Value]>,
        limit: u64,
    ) -> Result<Rows, DatabaseError> {
        let (sql, bounds) = (sql.to_owned(), self.database.aside);
        let weights = Arc::clone(&self.database.weights);
        let run = move |session: &mut Session| {
            let done = session.run(&sql, &parameters, limit, bounds);
            if session.connection.is_autocommit() {
                session.tell_schema(&weights);
            }
            done
        };
        Ok(self.aside(slow, run).await??)
    }

    fn session(&self) -> Result<&Session, DatabaseError> {
        self.held.as_ref().map(|held| &held.session).ok_or_else(lost)
    }

    /// Has a blocking thread do `work`, which keeps `turn` until it is done.
    async fn aside<T: Send + 'static>(
        &mut self,
        turn: Option<OwnedSemaphorePermit>,
        work: impl FnOnce(&mut Session) -> T + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let mut held = self.held.take().ok_or_else(lost)?;
        let (held, done) = run(move || {
            let done = work(&mut held.session);
            drop(turn);
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
        let Session { connection, seen, .. } = &held.session;
        let is_clean = connection.is_autocommit() && !seen.changed.load(Relaxed);
        let database = Arc::clone(&self.database);
        let end = move || {
            let Session { connection, seen, clock, .. } = &held.session;
            clock.reset();
            let clean = connection.is_autocommit() || connection.execute_batch("rollback").is_ok();
            if clean && !seen.changed.load(Relaxed) {
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
