//! `spin.toml`, manifest version 2: its shape and what can be wrong with it.
//! <https://spinframework.dev/v3/manifest-reference>

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub spin_manifest_version: u32,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    pub trigger: Triggers,
    #[serde(default, rename = "component")]
    pub components: BTreeMap<String, Component>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub authors: Vec<String>,
    #[serde(default)]
    pub trigger: ApplicationTriggers,
    #[serde(default)]
    pub targets: Vec<IgnoredAny>,
    #[serde(default)]
    pub tool: BTreeMap<String, IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationTriggers {
    #[serde(default)]
    pub http: ApplicationHttp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationHttp {
    /// Prefix of every route.
    #[serde(default)]
    pub base: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub default: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub secret: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    pub http: Vec<HttpTrigger>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[serde(default)]
    pub id: String,
    pub route: StringOr<PrivateRoute>,
    pub component: StringOr<Component>,
    #[serde(default)]
    pub executor: Option<Executor>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivateRoute {
    pub private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Executor {
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub source: StringOr<BTreeMap<String, String>>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default)]
    pub files: Vec<StringOr<Placement>>,
    #[serde(default)]
    pub exclude_files: Vec<String>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    #[serde(default)]
    pub ai_models: Vec<String>,
    #[serde(default)]
    pub targets: Option<IgnoredAny>,
    #[serde(default)]
    pub build: Option<IgnoredAny>,
    #[serde(default)]
    pub tool: Tools,
    #[serde(default)]
    pub dependencies_inherit_configuration: Option<bool>,
    #[serde(default)]
    pub dependencies: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    pub profile: BTreeMap<String, IgnoredAny>,
}

/// `[component.ID.tool.NAME]`: what tools other than Spin want to know of a component.
#[derive(Debug, Default, Deserialize)]
pub struct Tools {
    #[serde(default, rename = "runtime-shim")]
    pub runtime_shim: Option<Tool>,
}

/// `[component.ID.tool.runtime-shim]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// The path to which `runtime-shim migrate` posts. Inside the process only, so no route
    /// should lead to it.
    pub migrate: String,
}

/// `{ source = "assets", destination = "/" }` in `files`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    pub source: String,
    pub destination: String,
}

/// A place where the manifest takes a string or a table. Unlike an untagged
/// enum it keeps the error of the table, with its key and line.
#[derive(Debug)]
pub enum StringOr<T> {
    String(String),
    Table(Box<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StringOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = StringOr<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a table")
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(StringOr::String(value.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
                    .map(|table| StringOr::Table(Box::new(table)))
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Parses TOML; an error is one line of file, line, column, key and cause.
pub(crate) fn parse_toml<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T> {
    let at = |span: Option<std::ops::Range<usize>>| {
        let before = text.get(..span.map_or(0, |span| span.start)).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("{}:{line}:{column}", file.display())
    };
    let one_line = |message: &str| message.lines().collect::<Vec<_>>().join(" ");
    let document = toml::Deserializer::parse(text)
        .map_err(|error| anyhow::anyhow!("{}: {}", at(error.span()), one_line(error.message())))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let key = error.path().to_string();
        let error = error.into_inner();
        anyhow::anyhow!("{}: in `{key}`: {}", at(error.span()), one_line(error.message()))
    })
}

impl Manifest {
    /// Reads and checks `file`. Paths in it are relative to its directory.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the manifest {}", file.display()))?;
        let manifest = Self::parse(file, &text)?;
        manifest.check().with_context(|| file.display().to_string())?;
        Ok(manifest)
    }

    fn parse(file: &Path, text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            spin_manifest_version: Option<toml::Value>,
        }
        let version: Version = parse_toml(file, text)?;
        match version.spin_manifest_version.as_ref().and_then(toml::Value::as_integer) {
            Some(2) => {}
            Some(other) => bail!(
                "{}: spin_manifest_version is {other}; this host reads version 2",
                file.display()
            ),
            None => bail!("{}: spin_manifest_version = 2 is missing", file.display()),
        }
        let mut manifest: Self = parse_toml(file, text)?;
        manifest.name_inline_components();
        Ok(manifest)
    }

    /// A component written inside its trigger gets an id of its own, as Spin does.
    fn name_inline_components(&mut self) {
        for (index, trigger) in self.trigger.http.iter_mut().enumerate() {
            if let StringOr::Table(_) = &trigger.component {
                let id = match trigger.id.as_str() {
                    "" => format!("inline-component{index}"),
                    id => format!("{id}-component"),
                };
                let inline =
                    std::mem::replace(&mut trigger.component, StringOr::String(id.clone()));
                if let StringOr::Table(component) = inline {
                    self.components.insert(id, *component);
                }
            }
        }
    }

    fn check(&self) -> Result<()> {
        for name in self.variables.keys() {
            let valid = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !valid {
                bail!("variable `{name}`: a name is lower-case letters, digits and _");
            }
        }
        for (name, variable) in &self.variables {
            match (variable.required, &variable.default) {
                (true, Some(_)) => {
                    bail!("variable `{name}` is required and has a default: choose one")
                }
                (false, None) => bail!("variable `{name}` needs `default` or `required = true`"),
                _ => {}
            }
        }
        for (id, component) in &self.components {
            component.check().with_context(|| format!("component `{id}`"))?;
            let valid = id.starts_with(|c: char| c.is_ascii_alphabetic())
                && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if !valid {
                bail!("component `{id}`: an id is letters, digits and -");
            }
        }
        self.check_triggers()
    }

    fn check_triggers(&self) -> Result<()> {
        let mut routes = BTreeSet::new();
        for trigger in &self.trigger.http {
            let StringOr::String(id) = &trigger.component else { continue };
            if !self.components.contains_key(id) {
                bail!("trigger.http names component `{id}`, but there is no [component.{id}]");
            }
            if let Some(executor) = &trigger.executor
                && !matches!(executor.kind.as_str(), "http" | "spin")
            {
                bail!(
                    "component `{id}`: executor `{}` is not supported, only `http`",
                    executor.kind
                );
            }
            match &trigger.route {
                StringOr::String(route) if !routes.insert(route.clone()) => {
                    bail!("route `{route}` is declared twice");
                }
                StringOr::Table(private) if !private.private => {
                    bail!("component `{id}`: route is a string or {{ private = true }}");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Component {
    fn check(&self) -> Result<()> {
        if let StringOr::Table(_) = &self.source {
            bail!("source is a URL or a registry package; this host takes a path of a local file");
        }
        if let Some(name) = self.dependencies.keys().next() {
            bail!(
                "dependency `{name}`: this host does not compose components; compose them when building"
            );
        }
        Ok(())
    }

    /// The wasm file, relative to the manifest's directory.
    pub fn source(&self, directory: &Path) -> PathBuf {
        match &self.source {
            StringOr::String(path) => directory.join(path),
            StringOr::Table(_) => PathBuf::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
spin_manifest_version = 2
[application]
name = "a"
[[trigger.http]]
route = "/..."
component = "hello"
[component.hello]
source = "hello.wasm"
"#;

    fn error(text: &str) -> String {
        let file = Path::new("spin.toml");
        match Manifest::parse(file, text).and_then(|manifest| manifest.check()) {
            Ok(()) => String::new(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn a_good_manifest_is_read() {
        assert_eq!(error(GOOD), "");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        let text = format!("{GOOD}alowed_outbound_hosts = []\n");
        let message = error(&text);
        assert!(message.starts_with("spin.toml:10:1: in `component.hello"), "{message}");
        assert!(message.contains("`alowed_outbound_hosts`"), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }

    #[test]
    fn an_unknown_key_of_an_inline_component_is_named() {
        let text = GOOD.replace("\"hello\"", "{ source = \"x.wasm\", sauce = 1 }");
        assert!(error(&text).contains("`sauce`"), "{}", error(&text));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            (GOOD.replace("= 2", "= 1"), "reads version 2"),
            (GOOD.replace("\"hello\"", "\"other\""), "no [component.other]"),
            (
                format!("{GOOD}[[trigger.http]]\nroute = \"/...\"\ncomponent = \"hello\""),
                "declared twice",
            ),
            (format!("{GOOD}[variables]\nkey = {{ secret = true }}"), "needs `default`"),
            (format!("{GOOD}[variables]\nKey = {{ default = \"\" }}"), "lower-case"),
            (GOOD.replace("\"hello.wasm\"", "{ url = \"u\", digest = \"d\" }"), "local file"),
            (GOOD.replace("[[trigger.http]]", "[[trigger.redis]]"), "`redis`"),
            (GOOD.replace("= \"/...\"", "= 5"), "a string or a table"),
        ];
        for (text, expected) in cases {
            assert!(error(&text).contains(expected), "{expected}: {}", error(&text));
        }
    }
}
