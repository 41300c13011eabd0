//! What components of earlier SDKs import: each interface is a thin layer over
//! the functions of the later one, so that there is one pool, one store and one
//! set of limits. Its functions are synchronous; while one waits, its whole
//! instance waits, and a WASI 0.2 component has an instance for each request.

/// As `async_functions`, for functions that fail with `$error`: a `?` is for that or for a trap.
macro_rules! fallible_functions {
    ($interface:ident, |$guest:ident| -> $error:ty: $($name:literal
        ($($parameter:ident: $type:ty),*) => $value:expr;)*) => {
        async_functions!($interface, |$guest| $($name($($parameter: $type),*) => {
            let done: Result<_, TrappableError<$error>> = async move { Ok($value) }.await;
            match done {
                Ok(value) => Ok(value),
                Err(error) => Err(error.into_error()?),
            }
        };)*);
    };
}

mod fermyon_spin;
mod postgres;
mod unversioned;
mod wasi_2023;
mod wasi_config;
mod wasi_keyvalue;

use wasmtime::component::{HasSelf, Linker, LinkerInstance, Resource, ResourceType};

use crate::guest::Guest;

type Interface<'a> = LinkerInstance<'a, Guest>;

/// Generated from the WIT files in `wit/earlier`.
#[allow(unreachable_pub, reason = "generated")]
mod wit {
    wasmtime::component::bindgen!({
        path: "wit/earlier",
        world: "runtime-shim:earlier/imports",
        imports: { default: async | trappable },
        with: {
            "spin:postgres/postgres.connection": crate::imports::postgres::Connection,
            "wasi:keyvalue/store.bucket": crate::imports::key_value::OpenStore,
            "wasi:keyvalue/atomics.cas": crate::imports::earlier::wasi_keyvalue::CompareAndSwap,
        },
        trappable_error_type: {
            "spin:postgres/postgres.error" =>
                crate::imports::TrappableError<spin::postgres::postgres::Error>,
            "wasi:keyvalue/store.error" =>
                crate::imports::TrappableError<wasi::keyvalue::store::Error>,
        },
        require_store_data_send: true,
    });
}

/// Types of interfaces that are linked by hand.
#[allow(unreachable_pub, reason = "generated")]
mod types {
    wasmtime::component::bindgen!({ path: "wit/earlier", world: "runtime-shim:earlier/types" });
}

const OFFERED: &[&str] = &[
    "fermyon:spin/key-value@2.0.0",
    "fermyon:spin/mysql@2.0.0",
    "fermyon:spin/postgres@2.0.0",
    "fermyon:spin/rdbms-types@2.0.0",
    "fermyon:spin/sqlite@2.0.0",
    "fermyon:spin/variables@2.0.0",
    "spin:postgres/postgres@3.0.0",
    "wasi:config/store@0.2.0-draft-2024-09-27",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft2",
    "wasi:keyvalue/store@0.2.0-draft2",
];

pub(super) fn offered() -> impl Iterator<Item = &'static &'static str> {
    OFFERED.iter().chain(unversioned::OFFERED).chain(wasi_2023::OFFERED)
}

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasi_2023::add_to_linker(linker)?;
    fermyon_spin::add_to_linker(linker)?;
    unversioned::add_to_linker(linker)?;
    wit::Imports::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

/// A resource whose end is that of its handle.
fn resource<T: Send + 'static>(interface: &mut Interface<'_>, name: &str) -> wasmtime::Result<()> {
    interface.resource(name, ResourceType::host::<T>(), |mut store, number| {
        store.data_mut().table.delete(Resource::<T>::new_own(number))?;
        Ok(())
    })
}
