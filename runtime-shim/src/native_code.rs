//! The one module with `unsafe`: wasmtime cannot check that bytes are native
//! code which it compiled itself. Here they always are, because `engine` writes
//! them into a directory that belongs to this user alone, under a name that
//! holds the hash of the component and of the engine's settings.
#![allow(unsafe_code)]

use std::path::Path;

use anyhow::Result;
use wasmtime::Engine;
use wasmtime::component::Component;

pub(crate) fn from_file(engine: &Engine, file: &Path) -> Result<Component> {
    // SAFETY: see the module.
    Ok(unsafe { Component::deserialize_file(engine, file) }?)
}

pub(crate) fn from_bytes(engine: &Engine, native: &[u8]) -> Result<Component> {
    // SAFETY: the bytes were compiled in this process a moment ago.
    Ok(unsafe { Component::deserialize(engine, native) }?)
}
