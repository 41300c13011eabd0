//! `fermyon:spin` before it had versions, which SDKs 1 import. Stores and connections are numbers,
//! and each call to a database server names its address.

use http_body_util::{BodyExt, Limited};
use wasmtime::component::{Linker, LinkerInstance, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi_http::{Error as HttpFailure, WasiHttpView};

use super::fermyon_spin::{Pending, RowSet, parameters};
use super::postgres::text;
use super::types::runtime_shim::earlier::unversioned::{
    ConfigError, HttpError, KeyValueError, ServerError,
};
use crate::database;
use crate::guest::Guest;
use crate::imports::key_value::OpenStore;
use crate::imports::wit::spin::{mysql::mysql, postgres::postgres, sqlite::sqlite, variables};
use crate::imports::{mysql as mysql_import, sqlite as sqlite_import};
use crate::inbound_http::{Request, Response};
use crate::sqlite::DatabaseError;

type Interface<'a> = LinkerInstance<'a, Guest>;
type Store<'a> = StoreContextMut<'a, Guest>;
type Outcome<T, E> = std::result::Result<T, E>;

pub(super) const OFFERED: &[&str] = &[
    "fermyon:spin/config",
    "fermyon:spin/http",
    "fermyon:spin/http-types",
    "fermyon:spin/key-value",
    "fermyon:spin/mysql",
    "fermyon:spin/postgres",
    "fermyon:spin/rdbms-types",
    "fermyon:spin/sqlite",
];

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    config(&mut linker.instance("fermyon:spin/config")?)?;
    http(&mut linker.instance("fermyon:spin/http")?)?;
    key_value(&mut linker.instance("fermyon:spin/key-value")?)?;
    sqlite(&mut linker.instance("fermyon:spin/sqlite")?)?;
    mysql(&mut linker.instance("fermyon:spin/mysql")?)?;
    postgres(&mut linker.instance("fermyon:spin/postgres")?)
}

/// In Spin's words: what has no value has no provider either.
fn config(interface: &mut Interface<'_>) -> Result<()> {
    use variables::variables::Error;
    interface.func_wrap("get-config", |store: Store<'_>, (name,): (String,)| {
        Ok((store.data().variable(&name).map_err(|error| match error {
            Error::InvalidName(said) => ConfigError::InvalidKey(said),
            Error::Undefined(said) => ConfigError::Provider(said),
            Error::Provider(said) | Error::Other(said) => ConfigError::Other(said),
        }),))
    })
}

impl From<HttpFailure> for HttpError {
    fn from(failure: HttpFailure) -> Self {
        match failure {
            HttpFailure::HttpRequestDenied => Self::DestinationNotAllowed,
            HttpFailure::HttpRequestUriInvalid => Self::InvalidUrl,
            HttpFailure::ConnectionLimitReached => Self::TooManyRequests,
            _ => Self::RuntimeError,
        }
    }
}

fn http(interface: &mut Interface<'_>) -> Result<()> {
    interface.func_wrap_async("send-request", |store: Store<'_>, (request,): (Request,)| {
        Box::new(async move { Ok((send(store, request).await.map_err(HttpError::from),)) })
    })
}

async fn send(mut store: Store<'_>, request: Request) -> Outcome<Response, HttpFailure> {
    let request = request.into_http().map_err(|_| HttpFailure::HttpRequestUriInvalid)?;
    let limit = usize::try_from(store.data().component.limits.hostcall_bytes).unwrap_or(usize::MAX);
    let hooks = store.data_mut().http().hooks;
    let (response, _) =
        Box::into_pin(hooks.send_request(request, None, Box::new(async { Ok(()) }))).await?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, limit).collect().await;
    let body = body.map_err(|_| HttpFailure::HttpResponseBodySize(None))?.to_bytes();
    Ok(Response::of(&parts, &body))
}

impl From<database::Error> for KeyValueError {
    fn from(error: database::Error) -> Self {
        Self::Io(error.0)
    }
}

fn key_value(interface: &mut Interface<'_>) -> Result<()> {
    interface.func_wrap("open", |mut store: Store<'_>, (name,): (String,)| {
        let guest = store.data_mut();
        Ok((match guest.open_store(&name) {
            Some(opened) => Ok(guest.table.push(opened)?.rep()),
            None => Err(KeyValueError::AccessDenied),
        },))
    })?;
    interface.func_wrap_async("get", |store, (number, key)| {
        on_store(store, number, |store| async move {
            store.get(key).await?.ok_or(KeyValueError::NoSuchKey)
        })
    })?;
    interface.func_wrap_async("set", |store, (number, key, value)| {
        on_store(store, number, |store| async move { Ok(store.set(key, value).await?) })
    })?;
    interface.func_wrap_async("delete", |store, (number, key)| {
        on_store(store, number, |store| async move { Ok(store.delete(key).await?) })
    })?;
    interface.func_wrap_async("exists", |store, (number, key)| {
        on_store(store, number, |store| async move { Ok(store.exists(key).await?) })
    })?;
    interface.func_wrap_async("get-keys", |store, (number,)| {
        on_store(store, number, |store| async move { Ok(store.keys().await?) })
    })?;
    close::<OpenStore>(interface)
}

/// Does `work` on the store that was opened as `number`.
fn on_store<'a, T, W>(
    store: Store<'a>,
    number: u32,
    work: impl FnOnce(OpenStore) -> W + Send + 'a,
) -> Pending<'a, Outcome<T, KeyValueError>>
where
    W: Future<Output = Outcome<T, KeyValueError>> + Send + 'a,
{
    let opened = store.data().table.get(&Resource::<OpenStore>::new_borrow(number)).cloned();
    Box::new(async move {
        Ok((match opened {
            Ok(opened) => work(opened).await,
            Err(_) => Err(KeyValueError::InvalidStore),
        },))
    })
}

/// Closing what is not open does nothing.
fn close<T: Send + 'static>(interface: &mut Interface<'_>) -> Result<()> {
    interface.func_wrap("close", |mut store: Store<'_>, (number,): (u32,)| {
        let _ = store.data_mut().table.delete(Resource::<T>::new_own(number));
        Ok(())
    })
}

fn sqlite(interface: &mut Interface<'_>) -> Result<()> {
    use sqlite::HostConnection;
    interface.func_wrap_async("open", |mut store: Store<'_>, (name,): (String,)| {
        Box::new(async move {
            let opened = HostConnection::open(store.data_mut(), name).await?;
            Ok((opened.map(|connection| connection.rep()),))
        })
    })?;
    interface.func_wrap_async(
        "execute",
        |mut store: Store<'_>, (number, statement, values): (u32, String, Vec<sqlite::Value>)| {
            Box::new(async move {
                let guest = store.data_mut();
                let connection = || Resource::<sqlite_import::Connection>::new_borrow(number);
                if guest.table.get(&connection()).is_err() {
                    return Ok((Err(sqlite::Error::InvalidConnection),));
                }
                Ok((HostConnection::execute(guest, connection(), statement, values).await?,))
            })
        },
    )?;
    close::<sqlite_import::Connection>(interface)
}

impl From<mysql::Error> for ServerError {
    fn from(error: mysql::Error) -> Self {
        use mysql::Error as Later;
        same_cases!(error, Later => Self: ConnectionFailed BadParameter QueryFailed
            ValueConversionFailed;;
            Later::Other(said) => Self::OtherError(said),)
    }
}

impl From<postgres::Error> for ServerError {
    fn from(error: postgres::Error) -> Self {
        use postgres::Error as Later;
        same_cases!(error, Later => Self: ConnectionFailed BadParameter ValueConversionFailed;;
            Later::Other(said) => Self::OtherError(said),
            Later::QueryFailed(error) => Self::QueryFailed(text(error)),)
    }
}

/// The address, the statement and its parameters.
type ServerCall = (String, String, Vec<mysql::ParameterValue>);

fn mysql(interface: &mut Interface<'_>) -> Result<()> {
    interface.func_wrap_async("query", |store: Store<'_>, call: ServerCall| {
        Box::new(async move {
            let found = on_mysql(store, call).await;
            Ok((found.map(|found| RowSet { columns: found.columns, rows: found.rows }),))
        })
    })?;
    interface.func_wrap_async("execute", |store: Store<'_>, call: ServerCall| {
        Box::new(async move { Ok((on_mysql(store, call).await.map(drop),)) })
    })
}

async fn on_mysql(
    store: Store<'_>,
    (address, statement, parameters): ServerCall,
) -> Outcome<crate::mysql::Rows, ServerError> {
    let (core, component) = store.data().owner();
    let connection = mysql_import::open(&core, &component, &address).await?;
    let place = connection.place(&component);
    Ok(mysql_import::run(place, statement, parameters).await?)
}

fn postgres(interface: &mut Interface<'_>) -> Result<()> {
    use postgres::HostConnection;
    interface.func_wrap_async("query", |mut store: Store<'_>, call: ServerCall| {
        Box::new(async move {
            let guest = store.data_mut();
            let (connection, statement, values) = match on_postgres(guest, call).await? {
                Ok(opened) => opened,
                Err(error) => return Ok((Err(error),)),
            };
            let used = Resource::new_borrow(connection.rep());
            let found = HostConnection::query(guest, used, statement, values).await?;
            guest.table.delete(connection)?;
            Ok((found.map(RowSet::from).map_err(ServerError::from),))
        })
    })?;
    interface.func_wrap_async("execute", |mut store: Store<'_>, call: ServerCall| {
        Box::new(async move {
            let guest = store.data_mut();
            let (connection, statement, values) = match on_postgres(guest, call).await? {
                Ok(opened) => opened,
                Err(error) => return Ok((Err(error),)),
            };
            let used = Resource::new_borrow(connection.rep());
            let done = HostConnection::execute(guest, used, statement, values).await?;
            guest.table.delete(connection)?;
            Ok((done.map_err(ServerError::from),))
        })
    })
}

/// A connection for one statement, as Spin makes it; the session behind it is the pool's.
async fn on_postgres(
    guest: &mut Guest,
    (address, statement, values): ServerCall,
) -> Result<
    Outcome<(Resource<postgres::Connection>, String, Vec<postgres::ParameterValue>), ServerError>,
> {
    let values = match parameters(values) {
        Ok(values) => values,
        Err(error) => return Ok(Err(error.into())),
    };
    let opened = postgres::HostConnection::open(guest, address).await?;
    Ok(opened.map(|connection| (connection, statement, values)).map_err(ServerError::from))
}
