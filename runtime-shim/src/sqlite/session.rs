//! One connection, and the statements that run on it.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::ffi::{self, ErrorCode};
use rusqlite::hooks::AuthContext;
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Batch, CachedStatement, Connection, OpenFlags, Statement, TransactionState};

use super::authorizer::authorize;
use super::lease::Progress;
use super::rows::{Rows, query};
use super::weight::{Seen, Weight, Weights, thread_time};
use super::{DatabaseError, functions};
use crate::limits::{Limits, size};

/// `sqlite_value_bytes` on a serving thread.
const INLINE_VALUE_BYTES: i32 = 64 * 1024;
/// Statements that are longer are planned each time: a connection keeps texts for as long as it lives.
const CACHED_STATEMENT_BYTES: usize = 16 * 1024;
/// Nor is one whose columns have longer names than this together, which its text need not show.
const CACHED_NAME_BYTES: usize = 64 * 1024;
/// Steps of SQLite's virtual machine between two looks at the clock: some microseconds.
const STEPS_PER_CHECK: i32 = 100;
/// The longest that SQLite can be told, in milliseconds.
const LONGEST_LOCK: u64 = i32::MAX as u64;
/// How long others are waited for where a connection is opened: several may be at once.
const OPENING: Duration = Duration::from_secs(2);
/// Finds out whether the schema is another one.
const READ_SCHEMA: &str = "select 1 from sqlite_schema";
/// Between two attempts at what SQLite refuses at once, however long it may wait.
const RETRY: Duration = Duration::from_millis(5);

/// When the running statement is stopped. SQLite itself looks at it where it jumps, the functions
/// of [`functions`] wherever they are called.
#[derive(Clone)]
pub(super) struct Clock {
    epoch: Instant,
    /// Milliseconds since `epoch`.
    stop_at: Arc<AtomicU64>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { epoch: Instant::now(), stop_at: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// One that nobody waits for any more stays stopped, also if it has yet to begin.
    pub(super) fn stop_after(&self, time: Option<Duration>) {
        let stop_at = |time: Duration| (self.epoch.elapsed() + time).as_millis() as u64;
        let stop_at = time.map_or(u64::MAX, stop_at);
        let _ = self.stop_at.fetch_update(Relaxed, Relaxed, |at| (at != 0).then_some(stop_at));
    }

    pub(super) fn stop_now(&self) {
        self.stop_at.store(0, Relaxed);
    }

    pub(super) fn reset(&self) {
        self.stop_at.store(u64::MAX, Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.epoch.elapsed().as_millis() as u64 > self.stop_at.load(Relaxed)
    }

    pub(super) fn check(&self) -> rusqlite::Result<()> {
        if self.is_over() { Err(failure(ffi::SQLITE_INTERRUPT)) } else { Ok(()) }
    }
}

/// What a function of ours says to SQLite.
pub(super) fn failure(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}

/// What a statement may take of the thread that it runs on.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    time: Duration,
    value_bytes: i32,
    /// For a lock that another program holds.
    lock_wait: Duration,
}

impl Bounds {
    /// On a serving thread, where others wait, or for a first look on another.
    pub(super) fn here(limits: &Limits) -> Self {
        Self {
            time: Duration::from_millis(limits.sqlite_inline_ms),
            value_bytes: INLINE_VALUE_BYTES.min(bytes(limits.sqlite_value_bytes)),
            lock_wait: Duration::ZERO,
        }
    }

    /// On a thread that may block.
    pub(super) fn aside(limits: &Limits) -> Self {
        let lock_wait = limits.sqlite_lock_ms.min(limits.sqlite_statement_ms);
        Self {
            time: Duration::from_millis(limits.sqlite_statement_ms),
            value_bytes: bytes(limits.sqlite_value_bytes),
            lock_wait: Duration::from_millis(lock_wait.min(LONGEST_LOCK)),
        }
    }
}

/// As SQLite counts them.
fn bytes(limit: u64) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}

/// A connection and what its callbacks look at.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) clock: Clock,
    pub(super) seen: Arc<Seen>,
    /// The longest value of the statement that runs, in bytes.
    value_bytes: Arc<AtomicI32>,
    /// The version of the schema that it has.
    pub(super) schema: Option<u64>,
}

/// How a statement is run.
#[derive(PartialEq)]
pub(super) enum Kind {
    /// Returns rows and changes nothing.
    Read,
    /// Starts or ends a transaction in which nothing was written.
    Control,
    Write,
}

pub(super) enum RunError {
    Sqlite(rusqlite::Error),
    Other(String),
}

impl From<rusqlite::Error> for RunError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<RunError> for DatabaseError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Sqlite(error) => error.into(),
            RunError::Other(text) => Self(text),
        }
    }
}

impl RunError {
    /// Whether it may go well where more may be taken.
    pub(super) fn is_retryable(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::OperationInterrupted
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::TooBig
            )
        )
    }
}

/// Levels of an expression, and of queries within queries (a thousand unless it is said). Those of a
/// statement may be the product of both, and each takes some of its thread's stack.
const EXPRESSION_DEPTH: i32 = 250;

/// Of any database (SQLite, "Limits in SQLite").
const MOST_PAGES: u64 = 4_294_967_294;

impl Session {
    /// Opens the file, and makes it where there is none; `schema` is run on it. From then on SQLite
    /// takes `sqlite_heap_bytes` at most in this process.
    pub(super) fn open(path: &Path, schema: &str, limits: &Limits) -> Result<Self, DatabaseError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| DatabaseError(format!("{}: {error}", parent.display())))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(OPENING)?;
        use_wal(&connection)?;
        // NORMAL: the disk is waited for at checkpoints, a crash of the machine cannot corrupt.
        // What is deleted is overwritten: a withdrawn text is gone, and its old place tells nothing.
        connection.execute_batch("pragma synchronous = normal; pragma secure_delete = on;")?;
        let heap = limits.sqlite_heap_bytes;
        connection.execute_batch(&format!("pragma hard_heap_limit = {heap}"))?;
        let page: u32 = connection.query_row("pragma page_size", [], |row| row.get(0))?;
        let pages = (limits.sqlite_file_bytes / u64::from(page.max(1))).clamp(1, MOST_PAGES);
        connection.execute_batch(&format!("pragma max_page_count = {pages}"))?;
        connection.execute_batch(schema)?;
        let clock = Clock::new();
        let value_bytes = Arc::new(AtomicI32::new(bytes(limits.sqlite_value_bytes)));
        functions::add(&connection, &value_bytes, &clock)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        // Else a statement with `LIMIT ?` is planned again with each value that is bound to it,
        // which costs more than running it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_limit(Limit::SQLITE_LIMIT_EXPR_DEPTH, EXPRESSION_DEPTH)?;
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, bytes(limits.sqlite_text_bytes))?;
        let longest_pattern = bytes(limits.sqlite_pattern_bytes);
        connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, longest_pattern)?;
        connection.set_prepared_statement_cache_capacity(size(limits.sqlite_statements));
        let seen = Arc::<Seen>::default();
        connection.authorizer(Some({
            let seen = Arc::clone(&seen);
            move |context: AuthContext<'_>| authorize(&context, &seen)
        }))?;
        connection.progress_handler(
            STEPS_PER_CHECK,
            Some({
                let clock = clock.clone();
                move || clock.is_over()
            }),
        )?;
        Ok(Self { connection, clock, seen, value_bytes, schema: None })
    }

    /// Does `work`, which SQLite gives up where it takes more.
    fn within<T>(
        &self,
        bounds: Bounds,
        work: impl FnOnce(&Self) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let Self { connection, .. } = self;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, bounds.value_bytes)?;
        self.value_bytes.store(bounds.value_bytes, Relaxed);
        connection.busy_timeout(bounds.lock_wait)?;
        self.clock.stop_after(Some(bounds.time));
        let done = work(self);
        self.clock.stop_after(None);
        done
    }

    /// Of a statement whose weight is known.
    pub(super) fn kind(&self, sql: &str, bounds: Bounds) -> Result<Kind, RunError> {
        let shape = self.within(bounds, |session| {
            let statement = session.connection.prepare_cached(sql)?;
            let shape = shape(&statement);
            give_back(statement);
            Ok(shape)
        })?;
        self.kind_of(shape)
    }

    /// Of any statement; and whether it changes the schema. What it weighs is known afterwards, unless
    /// this transaction `changes` the schema, or has an older one.
    pub(super) fn looked_at(
        &mut self,
        sql: &str,
        weights: &Weights,
        changes: bool,
        bounds: Bounds,
    ) -> Result<(Kind, bool), RunError> {
        if self.connection.is_autocommit() {
            self.read_schema(weights, bounds)?;
        }
        let is_everybodys = !changes && !self.seen.own_schema.load(Relaxed);
        let version = self.schema.filter(|version| is_everybodys && *version == weights.version());
        if version.is_some() && is_kept(sql) && weights.known(sql) == Some(Weight::Heavy) {
            return Ok((self.kind(sql, bounds)?, false));
        }
        let seen = Arc::clone(&self.seen);
        seen.schema.store(false, Relaxed);
        seen.pragma.store(false, Relaxed);
        let (shape, weight) = self.within(bounds, |session| {
            let started = thread_time();
            let prepared = session.connection.prepare(sql);
            let shape = shape(&prepared.map_err(|error| session.told_apart(sql, error))?);
            let planning = thread_time().saturating_sub(started);
            // The authorizer sees only what is planned anew, and has to see these each time.
            let may_be_known = !seen.schema.load(Relaxed) && !seen.pragma.load(Relaxed);
            let known = version.filter(|_| may_be_known);
            let weighed = |version| (Weight::of(&session.connection, sql, planning), version);
            Ok((shape, known.map(weighed)))
        })?;
        if let Some((weight, version)) = weight {
            weights.add(sql, weight, version);
        }
        Ok((self.kind_of(shape)?, seen.schema.load(Relaxed)))
    }

    /// Of two statements the library says what is wrong with the second, which is not to be there.
    fn told_apart(&self, sql: &str, error: rusqlite::Error) -> rusqlite::Error {
        let mut all = Batch::new(&self.connection, sql);
        match (all.next(), all.next()) {
            (Ok(Some(_)), Ok(None)) => error,
            (Ok(Some(_)), _) => rusqlite::Error::MultipleStatement,
            _ => error,
        }
    }

    /// Outside of a transaction, of which this would be the first statement.
    fn read_schema(&mut self, weights: &Weights, bounds: Bounds) -> Result<(), RunError> {
        self.tell_schema(weights);
        let version = weights.version();
        if self.schema != Some(version) {
            // SQLite reads all of it when a statement runs that is about it.
            self.within(bounds, |session| {
                Ok(session.connection.prepare_cached(READ_SCHEMA)?.exists([])?)
            })?;
            self.schema = Some(version);
        }
        Ok(())
    }

    /// Tells whether anybody has changed the schema. One of which nothing is known is another one.
    pub(super) fn tell_schema(&self, weights: &Weights) {
        let cookie = self.connection.prepare_cached("pragma schema_version");
        let cookie = cookie.and_then(|mut cookie| cookie.query_row([], |row| row.get(0)));
        weights.schema_is(cookie.unwrap_or(-1));
    }

    fn kind_of(&self, shape: (bool, usize)) -> Result<Kind, RunError> {
        let written = self.connection.transaction_state::<&str>(None)? == TransactionState::Write;
        Ok(match shape {
            (true, 1..) => Kind::Read,
            (true, 0) if !written => Kind::Control,
            _ => Kind::Write,
        })
    }

    /// Runs what does not write.
    pub(super) fn read(
        &self,
        kind: Kind,
        sql: &str,
        parameters: &[Value],
        limit: u64,
        bounds: Bounds,
    ) -> Result<Progress, RunError> {
        match self.run(sql, parameters, limit, bounds) {
            // Too much for now, or another program holds a lock.
            Err(error) if kind == Kind::Read && error.is_retryable() => Ok(Progress::TooMuch),
            finished => finished.map(Progress::Finished),
        }
    }

    pub(super) fn run(
        &self,
        sql: &str,
        parameters: &[Value],
        limit: u64,
        bounds: Bounds,
    ) -> Result<Rows, RunError> {
        self.within(bounds, |session| {
            if !is_kept(sql) {
                return query(&mut session.connection.prepare(sql)?, parameters, limit);
            }
            let mut statement = session.connection.prepare_cached(sql)?;
            let found = query(&mut statement, parameters, limit);
            give_back(statement);
            found
        })
    }
}

/// Whether a statement only reads, and how many columns it has.
fn shape(statement: &Statement<'_>) -> (bool, usize) {
    (statement.readonly(), statement.column_count())
}

fn is_kept(sql: &str) -> bool {
    sql.len() <= CACHED_STATEMENT_BYTES
}

/// For the next time, unless it takes much room.
fn give_back(statement: CachedStatement<'_>) {
    if names(&statement) > CACHED_NAME_BYTES {
        statement.discard();
    }
}

/// Bytes of the names of a statement's columns.
pub(super) fn names(statement: &Statement<'_>) -> usize {
    statement.column_names().map(str::len).sum()
}

fn begins_with(sql: &str, word: &str) -> bool {
    sql.trim_start().get(..word.len()).is_some_and(|first| first.eq_ignore_ascii_case(word))
}

/// Attaches a file without a name where a guest wants a database in memory: it is as private and
/// gone as soon, and its pages need not all stay in this process.
pub(super) fn outside_memory(sql: &str) -> Cow<'_, str> {
    if begins_with(sql, "attach") { sql.replace("':memory:'", "''").into() } else { sql.into() }
}

/// WAL: readers and the writer do not wait for each other.
///
/// Of several connections that change a new file to it at once, SQLite refuses all but one, without
/// waiting, since each would wait for the others' read locks.
fn use_wal(connection: &Connection) -> Result<(), DatabaseError> {
    let started = Instant::now();
    loop {
        match connection.execute_batch("pragma journal_mode = wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < OPENING =>
            {
                std::thread::sleep(RETRY);
            }
            changed => return Ok(changed?),
        }
    }
}
