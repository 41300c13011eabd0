//! The interfaces that a component imports, but for what `wasmtime-wasi` offers as it is; one module
//! each.

/// Turns a value into that of another version or library, whose cases have the same names: first
/// those with a value, then those without, then what differs.
macro_rules! same_cases {
    ($value:expr, $from:ident => $to:ident: $($case:ident)*; $($empty:ident)*; $($rest:tt)*) => {
        match $value {
            $($from::$case(value) => $to::$case(value),)*
            $($from::$empty => $to::$empty,)*
            $($rest)*
        }
    };
}

/// Links functions by hand: name, parameters, and what is given back, or what is done where nothing
/// is. A `?` in there is for traps.
macro_rules! functions {
    ($interface:ident, |$guest:ident| $($name:literal($($parameter:ident: $type:ty),*)
        $($effect:block)? $(=> $value:expr)?;)*) => {
        $($interface.func_wrap(
            $name,
            |mut store: wasmtime::StoreContextMut<'_, crate::guest::Guest>,
             ($($parameter,)*): ($($type,)*)| {
                let $guest = store.data_mut();
                $($effect)?
                Ok(($($value,)?))
            },
        )?;)*
    };
}

/// The same for functions that wait.
macro_rules! async_functions {
    ($interface:ident, |$guest:ident| $($name:literal($($parameter:ident: $type:ty),*)
        $($effect:block)? $(=> $value:expr)?;)*) => {
        $($interface.func_wrap_async(
            $name,
            |mut store: wasmtime::StoreContextMut<'_, crate::guest::Guest>,
             ($($parameter,)*): ($($type,)*)| {
                Box::new(async move {
                    let $guest = store.data_mut();
                    $($effect)?
                    Ok(($($value,)?))
                })
            },
        )?;)*
    };
}

mod earlier;
mod key_value;
pub(crate) mod mysql;
mod open_files;
pub(crate) mod outbound_http;
mod postgres;
mod sqlite;
mod trappable_error;
mod variables;
mod wasi_limits;

use std::sync::Arc;

use anyhow::Result;
use wasmtime::Engine;
use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{
    Accessor, FutureReader, HasSelf, Lift, Linker, Lower, ResourceType, StreamReader,
};
use wasmtime_wasi_http::{WasiHttp, WasiHttpView, p2, p3};

use crate::app::Component;
use crate::core::Core;
use crate::guest::Guest;
use crate::held::{Held, TooMuch, Unread};
pub(crate) use key_value::{SCHEMA as KEY_VALUE_SCHEMA, SET as KEY_VALUE_SET};
use trappable_error::{InterfaceError, TrappableError};

/// Values and how they end.
type Stream<T, E> = (StreamReader<T>, FutureReader<Result<(), E>>);

/// What a function has that waits while other requests of its instance go on.
type GuestAccessor = Accessor<Guest, HasSelf<Guest>>;

/// Interfaces beyond WASI, by the names under which components import them.
const OFFERED: &[&str] = &[
    "spin:key-value/key-value@3.0.0",
    "spin:mysql/mysql@3.0.0",
    "spin:postgres/postgres@4.0.0",
    "spin:postgres/postgres@4.1.0",
    "spin:postgres/postgres@4.2.0",
    "spin:sqlite/sqlite@3.0.0",
    "spin:sqlite/sqlite@3.1.0",
    "spin:variables/variables@3.0.0",
];

/// Packages of WASI; of each, the releases 0.2 and 0.3, and the drafts that `drafts.rs` takes for
/// one of them.
const WASI: &[&str] = &["cli", "clocks", "filesystem", "http", "io", "random", "sockets"];

/// Everything that a component can import.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    p2::add_only_http_to_linker_async(linker)?;
    p3::bindings::http::types::add_to_linker::<_, WasiHttp>(linker, Guest::http)?;
    p3::bindings::http::client::add_to_linker::<_, outbound_http::OutboundHttp>(
        linker,
        Guest::http,
    )?;
    wit::Imports::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    earlier::add_to_linker(linker)?;
    linker.allow_shadowing(true);
    wasi_limits::add_to_linker(linker)?;
    open_files::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Whether there is an interface of this name in the linker.
pub(crate) fn is_offered(import: &str) -> bool {
    let wasi = || {
        let (package, rest) = import.strip_prefix("wasi:")?.split_once('/')?;
        let (_, version) = rest.split_once('@')?;
        let version = version.split('+').next()?;
        let released = version.starts_with("0.2.") || version.starts_with("0.3.");
        Some(WASI.contains(&package) && released && !version.contains('-'))
    };
    OFFERED.contains(&import)
        || earlier::offered().any(|offered| *offered == import)
        || wasi() == Some(true)
}

/// Whether there is nothing in `interface` that a host could lack.
pub(crate) fn are_types(engine: &Engine, interface: &types::ComponentInstance) -> bool {
    interface.exports(engine).all(|(_, exported)| matches!(exported.ty, ComponentItem::Type(_)))
}

/// An interface that this host lacks, whose functions trap. wasmtime's own
/// `define_unknown_imports_as_traps` would do so to all that is here in another version, too.
pub(crate) fn add_trap(
    linker: &mut Linker<Guest>,
    name: &str,
    interface: &types::ComponentInstance,
) -> Result<()> {
    let engine = linker.engine().clone();
    let mut instance = linker.instance(name)?;
    for (item, exported) in interface.exports(&engine) {
        match exported.ty {
            ComponentItem::ComponentFunc(function) => {
                let called = format!("{name}#{item} was called, which this host does not have");
                let trap = move || Err(wasmtime::Error::msg(called.clone()));
                if function.async_() {
                    instance.func_new_concurrent(item, move |_, _, _, _| {
                        Box::pin(std::future::ready(trap()))
                    })?;
                } else {
                    instance.func_new(item, move |_, _, _, _| trap())?;
                }
            }
            ComponentItem::Resource(_) => {
                instance.resource(item, ResourceType::host::<()>(), |_, _| Ok(()))?;
            }
            _ => {}
        }
    }
    Ok(())
}

impl Guest {
    /// Whose connections are opened, and where they are kept.
    fn owner(&self) -> (Arc<Core>, Arc<Component>) {
        (Arc::clone(&self.core), Arc::clone(&self.component))
    }
}

fn hold(accessor: &GuestAccessor, bytes: u64) -> Result<Held, TooMuch> {
    accessor.with(|mut access| access.get().held.hold(bytes))
}

/// Hands over `rows`, all of which are here, so that `end` is known before the guest reads one.
fn stream<T, E>(
    accessor: &GuestAccessor,
    rows: Vec<T>,
    held: Option<Held>,
    end: Result<(), E>,
) -> wasmtime::Result<Stream<T, E>>
where
    T: Lift + Lower + Unpin + Send + Sync + 'static,
    E: Lift + Lower + Send + Sync + 'static,
{
    accessor.with(|mut access| {
        let rows = StreamReader::new(&mut access, Unread::new(rows, held))?;
        Ok((rows, FutureReader::new(&mut access, async { wasmtime::error::Ok(end) })?))
    })
}

/// Generated from the WIT files in `wit/`.
#[allow(unreachable_pub, reason = "generated")]
pub(crate) mod wit {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "runtime-shim:host/imports",
        imports: {
            // Synchronous in WIT: other requests of the instance wait behind
            // them, which is why SDKs of today call the others.
            "spin:sqlite/sqlite.[static]connection.open": async | trappable,
            "spin:sqlite/sqlite.[method]connection.execute": async | trappable,
            "spin:postgres/postgres.[static]connection.open": async | trappable,
            "spin:postgres/postgres.[method]connection.query": async | trappable,
            "spin:postgres/postgres.[method]connection.execute": async | trappable,
            "spin:postgres/postgres.[method]connection-builder.build": async | trappable,
            default: trappable,
        },
        with: {
            "spin:sqlite/sqlite.connection": crate::imports::sqlite::Connection,
            "spin:postgres/postgres.connection": crate::imports::postgres::Connection,
            "spin:postgres/postgres.connection-builder": crate::imports::postgres::Builder,
            "spin:mysql/mysql.connection": crate::imports::mysql::Connection,
            "spin:key-value/key-value.store": crate::imports::key_value::OpenStore,
        },
        trappable_error_type: {
            "spin:key-value/key-value.error" =>
                crate::imports::TrappableError<spin::key_value::key_value::Error>,
            "spin:mysql/mysql.error" => crate::imports::TrappableError<spin::mysql::mysql::Error>,
            "spin:postgres/postgres.error" =>
                crate::imports::TrappableError<spin::postgres::postgres::Error>,
            "spin:sqlite/sqlite.error" =>
                crate::imports::TrappableError<spin::sqlite::sqlite::Error>,
        },
        require_store_data_send: true,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composition::capability;

    #[test]
    fn what_a_dependency_need_not_inherit_is_harmless() {
        let offered = OFFERED.iter().chain(earlier::offered());
        let harmless: Vec<_> = offered.filter(|name| capability(name).is_none()).collect();
        // Types, and what is of no use without a handler or a stream.
        let expected = [
            "fermyon:spin/rdbms-types@2.0.0",
            "fermyon:spin/http-types",
            "fermyon:spin/rdbms-types",
            "wasi:http/types@0.2.0-rc-2023-10-18",
            "wasi:io/poll@0.2.0-rc-2023-10-18",
            "wasi:io/streams@0.2.0-rc-2023-10-18",
        ];
        assert_eq!(harmless, expected.iter().collect::<Vec<_>>());
    }
}
