//! What a guest writes into the first line of a request that it makes.
//!
//! A path ends at 64 KiB, which the library of HTTP sees to. A method and an authority may be of
//! any length there, and the host keeps them as long as the guest keeps the request: with a call's
//! worth of bytes in each of its handles a guest would take hundreds of gigabytes.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p3::Request;
use wasmtime_wasi_http::p3::bindings::http::types as p3;

use crate::guest::Guest;

/// RFC 9110 section 4.1 asks for 8,000 octets at least, of a whole address.
const LONGEST_BYTES: usize = 8_192;

type Store<'a> = StoreContextMut<'a, Guest>;
type Asked = Resource<p2::OutgoingRequest>;
/// WASI's answer to what it does not accept is an error without a reason.
type Set = wasmtime::Result<Result<(), ()>>;

/// Takes the place of what `linker` has for these functions.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:http/types@0.3.0")?;
    types.func_wrap("[method]request.set-method", |mut store: Store<'_>, (request, method)| {
        Ok((set_method_of_0_3(&mut store, request, method)?,))
    })?;
    types.func_wrap("[method]request.set-authority", |mut store: Store<'_>, (request, text)| {
        Ok((set_authority_of_0_3(&mut store, request, text)?,))
    })?;
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: Store<'_>, (request, method)| Ok((set_method(&mut store, request, method)?,)),
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: Store<'_>, (request, text)| Ok((set_authority(&mut store, request, text)?,)),
    )
}

fn set_method_of_0_3(store: &mut Store<'_>, request: Resource<Request>, method: p3::Method) -> Set {
    match &method {
        p3::Method::Other(text) if text.len() > LONGEST_BYTES => Ok(Err(())),
        _ => p3::HostRequest::set_method(&mut store.data_mut().http(), request, method),
    }
}

fn set_authority_of_0_3(
    store: &mut Store<'_>,
    request: Resource<Request>,
    authority: Option<String>,
) -> Set {
    if is_too_long(authority.as_deref()) {
        return Ok(Err(()));
    }
    p3::HostRequest::set_authority(&mut store.data_mut().http(), request, authority)
}

pub(super) fn set_method(store: &mut Store<'_>, request: Asked, method: p2::Method) -> Set {
    match &method {
        p2::Method::Other(text) if text.len() > LONGEST_BYTES => Ok(Err(())),
        _ => p2::HostOutgoingRequest::set_method(&mut store.data_mut().http(), request, method),
    }
}

pub(super) fn set_authority(
    store: &mut Store<'_>,
    request: Asked,
    authority: Option<String>,
) -> Set {
    if is_too_long(authority.as_deref()) {
        return Ok(Err(()));
    }
    p2::HostOutgoingRequest::set_authority(&mut store.data_mut().http(), request, authority)
}

fn is_too_long(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.len() > LONGEST_BYTES)
}
