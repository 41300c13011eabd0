//! `fermyon:spin@2.0.0`, which SDKs from 2 to 5 import. Its values have the
//! cases and fields of the later interfaces, so their types stand for these;
//! only rows of databases have a type of their own.

use wasmtime::component::{ComponentType, Linker, Lower, Resource};

use super::postgres::text;
use super::{Interface, resource};
use crate::guest::Guest;
use crate::imports::key_value::OpenStore;
use crate::imports::wit::spin::{key_value, mysql::mysql, postgres::postgres, sqlite::sqlite};
use crate::imports::{
    TrappableError, mysql as mysql_import, postgres as postgres_import, sqlite as sqlite_import,
};
use crate::mysql::Rows;
use crate::postgres::{Found, Wanted};

pub(super) type Values = Vec<mysql::ParameterValue>;

/// `rdbms-types`, of MySQL and PostgreSQL alike.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct RowSet {
    columns: Vec<mysql::Column>,
    rows: Vec<Vec<mysql::DbValue>>,
}

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut variables = linker.instance("fermyon:spin/variables@2.0.0")?;
    functions!(variables, |guest|
        "get"(name: String) => guest.variable(&name);
    );
    key_value(&mut linker.instance("fermyon:spin/key-value@2.0.0")?)?;
    sqlite(&mut linker.instance("fermyon:spin/sqlite@2.0.0")?)?;
    mysql(&mut linker.instance("fermyon:spin/mysql@2.0.0")?)?;
    postgres(&mut linker.instance("fermyon:spin/postgres@2.0.0")?)
}

fn key_value(interface: &mut Interface<'_>) -> wasmtime::Result<()> {
    use key_value::key_value::Error;
    type Store = Resource<OpenStore>;
    resource::<OpenStore>(interface, "store")?;
    functions!(interface, |guest|
        "[static]store.open"(label: String) => guest.open_store(&label)?.ok_or(Error::AccessDenied);
    );
    fallible_functions!(interface, |guest| -> Error:
        "[method]store.get"(store: Store, key: String) => guest.opened(&store)?.get(key).await?;
        "[method]store.set"(store: Store, key: String, value: Vec<u8>) =>
            guest.opened(&store)?.set(key, value).await?;
        "[method]store.delete"(store: Store, key: String) =>
            guest.opened(&store)?.delete(key).await?;
        "[method]store.exists"(store: Store, key: String) =>
            guest.opened(&store)?.exists(key).await?;
        "[method]store.get-keys"(store: Store) => guest.opened(&store)?.keys().await?;
    );
    Ok(())
}

fn sqlite(interface: &mut Interface<'_>) -> wasmtime::Result<()> {
    use sqlite::{Error, HostConnection, Value};
    type Connection = Resource<sqlite_import::Connection>;
    resource::<sqlite_import::Connection>(interface, "connection")?;
    fallible_functions!(interface, |guest| -> Error:
        "[static]connection.open"(name: String) => HostConnection::open(guest, name).await?;
        "[method]connection.execute"(this: Connection, statement: String, values: Vec<Value>) =>
            HostConnection::execute(guest, this, statement, values).await?;
    );
    Ok(())
}

fn mysql(interface: &mut Interface<'_>) -> wasmtime::Result<()> {
    use mysql_import::run;
    type Connection = Resource<mysql_import::Connection>;
    resource::<mysql_import::Connection>(interface, "connection")?;
    fallible_functions!(interface, |guest| -> mysql::Error:
        "[static]connection.open"(address: String) => {
            let (core, component) = guest.owner();
            guest.table.push(mysql_import::open(&core, &component, &address).await?)?
        };
        "[method]connection.query"(this: Connection, statement: String, values: Values) =>
            RowSet::from(run(guest.mysql(&this)?, statement, values).await?);
        "[method]connection.execute"(this: Connection, statement: String, values: Values) =>
            drop(run(guest.mysql(&this)?, statement, values).await?);
    );
    Ok(())
}

fn postgres(interface: &mut Interface<'_>) -> wasmtime::Result<()> {
    use postgres_import::{Builder, run};
    type Connection = Resource<postgres_import::Connection>;
    resource::<postgres_import::Connection>(interface, "connection")?;
    fallible_functions!(interface, |guest| -> mysql::Error:
        "[static]connection.open"(address: String) => {
            let connection = Builder::of(address).build(guest.owner()).await?;
            guest.table.push(connection)?
        };
        "[method]connection.query"(this: Connection, statement: String, values: Values) => {
            let (values, session) = (parameters(values)?, guest.session(&this)?);
            RowSet::from(run(&session, &statement, &values, guest.rows()).await?)
        };
        "[method]connection.execute"(this: Connection, statement: String, values: Values) => {
            let (values, session) = (parameters(values)?, guest.session(&this)?);
            run(&session, &statement, &values, Wanted::Count).await?.touched
        };
    );
    Ok(())
}

impl From<postgres::Error> for mysql::Error {
    fn from(error: postgres::Error) -> Self {
        use postgres::Error as Later;
        same_cases!(error, Later => Self: ConnectionFailed BadParameter ValueConversionFailed
            Other;; Later::QueryFailed(error) => Self::QueryFailed(text(error)),)
    }
}

impl From<postgres::Error> for TrappableError<mysql::Error> {
    fn from(error: postgres::Error) -> Self {
        Self::Error(error.into())
    }
}

pub(super) fn parameters(values: Values) -> Result<Vec<postgres::ParameterValue>, mysql::Error> {
    use mysql::ParameterValue as Earlier;
    use postgres::ParameterValue as Later;
    let parameter = |value| {
        Ok(same_cases!(value, Earlier => Later: Boolean Int8 Int16 Int32 Int64 Floating32
        Floating64 Str Binary; DbNull;
        Earlier::Uint8(_) | Earlier::Uint16(_) | Earlier::Uint32(_) | Earlier::Uint64(_) => {
            let why = "PostgreSQL has no unsigned integers";
            return Err(mysql::Error::ValueConversionFailed(why.to_owned()));
        }))
    };
    values.into_iter().map(parameter).collect()
}

impl From<Rows> for RowSet {
    fn from(Rows { columns, rows, .. }: Rows) -> Self {
        Self { columns, rows }
    }
}

impl From<Found> for RowSet {
    fn from(found: Found) -> Self {
        let row = |row: Vec<_>| row.into_iter().map(value).collect();
        Self {
            columns: found.columns.into_iter().map(column).collect(),
            rows: found.rows.into_iter().map(row).collect(),
        }
    }
}

fn value(value: postgres::DbValue) -> mysql::DbValue {
    use mysql::DbValue as Earlier;
    use postgres::DbValue as Later;
    same_cases!(value, Later => Earlier: Boolean Int8 Int16 Int32 Int64 Floating32 Floating64
        Str Binary; DbNull; _ => Earlier::Unsupported,)
}

fn column(postgres::Column { name, data_type }: postgres::Column) -> mysql::Column {
    use mysql::DbDataType as Earlier;
    use postgres::DbDataType as Later;
    let data_type = same_cases!(data_type, Later => Earlier:; Boolean Int8 Int16 Int32 Int64
        Floating32 Floating64 Str Binary; _ => Earlier::Other,);
    mysql::Column { name, data_type }
}
