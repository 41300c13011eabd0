//! An SQLite file shared by all requests: a bounded pool of connections, one
//! writer at a time in the order of asking, and no core ever waits for either.
//!
//! Reads run on the caller's own thread, since waking another costs more than
//! a short read; one that takes too long is started again on a blocking thread.
//! Whatever writes runs on a blocking thread, because a commit may wait for the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, Statement, TransactionState};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::Limits;
use crate::metrics::PoolMetrics;
use crate::{blocking, sqlite_functions};

/// Prepared statements that a connection keeps: more than an application has.
const STATEMENTS_KEPT: usize = 128;
/// The text of one statement. Values are bound, so it does not grow with them.
const STATEMENT_BYTES: i32 = 1024 * 1024;
/// The largest script that SQLite takes at all.
const SCRIPT_BYTES: i32 = 1_000_000_000;
/// A value or a row that a statement handles on a serving thread. A function of SQLite cannot be
/// stopped, and LIKE takes as long as the product of what it is given; one with more runs elsewhere.
const INLINE_VALUE_BYTES: i32 = 64 * 1024;
/// The same anywhere: as much as one call may hand to the host.
const VALUE_BYTES: i32 = 64 * 1024 * 1024;
/// The pattern of LIKE and GLOB on a serving thread, and anywhere.
const INLINE_PATTERN_BYTES: i32 = 64;
const PATTERN_BYTES: i32 = 1_000;
/// What SQLite says where a pattern is longer.
const LONG_PATTERN: &str = "LIKE or GLOB pattern too complex";
/// What SQLite takes in this process: rows are made before anybody can count them.
const HEAP_BYTES: u64 = 1024 * 1024 * 1024;
/// Statements of one database that run long at the same time: with more, its component would have all
/// the threads on which others wait for their disk.
const SLOW_STATEMENTS: usize = 8;
/// Statements that are longer are planned each time: a connection keeps texts for as long as it lives.
const CACHED_STATEMENT_BYTES: usize = 16 * 1024;
/// Nor is one whose columns have longer names than this together, which its text need not show.
const CACHED_NAME_BYTES: usize = 64 * 1024;
/// A connection that nothing used for this long is closed, with what it keeps.
const IDLE: Duration = Duration::from_secs(60);
/// Steps of SQLite's virtual machine between two looks at the clock: some microseconds.
const STEPS_PER_CHECK: i32 = 100;
/// How long SQLite itself waits for a lock. Within this process the writer's
/// turn comes first, so only another program can make it wait.
const FOREIGN_LOCK_WAIT: Duration = Duration::from_secs(2);
/// Between two attempts at what SQLite refuses at once, however long it may wait.
const RETRY: Duration = Duration::from_millis(5);

/// Why a statement or a connection was refused; the text is for the component.
#[derive(Debug)]
pub struct Error(pub String);

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

pub struct Rows<R> {
    pub columns: Vec<String>,
    pub rows: Vec<R>,
    /// What they take.
    pub bytes: u64,
}

/// Builds a row of the caller's type from its values.
pub trait Row: Send + 'static {
    type Cell;
    fn integer(value: i64) -> Self::Cell;
    fn real(value: f64) -> Self::Cell;
    fn text(value: String) -> Self::Cell;
    fn blob(value: Vec<u8>) -> Self::Cell;
    fn null() -> Self::Cell;
    fn new(cells: Vec<Self::Cell>) -> Self;
}

pub struct Database {
    path: PathBuf,
    /// Run on each new connection.
    schema: &'static str,
    /// With since when, the one used last at the end.
    idle: Mutex<Vec<(Session, Instant)>>,
    slots: Arc<Semaphore>,
    writer: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    wait: Duration,
    /// On a serving thread.
    here: Bounds,
    /// On a blocking one.
    aside: Bounds,
    metrics: PoolMetrics,
}

/// What a statement may take of the thread that it runs on.
#[derive(Clone, Copy)]
struct Bounds {
    time: Duration,
    value_bytes: i32,
    pattern_bytes: i32,
    /// For a lock that another program holds.
    lock_wait: Duration,
}

/// A connection and what its callbacks look at.
struct Session {
    connection: Connection,
    /// Milliseconds since `epoch` at which the running statement is stopped.
    stop_at: Arc<AtomicU64>,
    epoch: Instant,
    /// The guest changed a setting that its successor must not inherit.
    changed: Arc<AtomicBool>,
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
            slots: Arc::new(Semaphore::new(limits.sqlite_connections as usize)),
            writer: Arc::new(Semaphore::new(1)),
            slow: Arc::new(Semaphore::new(SLOW_STATEMENTS)),
            wait: Duration::from_millis(limits.sqlite_wait_ms),
            here: Bounds {
                time: Duration::from_millis(limits.sqlite_inline_ms),
                value_bytes: INLINE_VALUE_BYTES,
                pattern_bytes: INLINE_PATTERN_BYTES,
                lock_wait: Duration::ZERO,
            },
            aside: Bounds {
                time: Duration::from_millis(limits.sqlite_statement_ms),
                value_bytes: VALUE_BYTES,
                pattern_bytes: PATTERN_BYTES,
                lock_wait: FOREIGN_LOCK_WAIT,
            },
            metrics,
        })
    }

    /// A connection for the caller alone, until the lease is dropped.
    pub async fn lease(self: &Arc<Self>) -> Result<Lease, Error> {
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
        let stop_at = Arc::clone(&session.stop_at);
        let held = Some(Held { session, _slot: slot, writing: None });
        Ok(Lease { database: Arc::clone(self), held, stop_at })
    }

    /// Closes the connections that nothing used for long, but one: the last that is closed writes all
    /// of the log to the file.
    pub(crate) fn prune(&self) {
        let mut idle = self.idle.lock();
        let old = idle.iter().take_while(|(_, since)| since.elapsed() > IDLE).count();
        let old = old.min(idle.len().saturating_sub(1));
        if old > 0 {
            let closed: Vec<_> = idle.drain(..old).collect();
            blocking::spawn(move || drop(closed));
        }
    }

    /// Waits for `semaphore`, at most `wait`.
    async fn turn(
        &self,
        semaphore: &Arc<Semaphore>,
        failure: &str,
    ) -> Result<OwnedSemaphorePermit, Error> {
        if let Ok(permit) = Arc::clone(semaphore).try_acquire_owned() {
            return Ok(permit);
        }
        match tokio::time::timeout(self.wait, Arc::clone(semaphore).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error(format!(
                "database is busy: {failure} within {} ms",
                self.wait.as_millis()
            ))),
        }
    }

    async fn slow(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.turn(&self.slow, "statements that take long did not finish").await
    }

    /// Runs the statements of `script`, on a connection of its own.
    pub fn run_script(&self, script: &str) -> Result<(), Error> {
        let connection = self.connect()?.connection;
        // SQLite measures all that is left of a script, and it is the operator's.
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, SCRIPT_BYTES)?;
        Ok(connection.execute_batch(script)?)
    }

    /// Runs one statement, on a connection of its own.
    pub fn write(&self, statement: &str, parameters: impl rusqlite::Params) -> Result<(), Error> {
        self.connect()?.connection.execute(statement, parameters)?;
        Ok(())
    }

    fn connect(&self) -> Result<Session, Error> {
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| Error(format!("{}: {error}", parent.display())))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(FOREIGN_LOCK_WAIT)?;
        use_wal(&connection)?;
        // NORMAL: the disk is waited for at checkpoints, a crash of the machine cannot corrupt.
        // What is deleted is overwritten: a withdrawn text is gone, and its old place tells nothing.
        connection.execute_batch("pragma synchronous = normal; pragma secure_delete = on;")?;
        connection.execute_batch(&format!("pragma hard_heap_limit = {HEAP_BYTES}"))?;
        connection.execute_batch(self.schema)?;
        sqlite_functions::add(&connection, VALUE_BYTES)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        // Else a statement with `LIMIT ?` is planned again with each value that is bound to it,
        // which costs more than running it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, STATEMENT_BYTES)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        let changed = Arc::new(AtomicBool::new(false));
        connection.authorizer(Some({
            let changed = Arc::clone(&changed);
            move |context: AuthContext<'_>| authorize(&context, &changed)
        }))?;
        let stop_at = Arc::new(AtomicU64::new(u64::MAX));
        let epoch = Instant::now();
        connection.progress_handler(
            STEPS_PER_CHECK,
            Some({
                let stop_at = Arc::clone(&stop_at);
                move || epoch.elapsed().as_millis() as u64 > stop_at.load(Relaxed)
            }),
        )?;
        Ok(Session { connection, stop_at, epoch, changed })
    }
}

/// WAL: readers and the writer do not wait for each other.
///
/// Of several connections that change a new file to it at once, SQLite refuses all but one, without
/// waiting, since each would wait for the others' read locks.
fn use_wal(connection: &Connection) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        match connection.execute_batch("pragma journal_mode = wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < FOREIGN_LOCK_WAIT =>
            {
                std::thread::sleep(RETRY);
            }
            changed => return Ok(changed?),
        }
    }
}

/// What a component may not do to a database that others share: reach other files (ATTACH, and
/// VACUUM INTO, which attaches), load code, change how the file is written or what the process may
/// take. Settings of the connection alone are allowed; such a connection is not given to the next one.
fn authorize(context: &AuthContext<'_>, changed: &AtomicBool) -> Authorization {
    match &context.action {
        // VACUUM attaches a file without a name; so may a guest, which its successor must not see.
        AuthAction::Attach { filename: "" } => {
            changed.store(true, Relaxed);
            Authorization::Allow
        }
        // Of a name that is an expression nothing is told.
        AuthAction::Attach { .. } | AuthAction::Unknown { .. } => Authorization::Deny,
        AuthAction::Function { function_name }
            if function_name.eq_ignore_ascii_case("load_extension") =>
        {
            Authorization::Deny
        }
        AuthAction::Pragma { pragma_name, pragma_value: Some(_) } => {
            match pragma_name.to_ascii_lowercase().as_str() {
                "table_info" | "table_xinfo" | "table_list" | "index_list" | "index_info"
                | "index_xinfo" | "foreign_key_list" | "foreign_key_check" | "integrity_check"
                | "quick_check" | "user_version" | "application_id" | "optimize"
                | "incremental_vacuum" | "wal_checkpoint" => Authorization::Allow,
                "foreign_keys"
                | "defer_foreign_keys"
                | "ignore_check_constraints"
                | "recursive_triggers"
                | "case_sensitive_like"
                | "reverse_unordered_selects"
                | "automatic_index"
                | "query_only"
                | "read_uncommitted"
                | "legacy_alter_table"
                | "trusted_schema"
                | "cell_size_check"
                | "analysis_limit"
                | "auto_vacuum"
                | "full_column_names"
                | "short_column_names" => {
                    changed.store(true, Relaxed);
                    Authorization::Allow
                }
                // Without effect, as in SQLite itself with a name that it does not know.
                _ => Authorization::Ignore,
            }
        }
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTempTrigger { .. } => {
            changed.store(true, Relaxed);
            Authorization::Allow
        }
        _ => Authorization::Allow,
    }
}

/// One guest's connection. Dropping it rolls back what was left open and gives
/// the connection to the next one.
pub struct Lease {
    database: Arc<Database>,
    /// `None` while a blocking thread has it, and for good if that thread panicked.
    held: Option<Held>,
    stop_at: Arc<AtomicU64>,
}

/// A connection and its turns. They go where it goes: a guest may give up a call whose statement
/// still runs.
struct Held {
    session: Session,
    _slot: OwnedSemaphorePermit,
    /// From the first write of a transaction to its end.
    writing: Option<OwnedSemaphorePermit>,
}

/// How a statement is run.
#[derive(PartialEq)]
enum Kind {
    /// Returns rows and changes nothing.
    Read,
    /// Starts or ends a transaction in which nothing was written.
    Control,
    Write,
}

impl Lease {
    /// Runs one statement and takes all its rows, at most `limit` bytes of values.
    pub async fn execute<R: Row>(
        &mut self,
        sql: &str,
        parameters: Vec<Value>,
        limit: u64,
    ) -> Result<Rows<R>, Error> {
        // A server's own log can say this; here nothing else can. Values may be people's texts.
        tracing::trace!("statement: {sql}");
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
            let found = self.session()?.run(sql, &parameters, limit, here);
            match found {
                // Too much for this thread, or another program holds a lock.
                Err(error) if kind == Kind::Read && error.is_retryable() => {}
                finished => return finished.map_err(Error::from),
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
        result.map_err(Error::from)
    }

    fn session(&self) -> Result<&Session, Error> {
        self.held.as_ref().map(|held| &held.session).ok_or_else(lost)
    }

    /// Has a blocking thread do `work`, which keeps `slow` until it is done.
    async fn aside<T: Send + 'static>(
        &mut self,
        slow: Option<OwnedSemaphorePermit>,
        work: impl FnOnce(&Session) -> T + Send + 'static,
    ) -> Result<T, Error> {
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
            return self.stop_at.store(0, Relaxed);
        };
        let Session { connection, changed, .. } = &held.session;
        let is_clean = connection.is_autocommit() && !changed.load(Relaxed);
        let database = Arc::clone(&self.database);
        let end = move || {
            let Session { connection, changed, stop_at, .. } = &held.session;
            stop_at.store(u64::MAX, Relaxed);
            let clean = connection.is_autocommit() || connection.execute_batch("rollback").is_ok();
            if clean && !changed.load(Relaxed) {
                database.idle.lock().push((held.session, Instant::now()));
            }
        };
        if is_clean {
            return end();
        }
        // What was written is taken back, and temporary tables are removed: as much work as they were.
        blocking::spawn(end);
    }
}

enum RunError {
    Sqlite(rusqlite::Error),
    Other(String),
}

impl From<rusqlite::Error> for RunError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Sqlite(error) => error.into(),
            RunError::Other(text) => Self(text),
        }
    }
}

impl RunError {
    /// Whether it may go well where more may be taken.
    fn is_retryable(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        let said = match error {
            rusqlite::Error::SqliteFailure(_, Some(said)) => said.as_str(),
            _ => "",
        };
        said == LONG_PATTERN
            || matches!(
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

impl Session {
    /// Does `work`, which SQLite gives up where it takes more.
    fn within<T>(
        &self,
        bounds: Bounds,
        work: impl FnOnce(&Self) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let Self { connection, .. } = self;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, bounds.value_bytes)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, bounds.pattern_bytes)?;
        connection.busy_timeout(bounds.lock_wait)?;
        let stop_at = self.epoch.elapsed() + bounds.time;
        self.stop_at.store(stop_at.as_millis() as u64, Relaxed);
        let done = work(self);
        self.stop_at.store(u64::MAX, Relaxed);
        done
    }

    fn kind(&self, sql: &str, bounds: Bounds) -> Result<Kind, RunError> {
        let shape = |statement: &Statement<'_>| (statement.readonly(), statement.column_count());
        let shape = self.within(bounds, |session| {
            // The authorizer sees a statement only when it is prepared anew.
            if is_pragma(sql) || !is_kept(sql) {
                return Ok(shape(&session.connection.prepare(sql)?));
            }
            let statement = session.connection.prepare_cached(sql)?;
            let shape = shape(&statement);
            give_back(statement);
            Ok(shape)
        })?;
        let written = self.connection.transaction_state::<&str>(None)? == TransactionState::Write;
        Ok(match shape {
            (true, 1..) => Kind::Read,
            (true, 0) if !written => Kind::Control,
            _ => Kind::Write,
        })
    }

    fn run<R: Row>(
        &self,
        sql: &str,
        parameters: &[Value],
        limit: u64,
        bounds: Bounds,
    ) -> Result<Rows<R>, RunError> {
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

fn query<R: Row>(
    statement: &mut Statement<'_>,
    parameters: &[Value],
    limit: u64,
) -> Result<Rows<R>, RunError> {
    let too_long =
        || RunError::Other(format!("query result exceeds limit of {limit} bytes; use LIMIT"));
    let mut bytes = names(statement) as u64;
    if bytes > limit {
        return Err(too_long());
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut cells = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let value = row.get_ref(index)?;
            bytes += size(&value);
            if bytes > limit {
                return Err(too_long());
            }
            cells.push(cell::<R>(value, column)?);
        }
        rows.push(R::new(cells));
    }
    drop(found);
    Ok(Rows { columns, rows, bytes })
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
fn names(statement: &Statement<'_>) -> usize {
    statement.column_names().map(str::len).sum()
}

fn is_pragma(sql: &str) -> bool {
    sql.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("pragma"))
}

fn cell<R: Row>(value: ValueRef<'_>, column: &str) -> Result<R::Cell, RunError> {
    Ok(match value {
        ValueRef::Null => R::null(),
        ValueRef::Integer(value) => R::integer(value),
        ValueRef::Real(value) => R::real(value),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| {
                RunError::Other(format!("column {column} holds text that is not UTF-8"))
            })?;
            R::text(text.to_owned())
        }
        ValueRef::Blob(bytes) => R::blob(bytes.to_vec()),
    })
}

/// What a value costs in memory, its cell included.
fn size(value: &ValueRef<'_>) -> u64 {
    const CELL: u64 = 32;
    CELL + match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() as u64,
        _ => 0,
    }
}

fn lost() -> Error {
    Error("the connection was lost; open another".to_owned())
}

async fn run<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Error> + Send + 'static,
) -> Result<R, Error> {
    blocking::spawn(work).await.map_err(|error| Error(error.to_string()))?
}
