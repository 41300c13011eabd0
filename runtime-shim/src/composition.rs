//! Components that are made of several: what one imports comes from its dependencies, and the
//! middleware of its trigger stands before it. They are composed as Spin does it, when they are
//! compiled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use wac_graph::types::{ItemKind, Package, WorldId, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::manifest::Inherited;
use crate::{drafts, module};

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
        &[
            "fermyon:spin/key-value",
            "spin:key-value/key-value",
            "wasi:keyvalue/atomics",
            "wasi:keyvalue/batch",
            "wasi:keyvalue/store",
        ],
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

/// The key of the manifest that `import` comes with.
pub(crate) fn capability(import: &str) -> Option<&'static str> {
    let (name, _) = import.split_once('@').unwrap_or((import, ""));
    let found = CAPABILITIES.iter().find(|(_, interfaces)| interfaces.contains(&name));
    found.map(|(key, _)| *key)
}

/// The files that a component is made of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source {
    pub file: PathBuf,
    pub dependencies: Vec<Dependency>,
    /// The first is asked first.
    pub middleware: Vec<Part>,
}

/// What provides imports of a component.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Dependency {
    /// Means those imports.
    pub name: String,
    /// Without one, what is called as the import is.
    pub export: Option<String>,
    pub part: Part,
}

/// A component that becomes part of another one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Part {
    pub file: PathBuf,
    pub inherited: Inherited,
}

/// What is in the files of a source.
pub(crate) struct Contents<'a> {
    own: Vec<u8>,
    dependencies: Vec<(&'a Dependency, Vec<u8>)>,
    middleware: Vec<(&'a Part, Vec<u8>)>,
}

impl Source {
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let parts = self.dependencies.iter().map(|dependency| &dependency.part);
        let parts = parts.chain(&self.middleware).map(|part| &*part.file);
        std::iter::once(&*self.file).chain(parts)
    }

    pub(crate) fn read(&self) -> Result<Contents<'_>> {
        let dependencies = self.dependencies.iter().map(|it| Ok((it, read(&it.part.file)?)));
        let middleware = self.middleware.iter().map(|it| Ok((it, read(&it.file)?)));
        Ok(Contents {
            own: read(&self.file)?,
            dependencies: dependencies.collect::<Result<_>>()?,
            middleware: middleware.collect::<Result<_>>()?,
        })
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file)
        .with_context(|| format!("cannot read the component file {}", file.display()))
}

impl Contents<'_> {
    /// Names what `composed` gives.
    pub(crate) fn digest(&self) -> String {
        let own = hex(&self.own);
        if self.dependencies.is_empty() && self.middleware.is_empty() {
            return own;
        }
        let mut all = format!("{own} {} {CAPABILITIES:?}", hex(DENY));
        for (Dependency { name, export, part }, wasm) in &self.dependencies {
            all += &format!(" {name:?} {export:?} {:?} {}", part.inherited, hex(wasm));
        }
        for (part, wasm) in &self.middleware {
            all += &format!(" {:?} {}", part.inherited, hex(wasm));
        }
        hex(all.as_bytes())
    }

    /// The component that they make, or what a component without parts is made of.
    pub(crate) fn composed(self) -> Result<Vec<u8>> {
        let mut composed = self.own;
        if !self.dependencies.is_empty() {
            composed = with_dependencies(&composed, &self.dependencies)?;
        }
        for (part, wasm) in self.middleware.iter().rev() {
            composed = with_middleware(&composed, wasm, &part.inherited)
                .with_context(|| format!("middleware {}", part.file.display()))?;
        }
        Ok(composed)
    }
}

/// The SHA-256 of `content`, which names it in caches and manifests.
pub(crate) fn hex(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn with_dependencies(own: &[u8], dependencies: &[(&Dependency, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let own = Instance::of(&mut graph, "component", own)?;
    let mut provided = BTreeMap::new();
    for (Dependency { name, export, part }, wasm) in dependencies {
        let mut provide = || {
            let imports = own.imports(&graph).filter(|import| means(name, import));
            let imports: Vec<_> = imports.map(str::to_owned).collect();
            ensure!(!imports.is_empty(), "the component imports nothing of this name");
            let dependency = Instance::restrained(&mut graph, name, wasm, &part.inherited)?;
            for import in imports {
                if let Some(other) = provided.insert(import.clone(), name) {
                    bail!("`{import}` comes from `{other}` already");
                }
                let export = export.as_deref().unwrap_or(&import);
                let exported = dependency.exports(&graph).any(|exported| exported == export);
                ensure!(exported, "it does not export `{export}`");
                own.provide(&mut graph, &import, &dependency, export)?;
            }
            Ok(())
        };
        provide().with_context(|| format!("dependency `{name}`"))?;
    }
    let exports: Vec<_> = own.exports(&graph).map(str::to_owned).collect();
    own.encoded(&mut graph, &exports)
}

fn with_middleware(own: &[u8], middleware: &[u8], inherited: &Inherited) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let next = Instance::of(&mut graph, "component", own)?;
    let before = Instance::restrained(&mut graph, "middleware", middleware, inherited)?;
    let import = handler(before.imports(&graph));
    let import = import.with_context(|| format!("it does not import {HANDLER}"))?;
    let export = handler(next.exports(&graph)).with_context(|| {
        format!("what it stands before does not export {HANDLER}, as a component of WASI 0.3 does")
    })?;
    before.provide(&mut graph, &import, &next, &export)?;
    let own = handler(before.exports(&graph));
    let own = own.with_context(|| format!("it does not export {HANDLER}"))?;
    before.encoded(&mut graph, &[own])
}

/// What of these names is that of the handler, which may be a draft.
fn handler<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<String> {
    names.find(|name| are_semver_compatible(name, HANDLER)).map(str::to_owned)
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
        let mut wasm = module::component(wasm)?.into_owned();
        drafts::take_over(&mut wasm)?;
        // Names of packages are the graph's own, and no two may be equal.
        let name = format!("{name} {}", graph.packages().count());
        let package = Package::from_bytes(&name, None, wasm, graph.types_mut())?;
        let world = package.ty();
        let package = graph.register_package(package)?;
        Ok(Self { node: graph.instantiate(package), world })
    }

    /// One with the adapter's exports in place of what it imports and does not inherit.
    fn restrained(
        graph: &mut CompositionGraph,
        name: &str,
        wasm: &[u8],
        inherited: &Inherited,
    ) -> Result<Self> {
        let own = Self::of(graph, name, wasm)?;
        let denied = |import: &str| {
            let key = capability(import).filter(|key| !inherited.has(key))?;
            own.calls(graph, import).then(|| (import.to_owned(), key))
        };
        let denied: Vec<_> = own.imports(graph).filter_map(denied).collect();
        if denied.is_empty() {
            return Ok(own);
        }
        let adapter = Self::of(graph, "deny", DENY)?;
        let refusals: Vec<_> = adapter.exports(graph).map(str::to_owned).collect();
        for (import, key) in denied {
            refusals
                .iter()
                .find(|refusal| are_semver_compatible(refusal, &import))
                .context("nothing takes its place")
                .and_then(|refusal| own.provide(graph, &import, &adapter, refusal))
                .with_context(|| {
                    format!("`{import}` cannot be kept from it; inherit_configuration = [\"{key}\"] allows it")
                })?;
        }
        Ok(own)
    }

    fn imports<'a>(&self, graph: &'a CompositionGraph) -> impl Iterator<Item = &'a str> {
        graph.types()[self.world].imports.keys().map(String::as_str)
    }

    fn exports<'a>(&self, graph: &'a CompositionGraph) -> impl Iterator<Item = &'a str> {
        graph.types()[self.world].exports.keys().map(String::as_str)
    }

    /// Whether there is something to call in `import`, not only types.
    fn calls(&self, graph: &CompositionGraph, import: &str) -> bool {
        match graph.types()[self.world].imports.get(import) {
            Some(ItemKind::Instance(interface)) => {
                let mut items = graph.types()[*interface].exports.values();
                items.any(|item| !matches!(item, ItemKind::Type(_)))
            }
            _ => true,
        }
    }

    /// Has `import` come from `export` of `other`.
    fn provide(
        &self,
        graph: &mut CompositionGraph,
        import: &str,
        other: &Self,
        export: &str,
    ) -> Result<()> {
        let exported = graph.alias_instance_export(other.node, export)?;
        Ok(graph.set_instantiation_argument(self.node, import, exported)?)
    }

    /// A component that exports what this one does under these names.
    fn encoded(&self, graph: &mut CompositionGraph, exports: &[String]) -> Result<Vec<u8>> {
        for export in exports {
            let exported = graph.alias_instance_export(self.node, export)?;
            graph.export(exported, export)?;
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
    fn the_adapter_refuses_what_comes_with_a_key_and_nothing_else() -> Result<()> {
        let mut graph = CompositionGraph::new();
        let adapter = Instance::of(&mut graph, "deny", DENY)?;
        for export in adapter.exports(&graph) {
            assert!(capability(export).is_some(), "{export}");
        }
        Ok(())
    }

    /// What the adapter provides of these imports of a dependency that inherits nothing.
    fn provided(imports: &str) -> Result<Vec<String>> {
        let wasm = wat::parse_str(format!("(component {imports})"))?;
        let mut graph = CompositionGraph::new();
        let own = Instance::restrained(&mut graph, "part", &wasm, &Inherited::All(false))?;
        let provided = graph.get_instantiation_arguments(own.node);
        Ok(provided.map(|(import, _)| import.to_owned()).collect())
    }

    const GET_ENVIRONMENT: &str =
        "(instance (export \"get-environment\" (func (result (list (tuple string string))))))";

    #[test]
    fn what_can_be_called_and_is_not_inherited_comes_from_the_adapter() -> Result<()> {
        for (version, changed) in [
            ("0.2.0", "0.2.0"),
            ("0.2.6", "0.2.6"),
            ("0.2.0-rc-2023-11-10", "0.2.0+rc-2023-11-10"),
            ("0.3.0", "0.3.0"),
        ] {
            let import = format!("(import \"wasi:cli/environment@{version}\" {GET_ENVIRONMENT})");
            assert_eq!(provided(&import)?, [format!("wasi:cli/environment@{changed}")]);
        }
        let harmless = "(import \"wasi:sockets/types@0.3.0\" (instance (type $t (enum \"a\")) (export \"t\" (type (eq $t)))))\
                        (import \"wasi:clocks/monotonic-clock@0.2.6\" (instance (export \"now\" (func (result u64)))))";
        assert!(provided(harmless)?.is_empty());
        for unknown in ["wasi:sockets/types@0.3.0", "wasi:keyvalue/batch@0.2.0-draft2"] {
            let import = format!("(import \"{unknown}\" (instance (export \"f\" (func))))");
            let error = format!("{:#}", provided(&import).expect_err("it cannot be kept"));
            assert!(error.contains(unknown) && error.contains("inherit_configuration"), "{error}");
        }
        Ok(())
    }

    #[test]
    fn half_a_file_is_no_component() {
        for length in [0, 4, 100, DENY.len() - 1] {
            let mut graph = CompositionGraph::new();
            assert!(Instance::of(&mut graph, "part", &DENY[..length]).is_err(), "{length}");
        }
    }
}
