//! `fermyon:spin@2.0.0`, which SDKs from 2 to 5 import. Its values have the
//! cases and fields of the later interfaces, so their types stand for these;
//! only rows of databases have a type of their own.

use wasmtime::component::{ComponentType, Linker, LinkerInstance, Lower, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};

use super::postgres::text;
use crate::guest::Guest;
use crate::imports::key_value::OpenStore;
use crate::imports::wit::spin::{key_value, mysql::mysql, postgres::postgres, sqlite::sqlite};
use crate::imports::{mysql as mysql_import, postgres as postgres_import, sqlite as sqlite_import};
use crate::sqlite::DatabaseError;

type Interface<'a> = LinkerInstance<'a, Guest>;
pub(super) type Pending<'a, T> = Box<dyn Future<Output = Result<(T,)>> + Send + 'a>;

/// `rdbms-types`, of MySQL and PostgreSQL alike.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct RowSet {
    pub(super) columns: Vec<mysql::Column>,
    pub(super) rows: Vec<Vec<mysql::DbValue>>,
}

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    variables(&mut linker.instance("fermyon:spin/variables@2.0.0")?)?;
    key_value(&mut linker.instance("fermyon:spin/key-value@2.0.0")?)?;
    sqlite(&mut linker.instance("fermyon:spin/sqlite@2.0.0")?)?;
    mysql(&mut linker.instance("fermyon:spin/mysql@2.0.0")?)?;
    postgres(&mut linker.instance("fermyon:spin/postgres@2.0.0")?)
}

fn resource<T: Send + Sync + 'static>(interface: &mut Interface<'_>, name: &str) -> Result<()> {
    interface.resource(name, ResourceType::host::<T>(), |mut store, number| {
        store.data_mut().table.delete(Resource::<T>::new_own(number))?;
        Ok(())
    })
}

fn variables(interface: &mut Interface<'_>) -> Result<()> {
    interface.func_wrap("get", |store: StoreContextMut<'_, Guest>, (name,): (String,)| {
        Ok((store.data().variable(&name),))
    })
}

fn key_value(interface: &mut Interface<'_>) -> Result<()> {
    resource::<OpenStore>(interface, "store")?;
    interface.func_wrap(
        "[static]store.open",
        |mut store: StoreContextMut<'_, Guest>, (label,): (String,)| {
            let guest = store.data_mut();
            Ok((match guest.open_store(&label) {
                Some(opened) => Ok(guest.table.push(opened)?),
                None => Err(key_value::key_value::Error::AccessDenied),
            },))
        },
    )?;
    interface.func_wrap_async("[method]store.get", |store, (opened, key)| {
        on_store(store, opened, |store| async move { store.get(key).await })
    })?;
    interface.func_wrap_async("[method]store.set", |store, (opened, key, value)| {
        on_store(store, opened, |store| async move { store.set(key, value).await })
    })?;
    interface.func_wrap_async("[method]store.delete", |store, (opened, key)| {
        on_store(store, opened, |store| async move { store.delete(key).await })
    })?;
    interface.func_wrap_async("[method]store.exists", |store, (opened, key)| {
        on_store(store, opened, |store| async move { store.exists(key).await })
    })?;
    interface.func_wrap_async("[method]store.get-keys", |store, (opened,)| {
        on_store(store, opened, |store| async move { store.keys().await })
    })
}

/// Does `work` on an open store.
fn on_store<'a, T, W>(
    store: StoreContextMut<'a, Guest>,
    opened: Resource<OpenStore>,
    work: impl FnOnce(OpenStore) -> W + Send + 'a,
) -> Pending<'a, std::result::Result<T, key_value::key_value::Error>>
where
    W: Future<Output = std::result::Result<T, DatabaseError>> + Send + 'a,
{
    let opened = store.data().table.get(&opened).cloned();
    Box::new(async move { Ok((work(opened?).await.map_err(Into::into),)) })
}

fn sqlite(interface: &mut Interface<'_>) -> Result<()> {
    use sqlite::HostConnection;
    type Connection = Resource<sqlite_import::Connection>;
    resource::<sqlite_import::Connection>(interface, "connection")?;
    interface.func_wrap_async(
        "[static]connection.open",
        |mut store: StoreContextMut<'_, Guest>, (name,): (String,)| {
            Box::new(async move { Ok((HostConnection::open(store.data_mut(), name).await?,)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.execute",
        |mut store: StoreContextMut<'_, Guest>,
         (connection, statement, parameters): (Connection, String, Vec<sqlite::Value>)| {
            Box::new(async move {
                let guest = store.data_mut();
                Ok((HostConnection::execute(guest, connection, statement, parameters).await?,))
            })
        },
    )
}

fn mysql(interface: &mut Interface<'_>) -> Result<()> {
    type Connection = Resource<mysql_import::Connection>;
    type Call = (Connection, String, Vec<mysql::ParameterValue>);
    resource::<mysql_import::Connection>(interface, "connection")?;
    interface.func_wrap_async(
        "[static]connection.open",
        |mut store: StoreContextMut<'_, Guest>, (address,): (String,)| {
            Box::new(async move {
                let (core, component) = store.data().owner();
                Ok((match mysql_import::open(&core, &component, &address).await {
                    Ok(connection) => Ok(store.data_mut().table.push(connection)?),
                    Err(error) => Err(error),
                },))
            })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.query",
        |store: StoreContextMut<'_, Guest>, (connection, statement, parameters): Call| {
            let place = store.data().mysql(&connection);
            Box::new(async move {
                let found = mysql_import::run(place?, statement, parameters).await;
                Ok((found.map(|found| RowSet { columns: found.columns, rows: found.rows }),))
            })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.execute",
        |store: StoreContextMut<'_, Guest>, (connection, statement, parameters): Call| {
            let place = store.data().mysql(&connection);
            Box::new(async move {
                Ok((mysql_import::run(place?, statement, parameters).await.map(drop),))
            })
        },
    )
}

fn postgres(interface: &mut Interface<'_>) -> Result<()> {
    use postgres::HostConnection;
    type Connection = Resource<postgres_import::Connection>;
    type Call = (Connection, String, Vec<mysql::ParameterValue>);
    resource::<postgres_import::Connection>(interface, "connection")?;
    interface.func_wrap_async(
        "[static]connection.open",
        |mut store: StoreContextMut<'_, Guest>, (address,): (String,)| {
            Box::new(async move {
                let opened = HostConnection::open(store.data_mut(), address).await?;
                Ok((opened.map_err(error),))
            })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.query",
        |mut store: StoreContextMut<'_, Guest>, (connection, statement, values): Call| {
            Box::new(async move {
                let parameters = match parameters(values) {
                    Ok(parameters) => parameters,
                    Err(error) => return Ok((Err(error),)),
                };
                let guest = store.data_mut();
                let found = HostConnection::query(guest, connection, statement, parameters).await?;
                Ok((found.map(RowSet::from).map_err(error),))
            })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.execute",
        |mut store: StoreContextMut<'_, Guest>, (connection, statement, values): Call| {
            Box::new(async move {
                let parameters = match parameters(values) {
                    Ok(parameters) => parameters,
                    Err(error) => return Ok((Err(error),)),
                };
                let guest = store.data_mut();
                let done =
                    HostConnection::execute(guest, connection, statement, parameters).await?;
                Ok((done.map_err(error),))
            })
        },
    )
}

fn error(error: postgres::Error) -> mysql::Error {
    use mysql::Error as Earlier;
    use postgres::Error as Later;
    same_cases!(error, Later => Earlier: ConnectionFailed BadParameter ValueConversionFailed Other;;
        Later::QueryFailed(error) => Earlier::QueryFailed(text(error)),)
}

pub(super) fn parameters(
    values: Vec<mysql::ParameterValue>,
) -> std::result::Result<Vec<postgres::ParameterValue>, mysql::Error> {
    use mysql::ParameterValue as Earlier;
    use postgres::ParameterValue as Later;
    let parameter = |value| {
        Ok(same_cases!(value, Earlier => Later: Boolean Int8 Int16 Int32 Int64 Floating32
        Floating64 Str Binary;;
        Earlier::DbNull => Later::DbNull,
        Earlier::Uint8(_) | Earlier::Uint16(_) | Earlier::Uint32(_) | Earlier::Uint64(_) => {
            let why = "PostgreSQL has no unsigned integers";
            return Err(mysql::Error::ValueConversionFailed(why.to_owned()));
        }))
    };
    values.into_iter().map(parameter).collect()
}

impl From<postgres::RowSet> for RowSet {
    fn from(found: postgres::RowSet) -> Self {
        let column = |column: postgres::Column| mysql::Column {
            name: column.name,
            data_type: data_type(&column.data_type),
        };
        Self {
            columns: found.columns.into_iter().map(column).collect(),
            rows: found.rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect(),
        }
    }
}

fn value(value: postgres::DbValue) -> mysql::DbValue {
    use mysql::DbValue as Earlier;
    use postgres::DbValue as Later;
    same_cases!(value, Later => Earlier: Boolean Int8 Int16 Int32 Int64 Floating32 Floating64
        Str Binary;;
        Later::DbNull => Earlier::DbNull,
        _ => Earlier::Unsupported,)
}

fn data_type(data_type: &postgres::DbDataType) -> mysql::DbDataType {
    use mysql::DbDataType as Earlier;
    use postgres::DbDataType as Later;
    same_cases!(data_type, Later => Earlier:; Boolean Int8 Int16 Int32 Int64 Floating32
        Floating64 Str Binary; _ => Earlier::Other,)
}
