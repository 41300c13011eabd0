//! Turns a component's `openapi.yaml` into the JSON it serves, at build time.
//!
//! What every API answers alike (problems, lists, conditional requests) stands once, in
//! `shared.yaml`; a component's document refers to it as if it were its own.

use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

const SHARED: &str = include_str!("../shared.yaml");

/// For a build script: writes `$OUT_DIR/openapi.json` from `document`, a path in the
/// component's folder. Ends the build with the reason when the document is not sound.
pub fn embed(document: &str) {
    println!("cargo::rerun-if-changed={document}");
    if let Err(error) = write(document) {
        println!("cargo::error={document}: {error:#}");
    }
}

fn write(document: &str) -> Result<()> {
    let text = fs::read_to_string(document)?;
    let json = serde_json::to_vec(&merge(&text)?)?;
    let folder = env::var_os("OUT_DIR").context("OUT_DIR is set by cargo for build scripts")?;
    fs::write(Path::new(&folder).join("openapi.json"), json)?;
    Ok(())
}

/// The document with the shared components added. A name in both is a mistake, and so is a
/// reference to nothing.
pub fn merge(text: &str) -> Result<Value> {
    let mut document: Value = serde_saphyr::from_str(text)?;
    let shared: Value = serde_saphyr::from_str(SHARED)?;
    let components = object(object(&mut document)?.entry("components").or_insert_with(empty))?;
    for (kind, entries) in shared.as_object().context("shared.yaml is not a map")? {
        let own = object(components.entry(kind).or_insert_with(empty))?;
        for (name, entry) in entries.as_object().context("shared.yaml: not a map")? {
            if own.insert(name.clone(), entry.clone()).is_some() {
                bail!("components/{kind}/{name} stands in shared.yaml too");
            }
        }
    }
    check_references(&document, &document)?;
    Ok(document)
}

fn empty() -> Value {
    Value::Object(Map::new())
}

fn object(value: &mut Value) -> Result<&mut Map<String, Value>> {
    value.as_object_mut().context("not a map")
}

fn check_references(root: &Value, value: &Value) -> Result<()> {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap_or(reference);
                root.pointer(pointer).with_context(|| format!("{reference} refers to nothing"))?;
            }
            map.values().try_for_each(|value| check_references(root, value))
        }
        Value::Array(values) => values.iter().try_for_each(|value| check_references(root, value)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn shared_components_are_added() {
        let document = merge("openapi: 3.1.0\npaths: {}\n").unwrap();
        assert!(document.pointer("/components/schemas/Problem").is_some());
    }

    #[test]
    fn a_reference_to_nothing_is_refused() {
        let error = merge("paths:\n  /a:\n    $ref: '#/components/none'\n").unwrap_err();
        assert!(error.to_string().contains("refers to nothing"));
    }

    #[test]
    fn a_name_that_is_taken_is_refused() {
        let error = merge("components:\n  schemas:\n    Problem: {}\n").unwrap_err();
        assert!(error.to_string().contains("Problem"));
    }
}
