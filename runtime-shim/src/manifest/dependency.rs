//! What the manifest says of a component that becomes part of another one.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::{Component, Folders, StringOr};
use crate::composition::{self, Part, Source, is_capability};
use crate::download;

/// `{ path = "adder.wasm", inherit_configuration = true }`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dependency {
    /// The wasm file, relative to the manifest's directory.
    path: Option<String>,
    /// A component of the manifest, whose file it is.
    component: Option<String>,
    /// What provides the import, if it is called otherwise.
    export: Option<String>,
    /// Without it, nothing.
    inherit_configuration: Option<Inherited>,
    url: Option<String>,
    digest: Option<String>,
    package: Option<String>,
    version: Option<String>,
    #[expect(dead_code, reason = "packages are refused as such")]
    registry: Option<String>,
}

/// Which keys of a component hold for its dependency too.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(untagged, expecting = "expected true, false or a list of keys")]
pub(crate) enum Inherited {
    All(bool),
    Keys(Vec<String>),
}

impl Inherited {
    pub(crate) fn has(&self, key: &str) -> bool {
        match self {
            Self::All(all) => *all,
            Self::Keys(keys) => keys.iter().any(|inherited| inherited == key),
        }
    }

    fn check(&self) -> Result<()> {
        let Self::Keys(keys) = self else { return Ok(()) };
        match keys.iter().find(|key| !is_capability(key)) {
            Some(key) => bail!("inherit_configuration: `{key}` is no key that can be inherited"),
            None => Ok(()),
        }
    }
}

type Components = BTreeMap<String, Component>;

impl Component {
    /// The files that it is made of.
    pub(super) fn source(&self, components: &Components, folders: Folders<'_>) -> Result<Source> {
        let dependencies = self.dependencies.iter().map(|(name, dependency)| {
            self.dependency(name, dependency, components, folders)
                .with_context(|| format!("dependency `{name}`"))
        });
        let middleware = self.middleware.iter().map(|middleware| {
            ensure!(middleware.export.is_none(), "middleware: `export` is for dependencies");
            middleware.part(components, folders).context("middleware")
        });
        Ok(Source {
            file: self.file(folders)?,
            dependencies: dependencies.collect::<Result<_>>()?,
            middleware: middleware.collect::<Result<_>>()?,
        })
    }

    fn dependency(
        &self,
        name: &str,
        dependency: &StringOr<Dependency>,
        components: &Components,
        folders: Folders<'_>,
    ) -> Result<composition::Dependency> {
        let dependency = match dependency {
            StringOr::String(_version) => bail!(not_fetched(name)),
            StringOr::Table(dependency) => dependency,
        };
        let mut part = dependency.part(components, folders)?;
        if let Some(all) = self.dependencies_inherit_configuration {
            ensure!(
                dependency.inherit_configuration.is_none(),
                "it has `inherit_configuration`, and its component has `dependencies_inherit_configuration`: choose one"
            );
            part.inherited = Inherited::All(all);
        }
        let export = dependency.export.clone();
        Ok(composition::Dependency { name: name.to_owned(), export, part })
    }

    /// What it is composed with.
    fn parts(&self) -> impl Iterator<Item = &Dependency> {
        let dependencies = self.dependencies.values().filter_map(|dependency| match dependency {
            StringOr::String(_) => None,
            StringOr::Table(dependency) => Some(&**dependency),
        });
        dependencies.chain(&self.middleware)
    }

    /// The components of the manifest that it is composed with.
    pub(super) fn component_parts(&self) -> impl Iterator<Item = &str> {
        self.parts().filter_map(|part| part.component.as_deref())
    }

    /// The URLs and digests of what it is made of.
    pub(super) fn remotes<'a>(
        &'a self,
        components: &'a Components,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = self.component_parts().filter_map(|id| components.get(id));
        let sources = std::iter::once(self).chain(named).filter_map(|it| match &it.source {
            StringOr::String(_) => None,
            StringOr::Table(remote) => remote.location(),
        });
        sources.chain(self.parts().filter_map(Dependency::location))
    }

    /// The key that a component has in vain if it is part of another one, which has its own.
    fn key_without_effect(&self) -> Option<&'static str> {
        let Self { variables, environment, files, dependencies, .. } = self;
        let own = &self.tool.runtime_shim;
        let keys = [
            ("variables", variables.is_empty()),
            ("environment", environment.is_empty()),
            ("files", files.is_empty()),
            ("dependencies", dependencies.is_empty()),
            ("allowed_outbound_hosts", self.outbound_hosts().is_empty()),
            ("key_value_stores", self.key_value_stores.is_empty()),
            ("sqlite_databases", self.sqlite_databases.is_empty()),
            ("ai_models", self.ai_models.is_empty()),
            ("uncalled_imports", own.uncalled_imports.is_empty()),
            ("migrate", own.migrate.is_none()),
        ];
        keys.into_iter().find(|(_, empty)| !empty).map(|(key, _)| key)
    }
}

impl Dependency {
    fn part(&self, components: &Components, folders: Folders<'_>) -> Result<Part> {
        if let Some(package) = self.package.as_ref().or(self.version.as_ref()) {
            bail!(not_fetched(package));
        }
        ensure!(self.url.is_some() == self.digest.is_some(), "give both, `url` and `digest`");
        let file = match (&self.path, &self.component, self.location()) {
            (Some(path), None, None) => folders.manifest.join(path),
            (None, Some(id), None) => {
                let component =
                    components.get(id).with_context(|| format!("there is no [component.{id}]"))?;
                if let Some(key) = component.key_without_effect() {
                    bail!(
                        "component `{id}` has `{key}`, which has no effect in a part of another component"
                    );
                }
                component.file(folders)?
            }
            (None, None, Some((_, digest))) => download::file(folders.downloads, digest)?,
            _ => bail!("it has one of `path`, `component` and `url`"),
        };
        let inherited = self.inherit_configuration.clone().unwrap_or(Inherited::All(false));
        inherited.check()?;
        Ok(Part { file, inherited })
    }

    /// Its URL and its digest.
    fn location(&self) -> Option<(&str, &str)> {
        Some((self.url.as_deref()?, self.digest.as_deref()?))
    }
}

/// What is said of a package.
pub(super) fn not_fetched(package: &str) -> String {
    format!(
        "`{package}` is a package, and this host asks no registry: give the path of its file, or its `url` and `digest`"
    )
}
