//! `spin:postgres@4.2.0`.

use std::sync::Arc;

use wasmtime::component::{FutureReader, HasSelf, Resource, StreamReader};

use super::wit::spin::postgres::postgres::{
    Column, DbValue, Error, Host, HostConnection, HostConnectionBuilder,
    HostConnectionBuilderWithStore, HostConnectionWithStore, ParameterValue, RowSet,
};
use super::{GuestAccessor, InterfaceError, TrappableError, hold, stream};
use crate::app::Component;
use crate::core::Core;
use crate::guest::Guest;
use crate::held::{self, Size};
use crate::postgres::{self, Failure, Found, Shared, Wanted};
use crate::session_pool::ADDRESS_BYTES;

/// A guest's connection: a session of the server until it is dropped.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct Connection(pub(super) Shared);

/// What a guest said about a connection to be made.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
#[derive(Clone)]
pub struct Builder {
    /// `None`: it was too long to be kept.
    address: Option<String>,
    own_roots: Option<String>,
}

/// Certificates that a guest trusts; pools and handles keep them.
const ROOT_CERTIFICATES_BYTES: usize = 64 * 1024;

type Answer<T> = Result<T, TrappableError<Error>>;
type Rows = (Vec<Column>, StreamReader<Vec<DbValue>>, FutureReader<Result<(), Error>>);

/// Whose connection it is.
type Owner = (Arc<Core>, Arc<Component>);

impl InterfaceError for Error {
    const OTHER: fn(String) -> Self = Self::Other;
}

impl Guest {
    pub(super) fn session(&self, connection: &Resource<Connection>) -> wasmtime::Result<Shared> {
        Ok(Arc::clone(&self.table.get(connection)?.0))
    }

    pub(super) fn rows(&self) -> Wanted {
        Wanted::Rows { limit: self.component.limits.server_result_bytes }
    }
}

impl Builder {
    pub(super) fn of(address: String) -> Self {
        let address = Some(address).filter(|address| address.len() <= ADDRESS_BYTES);
        Self { address, own_roots: None }
    }

    pub(super) async fn build(self, (core, component): Owner) -> Result<Connection, Error> {
        let Some(address) = self.address else {
            let why = format!("the address is longer than {ADDRESS_BYTES} bytes");
            return Err(Error::ConnectionFailed(why));
        };
        postgres::open(&core, &component, address, self.own_roots).await.map(Connection)
    }
}

/// Runs one statement. Cancelled in between, it leaves a session that is not used again.
pub(super) async fn run(
    connection: &Shared,
    statement: &str,
    parameters: &[ParameterValue],
    wanted: Wanted,
) -> Result<Found, Error> {
    let mut place = connection.lock().await;
    let gone = || {
        let why = "the connection was given up after a statement before; open another";
        Error::ConnectionFailed(why.to_owned())
    };
    // Taken out, so that it ends with this call if that fails, or the guest gives it up.
    let mut lease = place.take().ok_or_else(gone)?;
    let session = lease.start().ok_or_else(gone)?;
    let result = session.run(statement, parameters, wanted).await;
    if !matches!(result, Err(Failure::Lost(_))) {
        lease.finish();
        *place = Some(lease);
    }
    result.map_err(|(Failure::Told(error) | Failure::Lost(error))| error)
}

/// Opens a connection while other requests of the instance go on.
async fn open(accessor: &GuestAccessor, builder: Builder) -> Answer<Resource<Connection>> {
    let owner = accessor.with(|mut access| access.get().owner());
    let connection = builder.build(owner).await?;
    Ok(accessor.with(|mut access| access.get().table.push(connection))?)
}

impl Size for ParameterValue {
    fn bytes(&self) -> u64 {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let bytes = match self {
            Self::Str(text) | Self::Uuid(text) | Self::Decimal(text) => text.len(),
            Self::Binary(bytes) | Self::Jsonb(bytes) => bytes.len(),
            Self::ArrayInt32(values) => size_of_val(&values[..]),
            Self::ArrayInt64(values) => size_of_val(&values[..]),
            Self::ArrayDecimal(values) | Self::ArrayStr(values) => {
                size_of_val(&values[..]) + values.iter().map(text).sum::<usize>()
            }
            _ => 0,
        };
        bytes as u64
    }
}

impl Host for Guest {
    fn convert_error(&mut self, error: TrappableError<Error>) -> wasmtime::Result<Error> {
        error.into_error()
    }
}

impl HostConnectionBuilder for Guest {
    fn new(&mut self, address: String) -> wasmtime::Result<Resource<Builder>> {
        Ok(self.table.push(Builder::of(address))?)
    }

    fn set_ca_root(&mut self, builder: Resource<Builder>, certificate: String) -> Answer<()> {
        let builder = self.table.get_mut(&builder)?;
        if certificate.len() > ROOT_CERTIFICATES_BYTES {
            let why = format!("the certificates are more than {ROOT_CERTIFICATES_BYTES} bytes");
            return Err(Error::Other(why).into());
        }
        postgres::check_root_certificates(&certificate)?;
        builder.own_roots = Some(certificate);
        Ok(())
    }

    async fn build(&mut self, builder: Resource<Builder>) -> Answer<Resource<Connection>> {
        let builder = self.table.get(&builder)?.clone();
        let connection = builder.build(self.owner()).await?;
        Ok(self.table.push(connection)?)
    }

    fn drop(&mut self, builder: Resource<Builder>) -> wasmtime::Result<()> {
        self.table.delete(builder)?;
        Ok(())
    }
}

impl HostConnectionBuilderWithStore<Guest> for HasSelf<Guest> {
    async fn build_async(
        accessor: &GuestAccessor,
        builder: Resource<Builder>,
    ) -> Answer<Resource<Connection>> {
        let builder = accessor.with(|mut access| access.get().table.get(&builder).cloned())?;
        open(accessor, builder).await
    }
}

impl HostConnection for Guest {
    async fn open(&mut self, address: String) -> Answer<Resource<Connection>> {
        let connection = Builder::of(address).build(self.owner()).await?;
        Ok(self.table.push(connection)?)
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<RowSet> {
        let session = self.session(&connection)?;
        let found = run(&session, &statement, &parameters, self.rows()).await?;
        Ok(RowSet { columns: found.columns, rows: found.rows })
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<u64> {
        let session = self.session(&connection)?;
        Ok(run(&session, &statement, &parameters, Wanted::Count).await?.touched)
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl HostConnectionWithStore<Guest> for HasSelf<Guest> {
    async fn open_async(accessor: &GuestAccessor, address: String) -> Answer<Resource<Connection>> {
        open(accessor, Builder::of(address)).await
    }

    async fn query_async(
        accessor: &GuestAccessor,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<Rows> {
        let session = accessor.with(|mut access| access.get().session(&connection))?;
        let wanted = accessor.with(|mut access| access.get().rows());
        let _arguments = hold(accessor, held::of_statement(&statement, &parameters))?;
        let found = run(&session, &statement, &parameters, wanted).await?;
        let held = hold(accessor, found.bytes)?;
        let (rows, end) = stream(accessor, found.rows, Some(held), Ok(()))?;
        Ok((found.columns, rows, end))
    }

    async fn execute_async(
        accessor: &GuestAccessor,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<u64> {
        let session = accessor.with(|mut access| access.get().session(&connection))?;
        let _arguments = hold(accessor, held::of_statement(&statement, &parameters))?;
        Ok(run(&session, &statement, &parameters, Wanted::Count).await?.touched)
    }
}
