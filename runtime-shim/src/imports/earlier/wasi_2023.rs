//! `wasi:http` and `wasi:io` of October 2023, which spin-sdk 2 was built with: the resources of
//! WASI 0.2 under other functions. What a component exports as its handler has the type that it
//! has in 0.2, see `drafts.rs`.

use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceTable, ResourceType};
use wasmtime::error::bail;
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::p2::bindings::io::{error, poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamResult};
use wasmtime_wasi_http::p2::HeaderError;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::types::runtime_shim::earlier::wasi_http::{Error, Timeouts};
use crate::guest::Guest;
use crate::imports::wasi_limits;

type Interface<'a> = LinkerInstance<'a, Guest>;
type Store<'a> = StoreContextMut<'a, Guest>;

/// A port, because an authority is not empty.
const NO_HOST: &str = ":80";

pub(super) const OFFERED: &[&str] = &[
    "wasi:http/outgoing-handler@0.2.0-rc-2023-10-18",
    "wasi:http/types@0.2.0-rc-2023-10-18",
    "wasi:io/poll@0.2.0-rc-2023-10-18",
    "wasi:io/streams@0.2.0-rc-2023-10-18",
];

impl From<types::ErrorCode> for Error {
    fn from(code: types::ErrorCode) -> Self {
        Self::UnexpectedError(code.to_string())
    }
}

impl From<Error> for types::ErrorCode {
    fn from(error: Error) -> Self {
        let (Error::InvalidUrl(text)
        | Error::TimeoutError(text)
        | Error::ProtocolError(text)
        | Error::UnexpectedError(text)) = error;
        Self::InternalError(Some(text))
    }
}

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    polls(&mut linker.instance("wasi:io/poll@0.2.0-rc-2023-10-18")?)?;
    let mut interface = linker.instance("wasi:io/streams@0.2.0-rc-2023-10-18")?;
    input_streams(&mut interface)?;
    output_streams(&mut interface)?;
    let mut interface = linker.instance("wasi:http/types@0.2.0-rc-2023-10-18")?;
    resource::<types::FutureTrailers>(&mut interface, "future-trailers")?;
    resource::<types::FutureIncomingResponse>(&mut interface, "future-incoming-response")?;
    fields(&mut interface)?;
    incoming(&mut interface)?;
    outgoing(&mut interface)?;
    futures(&mut interface)?;
    handler(&mut linker.instance("wasi:http/outgoing-handler@0.2.0-rc-2023-10-18")?)
}

fn table<'a>(store: &'a mut Store<'_>) -> &'a mut ResourceTable {
    &mut store.data_mut().table
}

fn http<'a>(store: &'a mut Store<'_>) -> WasiHttpCtxView<'a> {
    store.data_mut().http()
}

fn resource<T: Send + 'static>(interface: &mut Interface<'_>, name: &str) -> Result<()> {
    interface.resource(name, ResourceType::host::<T>(), |mut store, number| {
        table(&mut store).delete(Resource::<T>::new_own(number))?;
        Ok(())
    })
}

/// Functions that are what they are in 0.2, whatever their name.
macro_rules! unchanged {
    ($interface:ident, $part:ident, $($name:literal = $function:path[$($argument:ident: $type:ty),*];)*) => {
        $($interface.func_wrap($name, |mut store: Store<'_>, ($($argument,)*): ($($type,)*)| {
            Ok(($function(&mut *$part!(store), $($argument),*)?,))
        })?;)*
    };
}

macro_rules! the_table {
    ($store:ident) => {
        table(&mut $store)
    };
}

macro_rules! the_view {
    ($store:ident) => {
        &mut http(&mut $store)
    };
}

/// Functions of streams, whose failure is a value.
macro_rules! on_streams {
    ($interface:ident, $($name:literal = $function:path[$($argument:ident: $type:ty),*];)*) => {
        $($interface.func_wrap($name, |mut store: Store<'_>, ($($argument,)*): ($($type,)*)| {
            let table = table(&mut store);
            let done = $function(table, $($argument),*);
            told(table, done)
        })?;)*
    };
}

macro_rules! on_streams_async {
    ($interface:ident, $($name:literal = $function:path[$($argument:ident: $type:ty),*];)*) => {
        $($interface.func_wrap_async($name, |mut store: Store<'_>, ($($argument,)*): ($($type,)*)| {
            Box::new(async move {
                let table = table(&mut store);
                let done = $function(table, $($argument),*).await;
                told(table, done)
            })
        })?;)*
    };
}

fn told<T>(
    table: &mut ResourceTable,
    done: StreamResult<T>,
) -> Result<(std::result::Result<T, streams::StreamError>,)> {
    Ok((match done {
        Ok(value) => Ok(value),
        Err(error) => Err(streams::Host::convert_stream_error(table, error)?),
    },))
}

fn polls(interface: &mut Interface<'_>) -> Result<()> {
    interface.resource("pollable", ResourceType::host::<DynPollable>(), |mut store, number| {
        poll::HostPollable::drop(table(&mut store), Resource::new_own(number))
    })?;
    interface.func_wrap_async(
        "poll-list",
        |mut store: Store<'_>, (list,): (Vec<Resource<DynPollable>>,)| {
            Box::new(async move { Ok((wasi_limits::poll(store.data_mut(), list).await?,)) })
        },
    )?;
    interface.func_wrap_async(
        "poll-one",
        |mut store: Store<'_>, (one,): (Resource<DynPollable>,)| {
            Box::new(async move { poll::HostPollable::block(table(&mut store), one).await })
        },
    )
}

fn input_streams(interface: &mut Interface<'_>) -> Result<()> {
    use streams::HostInputStream as Host;
    type Input = Resource<DynInputStream>;
    resource::<streams::Error>(interface, "error")?;
    unchanged!(interface, the_table,
        "[method]error.to-debug-string" = error::HostError::to_debug_string[this: Resource<streams::Error>];
        "[method]input-stream.subscribe" = Host::subscribe[this: Input];
    );
    interface.resource_async(
        "input-stream",
        ResourceType::host::<DynInputStream>(),
        |mut store, number| {
            Box::new(async move { Host::drop(table(&mut store), Resource::new_own(number)).await })
        },
    )?;
    on_streams!(interface,
        "[method]input-stream.read" = Host::read[this: Input, length: u64];
        "[method]input-stream.skip" = Host::skip[this: Input, length: u64];
    );
    on_streams_async!(interface,
        "[method]input-stream.blocking-read" = Host::blocking_read[this: Input, length: u64];
        "[method]input-stream.blocking-skip" = Host::blocking_skip[this: Input, length: u64];
    );
    Ok(())
}

/// Without `splice`, `blocking-splice` and `forward`, which no SDK of the time called.
fn output_streams(interface: &mut Interface<'_>) -> Result<()> {
    use streams::HostOutputStream as Host;
    type Output = Resource<DynOutputStream>;
    interface.resource_async(
        "output-stream",
        ResourceType::host::<DynOutputStream>(),
        |mut store, number| {
            Box::new(async move { Host::drop(table(&mut store), Resource::new_own(number)).await })
        },
    )?;
    unchanged!(interface, the_table,
        "[method]output-stream.subscribe" = Host::subscribe[this: Output];
    );
    on_streams!(interface,
        "[method]output-stream.check-write" = Host::check_write[this: Output];
        "[method]output-stream.write" = Host::write[this: Output, bytes: Vec<u8>];
        "[method]output-stream.flush" = Host::flush[this: Output];
        "[method]output-stream.write-zeroes" = Host::write_zeroes[this: Output, length: u64];
    );
    on_streams_async!(interface,
        "[method]output-stream.blocking-write-and-flush" = Host::blocking_write_and_flush[this: Output, bytes: Vec<u8>];
        "[method]output-stream.blocking-flush" = Host::blocking_flush[this: Output];
        "[method]output-stream.blocking-write-zeroes-and-flush" = Host::blocking_write_zeroes_and_flush[this: Output, length: u64];
    );
    Ok(())
}

fn fields(interface: &mut Interface<'_>) -> Result<()> {
    use types::HostFields as Host;
    type Fields = Resource<types::Fields>;
    resource::<types::Fields>(interface, "fields")?;
    unchanged!(interface, the_view,
        "[method]fields.get" = Host::get[this: Fields, name: String];
        "[method]fields.entries" = Host::entries[this: Fields];
        "[method]fields.clone" = Host::clone[this: Fields];
    );
    interface.func_wrap(
        "[constructor]fields",
        |mut store: Store<'_>, (entries,): (Vec<(String, Vec<u8>)>,)| {
            Ok((Host::from_list(&mut http(&mut store), entries).map_err(invalid)?,))
        },
    )?;
    interface.func_wrap(
        "[method]fields.set",
        |mut store: Store<'_>, (this, name, values): (Fields, String, Vec<Vec<u8>>)| {
            Host::set(&mut http(&mut store), this, name, values).map_err(invalid)
        },
    )?;
    interface.func_wrap(
        "[method]fields.delete",
        |mut store: Store<'_>, (this, name): (Fields, String)| {
            Host::delete(&mut http(&mut store), this, name).map_err(invalid)
        },
    )?;
    interface.func_wrap(
        "[method]fields.append",
        |mut store: Store<'_>, (this, name, value): (Fields, String, Vec<u8>)| {
            Host::append(&mut http(&mut store), this, name, value).map_err(invalid)
        },
    )
}

/// There was no way to tell the guest.
fn invalid(error: HeaderError) -> wasmtime::Error {
    error.downcast().map_or_else(|trap| trap, wasmtime::Error::from)
}

fn incoming(interface: &mut Interface<'_>) -> Result<()> {
    use types::{HostIncomingBody, HostIncomingRequest, HostIncomingResponse};
    type Request = Resource<types::IncomingRequest>;
    type Response = Resource<types::IncomingResponse>;
    type Body = Resource<types::IncomingBody>;
    resource::<types::IncomingRequest>(interface, "incoming-request")?;
    resource::<types::IncomingResponse>(interface, "incoming-response")?;
    resource::<types::IncomingBody>(interface, "incoming-body")?;
    unchanged!(interface, the_view,
        "[method]incoming-request.method" = HostIncomingRequest::method[this: Request];
        "[method]incoming-request.path-with-query" = HostIncomingRequest::path_with_query[this: Request];
        "[method]incoming-request.scheme" = HostIncomingRequest::scheme[this: Request];
        "[method]incoming-request.authority" = HostIncomingRequest::authority[this: Request];
        "[method]incoming-request.headers" = HostIncomingRequest::headers[this: Request];
        "[method]incoming-request.consume" = HostIncomingRequest::consume[this: Request];
        "[method]incoming-response.status" = HostIncomingResponse::status[this: Response];
        "[method]incoming-response.headers" = HostIncomingResponse::headers[this: Response];
        "[method]incoming-response.consume" = HostIncomingResponse::consume[this: Response];
        "[method]incoming-body.stream" = HostIncomingBody::stream[this: Body];
        "[static]incoming-body.finish" = HostIncomingBody::finish[this: Body];
    );
    Ok(())
}

fn outgoing(interface: &mut Interface<'_>) -> Result<()> {
    use types::{HostOutgoingBody, HostOutgoingRequest, HostOutgoingResponse};
    type Body = Resource<types::OutgoingBody>;
    resource::<types::OutgoingRequest>(interface, "outgoing-request")?;
    resource::<types::OutgoingResponse>(interface, "outgoing-response")?;
    resource::<types::ResponseOutparam>(interface, "response-outparam")?;
    // A body that is dropped unfinished breaks off.
    interface.resource(
        "outgoing-body",
        ResourceType::host::<types::OutgoingBody>(),
        |mut store, number| {
            HostOutgoingBody::drop(&mut http(&mut store), Resource::new_own(number))
        },
    )?;
    interface.func_wrap("[constructor]outgoing-request", request)?;
    interface.func_wrap("[constructor]outgoing-response", response)?;
    unchanged!(interface, the_view,
        "[method]outgoing-request.write" = HostOutgoingRequest::body[this: Resource<types::OutgoingRequest>];
        "[method]outgoing-response.write" = HostOutgoingResponse::body[this: Resource<types::OutgoingResponse>];
        "[method]outgoing-body.write" = HostOutgoingBody::write[this: Body];
    );
    interface.func_wrap(
        "[static]outgoing-body.finish",
        |mut store: Store<'_>, (this, trailers): (Body, Option<Resource<types::Trailers>>)| {
            Ok(HostOutgoingBody::finish(&mut http(&mut store), this, trailers)?)
        },
    )?;
    type Answer = std::result::Result<Resource<types::OutgoingResponse>, Error>;
    interface.func_wrap(
        "[static]response-outparam.set",
        |mut store: Store<'_>, (this, answer): (Resource<types::ResponseOutparam>, Answer)| {
            let answer = answer.map_err(types::ErrorCode::from);
            types::HostResponseOutparam::set(&mut http(&mut store), this, answer)
        },
    )
}

/// What 0.2 sets one by one. The headers stay the guest's. A request without an authority, which
/// is for the application itself, needs one that names no host.
fn request(
    mut store: Store<'_>,
    (method, path, scheme, authority, headers): (
        types::Method,
        Option<String>,
        Option<types::Scheme>,
        Option<String>,
        Resource<types::Fields>,
    ),
) -> Result<(Resource<types::OutgoingRequest>,)> {
    use types::HostOutgoingRequest as Host;
    let view = &mut http(&mut store);
    let headers = types::HostFields::clone(view, headers)?;
    let request = Host::new(view, headers)?;
    let authority = authority.unwrap_or_else(|| NO_HOST.to_owned());
    let this = || Resource::new_borrow(request.rep());
    let valid = Host::set_path_with_query(view, this(), path)?
        .and(Host::set_scheme(view, this(), scheme)?)
        .and(wasi_limits::set_method(&mut store, this(), method)?)
        .and(wasi_limits::set_authority(&mut store, this(), Some(authority))?);
    if valid.is_err() {
        bail!("an outgoing request has a method, path, scheme or authority that is none");
    }
    Ok((request,))
}

fn response(
    mut store: Store<'_>,
    (status, headers): (types::StatusCode, Resource<types::Fields>),
) -> Result<(Resource<types::OutgoingResponse>,)> {
    use types::HostOutgoingResponse as Host;
    let view = &mut http(&mut store);
    let headers = types::HostFields::clone(view, headers)?;
    let response = Host::new(view, headers)?;
    if Host::set_status_code(view, Resource::new_borrow(response.rep()), status)?.is_err() {
        bail!("a response has the status code {status}");
    }
    Ok((response,))
}

fn futures(interface: &mut Interface<'_>) -> Result<()> {
    use types::{HostFutureIncomingResponse, HostFutureTrailers};
    type Response = Resource<types::FutureIncomingResponse>;
    type Trailers = Resource<types::FutureTrailers>;
    unchanged!(interface, the_view,
        "[method]future-incoming-response.subscribe" = HostFutureIncomingResponse::subscribe[this: Response];
        "[method]future-trailers.subscribe" = HostFutureTrailers::subscribe[this: Trailers];
    );
    interface.func_wrap(
        "[method]future-incoming-response.get",
        |mut store: Store<'_>, (this,): (Response,)| {
            let got = HostFutureIncomingResponse::get(&mut http(&mut store), this)?;
            Ok((got.map(|once| once.map(|answered| answered.map_err(Error::from))),))
        },
    )?;
    interface.func_wrap(
        "[method]future-trailers.get",
        |mut store: Store<'_>, (this,): (Trailers,)| {
            let view = &mut http(&mut store);
            Ok((match HostFutureTrailers::get(view, this)? {
                None => None,
                Some(Ok(Ok(Some(trailers)))) => Some(Ok(trailers)),
                Some(Ok(Ok(None))) => Some(Ok(types::HostFields::new(view)?)),
                Some(Ok(Err(code))) => Some(Err(Error::from(code))),
                Some(Err(())) => bail!("trailers were asked for twice"),
            },))
        },
    )
}

fn handler(interface: &mut Interface<'_>) -> Result<()> {
    type Request = Resource<types::OutgoingRequest>;
    interface.func_wrap(
        "handle",
        |mut store: Store<'_>, (request, timeouts): (Request, Option<Timeouts>)| {
            let view = &mut http(&mut store);
            let options = timeouts.map(|timeouts| options(view, &timeouts)).transpose()?;
            Ok((match outgoing_handler::Host::handle(view, request, options) {
                Ok(pending) => Ok(pending),
                Err(error) => Err(Error::from(types::Host::convert_error_code(view, error)?)),
            },))
        },
    )
}

fn options(
    view: &mut WasiHttpCtxView<'_>,
    timeouts: &Timeouts,
) -> Result<Resource<types::RequestOptions>> {
    let time = |ms: Option<u32>| ms.map(|ms| std::time::Duration::from_millis(ms.into()));
    Ok(view.table.push(types::RequestOptions {
        connect_timeout: time(timeouts.connect_timeout_ms),
        first_byte_timeout: time(timeouts.first_byte_timeout_ms),
        between_bytes_timeout: time(timeouts.between_bytes_timeout_ms),
    })?)
}
