//! `spin.toml`, manifest version 2: its shape and what can be wrong with it.
//! <https://spinframework.dev/v3/manifest-reference>

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::composition::Source;
use crate::download::{self, Download};
use crate::variables::{VARIABLE_NAMES, is_variable_name};
use dependency::not_fetched;
pub(crate) use dependency::{Dependency, Inherited};

mod dependency;

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

/// By the kind of trigger.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ApplicationTriggers {
    pub http: ApplicationHttp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApplicationHttp {
    /// Spin reads it and has no use for it.
    base: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variable {
    pub description: Option<String>,
    pub default: Option<String>,
    pub required: bool,
    pub secret: bool,
}

#[derive(Debug, Deserialize)]
pub struct Triggers {
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    /// Those of other kinds, whose components something else serves.
    #[serde(flatten)]
    pub others: BTreeMap<String, IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[serde(default)]
    pub id: String,
    pub route: StringOr<PrivateRoute>,
    pub component: Option<StringOr<Component>>,
    /// Sent by the host where no component is asked.
    pub static_response: Option<StaticResponse>,
    pub executor: Option<Executor>,
    #[serde(default)]
    dependencies: TriggerDependencies,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TriggerDependencies {
    /// The first is asked first.
    middleware: Vec<Dependency>,
}

/// `static_response = { status_code = 404, body = "…" }`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StaticResponse {
    pub status_code: Option<u16>,
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivateRoute {
    pub private: bool,
}

/// How the component takes its requests.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Executor {
    #[serde(alias = "spin")]
    Http,
    /// As a CGI program.
    Wagi {
        #[serde(default = "default_argv")]
        argv: String,
        /// Without a use in a component.
        entrypoint: Option<String>,
    },
}

fn default_argv() -> String {
    "${SCRIPT_NAME} ${ARGS}".to_owned()
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub source: StringOr<Remote>,
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
    /// What came before `allowed_outbound_hosts`: hosts without a scheme.
    #[serde(default)]
    allowed_http_hosts: Vec<String>,
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    #[serde(default)]
    pub ai_models: Vec<String>,
    pub targets: Option<IgnoredAny>,
    pub build: Option<Build>,
    #[serde(default)]
    pub tool: Tools,
    pub dependencies_inherit_configuration: Option<bool>,
    #[serde(default)]
    dependencies: BTreeMap<String, StringOr<Dependency>>,
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
    /// Of its trigger.
    #[serde(skip)]
    middleware: Vec<Dependency>,
    /// The component that this one is but for its middleware.
    #[serde(skip)]
    pub copy_of: Option<String>,
}

/// `{ url = "https://…/a.wasm", digest = "sha256:…" }`, or a package.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    url: Option<String>,
    digest: Option<String>,
    package: Option<String>,
    #[expect(dead_code, reason = "packages are refused as such")]
    registry: Option<String>,
    #[expect(dead_code, reason = "packages are refused as such")]
    version: Option<String>,
}

/// `[component.ID.build]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    pub command: Commands,
    /// Relative to the manifest's directory.
    pub workdir: Option<String>,
    /// Globs of source files, relative to `workdir`.
    #[serde(default)]
    pub watch: Vec<String>,
}

/// One command line, or several that run one after the other.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Commands {
    One(String),
    Several(Vec<String>),
}

impl Commands {
    pub fn lines(&self) -> &[String] {
        match self {
            Self::One(line) => std::slice::from_ref(line),
            Self::Several(lines) => lines,
        }
    }
}

/// `[component.ID.profile.NAME]`: what differs when `--profile NAME` is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Profile {
    source: Option<StringOr<Remote>>,
    environment: BTreeMap<String, String>,
    dependencies: BTreeMap<String, StringOr<Dependency>>,
    build: Option<ProfileBuild>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileBuild {
    command: Commands,
}

/// `[component.ID.tool.NAME]`: what tools other than Spin want to know of a component.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Tools {
    #[serde(default, rename = "runtime-shim")]
    pub runtime_shim: Tool,
}

/// `[component.ID.tool.runtime-shim]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tool {
    /// The path to which `runtime-shim migrate` posts. Inside the process only, so no route
    /// should lead to it.
    pub migrate: Option<String>,
    /// Interfaces that this host lacks, which the component imports and never calls. Some
    /// toolchains import whatever their SDK knows.
    pub uncalled_imports: Vec<String>,
}

/// `{ source = "assets", destination = "/" }` in `files`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    pub source: String,
    pub destination: String,
}

/// A place where the manifest takes a string or a table. Unlike an untagged
/// enum it keeps the error of the table, with its key and line.
#[derive(Clone, Debug)]
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

/// The manifest that Spin takes for the file of a component, which answers every request.
fn single_component(file: &Path) -> Option<String> {
    if file.extension()? != "wasm" {
        return None;
    }
    let quoted = |text: &std::ffi::OsStr| Some(toml::Value::from(text.to_str()?).to_string());
    let (name, source) = (quoted(file.file_stem()?)?, quoted(file.file_name()?)?);
    Some(format!(
        "spin_manifest_version = 2\napplication = {{ name = {name} }}\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = {{ source = {source} }}\n"
    ))
}

/// Where the files are that a manifest names.
#[derive(Clone, Copy)]
pub(crate) struct Folders<'a> {
    /// Its own: paths are relative to it.
    pub(crate) manifest: &'a Path,
    /// For what it names by a URL.
    pub(crate) downloads: &'a Path,
}

impl Manifest {
    /// Reads and checks `file`, as it is under `profile`. Paths in it are relative to its
    /// directory.
    pub fn read(file: &Path, profile: Option<&str>) -> Result<Self> {
        let text = match single_component(file) {
            Some(text) => text,
            None => std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the manifest {}", file.display()))?,
        };
        let mut manifest = Self::parse(file, &text)?;
        manifest.complete(profile).with_context(|| file.display().to_string())?;
        Ok(manifest)
    }

    fn parse(file: &Path, text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            /// The first version called itself by this name too.
            #[serde(alias = "spin_version")]
            spin_manifest_version: Option<toml::Value>,
        }
        let version: Version = parse_toml(file, text)?;
        match version.spin_manifest_version {
            Some(toml::Value::Integer(2)) => {}
            Some(other) => bail!(
                "{}: spin_manifest_version is {other}; this host reads version 2, which `spin doctor` turns version 1 into",
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
        let mut unnamed = 0;
        for trigger in &mut self.trigger.http {
            let Some(StringOr::Table(_)) = &trigger.component else { continue };
            let id = match trigger.id.as_str() {
                "" => {
                    unnamed += 1;
                    format!("http-trigger{unnamed}-component")
                }
                id => format!("{id}-component"),
            };
            let inline = trigger.component.replace(StringOr::String(id.clone()));
            if let Some(StringOr::Table(component)) = inline {
                self.components.insert(id, *component);
            }
        }
    }

    fn complete(&mut self, profile: Option<&str>) -> Result<()> {
        if let Some(profile) = profile {
            self.apply(profile)?;
        }
        self.place_middleware()?;
        self.check()
    }

    /// Gives each component the middleware of its trigger. One that several triggers name becomes
    /// one more for each that has some, as in Spin.
    fn place_middleware(&mut self) -> Result<()> {
        let named: Vec<_> =
            self.trigger.http.iter().map(|it| it.component().map(str::to_owned)).collect();
        for (index, trigger) in self.trigger.http.iter_mut().enumerate() {
            let middleware = std::mem::take(&mut trigger.dependencies.middleware);
            if middleware.is_empty() {
                continue;
            }
            let Some(id) = &named[index] else {
                bail!("middleware stands before a component, and a trigger with some names none");
            };
            let Some(component) = self.components.get_mut(id) else { continue };
            if named.iter().flatten().filter(|other| *other == id).count() == 1 {
                if component.tool.runtime_shim.migrate.is_some() {
                    bail!(
                        "component `{id}`: its middleware would answer in place of `migrate`; give the component one more trigger, with route = {{ private = true }}"
                    );
                }
                component.middleware = middleware;
                continue;
            }
            let mut copy = Component { middleware, copy_of: Some(id.clone()), ..component.clone() };
            copy.tool.runtime_shim.migrate = None;
            let name = if check_id(&trigger.id).is_ok() {
                &*trigger.id
            } else {
                &format!("trigger{index}")
            };
            let copied = format!("{id}-for-{name}");
            trigger.component = Some(StringOr::String(copied.clone()));
            if self.components.insert(copied.clone(), copy).is_some() {
                bail!(
                    "component `{copied}`: `{id}` gets this id for a trigger with middleware; call this one otherwise"
                );
            }
        }
        Ok(())
    }

    /// The files of a component.
    pub(crate) fn source(&self, component: &Component, folders: Folders<'_>) -> Result<Source> {
        component.source(&self.components, folders)
    }

    /// Those of them that have to be fetched.
    pub(crate) fn downloads<'a>(
        &'a self,
        component: &'a Component,
        folders: Folders<'a>,
    ) -> impl Iterator<Item = Result<Download<'a>>> {
        component.remotes(&self.components).map(move |(url, digest)| {
            Ok(Download { url, digest, file: download::file(folders.downloads, digest)? })
        })
    }

    /// How `component`, which is called `id`, and its parts are built.
    pub fn builds<'a>(
        &'a self,
        id: &'a str,
        component: &'a Component,
    ) -> impl Iterator<Item = (&'a str, &'a Build)> {
        let own = component.copy_of.as_deref().unwrap_or(id);
        let ids = std::iter::once(own).chain(component.component_parts());
        ids.filter_map(|id| Some((id, self.components.get(id)?.build.as_ref()?)))
    }

    /// Not every component has to know `profile`, but one of them.
    fn apply(&mut self, profile: &str) -> Result<()> {
        let mut known = false;
        for component in self.components.values_mut() {
            let Some(changes) = component.profile.remove(profile) else { continue };
            known = true;
            component.environment.extend(changes.environment);
            component.dependencies.extend(changes.dependencies);
            if let Some(source) = changes.source {
                component.source = source;
            }
            if let Some(ProfileBuild { command }) = changes.build {
                match &mut component.build {
                    Some(build) => build.command = command,
                    none => *none = Some(Build { command, workdir: None, watch: Vec::new() }),
                }
            }
        }
        if !known {
            bail!("--profile {profile}: no component has this profile");
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let of_components = self.components.values().flat_map(|it| it.variables.keys());
        let mut names = self.variables.keys().chain(of_components);
        if let Some(name) = names.find(|name| !is_variable_name(name)) {
            bail!("variable `{name}`: {VARIABLE_NAMES}");
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
        let nowhere = Folders { manifest: Path::new(""), downloads: Path::new("") };
        for (id, component) in &self.components {
            let checked = match component.ai_models.first() {
                Some(model) => {
                    Err(anyhow!("ai_models: `{model}`: this host has no language models"))
                }
                None => self.source(component, nowhere),
            };
            checked.with_context(|| format!("component `{id}`"))?;
            check_id(id)?;
        }
        if !matches!(self.application.trigger.http.base.as_str(), "" | "/") {
            bail!(
                "application.trigger.http: `base` is no more than `/` since version 2; write it into each route"
            );
        }
        self.check_triggers()
    }

    /// What a component that is a program is called with.
    pub fn argv(&self, id: &str) -> Option<&str> {
        let own = |trigger: &&HttpTrigger| trigger.component() == Some(id);
        self.trigger.http.iter().find(own).and_then(HttpTrigger::argv)
    }

    fn check_triggers(&self) -> Result<()> {
        let mut routes = BTreeSet::new();
        for trigger in &self.trigger.http {
            let id = match (trigger.component(), &trigger.static_response) {
                (Some(id), None) => id,
                (None, Some(_)) => "static_response",
                _ => bail!("trigger.http needs either `component` or `static_response`"),
            };
            if trigger.component().is_some() && !self.components.contains_key(id) {
                bail!("trigger.http names component `{id}`, but there is no [component.{id}]");
            }
            if trigger.component().is_some() && trigger.argv() != self.argv(id) {
                bail!("component `{id}`: its triggers have different executors");
            }
            if let Some(Executor::Wagi { entrypoint: Some(entry), .. }) = &trigger.executor
                && entry != "_start"
            {
                bail!("component `{id}`: executor `wagi`: `entrypoint` is no longer supported");
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

impl HttpTrigger {
    /// The id of the component that answers, once inline ones have one.
    pub fn component(&self) -> Option<&str> {
        match &self.component {
            Some(StringOr::String(id)) => Some(id),
            _ => None,
        }
    }

    fn argv(&self) -> Option<&str> {
        match &self.executor {
            Some(Executor::Wagi { argv, .. }) => Some(argv),
            _ => None,
        }
    }
}

impl Component {
    /// Whether something stands before it that may answer in its place.
    pub(crate) fn has_middleware(&self) -> bool {
        !self.middleware.is_empty()
    }

    /// Peers that the component may talk to, with templates not yet filled in.
    pub fn outbound_hosts(&self) -> Vec<String> {
        let mut hosts = self.allowed_outbound_hosts.clone();
        for host in &self.allowed_http_hosts {
            hosts.extend(match host.as_str() {
                "insecure:allow-all" => ["http://*:*".to_owned(), "https://*:*".to_owned()],
                host => {
                    let host = host.trim_start_matches("http://").trim_start_matches("https://");
                    let host = host.trim_end_matches('/');
                    [format!("http://{host}"), format!("https://{host}")]
                }
            });
        }
        hosts
    }

    /// The wasm file.
    pub(crate) fn file(&self, folders: Folders<'_>) -> Result<PathBuf> {
        match &self.source {
            StringOr::String(path) => Ok(folders.manifest.join(path)),
            StringOr::Table(remote) => remote.file(folders).context("source"),
        }
    }
}

impl Remote {
    fn file(&self, folders: Folders<'_>) -> Result<PathBuf> {
        if let Some(package) = &self.package {
            bail!(not_fetched(package));
        }
        let (_, digest) = self.location().context("give both, `url` and `digest`")?;
        download::file(folders.downloads, digest)
    }

    /// Its URL and its digest.
    fn location(&self) -> Option<(&str, &str)> {
        Some((self.url.as_deref()?, self.digest.as_deref()?))
    }
}

/// Whether a component may be called so.
pub(crate) fn check_id(id: &str) -> Result<()> {
    let valid = id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !valid {
        bail!("component `{id}`: an id is letters, digits and -");
    }
    Ok(())
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

    fn folders() -> Folders<'static> {
        Folders { manifest: Path::new("/a"), downloads: Path::new("/downloads") }
    }

    fn error(text: &str) -> String {
        let file = Path::new("spin.toml");
        match Manifest::parse(file, text).and_then(|mut manifest| manifest.complete(None)) {
            Ok(()) => String::new(),
            Err(error) => format!("{error:#}"),
        }
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
    fn a_profile_changes_what_it_names() {
        let text = format!(
            "{GOOD}environment = {{ a = \"1\", b = \"1\" }}\n[component.hello.profile.debug]\n\
             source = \"debug.wasm\"\nenvironment = {{ b = \"2\" }}\nbuild.command = [\"make\", \"test\"]"
        );
        let mut manifest = Manifest::parse(Path::new("spin.toml"), &text).expect("parses");
        assert!(manifest.apply("other").is_err());
        manifest.apply("debug").expect("known");
        let hello = &manifest.components["hello"];
        assert_eq!(hello.file(folders()).expect("a file"), Path::new("/a/debug.wasm"));
        assert_eq!(hello.environment["a"], "1");
        assert_eq!(hello.environment["b"], "2");
        assert_eq!(hello.build.as_ref().expect("a command").command.lines(), ["make", "test"]);
    }

    #[test]
    fn a_component_has_the_middleware_of_its_trigger() {
        let text = format!(
            "{GOOD}build.command = \"make\"\n[[trigger.http]]\nroute = \"/loud\"\ncomponent = \"hello\"\n\
             dependencies.middleware = [{{ component = \"loud\" }}, {{ path = \"log.wasm\" }}]\n\
             [component.loud]\nsource = \"loud.wasm\"\nbuild.command = \"make loud\""
        );
        let mut manifest = Manifest::parse(Path::new("spin.toml"), &text).expect("parses");
        manifest.complete(None).expect("is right");
        let [plain, loud] = &manifest.trigger.http[..] else { panic!("two triggers") };
        assert_eq!(plain.component(), Some("hello"));
        let id = loud.component().expect("a component");
        let files = |id: &str| {
            let source = manifest.source(&manifest.components[id], folders()).expect("a source");
            source.files().map(Path::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(files("hello"), [Path::new("/a/hello.wasm")]);
        assert_eq!(files(id), ["/a/hello.wasm", "/a/loud.wasm", "/a/log.wasm"].map(Path::new));
        let alone =
            text.replacen("[[trigger.http]]\nroute = \"/...\"\ncomponent = \"hello\"\n", "", 1);
        let mut alone = Manifest::parse(Path::new("spin.toml"), &alone).expect("parses");
        alone.complete(None).expect("is right");
        assert_eq!(alone.trigger.http[0].component(), Some("hello"), "no copy is needed");
        assert!(alone.components["hello"].has_middleware());
        let builds: Vec<_> =
            manifest.builds(id, &manifest.components[id]).map(|(id, _)| id).collect();
        assert_eq!(builds, ["hello", "loud"]);
    }

    #[test]
    fn what_a_component_is_made_of_may_be_fetched() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let remote =
            |digit| format!("{{ url = \"http://b/{digit}\", digest = \"{}\" }}", digest(digit));
        let text = format!(
            "{}dependencies.\"a:b/c\" = {}\ndependencies.\"a:b/d\" = {{ component = \"part\" }}\n\
             [component.part]\nsource = {}\n[component.other]\nsource = {}\n",
            GOOD.replace("\"hello.wasm\"", &remote("1")),
            remote("2"),
            remote("3"),
            remote("4"),
        );
        let mut manifest = Manifest::parse(Path::new("spin.toml"), &text).expect("parses");
        manifest.complete(None).expect("is right");
        let hello = &manifest.components["hello"];
        let downloads: Vec<_> =
            manifest.downloads(hello, folders()).collect::<Result<_>>().expect("digests");
        let mut downloads: Vec<_> =
            downloads.iter().map(|it| (it.url, it.digest.to_owned(), &*it.file)).collect();
        downloads.sort();
        let source = manifest.source(hello, folders()).expect("a source");
        let files: BTreeSet<_> = source.files().collect();
        assert!(files.iter().all(|file| file.starts_with("/downloads")), "{files:?}");
        assert_eq!(downloads.iter().map(|(_, _, file)| *file).collect::<BTreeSet<_>>(), files);
        let locations = ["1", "2", "3"].map(|digit| (format!("http://b/{digit}"), digest(digit)));
        for ((url, digest, _), location) in downloads.iter().zip(&locations) {
            assert_eq!((*url, digest), (&*location.0, &location.1));
        }
        assert_eq!(downloads.len(), locations.len());
    }

    #[test]
    fn hosts_in_the_earlier_form_are_taken() {
        let text = format!("{GOOD}allowed_http_hosts = [\"example.com:8080\"]");
        let manifest = Manifest::parse(Path::new("spin.toml"), &text).expect("parses");
        let hosts = manifest.components["hello"].outbound_hosts();
        assert_eq!(hosts, ["http://example.com:8080", "https://example.com:8080"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(error(GOOD), "");
        let dependency = |value: &str| format!("{GOOD}dependencies.\"a:b/c\" = {value}\n");
        let source = |keys: &str| GOOD.replace("\"hello.wasm\"", &format!("{{ {keys} }}"));
        let trigger = |key: &str| GOOD.replace("component = ", &format!("{key}\ncomponent = "));
        let cases = [
            (GOOD.replace("\"hello\"", "{ source = \"x.wasm\", sauce = 1 }"), "`sauce`"),
            (GOOD.replace("= 2", "= 1"), "reads version 2"),
            (GOOD.replace("= 2", "= \"1\""), "is \"1\"; this host reads version 2"),
            (GOOD.replace("manifest_version = 2", "version = \"1\""), "reads version 2"),
            (GOOD.replace("\"hello\"", "\"other\""), "no [component.other]"),
            (
                format!("{GOOD}[[trigger.http]]\nroute = \"/...\"\ncomponent = \"hello\""),
                "declared twice",
            ),
            (format!("{GOOD}[variables]\nkey = {{ secret = true }}"), "needs `default`"),
            (format!("{GOOD}[variables]\nKey = {{ default = \"\" }}"), "lower-case"),
            (source("url = \"u\", digest = \"sha256:0\""), "digest `sha256:0`: sha256: and 64"),
            (source("url = \"u\""), "source: give both"),
            (source("package = \"a:b\", registry = \"r\""), "source: `a:b` is a package"),
            (source("path = \"a\""), "`path`"),
            (format!("{GOOD}[variables]\na_1 = {{ default = \"\" }}"), "`a_1`: a name is words"),
            (format!("{GOOD}variables.B = \"\""), "`B`: a name is words"),
            (GOOD.replace("= \"/...\"", "= 5"), "a string or a table"),
            (GOOD.replace("component = \"hello\"", ""), "either `component` or `static_response`"),
            (trigger("executor = { type = \"lambda\", argv = \"a\" }"), "`lambda`"),
            (trigger("executor = { type = \"wagi\", entrypoint = \"a\" }"), "`entrypoint`"),
            (trigger("dependencies.outerware = []"), "`outerware`"),
            (trigger("dependencies.middleware = [{ component = \"other\" }]"), "[component.other]"),
            (
                trigger("dependencies.middleware = [{ path = \"a.wasm\", export = \"a:b/c\" }]"),
                "`export` is for dependencies",
            ),
            (
                format!(
                    "{GOOD}[[trigger.http]]\nroute = \"/a\"\ncomponent = \"hello\"\nexecutor = {{ type = \"wagi\" }}"
                ),
                "different executors",
            ),
            (dependency("\"1\""), "dependency `a:b/c`: `a:b/c` is a package"),
            (dependency("{ url = \"u\", digest = \"d\" }"), "dependency `a:b/c`: digest `d`"),
            (dependency("{ url = \"u\" }"), "give both"),
            (dependency("{ path = \"a\", url = \"u\", digest = \"d\" }"), "one of `path`"),
            (dependency("{ path = \"a.wasm\", inherit_configuration = [\"x\"] }"), "`x` is no key"),
            (dependency("{ component = \"other\" }"), "no [component.other]"),
            (
                dependency(
                    "{ component = \"adder\" }\n[component.adder]\nsource = \"a\"\nfiles = [\"b\"]",
                ),
                "has `files`",
            ),
            (
                dependency("{ path = \"a.wasm\", inherit_configuration = true }")
                    + "dependencies_inherit_configuration = true",
                "choose one",
            ),
            (
                GOOD.replace(
                    "component = \"hello\"",
                    "static_response = {}\ndependencies.middleware = [{ path = \"a\" }]",
                ),
                "names none",
            ),
            (
                trigger("dependencies.middleware = [{ path = \"a\" }]")
                    + "tool.runtime-shim.migrate = \"/m\"",
                "in place of `migrate`",
            ),
            (
                trigger("id = \"b\"\ndependencies.middleware = [{ path = \"a\" }]")
                    + "[[trigger.http]]\nroute = \"/b\"\ncomponent = \"hello\"\n[component.hello-for-b]\nsource = \"b\"",
                "`hello-for-b`",
            ),
            (format!("{GOOD}ai_models = [\"llama\"]"), "`llama`"),
            (format!("{GOOD}[application.trigger.http]\nbase = \"/a\""), "into each route"),
        ];
        for (text, expected) in cases {
            assert!(error(&text).contains(expected), "{expected}: {}", error(&text));
        }
    }
}
