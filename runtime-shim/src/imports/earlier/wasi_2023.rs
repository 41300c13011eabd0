//! `wasi:http` and `wasi:io` of October 2023, which spin-sdk 2 was built with: the resources of
//! WASI 0.2 under other functions. What a component exports as its handler has the type that it
//! has in 0.2, see `drafts.rs`.

use wasmtime::Result;
use wasmtime::component::{Linker, Resource, ResourceTable, ResourceType};
use wasmtime::error::bail;
use wasmtime_wasi::p2::bindings::io::{error, poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamResult};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::HeaderError;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};

use super::types::runtime_shim::earlier::wasi_http::{Error, Timeouts};
use super::{Interface, resource};
use crate::guest::Guest;
use crate::imports::wasi_limits;

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
    type Request = Resource<types::OutgoingRequest>;
    let mut interface = linker.instance("wasi:http/outgoing-handler@0.2.0-rc-2023-10-18")?;
    functions!(interface, |guest|
        "handle"(request: Request, timeouts: Option<Timeouts>) => {
            let view = &mut guest.http();
            let options = timeouts.map(|timeouts| view.table.push(timeouts.into())).transpose()?;
            match outgoing_handler::Host::handle(view, request, options) {
                Ok(pending) => Ok(pending),
                Err(error) => Err(Error::from(types::Host::convert_error_code(view, error)?)),
            }
        };
    );
    Ok(())
}

/// Functions that are what they are in 0.2, whatever their name.
macro_rules! unchanged {
    ($interface:ident, |$guest:ident| $part:expr,
        $($name:literal = $function:path[$($argument:ident: $type:ty),*];)*) => {
        functions!($interface, |$guest|
            $($name($($argument: $type),*) => $function(&mut $part, $($argument),*)?;)*);
    };
}

/// Functions of streams, whose failure is a value.
macro_rules! on_streams {
    ($interface:ident, $($name:literal = $function:path[$($argument:ident: $type:ty),*];)*) => {
        functions!($interface, |guest| $($name($($argument: $type),*) => {
            let done = $function(&mut guest.table, $($argument),*);
            told(&mut guest.table, done)?
        };)*);
    };
}

macro_rules! on_streams_async {
    ($interface:ident, $($name:literal = $function:path[$($argument:ident: $type:ty),*];)*) => {
        async_functions!($interface, |guest| $($name($($argument: $type),*) => {
            let done = $function(&mut guest.table, $($argument),*).await;
            told(&mut guest.table, done)?
        };)*);
    };
}

fn told<T>(
    table: &mut ResourceTable,
    done: StreamResult<T>,
) -> Result<std::result::Result<T, streams::StreamError>> {
    Ok(match done {
        Ok(value) => Ok(value),
        Err(error) => Err(streams::Host::convert_stream_error(table, error)?),
    })
}

fn polls(interface: &mut Interface<'_>) -> Result<()> {
    interface.resource("pollable", ResourceType::host::<DynPollable>(), |mut store, number| {
        poll::HostPollable::drop(&mut store.data_mut().table, Resource::new_own(number))
    })?;
    async_functions!(interface, |guest|
        "poll-list"(list: Vec<Resource<DynPollable>>) => wasi_limits::poll(guest, list).await?;
        "poll-one"(one: Resource<DynPollable>) {
            poll::HostPollable::block(&mut guest.table, one).await?;
        };
    );
    Ok(())
}

fn input_streams(interface: &mut Interface<'_>) -> Result<()> {
    use streams::HostInputStream as Host;
    type Input = Resource<DynInputStream>;
    resource::<streams::Error>(interface, "error")?;
    unchanged!(interface, |guest| guest.table,
        "[method]error.to-debug-string" = error::HostError::to_debug_string[this: Resource<streams::Error>];
        "[method]input-stream.subscribe" = Host::subscribe[this: Input];
    );
    interface.resource_async(
        "input-stream",
        ResourceType::host::<DynInputStream>(),
        |mut store, number| {
            Box::new(async move {
                Host::drop(&mut store.data_mut().table, Resource::new_own(number)).await
            })
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
            Box::new(async move {
                Host::drop(&mut store.data_mut().table, Resource::new_own(number)).await
            })
        },
    )?;
    unchanged!(interface, |guest| guest.table,
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
    unchanged!(interface, |guest| guest.http(),
        "[method]fields.get" = Host::get[this: Fields, name: String];
        "[method]fields.entries" = Host::entries[this: Fields];
        "[method]fields.clone" = Host::clone[this: Fields];
    );
    functions!(interface, |guest|
        "[constructor]fields"(entries: Vec<(String, Vec<u8>)>) =>
            Host::from_list(&mut guest.http(), entries).map_err(invalid)?;
        "[method]fields.set"(this: Fields, name: String, values: Vec<Vec<u8>>) {
            Host::set(&mut guest.http(), this, name, values).map_err(invalid)?;
        };
        "[method]fields.delete"(this: Fields, name: String) {
            Host::delete(&mut guest.http(), this, name).map_err(invalid)?;
        };
        "[method]fields.append"(this: Fields, name: String, value: Vec<u8>) {
            Host::append(&mut guest.http(), this, name, value).map_err(invalid)?;
        };
    );
    Ok(())
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
    unchanged!(interface, |guest| guest.http(),
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
            HostOutgoingBody::drop(&mut store.data_mut().http(), Resource::new_own(number))
        },
    )?;
    unchanged!(interface, |guest| guest.http(),
        "[method]outgoing-request.write" = HostOutgoingRequest::body[this: Resource<types::OutgoingRequest>];
        "[method]outgoing-response.write" = HostOutgoingResponse::body[this: Resource<types::OutgoingResponse>];
        "[method]outgoing-body.write" = HostOutgoingBody::write[this: Body];
    );
    type Answer = std::result::Result<Resource<types::OutgoingResponse>, Error>;
    functions!(interface, |guest|
        "[constructor]outgoing-request"(
            method: types::Method, path: Option<String>, scheme: Option<types::Scheme>,
            authority: Option<String>, headers: Resource<types::Fields>
        ) => request(guest, method, path, scheme, authority, headers)?;
        "[constructor]outgoing-response"(status: u16, headers: Resource<types::Fields>) =>
            response(guest, status, headers)?;
        "[static]outgoing-body.finish"(this: Body, trailers: Option<Resource<types::Trailers>>) {
            HostOutgoingBody::finish(&mut guest.http(), this, trailers)?;
        };
        "[static]response-outparam.set"(this: Resource<types::ResponseOutparam>, answer: Answer) {
            let answer = answer.map_err(types::ErrorCode::from);
            types::HostResponseOutparam::set(&mut guest.http(), this, answer)?;
        };
    );
    Ok(())
}

/// What 0.2 sets one by one. The headers stay the guest's. A request without an authority, which
/// is for the application itself, needs one that names no host.
fn request(
    guest: &mut Guest,
    method: types::Method,
    path: Option<String>,
    scheme: Option<types::Scheme>,
    authority: Option<String>,
    headers: Resource<types::Fields>,
) -> Result<Resource<types::OutgoingRequest>> {
    use types::HostOutgoingRequest as Host;
    let view = &mut guest.http();
    let headers = types::HostFields::clone(view, headers)?;
    let request = Host::new(view, headers)?;
    let authority = authority.unwrap_or_else(|| NO_HOST.to_owned());
    let this = || Resource::new_borrow(request.rep());
    let valid = Host::set_path_with_query(view, this(), path)?
        .and(Host::set_scheme(view, this(), scheme)?)
        .and(wasi_limits::set_method(guest, this(), method)?)
        .and(wasi_limits::set_authority(guest, this(), Some(authority))?);
    if valid.is_err() {
        bail!("an outgoing request has a method, path, scheme or authority that is none");
    }
    Ok(request)
}

fn response(
    guest: &mut Guest,
    status: types::StatusCode,
    headers: Resource<types::Fields>,
) -> Result<Resource<types::OutgoingResponse>> {
    use types::HostOutgoingResponse as Host;
    let view = &mut guest.http();
    let headers = types::HostFields::clone(view, headers)?;
    let response = Host::new(view, headers)?;
    if Host::set_status_code(view, Resource::new_borrow(response.rep()), status)?.is_err() {
        bail!("a response has the status code {status}");
    }
    Ok(response)
}

fn futures(interface: &mut Interface<'_>) -> Result<()> {
    use types::{HostFutureIncomingResponse, HostFutureTrailers};
    type Response = Resource<types::FutureIncomingResponse>;
    type Trailers = Resource<types::FutureTrailers>;
    unchanged!(interface, |guest| guest.http(),
        "[method]future-incoming-response.subscribe" = HostFutureIncomingResponse::subscribe[this: Response];
        "[method]future-trailers.subscribe" = HostFutureTrailers::subscribe[this: Trailers];
    );
    functions!(interface, |guest|
        "[method]future-incoming-response.get"(this: Response) =>
            HostFutureIncomingResponse::get(&mut guest.http(), this)?
                .map(|once| once.map(|answered| answered.map_err(Error::from)));
        "[method]future-trailers.get"(this: Trailers) => {
            let view = &mut guest.http();
            match HostFutureTrailers::get(view, this)? {
                None => None,
                Some(Ok(Ok(Some(trailers)))) => Some(Ok(trailers)),
                Some(Ok(Ok(None))) => Some(Ok(types::HostFields::new(view)?)),
                Some(Ok(Err(code))) => Some(Err(Error::from(code))),
                Some(Err(())) => bail!("trailers were asked for twice"),
            }
        };
    );
    Ok(())
}

impl From<Timeouts> for types::RequestOptions {
    fn from(timeouts: Timeouts) -> Self {
        let time = |ms: Option<u32>| ms.map(|ms| std::time::Duration::from_millis(ms.into()));
        Self {
            connect_timeout: time(timeouts.connect_timeout_ms),
            first_byte_timeout: time(timeouts.first_byte_timeout_ms),
            between_bytes_timeout: time(timeouts.between_bytes_timeout_ms),
        }
    }
}
