//! `spin:sqlite@3.1.0` on local files.

use std::sync::Arc;

use rusqlite::types::Value as Parameter;
use tokio::sync::Mutex;
use wasmtime::component::{FutureReader, HasSelf, Resource, StreamReader};

use super::wit::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use super::{GuestAccessor, InterfaceError, TrappableError, hold, stream};
use crate::guest::Guest;
use crate::held::{self, Size};
use crate::sqlite::{Database, Lease, Rows};

/// A guest's connection. The lock gives the statements of one connection an
/// order when a guest starts several at once.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct Connection(Arc<Mutex<Lease>>);

type Answer<T> = Result<T, TrappableError<Error>>;

impl InterfaceError for Error {
    const OTHER: fn(String) -> Self = Self::Io;
}

fn parameter(value: Value) -> Parameter {
    same_cases!(value, Value => Parameter: Integer Real Text Blob; Null;)
}

impl Size for Value {
    fn bytes(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Blob(bytes) => bytes.len() as u64,
            Self::Integer(_) | Self::Real(_) | Self::Null => 0,
        }
    }
}

/// Opens a database that the component was given.
async fn open(database: Option<Arc<Database>>) -> Answer<Connection> {
    let lease = database.ok_or(Error::AccessDenied)?.lease().await?;
    Ok(Connection(Arc::new(Mutex::new(lease))))
}

/// Runs a statement; `limit` is the component's for the size of a result.
async fn execute(
    (lease, limit): (Arc<Mutex<Lease>>, u64),
    statement: String,
    parameters: Vec<Value>,
) -> Answer<Rows> {
    let parameters = parameters.into_iter().map(parameter).collect();
    Ok(lease.lock().await.execute(&statement, parameters, limit).await?)
}

impl Guest {
    fn database(&self, name: &str) -> Option<Arc<Database>> {
        self.component.databases.get(name).cloned()
    }

    fn lease(
        &self,
        connection: &Resource<Connection>,
    ) -> wasmtime::Result<(Arc<Mutex<Lease>>, u64)> {
        Ok((Arc::clone(&self.table.get(connection)?.0), self.component.limits.sqlite_result_bytes))
    }
}

async fn of_lease<T>(
    accessor: &GuestAccessor,
    connection: Resource<Connection>,
    read: fn(&Lease) -> T,
) -> wasmtime::Result<T> {
    let (lease, _) = accessor.with(|mut access| access.get().lease(&connection))?;
    let lease = lease.lock().await;
    Ok(read(&lease))
}

impl Host for Guest {
    fn convert_error(&mut self, error: TrappableError<Error>) -> wasmtime::Result<Error> {
        error.into_error()
    }
}

impl HostConnection for Guest {
    async fn open(&mut self, name: String) -> Answer<Resource<Connection>> {
        let connection = open(self.database(&name)).await?;
        Ok(self.table.push(connection)?)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Answer<QueryResult> {
        let lease = self.lease(&connection)?;
        let Rows { columns, rows, .. } = execute(lease, statement, parameters).await?;
        Ok(QueryResult { columns, rows })
    }

    fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        // Only a statement still running could hold the lock.
        Ok(self.table.get(&connection)?.0.try_lock().map_or(0, |lease| lease.changes()))
    }

    fn last_insert_rowid(&mut self, connection: Resource<Connection>) -> wasmtime::Result<i64> {
        Ok(self.table.get(&connection)?.0.try_lock().map_or(0, |lease| lease.last_insert_rowid()))
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl HostConnectionWithStore<Guest> for HasSelf<Guest> {
    async fn open_async(accessor: &GuestAccessor, name: String) -> Answer<Resource<Connection>> {
        let database = accessor.with(|mut access| access.get().database(&name));
        let connection = open(database).await?;
        Ok(accessor.with(|mut access| access.get().table.push(connection))?)
    }

    async fn execute_async(
        accessor: &GuestAccessor,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Answer<(Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>)> {
        let lease = accessor.with(|mut access| access.get().lease(&connection))?;
        let _arguments = hold(accessor, held::of_statement(&statement, &parameters))?;
        let Rows { columns, rows, bytes } = execute(lease, statement, parameters).await?;
        let (rows, end) = stream(accessor, rows, Some(hold(accessor, bytes)?), Ok(()))?;
        Ok((columns, rows, end))
    }

    async fn changes_async(
        accessor: &GuestAccessor,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<u64> {
        of_lease(accessor, connection, Lease::changes).await
    }

    async fn last_insert_rowid_async(
        accessor: &GuestAccessor,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        of_lease(accessor, connection, Lease::last_insert_rowid).await
    }
}
