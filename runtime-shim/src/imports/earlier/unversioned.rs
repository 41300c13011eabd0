//! `fermyon:spin` before it had versions, which SDKs 1 import. Stores and connections are numbers,
//! and each call to a database server names its address.

use http_body_util::{BodyExt, Limited};
use wasmtime::Result;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::{Error as HttpFailure, WasiHttpHooks};

use super::Interface;
use super::fermyon_spin::{RowSet, Values, parameters};
use super::types::runtime_shim::earlier::unversioned::{
    ConfigError, HttpError, KeyValueError, ServerError,
};
use crate::guest::Guest;
use crate::imports::key_value::OpenStore;
use crate::imports::postgres::Builder;
use crate::imports::wit::spin::{mysql::mysql, sqlite::sqlite, variables::variables};
use crate::imports::{
    InterfaceError, TrappableError, mysql as mysql_import, postgres as postgres_import,
    sqlite as sqlite_import,
};
use crate::inbound_http::{Request, Response};
use crate::limits::size;
use crate::mysql::Rows;
use crate::postgres::{Found, Wanted};

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
    let mut config = linker.instance("fermyon:spin/config")?;
    functions!(config, |guest|
        "get-config"(name: String) => guest.variable(&name).map_err(ConfigError::from);
    );
    let mut http = linker.instance("fermyon:spin/http")?;
    async_functions!(http, |guest|
        "send-request"(request: Request) => send(guest, request).await.map_err(HttpError::from);
    );
    key_value(&mut linker.instance("fermyon:spin/key-value")?)?;
    sqlite(&mut linker.instance("fermyon:spin/sqlite")?)?;
    mysql(&mut linker.instance("fermyon:spin/mysql")?)?;
    postgres(&mut linker.instance("fermyon:spin/postgres")?)
}

impl From<variables::Error> for ConfigError {
    /// In Spin's words: what has no value has no provider either.
    fn from(error: variables::Error) -> Self {
        use variables::Error;
        match error {
            Error::InvalidName(said) => Self::InvalidKey(said),
            Error::Undefined(said) => Self::Provider(said),
            Error::Provider(said) | Error::Other(said) => Self::Other(said),
        }
    }
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

async fn send(guest: &mut Guest, request: Request) -> Outcome<Response, HttpFailure> {
    let limits = &guest.component.limits;
    let (headers, limit) = (size(limits.max_header_bytes), size(limits.hostcall_bytes));
    let request = request.into_http(headers).map_err(|_| HttpFailure::HttpRequestUriInvalid)?;
    let sent = guest.hooks.send_request(request, None, Box::new(async { Ok(()) }));
    let (response, _) = Box::into_pin(sent).await?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, limit).collect().await;
    let body = body.map_err(|_| HttpFailure::HttpResponseBodySize(None))?.to_bytes();
    Ok(Response::of(&parts, &body))
}

impl InterfaceError for KeyValueError {
    const OTHER: fn(String) -> Self = Self::Io;
}

fn key_value(interface: &mut Interface<'_>) -> Result<()> {
    functions!(interface, |guest|
        "open"(name: String) =>
            guest.open_store(&name)?.map(|store| store.rep()).ok_or(KeyValueError::AccessDenied);
    );
    fallible_functions!(interface, |guest| -> KeyValueError:
        "get"(number: u32, key: String) =>
            opened(guest, number)?.get(key).await?.ok_or(KeyValueError::NoSuchKey)?;
        "set"(number: u32, key: String, value: Vec<u8>) =>
            opened(guest, number)?.set(key, value).await?;
        "delete"(number: u32, key: String) => opened(guest, number)?.delete(key).await?;
        "exists"(number: u32, key: String) => opened(guest, number)?.exists(key).await?;
        "get-keys"(number: u32) => opened(guest, number)?.keys().await?;
    );
    close::<OpenStore>(interface)
}

fn opened(guest: &Guest, number: u32) -> Outcome<OpenStore, KeyValueError> {
    guest.opened(&Resource::new_borrow(number)).map_err(|_| KeyValueError::InvalidStore)
}

/// Closing what is not open does nothing.
fn close<T: Send + 'static>(interface: &mut Interface<'_>) -> Result<()> {
    functions!(interface, |guest|
        "close"(number: u32) { let _ = guest.table.delete(Resource::<T>::new_own(number)); };
    );
    Ok(())
}

fn sqlite(interface: &mut Interface<'_>) -> Result<()> {
    use sqlite::{Error, HostConnection, Value};
    fallible_functions!(interface, |guest| -> Error:
        "open"(name: String) => HostConnection::open(guest, name).await?.rep();
        "execute"(number: u32, statement: String, values: Vec<Value>) => {
            let connection = || Resource::<sqlite_import::Connection>::new_borrow(number);
            guest.table.get(&connection()).map_err(|_| Error::InvalidConnection)?;
            HostConnection::execute(guest, connection(), statement, values).await?
        };
    );
    close::<sqlite_import::Connection>(interface)
}

impl From<mysql::Error> for TrappableError<ServerError> {
    fn from(error: mysql::Error) -> Self {
        use mysql::Error as Later;
        Self::Error(same_cases!(error, Later => ServerError: ConnectionFailed BadParameter
            QueryFailed ValueConversionFailed;;
            Later::Other(said) => ServerError::OtherError(said),))
    }
}

fn mysql(interface: &mut Interface<'_>) -> Result<()> {
    fallible_functions!(interface, |guest| -> ServerError:
        "query"(address: String, statement: String, values: Values) =>
            RowSet::from(guest.run_on_mysql(&address, statement, values).await?);
        "execute"(address: String, statement: String, values: Values) =>
            drop(guest.run_on_mysql(&address, statement, values).await?);
    );
    Ok(())
}

fn postgres(interface: &mut Interface<'_>) -> Result<()> {
    fallible_functions!(interface, |guest| -> ServerError:
        "query"(address: String, statement: String, values: Values) =>
            RowSet::from(guest.run_on_postgres(address, &statement, values, guest.rows()).await?);
        "execute"(address: String, statement: String, values: Values) =>
            guest.run_on_postgres(address, &statement, values, Wanted::Count).await?.touched;
    );
    Ok(())
}

impl Guest {
    /// With a connection for one statement, as Spin makes it; the session behind it is the pool's.
    async fn run_on_mysql(
        &mut self,
        address: &str,
        statement: String,
        values: Values,
    ) -> Outcome<Rows, mysql::Error> {
        let (core, component) = self.owner();
        let connection = mysql_import::open(&core, &component, address).await?;
        mysql_import::run(connection.place(&component), statement, values).await
    }

    async fn run_on_postgres(
        &mut self,
        address: String,
        statement: &str,
        values: Values,
        wanted: Wanted,
    ) -> Outcome<Found, mysql::Error> {
        let values = parameters(values)?;
        let connection = Builder::of(address).build(self.owner()).await?;
        Ok(postgres_import::run(&connection.0, statement, &values, wanted).await?)
    }
}
