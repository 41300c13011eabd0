//! Components that are made of several: what one imports comes from its dependencies, and the
//! middleware of its trigger stands before it. They are composed as Spin does it, when they are
//! compiled.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use wac_graph::types::{Package, WorldId, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};
use wasmparser::Parser;

use crate::manifest::Inherited;
use crate::module;

/// Spin's own, whose exports refuse what a dependency does not inherit: see `adapters/README.md`.
const DENY: &[u8] = include_bytes!("../adapters/deny.wasm");

/// What middleware exports, and imports of what it stands before.
const HANDLER: &str = "wasi:http/handler@0.3.0";

/// The interfaces, of any version, that come with a key of the manifest. A dependency has those of
/// the keys that it inherits.
const CAPABILITIES: &[(&str, &[&str])] = &[
    ("ai_models", &["fermyon:spin/llm"]),
    (
        "allowed_outbound_hosts",
        &[
            "fermyon:spin/http",
            "fermyon:spin/mqtt",
            "fermyon:spin/mysql",
            "fermyon:spin/postgres",
            "fermyon:spin/redis",
            "spin:mqtt/mqtt",
            "spin:mysql/mysql",
            "spin:postgres/postgres",
            "spin:redis/redis",
            "wasi:http/client",
            "wasi:http/outgoing-handler",
            "wasi:sockets/ip-name-lookup",
            "wasi:sockets/tcp",
            "wasi:sockets/tcp-create-socket",
            "wasi:sockets/types",
            "wasi:sockets/udp",
            "wasi:sockets/udp-create-socket",
        ],
    ),
    ("environment", &["wasi:cli/environment"]),
    ("files", &["wasi:filesystem/preopens"]),
    (
        "key_value_stores",
        &["fermyon:spin/key-value", "spin:key-value/key-value", "wasi:keyvalue/store"],
    ),
    ("sqlite_databases", &["fermyon:spin/sqlite", "spin:sqlite/sqlite"]),
    (
        "variables",
        &[
            "fermyon:spin/config",
            "fermyon:spin/variables",
            "spin:variables/variables",
            "wasi:config/store",
        ],
    ),
];

/// Whether a dependency can inherit this key of the manifest.
pub(crate) fn is_capability(key: &str) -> bool {
    CAPABILITIES.iter().any(|(known, _)| *known == key)
}

/// The files that a component is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source {
    pub file: PathBuf,
    pub parts: Vec<Part>,
}

/// A component that becomes part of another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Part {
    pub role: Role,
    pub inherited: Inherited,
    pub file: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    /// Provides what the component imports under `name`, as its own `export`, or one that is called
    /// as the import is.
    Dependency { name: String, export: Option<String> },
    /// Is asked before the component is, and after the middleware that comes before it.
    Middleware,
}

/// What is in the files of a source.
pub(crate) struct Contents {
    own: Vec<u8>,
    parts: Vec<(Part, Vec<u8>)>,
}

impl Source {
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&*self.file).chain(self.parts.iter().map(|part| &*part.file))
    }

    pub(crate) fn read(&self) -> Result<Contents> {
        let read = |file: &Path| {
            std::fs::read(file)
                .with_context(|| format!("cannot read the component file {}", file.display()))
        };
        let parts = self.parts.iter().map(|part| Ok((part.clone(), read(&part.file)?)));
        Ok(Contents { parts: parts.collect::<Result<_>>()?, own: read(&self.file)? })
    }
}

impl Contents {
    /// Names what `composed` gives.
    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::digest(&self.own);
        for (Part { role, inherited, .. }, wasm) in &self.parts {
            let part = format!("{digest:x?} {role:?} {inherited:?} {:x?}", Sha256::digest(wasm));
            digest = Sha256::digest(part);
        }
        digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The component that they make, or what a component without parts is made of.
    pub(crate) fn composed(self) -> Result<Vec<u8>> {
        let (middleware, dependencies): (Vec<_>, Vec<_>) =
            self.parts.into_iter().partition(|(part, _)| part.role == Role::Middleware);
        let provided = with_dependencies(self.own, dependencies)?;
        with_middleware(provided, middleware)
    }
}

fn with_dependencies(own: Vec<u8>, dependencies: Vec<(Part, Vec<u8>)>) -> Result<Vec<u8>> {
    if dependencies.is_empty() {
        return Ok(own);
    }
    let mut graph = CompositionGraph::new();
    let own = Instance::of(&mut graph, "component", &own)?;
    let mut provided = BTreeMap::new();
    for (part, wasm) in dependencies {
        let Role::Dependency { name, export } = part.role else { continue };
        let provide = || {
            let imports = own.imports(&graph).into_iter().filter(|import| means(&name, import));
            let imports: Vec<_> = imports.collect();
            ensure!(!imports.is_empty(), "the component imports nothing of this name");
            let restrained = restrained(wasm, &part.inherited)?;
            let dependency = Instance::of(&mut graph, &name, &restrained)?;
            for import in imports {
                let export = export.as_deref().unwrap_or(&import);
                if let Some(other) = provided.insert(import.clone(), name.clone()) {
                    bail!("`{import}` comes from `{other}` already");
                }
                own.provide(&mut graph, &import, &dependency, export)?;
            }
            Ok(())
        };
        provide().with_context(|| format!("dependency `{name}`"))?;
    }
    own.encoded(&mut graph)
}

fn with_middleware(own: Vec<u8>, middleware: Vec<(Part, Vec<u8>)>) -> Result<Vec<u8>> {
    let mut composed = own;
    for (part, wasm) in middleware.into_iter().rev() {
        let compose = || {
            let mut graph = CompositionGraph::new();
            let next = Instance::of(&mut graph, "component", &composed)?;
            let restrained = restrained(wasm, &part.inherited)?;
            let before = Instance::of(&mut graph, "middleware", &restrained)?;
            before.provide(&mut graph, HANDLER, &next, HANDLER)?;
            before.encoded(&mut graph)
        };
        composed = compose().with_context(|| format!("middleware {}", part.file.display()))?;
    }
    Ok(composed)
}

/// The dependency with the adapter in place of what it does not inherit.
fn restrained(wasm: Vec<u8>, inherited: &Inherited) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let own = Instance::of(&mut graph, "dependency", &wasm)?;
    let denied = |import: &String| capability(import).is_some_and(|key| !inherited.has(key));
    let denied: Vec<_> = own.imports(&graph).into_iter().filter(denied).collect();
    if denied.is_empty() {
        return Ok(wasm);
    }
    let adapter = Instance::of(&mut graph, "deny", DENY)?;
    let refusals: Vec<_> = graph.types()[adapter.world].exports.keys().cloned().collect();
    for import in denied {
        let same = refusals.iter().find(|refusal| **refusal == import);
        let refusal =
            same.or_else(|| refusals.iter().find(|other| are_semver_compatible(other, &import)));
        refusal
            .context("there is nothing to take its place")
            .and_then(|refusal| own.provide(&mut graph, &import, &adapter, refusal))
            .with_context(|| {
                let key = capability(&import).unwrap_or_default();
                format!("`{import}` cannot be kept from it; inherit_configuration = [\"{key}\"] allows it")
            })?;
    }
    own.encoded(&mut graph)
}

/// The key of the manifest that `import` comes with.
fn capability(import: &str) -> Option<&'static str> {
    let (name, _) = import.split_once('@').unwrap_or((import, ""));
    let found = CAPABILITIES.iter().find(|(_, interfaces)| interfaces.contains(&name));
    found.map(|(key, _)| *key)
}

/// Whether a dependency called `foo:bar/baz@0.1.0`, `foo:bar/baz`, `foo:bar@0.1.0`, `foo:bar` or
/// `foo-bar` is what provides `import`.
fn means(name: &str, import: &str) -> bool {
    fn split(name: &str) -> (&str, Option<&str>, Option<&str>) {
        let (name, version) = name.split_once('@').map_or((name, None), |(n, v)| (n, Some(v)));
        let (package, interface) = name.split_once('/').map_or((name, None), |(p, i)| (p, Some(i)));
        (package, interface, version)
    }
    let (package, interface, version) = split(name);
    let (imported_package, imported_interface, imported_version) = split(import);
    package == imported_package
        && (interface.is_none() || interface == imported_interface)
        && (version.is_none() || version == imported_version)
}

/// An instance of a component in a graph.
struct Instance {
    node: NodeId,
    world: WorldId,
}

impl Instance {
    fn of(graph: &mut CompositionGraph, name: &str, wasm: &[u8]) -> Result<Self> {
        let wasm = module::component(wasm)?;
        // Of a file that ends too early, `Package` makes a panic.
        for payload in Parser::new(0).parse_all(&wasm) {
            payload?;
        }
        let package = Package::from_bytes(name, None, &*wasm, graph.types_mut())?;
        let world = package.ty();
        let package = graph.register_package(package)?;
        Ok(Self { node: graph.instantiate(package), world })
    }

    fn imports(&self, graph: &CompositionGraph) -> Vec<String> {
        graph.types()[self.world].imports.keys().cloned().collect()
    }

    /// Has `import` come from `export` of `other`.
    fn provide(
        &self,
        graph: &mut CompositionGraph,
        import: &str,
        other: &Self,
        export: &str,
    ) -> Result<()> {
        let exported = graph
            .alias_instance_export(other.node, export)
            .with_context(|| format!("it does not export `{export}`"))?;
        Ok(graph.set_instantiation_argument(self.node, import, exported)?)
    }

    /// A component that exports what this one does.
    fn encoded(&self, graph: &mut CompositionGraph) -> Result<Vec<u8>> {
        let exports: Vec<_> = graph.types()[self.world].exports.keys().cloned().collect();
        for export in exports {
            let exported = graph.alias_instance_export(self.node, &export)?;
            graph.export(exported, &export)?;
        }
        Ok(graph.encode(EncodeOptions::default())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_found_by_its_name() {
        for (name, import, expected) in [
            ("foo:bar/baz@0.1.0", "foo:bar/baz@0.1.0", true),
            ("foo:bar/baz", "foo:bar/baz@0.1.0", true),
            ("foo:bar/baz", "foo:bar/baz", true),
            ("foo:bar", "foo:bar/baz@0.1.0", true),
            ("foo:bar@0.1.0", "foo:bar/baz@0.1.0", true),
            ("foo-bar", "foo-bar", true),
            ("foo:bar/baz@0.1.0", "foo:bar/baz", false),
            ("foo:bar/baz", "foo:bar/bub@0.1.0", false),
            ("foo:bar", "foo:bub/bib", false),
            ("foo:bar@0.1.0", "foo:bar/baz", false),
            ("foo:bar/baz", "foo-bar", false),
            ("foo", "foo:bar/baz", false),
        ] {
            assert_eq!(means(name, import), expected, "{name} {import}");
        }
    }

    #[test]
    fn the_adapter_refuses_what_comes_with_a_key() -> Result<()> {
        let mut graph = CompositionGraph::new();
        let adapter = Instance::of(&mut graph, "deny", DENY)?;
        for export in graph.types()[adapter.world].exports.keys() {
            assert!(capability(export).is_some(), "{export}");
        }
        for (key, interfaces) in CAPABILITIES {
            for interface in *interfaces {
                assert_eq!(capability(&format!("{interface}@9.9.9")), Some(*key));
            }
        }
        Ok(())
    }
}
