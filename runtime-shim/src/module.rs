//! Core modules, which SDKs for wasm32-wasip1 build, made components.

use std::borrow::Cow;

use anyhow::{Context, Result};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as WASI, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{CustomSection, ImportSection, Module, RawSection};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, metadata};
use wit_parser::WorldKey;

/// How a core module begins; a component has another version.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// What a module of SDK 1 exports, before components had types.
const HANDLER: &str = "handle-http-request";

/// What a program exports.
const START: &str = "_start";

/// Spin's own, which turns what such a module imports and exports into `fermyon:spin`: see
/// `adapters/README.md`.
const SDK_1_ADAPTER: &[u8] = include_bytes!("../adapters/wasi_snapshot_preview1.spin.wasm");

/// `wasm`, made a component if it is none.
pub(crate) fn component(wasm: &[u8]) -> Result<Cow<'_, [u8]>> {
    if !wasm.starts_with(MODULE) {
        return Ok(Cow::Borrowed(wasm));
    }
    let encoder = ComponentEncoder::default().validate(true);
    let mut encoder = if exports(wasm, HANDLER)? {
        encoder.module(&with_one_import(wasm)?)?.adapter(WASI, &sdk_1_adapter()?)?
    } else if exports(wasm, START)? {
        encoder.module(wasm)?.adapter(WASI, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER)?
    } else {
        // As its `component-type` section says.
        encoder.module(wasm)?.adapter(WASI, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
    };
    Ok(Cow::Owned(encoder.encode()?))
}

fn exports(module: &[u8], name: &str) -> Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = payload? {
            for export in exports {
                if export?.name == name {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// The module with all that it imports coming from the adapter, as `module:name`.
fn with_one_import(module: &[u8]) -> Result<Vec<u8>> {
    let mut changed = Module::new();
    copy(module, &mut changed, |section, to| {
        let Payload::ImportSection(imports) = section else { return Ok(false) };
        let mut adapted = ImportSection::new();
        for import in imports.clone().into_imports() {
            let import = import?;
            let name = match import.module {
                WASI => import.name.to_owned(),
                other => format!("{other}:{}", import.name),
            };
            adapted.import(WASI, &name, RoundtripReencoder.entity_type(import.ty)?);
        }
        to.section(&adapted);
        Ok(true)
    })?;
    Ok(changed.finish())
}

/// The adapter with no more to export than a module that answers HTTP has.
fn sdk_1_adapter() -> Result<Vec<u8>> {
    let (adapter, mut types) = metadata::decode(SDK_1_ADAPTER)?;
    let adapter = adapter.context("the adapter has no types")?;
    let world = types.resolve.worlds.iter().find(|(_, world)| world.name == "reactor");
    let world = world.context("the adapter has no world `reactor`")?.0;
    let interfaces = &types.resolve.interfaces;
    types.resolve.worlds[world].exports.retain(|key, _| {
        matches!(key, WorldKey::Interface(id) if interfaces[*id].name.as_deref() == Some("inbound-http"))
    });
    let types = metadata::encode(&types.resolve, world, StringEncoding::UTF8, None)?;
    let section = CustomSection { name: "component-type:reactor".into(), data: types.into() };
    let mut typed = Module::new();
    copy(&adapter, &mut typed, |_, _| Ok(false))?;
    typed.section(&section);
    Ok(typed.finish())
}

/// Appends the sections of `module` to `to`, but for those that `change` writes in another way.
fn copy(
    module: &[u8],
    to: &mut Module,
    change: impl Fn(&Payload<'_>, &mut Module) -> Result<bool>,
) -> Result<()> {
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if !change(&payload, to)?
            && let Some((id, range)) = payload.as_section()
        {
            to.section(&RawSection { id, data: &module[range] });
        }
    }
    Ok(())
}
