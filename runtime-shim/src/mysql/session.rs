//! A login at a MySQL or MariaDB server, and what runs in it.

use std::net::SocketAddr;
use std::time::Duration;

use futures::FutureExt;
use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{ChangeUserOpts, Conn, DriverError, IoError, Params, ServerError, Value};
use tokio::time::timeout;

use super::address::{Address, Tls};
use super::statement::Effect;
use super::values;
use crate::imports::wit::spin::mysql::mysql::{Column, DbValue};
use crate::limits::Limits;
use crate::net::Network;
use crate::session_pool::Session;

/// A session that waited longer is asked whether it still lives before it is used.
const TRUSTED: Duration = Duration::from_secs(1);

/// How a server says that it ended the session, rather than refused a statement: it shuts down
/// (1053), or somebody killed the session (1927 in MariaDB, 3169) or it waited too long (4031).
const ENDED: &[u16] = &[1053, 1927, 3169, 4031];

pub(crate) struct MysqlSession {
    conn: Conn,
    /// The most that any statement left since the last reset.
    left: Effect,
    lost: bool,
    statement_limit: Duration,
    connect_limit: Duration,
}

/// A whole result. It has no columns where the statement had none.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<DbValue>>,
    /// What they take.
    pub(crate) bytes: u64,
}

/// Why a statement has no result. Only after `Refused` does the session go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// By the server, in the words that Spin passes on.
    Refused(String),
    TimedOut(Duration),
    /// The limit in bytes.
    TooLarge(u64),
    Unreadable(String),
    Lost(String),
}

impl MysqlSession {
    /// Logs in. The error is one line for the guest, and holds no secret.
    pub(crate) async fn connect(
        address: &Address,
        network: &Network,
        limits: &Limits,
    ) -> Result<Self, String> {
        let connect_limit = Duration::from_millis(limits.server_connect_ms);
        let conn = match timeout(connect_limit, log_in(address, network, limits)).await {
            Ok(conn) => conn?,
            Err(_) => return Err(format!("no login within {} ms", connect_limit.as_millis())),
        };
        Ok(Self {
            conn,
            left: Effect::Nothing,
            lost: false,
            statement_limit: Duration::from_millis(limits.server_statement_ms),
            connect_limit,
        })
    }

    /// Runs a statement and collects its rows, `limit` bytes at most.
    pub(crate) async fn run(
        &mut self,
        statement: &str,
        parameters: Vec<Value>,
        limit: u64,
    ) -> Result<Rows, Failure> {
        let effect = Effect::of(statement);
        self.left = self.left.max(effect);
        let wait = self.statement_limit;
        // MySQL prepares none of those that open a transaction (error 1295).
        let result = if effect == Effect::Transaction && parameters.is_empty() {
            timeout(wait, self.send(statement)).await
        } else {
            timeout(wait, self.execute(statement, parameters, limit)).await
        };
        let result = result.unwrap_or(Err(Failure::TimedOut(wait)));
        self.lost = matches!(result, Err(Failure::Lost(_)));
        result
    }

    async fn send(&mut self, statement: &str) -> Result<Rows, Failure> {
        self.conn.query_drop(statement).await?;
        Ok(Rows::default())
    }

    async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<Value>,
        limit: u64,
    ) -> Result<Rows, Failure> {
        let prepared = self.conn.prep(statement).await?;
        let (required, supplied) = (prepared.num_params(), parameters.len());
        if usize::from(required) != supplied {
            // The driver would notice as well, and close the connection.
            let mismatch = DriverError::StmtParamsMismatch { required, supplied };
            return Err(Failure::Refused(format!("Driver({mismatch:?})")));
        }
        let mut result = self.conn.exec_iter(prepared, Params::Positional(parameters)).await?;
        let columns = result.columns().unwrap_or_default();
        let columns: Vec<Column> = columns.iter().map(values::column).collect();
        let (mut rows, mut left) = (Vec::new(), limit);
        while let Some(row) = result.next().await? {
            let (row, bytes) = values::row(row, &columns)
                .map_err(|error| Failure::Unreadable(error.to_string()))?;
            left = left.checked_sub(bytes).ok_or(Failure::TooLarge(limit))?;
            rows.push(row);
        }
        // A procedure may have more results, which the interface has no place for.
        result.drop_result().await?;
        Ok(Rows { columns, rows, bytes: limit - left })
    }

    /// A server may be set up to open a transaction with any statement. What it last said tells,
    /// unless that was an error.
    fn may_be_in_transaction(&self) -> bool {
        let open = StatusFlags::SERVER_STATUS_IN_TRANS;
        self.conn.last_ok_packet().is_none_or(|ok| ok.status_flags().contains(open))
    }

    /// Keeps the prepared statements, which [`Self::start_over`] does not.
    async fn end_transaction(&mut self) -> bool {
        // MariaDB counts its versions from 10 and calls the variable by its old name.
        let isolation = match self.conn.server_version() {
            (10.., ..) => "tx_isolation",
            _ => "transaction_isolation",
        };
        let back = format!("ROLLBACK; SET autocommit=DEFAULT, SESSION {isolation}=DEFAULT");
        self.conn.query_drop(back).await.is_ok()
    }

    /// As after a login. The server's own reset would leave another database, role and character set.
    async fn start_over(&mut self) -> bool {
        self.conn.change_user(ChangeUserOpts::default()).await.is_ok()
    }
}

impl Session for MysqlSession {
    async fn check(&mut self, idle: Duration) -> bool {
        idle < TRUSTED || matches!(timeout(self.connect_limit, self.conn.ping()).await, Ok(Ok(())))
    }

    async fn reset(&mut self) -> bool {
        match std::mem::replace(&mut self.left, Effect::Nothing) {
            Effect::Nothing if !self.may_be_in_transaction() => true,
            Effect::Nothing | Effect::Transaction => {
                self.end_transaction().await || self.start_over().await
            }
            Effect::Settings => self.start_over().await,
        }
    }

    /// A server goes on with a statement after its client is gone, so it is told to stop.
    async fn abort(self) {
        if !self.lost {
            // Where that fails, the statement ends by itself, and nobody waits for it.
            kill(&self.conn, self.connect_limit).await;
        }
        close(self.conn);
    }

    fn close(self) {
        close(self.conn);
    }
}

/// The driver would first read what the server still sends of a result, which may be without end.
fn close(conn: Conn) {
    // Begun and not waited for, which says farewell and closes the socket.
    let _ = conn.disconnect().now_or_never();
}

/// Stops the statement of a session from another one.
async fn kill(conn: &Conn, limit: Duration) {
    if let Ok(Ok(mut other)) = timeout(limit, Conn::new(conn.opts().clone())).await {
        let _ = timeout(limit, other.query_drop(format!("KILL QUERY {}", conn.id()))).await;
        close(other);
    }
}

async fn log_in(address: &Address, network: &Network, limits: &Limits) -> Result<Conn, String> {
    let found = network.resolve(&address.host, address.port).await;
    let mut result = Err("the name does not resolve".to_owned());
    // One at a time, so that [`kill`] goes to the server that the session is at.
    for place in found.map_err(|error| error.to_string())? {
        let conn = log_in_at(place, address, limits).await;
        let is_last_word = !matches!(conn, Err(mysql_async::Error::Io(_)));
        result = conn.map_err(|error| said(&error));
        if is_last_word {
            break;
        }
    }
    result
}

async fn log_in_at(
    place: SocketAddr,
    address: &Address,
    limits: &Limits,
) -> mysql_async::Result<Conn> {
    let log_in = |tls| Conn::new(address.options(place, tls, limits));
    match log_in(address.tls != Tls::Disabled).await {
        Err(error) if address.tls == Tls::Preferred && is_without_tls(&error) => {
            log_in(false).await
        }
        other => other,
    }
}

/// Whether a login failed because the server has no TLS, or none that we speak.
fn is_without_tls(error: &mysql_async::Error) -> bool {
    match error {
        mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer)
        | mysql_async::Error::Io(IoError::Tls(_)) => true,
        mysql_async::Error::Io(IoError::Io(error)) => {
            error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>())
        }
        _ => false,
    }
}

/// Without the layers of the driver, each of which says that there was an error.
fn said(error: &mysql_async::Error) -> String {
    match error {
        mysql_async::Error::Server(error) => error.to_string(),
        mysql_async::Error::Io(IoError::Io(error)) => error.to_string(),
        // MySQL does not tell who has an account.
        mysql_async::Error::Driver(DriverError::UnknownAuthPlugin { name }) => {
            format!("no such user, or one who logs in by {name}, which is not supported")
        }
        other => other.to_string(),
    }
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        match error {
            mysql_async::Error::Server(ServerError { code, .. }) if ENDED.contains(&code) => {
                Self::Lost(said(&error))
            }
            mysql_async::Error::Server(_) => Self::Refused(format!("{error:?}")),
            other => Self::Lost(said(&other)),
        }
    }
}
