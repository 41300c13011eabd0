//! The interfaces that a component imports beyond WASI, one module each.

mod key_value;
pub(crate) mod mysql;

pub(crate) mod outbound_http;
mod postgres;
mod sqlite;
mod variables;

pub(crate) use key_value::SCHEMA as KEY_VALUE_SCHEMA;

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
        require_store_data_send: true,
    });
}
