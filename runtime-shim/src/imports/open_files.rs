//! An end to the files and sockets that a guest has open at once: the process has some thousands of
//! them, and without one left nobody can connect.

use std::any::Any;

use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::types as files2;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{TcpSocket, UdpSocket};
use wasmtime_wasi::p3::bindings::filesystem::types as files3;
use wasmtime_wasi::p3::bindings::sockets::types as sockets3;
use wasmtime_wasi::sockets::{self, WasiSocketsView};

use crate::guest::Guest;

/// Takes the place of what `linker` has for these functions.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut files = linker.instance("wasi:filesystem/types@0.3.0")?;
    files
        .func_wrap_concurrent("[method]descriptor.open-at", |store: &Accessor<Guest>, asked| {
            Box::pin(open_at(store, asked))
        })?;
    let mut sockets = linker.instance("wasi:sockets/types@0.3.0")?;
    functions!(sockets, |guest|
        "[static]tcp-socket.create"(family: sockets3::IpAddressFamily) =>
            if has_room(guest) {
                told(sockets3::HostTcpSocket::create(&mut guest.sockets(), family))?
            } else {
                Err(sockets3::ErrorCode::OutOfMemory)
            };
    );
    async_functions!(sockets, |guest|
        "[static]udp-socket.create"(family: sockets3::IpAddressFamily) =>
            if has_room(guest) {
                told(sockets3::HostUdpSocket::create(&mut guest.sockets(), family).await)?
            } else {
                Err(sockets3::ErrorCode::OutOfMemory)
            };
    );
    let mut files = linker.instance("wasi:filesystem/types@0.2.12")?;
    async_functions!(files, |guest|
        "[method]descriptor.open-at"(
            from: Resource<Descriptor>, at: files2::PathFlags, path: String,
            how: files2::OpenFlags, flags: files2::DescriptorFlags
        ) =>
            if has_room(guest) {
                told(files2::HostDescriptor::open_at(&mut guest.filesystem(), from, at, path, how, flags).await)?
            } else {
                Err(files2::ErrorCode::InsufficientMemory)
            };
    );
    let mut sockets = linker.instance("wasi:sockets/tcp-create-socket@0.2.12")?;
    functions!(sockets, |guest|
        "create-tcp-socket"(family: IpAddressFamily) =>
            if has_room(guest) {
                told(tcp_create_socket::Host::create_tcp_socket(&mut guest.sockets(), family))?
            } else {
                Err(ErrorCode::NewSocketLimit)
            };
    );
    let mut sockets = linker.instance("wasi:sockets/udp-create-socket@0.2.12")?;
    async_functions!(sockets, |guest|
        "create-udp-socket"(family: IpAddressFamily) =>
            if has_room(guest) {
                told(udp_create_socket::Host::create_udp_socket(&mut guest.sockets(), family).await)?
            } else {
                Err(ErrorCode::NewSocketLimit)
            };
    );
    Ok(())
}

/// Whether a guest may open one more: of how many it has, its handles tell.
fn has_room(guest: &mut Guest) -> bool {
    let is_open = |entry: &&mut (dyn Any + Send)| {
        entry.is::<Descriptor>()
            || entry.is::<sockets::TcpSocket>()
            || entry.is::<sockets::UdpSocket>()
            || entry.is::<TcpSocket>()
            || entry.is::<UdpSocket>()
    };
    (guest.table.iter_mut().filter(is_open).count() as u64) < guest.component.limits.open_files
}

type OpenAt =
    (Resource<Descriptor>, files3::PathFlags, String, files3::OpenFlags, files3::DescriptorFlags);
type Opened = Result<Resource<Descriptor>, files3::ErrorCode>;

async fn open_at(
    store: &Accessor<Guest>,
    (from, at, path, how, flags): OpenAt,
) -> wasmtime::Result<(Opened,)> {
    if !store.with(|mut access| has_room(access.get())) {
        return Ok((Err(files3::ErrorCode::InsufficientMemory),));
    }
    let files = store.with_getter::<WasiFilesystem>(Guest::filesystem);
    let opened = <WasiFilesystem as files3::HostDescriptorWithStore<Guest>>::open_at(
        &files, from, at, path, how, flags,
    );
    Ok((told(opened.await)?,))
}

/// What the library answers, as the interface has it.
fn told<T, E>(result: Result<T, TrappableError<E>>) -> wasmtime::Result<Result<T, E>>
where
    E: std::error::Error + Send + Sync + 'static,
{
    result.map(Ok).or_else(|error| error.downcast().map(Err))
}
