//! `spin:mysql@3.0.0`: MySQL and MariaDB servers. A guest's connection is one session at the
//! server for as long as the guest holds it.

use std::sync::Arc;

use tokio::sync::Mutex;
use wasmtime::component::{FutureReader, HasSelf, Resource, StreamReader};

use super::wit::spin::mysql::mysql::{
    Column, DbValue, Error, Host, HostConnection, HostConnectionWithStore, ParameterValue,
};
use super::{GuestAccessor, InterfaceError, TrappableError, hold, stream};
use crate::app::Component;
use crate::core::Core;
use crate::guest::Guest;
use crate::held::{self, Size};
use crate::log;
use crate::mysql::{Address, Failure, MysqlSession, Rows, values};
use crate::session_pool::{ADDRESS_BYTES, Lease};

/// Empty once the session is lost. The lock gives the statements of one connection an order
/// when a guest starts several at once.
type Place = Arc<Mutex<Option<Lease<MysqlSession>>>>;

/// A guest's connection.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct Connection(Place);

impl Connection {
    /// With the limit of `component` for the size of a result.
    pub(super) fn place(&self, component: &Component) -> (Place, u64) {
        (Arc::clone(&self.0), component.limits.server_result_bytes)
    }
}

type Answer<T> = Result<T, TrappableError<Error>>;

type Streamed = (Vec<Column>, StreamReader<Vec<DbValue>>, FutureReader<Result<(), Error>>);

impl InterfaceError for Error {
    const OTHER: fn(String) -> Self = Self::Other;
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(said) => Self::QueryFailed(said),
            Failure::TimedOut(wait) => Self::QueryFailed(format!(
                "statement timed out: no result within {} ms (server_statement_ms)",
                wait.as_millis()
            )),
            Failure::TooLarge(limit) => {
                Self::Other(format!("query result exceeds limit of {limit} bytes; use LIMIT"))
            }
            Failure::Unreadable(said) => Self::ValueConversionFailed(said),
            Failure::Lost(said) => Self::ConnectionFailed(format!("connection lost: {said}")),
        }
    }
}

/// Reads `address`, which the component must be allowed to reach.
fn target(component: &Component, address: &str) -> Result<Arc<Address>, Error> {
    let failed = Error::ConnectionFailed;
    let address = Address::parse(address).map_err(|error| failed(format!("{error:#}")))?;
    if !component.allow_list.allows("mysql", &address.host, Some(address.port)) {
        tracing::warn!(
            component = %component.id,
            "connection to {} refused: not in allowed_outbound_hosts", log::shown(&address)
        );
        return Err(failed(format!("address {address} is not permitted")));
    }
    Ok(Arc::new(address))
}

pub(super) async fn open(
    core: &Core,
    component: &Component,
    address: &str,
) -> Result<Connection, Error> {
    let failed = Error::ConnectionFailed;
    if address.len() > ADDRESS_BYTES {
        return Err(failed(format!("the address is longer than {ADDRESS_BYTES} bytes")));
    }
    let outbound = core.outbound(component);
    let address = outbound.mysql_targets.meaning(address, || target(component, address))?;
    let connect = MysqlSession::connect(&address, &outbound.network, &component.limits);
    let lease = outbound.mysql.lease(&address, &component.metrics.mysql, connect).await;
    let lease = lease.map_err(|error| failed(error.at(&address, &component.id)))?;
    Ok(Connection(Arc::new(Mutex::new(Some(lease)))))
}

/// Runs a statement; `limit` is the component's for the size of a result.
pub(super) async fn run(
    (place, limit): (Place, u64),
    statement: String,
    parameters: Vec<ParameterValue>,
) -> Result<Rows, Error> {
    let parameters = parameters.into_iter().map(values::parameter).collect();
    let mut place = place.lock().await;
    // Taken out, so that it ends with this call if the guest gives the call up.
    let gone = || Failure::Lost("by an earlier statement".to_owned());
    let mut lease = place.take().ok_or_else(gone)?;
    let session = lease.start().ok_or_else(gone)?;
    let result = session.run(&statement, parameters, limit).await;
    if matches!(result, Ok(_) | Err(Failure::Refused(_))) {
        lease.finish();
        *place = Some(lease);
    }
    Ok(result?)
}

impl Guest {
    pub(super) fn mysql(
        &self,
        connection: &Resource<Connection>,
    ) -> wasmtime::Result<(Place, u64)> {
        Ok(self.table.get(connection)?.place(&self.component))
    }
}

impl Size for ParameterValue {
    fn bytes(&self) -> u64 {
        match self {
            Self::Str(text) => text.len() as u64,
            Self::Binary(bytes) => bytes.len() as u64,
            _ => 0,
        }
    }
}

impl Host for Guest {
    fn convert_error(&mut self, error: TrappableError<Error>) -> wasmtime::Result<Error> {
        error.into_error()
    }
}

impl HostConnection for Guest {
    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl HostConnectionWithStore<Guest> for HasSelf<Guest> {
    async fn open(accessor: &GuestAccessor, address: String) -> Answer<Resource<Connection>> {
        let (core, component) = accessor.with(|mut access| access.get().owner());
        let connection = open(&core, &component, &address).await?;
        Ok(accessor.with(|mut access| access.get().table.push(connection))?)
    }

    async fn query(
        accessor: &GuestAccessor,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<Streamed> {
        let place = accessor.with(|mut access| access.get().mysql(&connection))?;
        let _arguments = hold(accessor, held::of_statement(&statement, &parameters))?;
        let Rows { columns, rows, bytes } = run(place, statement, parameters).await?;
        let (rows, end) = stream(accessor, rows, Some(hold(accessor, bytes)?), Ok(()))?;
        Ok((columns, rows, end))
    }

    async fn execute(
        accessor: &GuestAccessor,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<()> {
        let place = accessor.with(|mut access| access.get().mysql(&connection))?;
        let _arguments = hold(accessor, held::of_statement(&statement, &parameters))?;
        run(place, statement, parameters).await?;
        Ok(())
    }
}
