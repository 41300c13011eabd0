//! A session on a PostgreSQL server: its login, its statements, and what is taken back after a guest.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use lru::LruCache;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_postgres::error::{DbError, Severity, SqlState};
use tokio_postgres::types::{Kind, Oid, Type};
use tokio_postgres::{
    CancelToken, Client, Column as StatementColumn, Error as DriverError, NoTls, Row, Statement,
};

use super::address::{Address, Tls};
use super::messages::{Bounded, Phase, Received};
use super::numeric::TooLong;
use super::parameter::Encoded;
use super::statement::{self, Effect};
use super::tls::Connector;
use super::value::{self, Raw};
use crate::app::Component;
use crate::imports::wit::spin::postgres::postgres::{
    Column, DbError as GuestDbError, DbValue, Error, ParameterValue, QueryError,
};
use crate::limits::size;
use crate::log;
use crate::net::{self, Network};
use crate::session_pool;

/// More than a session has any use for; room is made for all of them at once.
const MOST_STATEMENTS: usize = 16_384;
/// A longer text is not kept: programs write those, each another one.
const KEPT_STATEMENT_BYTES: usize = 16 * 1024;
/// Types are built of others down to this depth.
const TYPE_DEPTH: usize = 32;
/// How long a server may take to stop a statement that it was asked to stop.
const CANCEL_LIMIT: Duration = Duration::from_millis(500);
/// After this long without use something between here and the server may have dropped the connection.
const UNSURE_AFTER: Duration = Duration::from_secs(10);
/// How long a server may take to say that it is there.
const CHECK_LIMIT: Duration = Duration::from_secs(1);

/// How long a server may take for the last answer of a session that is given up.
const FAREWELL: Duration = Duration::from_secs(1);

/// Takes back what a guest may have left. `DISCARD ALL` would also drop the host's prepared statements.
const RESET: &str = "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// A server that a component may talk to, and how.
pub(crate) struct Target {
    address: Address,
    own_roots: Option<String>,
    network: Network,
    connect: Duration,
    statement: Duration,
    /// The longest row, in bytes.
    row: u64,
    /// How many a session keeps prepared.
    statements: NonZeroUsize,
}

/// What a caller wants to know of a statement.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// Its rows, at most `limit` bytes of them.
    Rows { limit: u64 },
    /// The number of rows that it touched.
    Count,
}

/// What became of a statement.
pub(crate) struct Found {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<DbValue>>,
    /// What they take.
    pub(crate) bytes: u64,
    /// Rows read or written, as the server counts them.
    pub(crate) touched: u64,
}

/// A logged-in connection.
pub(crate) struct Session {
    client: Arc<Client>,
    /// Reads and writes the socket until the client is dropped and the server owes no answer, or
    /// [`FAREWELL`] after that.
    driver: JoinHandle<()>,
    received: Arc<Received>,
    target: Arc<Target>,
    tls: Option<Connector>,
    /// What was prepared, by its text.
    statements: LruCache<String, Statement>,
    in_transaction: bool,
    changed: bool,
    /// What was prepared here may be gone.
    spent: bool,
}

/// Why a statement was not answered.
pub(crate) enum Failure {
    /// The session is as good as before.
    Told(Error),
    /// A statement may still be running: the session must not be used again.
    Lost(Error),
}

impl Target {
    /// The error is one line for the component, without anything secret.
    pub(super) fn new(
        network: &Network,
        component: &Component,
        address: &str,
        own_roots: Option<&str>,
    ) -> Result<Self, String> {
        let address = Address::parse(address)?;
        let (host, port) = (&address.host, address.port);
        if !component.allow_list.allows("postgres", &bracketed(host), Some(port)) {
            let place = format!("postgres://{}:{port}", bracketed(host));
            tracing::warn!(
                component = %component.id,
                "connection to {} refused: not in allowed_outbound_hosts", log::shown(&place)
            );
            return Err(format!("address {place} is not permitted"));
        }
        let limits = &component.limits;
        let connect = Duration::from_millis(limits.server_connect_ms);
        Ok(Self {
            connect: address.connect.map_or(connect, |asked| asked.min(connect)),
            statement: Duration::from_millis(limits.server_statement_ms),
            statements: NonZeroUsize::new(size(limits.server_statements).min(MOST_STATEMENTS))
                .unwrap_or(NonZeroUsize::MIN),
            network: network.clone(),
            row: limits.server_result_bytes,
            address,
            own_roots: own_roots.map(str::to_owned),
        })
    }

    /// `host:port`, for messages.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", bracketed(&self.address.host), self.address.port)
    }

    async fn stream(
        &self,
        received: Arc<Received>,
    ) -> Result<Bounded<TcpStream>, net::ConnectError> {
        let Address { host, port, tls, .. } = &self.address;
        let stream = self.network.connect(host, *port, self.connect).await?;
        Ok(Bounded::new(stream, received, u64::from(*tls != Tls::Off)))
    }

    fn connector(&self) -> Result<Option<Connector>, String> {
        let Address { tls, host, .. } = &self.address;
        match tls {
            Tls::Off => Ok(None),
            mode => Connector::new(*mode, host, self.own_roots.as_deref()).map(Some),
        }
    }

    /// Asks the server to stop what a session is doing.
    async fn cancel(&self, token: &CancelToken, tls: Option<Connector>) {
        let asked = timeout(CANCEL_LIMIT, async {
            let received = Received::new(self.row);
            let stream = self.stream(received).await.map_err(|error| error.to_string())?;
            match tls {
                Some(tls) => token.cancel_query_raw(stream, tls).await,
                None => token.cancel_query_raw(stream, NoTls).await,
            }
            .map_err(|error| cause(&error))
        });
        match asked.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("postgres://{}: cannot cancel: {error}", self.place()),
            Err(_) => tracing::warn!("postgres://{}: cannot cancel in time", self.place()),
        }
    }
}

/// As in a URL: an IPv6 address stands in brackets.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl Session {
    /// Connects and logs in. The error is one line without anything secret.
    pub(super) async fn connect(target: &Arc<Target>) -> Result<Self, String> {
        let (limit, tls) = (target.connect, target.connector()?);
        let received = Received::new(target.row);
        let login = async {
            let stream = target.stream(Arc::clone(&received)).await;
            let stream = stream.map_err(|error| error.to_string())?;
            let config = &target.address.config;
            match tls.clone() {
                Some(tls) => config.connect_raw(stream, tls).await.map(driven),
                None => config.connect_raw(stream, NoTls).await.map(driven),
            }
            .map_err(|error| cause(&error))
        };
        let (client, driver) = timeout(limit, login)
            .await
            .unwrap_or_else(|_| Err(format!("no login within {} ms", limit.as_millis())))?;
        received.enter(Phase::Idle);
        Ok(Self {
            client: Arc::new(client),
            driver,
            received,
            target: Arc::clone(target),
            tls,
            statements: LruCache::new(target.statements),
            in_transaction: false,
            changed: false,
            spent: false,
        })
    }

    /// What a statement finds, or where nobody asks for rows, how many it touched.
    pub(crate) async fn run(
        &mut self,
        sql: &str,
        parameters: &[ParameterValue],
        wanted: Wanted,
    ) -> Result<Found, Failure> {
        let effect = statement::effect(sql);
        self.note(effect)?;
        let (client, tls) = (Arc::clone(&self.client), self.tls.clone());
        let target = Arc::clone(&self.target);
        let limit = target.statement;
        let result = {
            let mut attempt = pin!(self.attempt(sql, parameters, wanted));
            match timeout(limit, &mut attempt).await {
                Ok(result) => result,
                Err(_) => {
                    target.cancel(&client.cancel_token(), tls).await;
                    return Err(stopped(timeout(CANCEL_LIMIT, attempt).await.ok(), limit));
                }
            }
        };
        match result {
            Ok(found) => {
                if effect == Effect::End {
                    self.in_transaction = false;
                }
                Ok(found)
            }
            Err(Stop::TooLarge(limit)) => Err(Failure::Lost(text(format!(
                "query result exceeds limit of {limit} bytes; use LIMIT"
            )))),
            Err(Stop::Parameter(error)) => Err(Failure::Told(error)),
            Err(Stop::Value(why)) => Err(Failure::Told(Error::ValueConversionFailed(why))),
            Err(Stop::TooDeep) => Err(Failure::Lost(text(format!(
                "types of the statement are nested deeper than {TYPE_DEPTH} levels"
            )))),
            // The driver may not have seen the end of the connection yet.
            Err(Stop::Driver(error)) if ends_session(&error) => {
                Err(Failure::Lost(self.failure(&error)))
            }
            Err(Stop::Driver(error)) => Err(Failure::Told(self.failure(&error))),
        }
    }

    /// Remembers what has to be taken back after a statement.
    fn note(&mut self, effect: Effect) -> Result<(), Failure> {
        match effect {
            Effect::None | Effect::End => {}
            Effect::Begin => self.in_transaction = true,
            Effect::Change => self.changed = true,
            Effect::Prepared => (self.changed, self.spent) = (true, true),
            Effect::Copy => {
                let why = "COPY is not supported; insert rows instead".to_owned();
                return Err(Failure::Told(text(why)));
            }
        }
        Ok(())
    }

    /// Once more where what was prepared does not fit the tables any more, unless a transaction
    /// has failed with it.
    async fn attempt(
        &mut self,
        sql: &str,
        parameters: &[ParameterValue],
        wanted: Wanted,
    ) -> Result<Found, Stop> {
        let (statement, kept) = self.prepare(sql).await?;
        match self.execute(&statement, parameters, wanted).await {
            Err(Stop::Driver(error)) if kept && is_stale(&error) => {
                self.statements.clear();
                if self.in_transaction {
                    return Err(Stop::Driver(error));
                }
                let (statement, _) = self.prepare(sql).await?;
                self.execute(&statement, parameters, wanted).await
            }
            result => result,
        }
    }

    async fn execute(
        &self,
        statement: &Statement,
        parameters: &[ParameterValue],
        wanted: Wanted,
    ) -> Result<Found, Stop> {
        self.received.enter(Phase::Rows);
        let found = found(&self.client, statement, parameters, wanted).await;
        self.received.enter(Phase::Idle);
        found
    }

    /// The statement, and whether it was prepared before.
    async fn prepare(&mut self, sql: &str) -> Result<(Statement, bool), Stop> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok((statement.clone(), true));
        }
        self.received.enter(Phase::Keeps);
        let statement = prepared(&self.client, sql).await?;
        if sql.len() <= KEPT_STATEMENT_BYTES {
            self.statements.put(sql.to_owned(), statement.clone());
        }
        Ok((statement, false))
    }

    fn failure(&self, error: &DriverError) -> Error {
        match error.as_db_error() {
            Some(error) => Error::QueryFailed(QueryError::DbError(told(error))),
            None if error.is_closed() || self.client.is_closed() => match self.received.ended() {
                Some(why) => text(why.to_owned()),
                None => {
                    let place = self.target.place();
                    Error::ConnectionFailed(format!("postgres://{place}: the connection was lost"))
                }
            },
            None => text(cause(error)),
        }
    }
}

impl session_pool::Session for Session {
    async fn check(&mut self, idle: Duration) -> bool {
        if self.client.is_closed() {
            return false;
        }
        if idle < UNSURE_AFTER {
            return true;
        }
        matches!(timeout(CHECK_LIMIT, self.client.check_connection()).await, Ok(Ok(())))
    }

    async fn reset(&mut self) -> bool {
        self.received.enter(Phase::Idle);
        if self.spent || self.client.is_closed() || self.received.keeps_much() {
            return false;
        }
        let clean = match (self.changed, self.in_transaction) {
            (true, _) => self.client.batch_execute(RESET).await.is_ok(),
            (false, true) => self.client.batch_execute("ROLLBACK").await.is_ok(),
            (false, false) => true,
        };
        (self.changed, self.in_transaction) = (false, false);
        clean
    }

    async fn abort(self) {
        // A pool of connections in between knows whose statement it is while this one is there.
        self.target.cancel(&self.client.cancel_token(), self.tls.clone()).await;
        self.driver.abort();
    }
}

/// The driver says farewell when the last answer is there, which may never come, or have no end.
impl Drop for Session {
    fn drop(&mut self) {
        let driver = self.driver.abort_handle();
        // Outside a runtime, at the end of the process, it has ended.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                sleep(FAREWELL).await;
                driver.abort();
            });
        }
    }
}

/// Why a statement ended early.
enum Stop {
    Driver(DriverError),
    /// A parameter does not fit the statement.
    Parameter(Error),
    /// A value of the result has no place in the interface.
    Value(String),
    TooLarge(u64),
    /// The types of the statement are nested too deeply.
    TooDeep,
}

impl From<DriverError> for Stop {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

/// What became of a statement that was asked to stop after `limit`; `None`: the server is silent.
fn stopped(answer: Option<Result<Found, Stop>>, limit: Duration) -> Failure {
    let error = |end: &str| {
        text(format!("timed out: the statement took longer than {} ms{end}", limit.as_millis()))
    };
    match answer {
        Some(Err(Stop::Driver(cause))) if cause.code() == Some(&SqlState::QUERY_CANCELED) => {
            Failure::Told(error(" and was cancelled"))
        }
        // It ended all the same, and the request to stop may still hit the next statement.
        Some(_) | None => Failure::Lost(error("; whether it took effect is not known")),
    }
}

/// The driver asks for types within types by itself, and its stack grows with each. So it does on
/// the stack of a thread: a synchronous call is polled on that of a guest, which is small.
async fn prepared(client: &Arc<Client>, sql: &str) -> Result<Statement, Stop> {
    let (client, sql) = (Arc::clone(client), sql.to_owned());
    let mut preparing = JoinSet::new();
    preparing.spawn(async move {
        let statement = client.prepare(&sql).await?;
        let columns = statement.columns().iter().map(StatementColumn::type_);
        let mut seen = HashMap::new();
        let mut types = statement.params().iter().chain(columns);
        let is_shallow = types.all(|ty| is_shallow(ty, TYPE_DEPTH, &mut seen));
        // What is deep is dropped here as well.
        is_shallow.then_some(statement).ok_or(Stop::TooDeep)
    });
    match preparing.join_next().await {
        Some(Ok(prepared)) => prepared,
        _ => Err(Stop::Value("the statement was not prepared".to_owned())),
    }
}

/// Types of several fields share others, so each is looked at once for a number of levels: `seen` has
/// the fewest with which one was found shallow.
fn is_shallow(ty: &Type, levels: usize, seen: &mut HashMap<Oid, usize>) -> bool {
    if seen.get(&ty.oid()).is_some_and(|fewest| *fewest <= levels) {
        return true;
    }
    let mut within = |ty: &Type| levels > 0 && is_shallow(ty, levels - 1, seen);
    let shallow = match ty.kind() {
        Kind::Array(ty) | Kind::Range(ty) | Kind::Multirange(ty) | Kind::Domain(ty) => within(ty),
        Kind::Composite(fields) => fields.iter().all(|field| within(field.type_())),
        _ => true,
    };
    if shallow {
        seen.insert(ty.oid(), levels);
    }
    shallow
}

async fn found(
    client: &Client,
    statement: &Statement,
    parameters: &[ParameterValue],
    wanted: Wanted,
) -> Result<Found, Stop> {
    let mut stream = pin!(client.query_raw(statement, encoded(statement, parameters)?).await?);
    let names: usize = statement.columns().iter().map(|column| column.name().len()).sum();
    let (mut rows, mut bytes) = (Vec::new(), names as u64);
    // The rows after one that cannot be read have to come all the same, before another statement may.
    let mut unreadable = None;
    while let Some(row) = stream.try_next().await? {
        let (Wanted::Rows { limit }, None) = (wanted, &unreadable) else { continue };
        let cells = row.len() * size_of::<DbValue>() + size_of::<Vec<DbValue>>();
        bytes += (row.raw_size_bytes() + cells) as u64;
        let too_large = || Stop::TooLarge(limit);
        let mut left = limit.checked_sub(bytes).ok_or_else(too_large)?;
        match values(&row, &mut left) {
            Ok(values) => rows.push(values.ok_or_else(too_large)?),
            Err(stop) => unreadable = Some(stop),
        }
        bytes = limit - left;
    }
    unreadable.map_or(Ok(()), Err)?;
    let columns = statement.columns().iter().map(|column| Column {
        name: column.name().to_owned(),
        data_type: value::data_type(column.type_()),
    });
    let touched = stream.rows_affected().unwrap_or(0);
    Ok(Found { columns: columns.collect(), rows, bytes, touched })
}

/// `None`: there is no room `left` for them.
fn values(row: &Row, left: &mut u64) -> Result<Option<Vec<DbValue>>, Stop> {
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let raw: Raw<'_> = row.try_get(index)?;
        match raw.decode(column.type_(), left) {
            Ok(value) => values.push(value),
            Err(error) if error.is::<TooLong>() => return Ok(None),
            Err(error) => {
                return Err(Stop::Value(format!("column `{}`: {error}", column.name())));
            }
        }
    }
    Ok(Some(values))
}

fn encoded(statement: &Statement, parameters: &[ParameterValue]) -> Result<Vec<Encoded>, Stop> {
    let wrong = |why: String| Stop::Parameter(Error::BadParameter(why));
    let types = statement.params();
    if types.len() != parameters.len() {
        let (takes, given) = (types.len(), parameters.len());
        return Err(wrong(format!("the statement takes {takes} parameters, {given} were given")));
    }
    let one = |(index, (value, ty))| {
        Encoded::new(value, ty).map_err(|why| wrong(format!("parameter ${}: {why}", index + 1)))
    };
    parameters.iter().zip(types).enumerate().map(one).collect()
}

/// What was prepared is gone or does not fit the tables any more. The server says so before it
/// begins to execute.
fn is_stale(error: &DriverError) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::INVALID_SQL_STATEMENT_NAME
            || error.routine() == Some("RevalidateCachedQuery")
    })
}

/// After these the server closes the connection, or it is closed already.
fn ends_session(error: &DriverError) -> bool {
    error.as_db_error().map_or(error.is_closed(), |error| {
        matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
    })
}

fn text(text: String) -> Error {
    Error::QueryFailed(QueryError::Text(text))
}

/// The innermost reason, which is the one that says something.
fn cause(error: &DriverError) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    reason.to_string().replace('\n', " ")
}

fn told(error: &DbError) -> GuestDbError {
    let extras = [
        ("column", error.column().map(str::to_owned)),
        ("constraint", error.constraint().map(str::to_owned)),
        ("routine", error.routine().map(str::to_owned)),
        ("hint", error.hint().map(str::to_owned)),
        ("table", error.table().map(str::to_owned)),
        ("datatype", error.datatype().map(str::to_owned)),
        ("schema", error.schema().map(str::to_owned)),
        ("file", error.file().map(str::to_owned)),
        ("line", error.line().map(|line| line.to_string())),
        ("where_", error.where_().map(str::to_owned)),
    ];
    GuestDbError {
        as_text: format!("{}: {} ({})", error.severity(), error.message(), error.code().code()),
        severity: error.severity().to_owned(),
        code: error.code().code().to_owned(),
        message: error.message().to_owned(),
        detail: error.detail().map(str::to_owned),
        extras: extras
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
    }
}

/// Has the connection read and write by itself, until its client is dropped.
fn driven<D>((client, connection): (Client, D)) -> (Client, JoinHandle<()>)
where
    D: Future<Output = Result<(), DriverError>> + Send + 'static,
{
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a PostgreSQL session ended: {}", cause(&error));
        }
    });
    (client, driver)
}
