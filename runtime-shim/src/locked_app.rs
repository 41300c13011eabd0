//! Spin's image layout: an application "locked" into JSON, and a layer for each component and each
//! file that it has. It becomes a folder with a manifest, so that it is served like any other.
//!
//! Spin documents the layers' media types with `spin registry push`; the JSON is its `spin.lock`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use toml::Table;

use crate::files;
use crate::manifest::check_id;

/// The layer with the locked application.
pub const APPLICATION: &str = "application/vnd.fermyon.spin.application.v1+config";
/// A layer with the code of a component.
pub const COMPONENT: &str = "application/vnd.wasm.content.layer.v1+wasm";
/// A layer with a file that a component may read.
pub const FILE: &str = "application/vnd.wasm.content.layer.v1+data";

/// One layer of an image.
pub struct Layer<'a> {
    pub media_type: String,
    /// As `sha256:…`.
    pub digest: String,
    pub content: &'a [u8],
}

/// Writes the application into `folder`: `spin.toml` and all that it names.
pub fn unpack(layers: &[Layer<'_>], folder: &Path) -> Result<()> {
    let application =
        layers.iter().find(|layer| layer.media_type == APPLICATION).with_context(|| {
            format!("the image has no Spin application, no layer of type {APPLICATION}")
        })?;
    let locked: Locked = serde_json::from_slice(application.content)
        .context("the image's Spin application cannot be read")?;
    let contents = layers.iter().map(|layer| (layer.digest.as_str(), layer.content)).collect();
    let manifest = Unpacking { folder, contents }.manifest(locked)?;
    fs::write(folder.join("spin.toml"), manifest.to_string()).context("cannot write spin.toml")
}

#[derive(Deserialize)]
struct Locked {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    triggers: Vec<Trigger>,
    components: Vec<Component>,
}

/// It is written as `[application]`.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Metadata {
    name: String,
    version: String,
    description: String,
    #[serde(rename(serialize = "trigger"))]
    triggers: Triggers,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Triggers {
    http: TriggerSettings,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct TriggerSettings {
    base: String,
}

#[derive(Deserialize)]
struct Variable {
    default: Option<String>,
    #[serde(default)]
    secret: bool,
}

#[derive(Deserialize)]
struct Trigger {
    #[serde(default)]
    id: String,
    trigger_type: String,
    trigger_config: Map<String, Value>,
    /// Middleware of one that names no component.
    #[serde(default)]
    trigger_dependencies: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Component {
    id: String,
    #[serde(default)]
    metadata: ComponentMetadata,
    source: Content,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    files: Vec<File>,
    #[serde(default)]
    config: BTreeMap<String, String>,
    #[serde(default)]
    dependencies: BTreeMap<String, IgnoredAny>,
    /// Middleware.
    #[serde(default)]
    trigger_dependencies: BTreeMap<String, IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ComponentMetadata {
    allowed_outbound_hosts: Vec<String>,
    key_value_stores: Vec<String>,
    databases: Vec<String>,
    ai_models: Vec<String>,
}

/// Where a content is: in a layer, or, if it is small, in the application itself.
#[derive(Deserialize)]
struct Content {
    digest: Option<String>,
    inline: Option<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(flatten)]
    content: Content,
    path: String,
}

struct Unpacking<'a> {
    folder: &'a Path,
    /// By digest.
    contents: HashMap<&'a str, &'a [u8]>,
}

impl Unpacking<'_> {
    fn manifest(&self, locked: Locked) -> Result<Table> {
        let mut components = Map::new();
        for component in &locked.components {
            let id = &component.id;
            let table = self.component(component).with_context(|| format!("component `{id}`"))?;
            components.insert(id.clone(), table);
        }
        let mut triggers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for trigger in locked.triggers {
            let of_kind = triggers.entry(trigger.trigger_type.clone()).or_default();
            // Of those that something else serves it matters only that they are there.
            if trigger.trigger_type == "http" {
                of_kind.push(self::trigger(trigger)?);
            }
        }
        let variables: Map<_, _> = locked.variables.into_iter().map(variable).collect();
        Ok(Table::try_from(json!({
            "spin_manifest_version": 2,
            "application": locked.metadata,
            "variables": variables,
            "trigger": triggers,
            "component": components,
        }))?)
    }

    fn component(&self, component: &Component) -> Result<Value> {
        let Component { id, metadata, .. } = component;
        // Files are named by it.
        check_id(id)?;
        let mut parts = component.dependencies.keys().chain(component.trigger_dependencies.keys());
        if let Some(name) = parts.next() {
            bail!("it is not composed with its `{name}`; push it with --compose");
        }
        let (source, files) = (format!("{id}.wasm"), format!("files/{id}"));
        self.write(&source, &component.source)?;
        for File { content, path } in &component.files {
            self.write(&format!("{files}/{}", path.trim_start_matches('/')), content)?;
        }
        let placement = json!({ "source": files, "destination": "/" });
        Ok(json!({
            "source": source,
            "files": if component.files.is_empty() { vec![] } else { vec![placement] },
            "environment": component.env,
            "variables": component.config,
            "allowed_outbound_hosts": metadata.allowed_outbound_hosts,
            "key_value_stores": metadata.key_value_stores,
            "sqlite_databases": metadata.databases,
            "ai_models": metadata.ai_models,
        }))
    }

    /// A path of an image is no reason to write anywhere else.
    fn write(&self, name: &str, content: &Content) -> Result<()> {
        let file = files::below(self.folder, name)
            .with_context(|| format!("the file {name} leads out of the component's folder"))?;
        let bytes = match (&content.digest, &content.inline) {
            (_, Some(inline)) => {
                let decoded = STANDARD.decode(inline);
                Cow::from(decoded.with_context(|| format!("{name} is not base64"))?)
            }
            (Some(digest), None) => {
                let missing = || format!("the image has no layer {digest}, for {name}");
                Cow::from(*self.contents.get(digest.as_str()).with_context(missing)?)
            }
            (None, None) => bail!("{name} is nowhere in the image"),
        };
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))
    }
}

fn variable((name, Variable { default, secret }): (String, Variable)) -> (String, Value) {
    let declared = match default {
        Some(default) => json!({ "secret": secret, "default": default }),
        None => json!({ "secret": secret, "required": true }),
    };
    (name, declared)
}

fn trigger(trigger: Trigger) -> Result<Table> {
    let Trigger { id, mut trigger_config, trigger_dependencies, .. } = trigger;
    if let Some(name) = trigger_dependencies.keys().next() {
        bail!("trigger `{id}` is not composed with its `{name}`");
    }
    // TOML has no null.
    trigger_config.retain(|_, value| !value.is_null());
    let mut table = Table::try_from(trigger_config).with_context(|| format!("trigger `{id}`"))?;
    table.insert("id".into(), id.into());
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Folders, Manifest, StringOr};

    /// What `spin registry push` of Spin 4.1 makes of an application, shortened.
    const LOCKED: &str = r#"{
        "spin_lock_version": 1,
        "must_understand": ["host_requirements"],
        "metadata": {
            "name": "site", "version": "0.1.0", "authors": [],
            "trigger": {"type": "http"}, "triggers": {"http": {}}
        },
        "host_requirements": {"local_service_chaining": "required"},
        "variables": {"url": {"default": "sqlite:default"}, "key": {"secret": true}},
        "triggers": [
            {"id": "trigger-hello", "trigger_type": "http", "trigger_config": {"component": "hello", "route": "/...", "executor": null}}
        ],
        "components": [{
            "id": "hello",
            "metadata": {"allowed_outbound_hosts": ["http://x"], "databases": ["default"], "build": {"command": "make"}},
            "source": {"content_type": "application/wasm", "digest": "sha256:aa"},
            "env": {"LANGUAGE": "ko"},
            "files": [{"inline": "aGk=", "path": "/assets/a.txt"}, {"digest": "sha256:bb", "path": "b.txt"}],
            "config": {"url": "{{ url }}"}
        }]
    }"#;

    fn unpacked(locked: &str) -> Result<tempfile::TempDir> {
        let folder = tempfile::tempdir()?;
        let layer = |media_type: &str, digest: &str, content| Layer {
            media_type: media_type.to_owned(),
            digest: digest.to_owned(),
            content,
        };
        let layers = [
            layer(COMPONENT, "sha256:aa", b"code".as_slice()),
            layer(FILE, "sha256:bb", b"file"),
            layer(APPLICATION, "sha256:cc", locked.as_bytes()),
        ];
        unpack(&layers, folder.path()).map(|()| folder)
    }

    #[test]
    fn the_folder_is_an_application() {
        let folder = unpacked(LOCKED).expect("unpacked");
        let manifest = Manifest::read(&folder.path().join("spin.toml"), None).expect("a manifest");
        assert_eq!(manifest.application.name, "site");
        assert!(manifest.variables["key"].required && manifest.variables["key"].secret);
        assert_eq!(manifest.variables["url"].default.as_deref(), Some("sqlite:default"));
        let StringOr::String(route) = &manifest.trigger.http[0].route else { panic!("a route") };
        assert_eq!(route, "/...");
        let hello = &manifest.components["hello"];
        assert_eq!(hello.allowed_outbound_hosts, ["http://x"]);
        assert_eq!(hello.sqlite_databases, ["default"]);
        assert_eq!(hello.variables["url"], "{{ url }}");
        assert_eq!(hello.environment["LANGUAGE"], "ko");
        let code =
            manifest.source(hello, Folders { manifest: folder.path(), downloads: folder.path() });
        assert_eq!(fs::read(code.expect("a source").file).expect("code"), b"code");
        let files = files::mount(folder.path(), hello).expect("mounted").expect("files");
        let read = |name: &str| fs::read_to_string(files.path().join(name)).expect("a file");
        assert_eq!((read("assets/a.txt").as_str(), read("b.txt").as_str()), ("hi", "file"));
    }

    #[test]
    fn what_is_wrong_with_an_image_is_said() {
        for (right, wrong, expected) in [
            ("sha256:aa", "sha256:dd", "no layer sha256:dd"),
            ("/assets/a.txt", "../../a.txt", "leads out"),
            ("\"id\": \"hello\"", "\"id\": \"../hello\"", "letters, digits and -"),
            ("\"triggers\": [", "\"riggers\": [", "cannot be read"),
            ("\"inline\": \"aGk=\"", "\"source\": \"file:///a\"", "nowhere"),
            ("\"env\"", "\"dependencies\": {\"a:b/c\": {}}, \"env\"", "`a:b/c`"),
            (
                "\"trigger_type\"",
                "\"trigger_dependencies\": {\"middleware\": []}, \"trigger_type\"",
                "trigger `trigger-hello`",
            ),
            ("\"env\"", "\"trigger_dependencies\": {\"middleware\": []}, \"env\"", "`middleware`"),
        ] {
            let error = unpacked(&LOCKED.replace(right, wrong)).expect_err(expected);
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let error = unpack(&[], folder.path()).expect_err("no application");
        assert!(error.to_string().contains("no Spin application"), "{error}");
    }
}
