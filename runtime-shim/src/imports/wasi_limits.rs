//! An end to what a guest has the libraries of WASI do for it.
//!
//! One call that waits for millions of things at once would hold up its thread. And a method, an
//! authority and the text of an error may be of any length there, and the host keeps those as long as
//! the guest keeps a handle: with a call's worth of bytes in each of its handles a guest would take
//! hundreds of gigabytes. Paths and headers have their ends in the library.

use std::future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::channel::oneshot;
use wasmtime::component::{Access, FutureConsumer, FutureReader, Linker, Resource, Source};
use wasmtime::{AsContextMut, StoreContextMut, ensure};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::io::poll::Host;
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p3::bindings::http::types as p3;
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{WasiHttp, WasiHttpView};

use crate::guest::Guest;
use crate::log;

/// RFC 9110 section 4.1 asks for 8,000 octets at least, of a whole address.
const LONGEST_BYTES: usize = 8_192;

type Store<'a> = StoreContextMut<'a, Guest>;
type Asked = Resource<p2::OutgoingRequest>;
/// How a guest says that it is done with a body.
type Ended = Result<(), p3::ErrorCode>;
/// WASI's answer to what it does not accept is an error without a reason.
type Set = wasmtime::Result<Result<(), ()>>;

/// Takes the place of what `linker` has for these functions.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:http/types@0.3.0")?;
    functions!(types, |guest|
        "[method]request.set-method"(this: Resource<Request>, method: p3::Method) => match &method {
            p3::Method::Other(text) if text.len() > LONGEST_BYTES => Err(()),
            _ => p3::HostRequest::set_method(&mut guest.http(), this, method)?,
        };
        "[method]request.set-authority"(request: Resource<Request>, text: Option<String>) =>
            if is_too_long(text.as_deref()) {
                Err(())
            } else {
                p3::HostRequest::set_authority(&mut guest.http(), request, text)?
            };
    );
    types.func_wrap("[static]request.consume-body", |mut store: Store<'_>, (request, ended)| {
        let ended = bounded(&mut store, ended)?;
        let access = Access::<_, WasiHttp>::new(store, Guest::http);
        Ok((<WasiHttp as p3::HostRequestWithStore<Guest>>::consume_body(access, request, ended)?,))
    })?;
    types.func_wrap(
        "[static]response.consume-body",
        |mut store: Store<'_>, (response, ended)| {
            let ended = bounded(&mut store, ended)?;
            let access = Access::<_, WasiHttp>::new(store, Guest::http);
            let response: Resource<Response> = response;
            Ok((<WasiHttp as p3::HostResponseWithStore<Guest>>::consume_body(
                access, response, ended,
            )?,))
        },
    )?;
    let mut io = linker.instance("wasi:io/poll@0.2.12")?;
    async_functions!(io, |guest|
        "poll"(pollables: Vec<Resource<DynPollable>>) => poll(guest, pollables).await?;
    );
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    functions!(types, |guest|
        "[method]outgoing-request.set-method"(request: Asked, method: p2::Method) =>
            set_method(guest, request, method)?;
        "[method]outgoing-request.set-authority"(request: Asked, text: Option<String>) =>
            set_authority(guest, request, text)?;
    );
    Ok(())
}

/// No list is longer than those of things that a guest may have.
pub(super) async fn poll(
    guest: &mut Guest,
    pollables: Vec<Resource<DynPollable>>,
) -> wasmtime::Result<Vec<u32>> {
    let most = guest.component.limits.handles;
    ensure!(pollables.len() as u64 <= most, "more than {most} things to wait for at once");
    Host::poll(&mut guest.table, pollables).await
}

pub(super) fn set_method(guest: &mut Guest, request: Asked, method: p2::Method) -> Set {
    match &method {
        p2::Method::Other(text) if text.len() > LONGEST_BYTES => Ok(Err(())),
        _ => p2::HostOutgoingRequest::set_method(&mut guest.http(), request, method),
    }
}

pub(super) fn set_authority(guest: &mut Guest, request: Asked, authority: Option<String>) -> Set {
    if is_too_long(authority.as_deref()) {
        return Ok(Err(()));
    }
    p2::HostOutgoingRequest::set_authority(&mut guest.http(), request, authority)
}

/// The same without what is too long of an error's text.
fn bounded(
    mut store: impl AsContextMut<Data = Guest>,
    ended: FutureReader<Ended>,
) -> wasmtime::Result<FutureReader<Ended>> {
    let (told, known) = oneshot::channel();
    ended.pipe(&mut store, Told(Some(told)))?;
    FutureReader::new(store, async {
        match known.await {
            Ok(ended) => wasmtime::error::Ok(ended),
            // The guest ends without a word.
            Err(oneshot::Canceled) => future::pending().await,
        }
    })
}

struct Told(Option<oneshot::Sender<Ended>>);

impl FutureConsumer<Guest> for Told {
    type Item = Ended;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'_, Guest>,
        mut source: Source<'_, Ended>,
        _: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut ended = None;
        source.read(&mut store, &mut ended)?;
        if let (Some(told), Some(ended)) = (self.0.take(), ended) {
            // Nobody waits for it any more, if this fails.
            let _ = told.send(ended.map_err(shortened));
        }
        Poll::Ready(Ok(()))
    }
}

fn shortened(error: p3::ErrorCode) -> p3::ErrorCode {
    let text = log::beginning(&error, LONGEST_BYTES as u64);
    // A character has four bytes at most.
    if text.len() + 4 < LONGEST_BYTES { error } else { p3::ErrorCode::InternalError(None) }
}

fn is_too_long(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.len() > LONGEST_BYTES)
}
