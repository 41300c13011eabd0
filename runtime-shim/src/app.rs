//! The application as it runs: the manifest with everything resolved, checked
//! and compiled. Nothing in it changes while it serves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde::Serialize;
use tempfile::TempDir;
use wasmtime::Engine;
use wasmtime::component::{Component as Code, Linker};

use crate::allow_list::{AllowList, BlockedNetworks};
use crate::composition::Source;
use crate::config::Config;
use crate::engine::{self, Cache};
use crate::files;
use crate::guest::{self, Guest};
use crate::guest_output::GuestOutput;
use crate::handler::HandlerPre;
use crate::imports;
use crate::limits::Limits;
use crate::manifest::{self, StringOr};
use crate::metrics::{ComponentMetrics, Metrics};
use crate::otlp::Spans;
use crate::route::{Router, Target};
use crate::runtime_config::Store;
use crate::shared_cache::SharedCache;
use crate::sqlite::Database;
use crate::tls::{self, PeerTls};

pub struct App {
    /// What the host says of the application, in JSON.
    pub info: Bytes,
    pub engine: Engine,
    pub components: Vec<Arc<Component>>,
    pub router: Router,
    pub limits: Limits,
    pub metrics: Arc<Metrics>,
    pub spans: Option<Arc<Spans>>,
    pub blocked: BlockedNetworks,
}

pub struct Component {
    pub id: Arc<str>,
    /// Its place among those of the application.
    pub index: usize,
    pub limits: Limits,
    pub metrics: ComponentMetrics,
    pub allow_list: AllowList,
    pub peer_tls: Arc<PeerTls>,
    pub variables: HashMap<String, String>,
    pub environment: Vec<(String, String)>,
    /// Of a program, what it is called with.
    pub argv: Option<String>,
    pub shared_cache: SharedCache,
    /// Stdout and stderr.
    pub output: [GuestOutput; 2],
    pub files: Option<TempDir>,
    pub databases: HashMap<String, Arc<Database>>,
    pub stores: HashMap<String, Arc<Database>>,
    /// Set once: an instance's data refers back to its component.
    code: OnceLock<HandlerPre>,
}

impl Component {
    pub fn code(&self) -> Result<&HandlerPre> {
        self.code.get().context("the component is not linked")
    }

    /// Whether its instances take more than one request.
    pub(crate) fn is_reusable(&self) -> bool {
        self.code().is_ok_and(HandlerPre::is_reusable)
    }

    /// Closes the connections to its databases that nothing used for long.
    pub(crate) fn prune(&self) {
        self.databases.values().chain(self.stores.values()).for_each(|database| database.prune());
    }
}

impl App {
    /// Reads and compiles what `config` names. Counts and spans go on from one version to the next.
    pub fn build(
        config: &Config,
        metrics: &Arc<Metrics>,
        spans: Option<&Arc<Spans>>,
    ) -> Result<Self> {
        // Libraries take the default one, which a build that unites the features of other programs
        // leaves open. The second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let manifest = &config.manifest;
        let mut limits = Limits::default().with_host(&config.runtime.limits);
        // A copy has the limits of the component that it is one of.
        let declared = |id: &String| manifest.components.get(id).filter(|it| it.copy_of.is_none());
        let with_tls = config.runtime.client_tls.iter().flat_map(|tls| &tls.component_ids);
        let mut named = config.runtime.component.keys().chain(with_tls);
        if let Some(id) = named.find(|id| declared(id).is_none()) {
            bail!("runtime config: the manifest has no component `{id}`");
        }
        let blocked = BlockedNetworks::parse(&config.runtime.outbound_networking.block_networks)?;
        let tls = tls::load(&config.runtime.client_tls)?;
        let mut common =
            Common { config, limits: &limits, metrics, tls: &tls, databases: BTreeMap::new() };
        let mut components = Vec::new();
        for (id, declared) in config.retained() {
            let index = components.len();
            let component = common.component(index, id, declared);
            components.push(Arc::new(component.with_context(|| format!("component `{id}`"))?));
        }
        // What a component may have, the pool of all must have.
        let own = || components.iter().map(|component| &component.limits);
        let memory = own().map(|own| own.memory_bytes).max().unwrap_or(limits.memory_bytes);
        let elements = own().map(|own| own.table_elements).max();
        limits.table_elements = elements.unwrap_or(limits.table_elements);
        // On each thread, with one more whose answer is on its way.
        let needed: u64 = own().map(|own| own.instances.saturating_add(1)).sum();
        limits.max_instances = limits.max_instances.max(needed.saturating_mul(limits.threads()));
        let declared = |component: &Component| &manifest.components[&*component.id];
        let sources = components.iter().map(|component| config.source(declared(component)));
        let sources = sources.collect::<Result<Vec<_>>>()?;
        let parts = sources.iter().map(|source| source.files().count()).max().unwrap_or(1);
        let engine = engine::engine(&limits, memory, parts)?;
        let cache = Cache::open(config.cache_dir.clone(), config.compiler.clone(), memory);
        link(&engine, &cache, config, &components, &sources)?;
        Ok(Self {
            info: info(&manifest.application)?,
            engine,
            router: router(config, &components, metrics)?,
            components,
            limits,
            metrics: Arc::clone(metrics),
            spans: spans.cloned(),
            blocked,
        })
    }

    /// Whether the traces that start here are recorded.
    pub fn samples(&self) -> bool {
        self.spans.is_some()
    }

    pub fn component_index(&self, id: &str) -> Option<usize> {
        self.components.iter().position(|component| &*component.id == id)
    }
}

/// The table of the runtime config, the file that is the default, and what a new file has.
type Kind = (&'static str, &'static str, &'static str);

const SQLITE: Kind = ("sqlite_database", "sqlite_db.db", "");
const KEY_VALUE: Kind = ("key_value_store", "sqlite_key_value.db", imports::KEY_VALUE_SCHEMA);

/// What components have in common while they are made.
struct Common<'a> {
    config: &'a Config,
    limits: &'a Limits,
    metrics: &'a Metrics,
    tls: &'a tls::Loaded<'a>,
    /// Each file is opened once, however many components and names it has.
    databases: BTreeMap<PathBuf, Arc<Database>>,
}

impl Common<'_> {
    fn component(
        &mut self,
        index: usize,
        id: &str,
        declared: &manifest::Component,
    ) -> Result<Component> {
        let Self { config, limits, metrics, tls, .. } = *self;
        let runtime = &config.runtime;
        let named = declared.copy_of.as_deref().unwrap_or(id);
        let mut limits = match runtime.component.get(named) {
            Some(own) => limits.clone().with_component(&own.limits),
            None => limits.clone(),
        };
        if declared.has_middleware() {
            // What its component gave one client, it may refuse another.
            limits.shared_cache_bytes = 0;
        }
        let filled = |entry: &String| {
            let host = config.variables.fill(entry);
            host.with_context(|| format!("allowed_outbound_hosts: `{entry}`"))
        };
        let hosts = declared.outbound_hosts().iter().map(filled).collect::<Result<Vec<_>>>()?;
        let mut environment = declared.environment.clone();
        environment.extend(config.environment.clone());
        Ok(Component {
            id: id.into(),
            index,
            metrics: metrics.component(id),
            shared_cache: SharedCache::new(&limits),
            allow_list: AllowList::parse(&hosts)?,
            peer_tls: Arc::new(PeerTls::new(named, tls)),
            variables: config.variables.of_component(&declared.variables)?,
            environment: environment.into_iter().collect(),
            argv: config.manifest.argv(id).map(str::to_owned),
            output: GuestOutput::of(id, &config.printing, limits.log_line_bytes)?,
            files: files::mount(&config.directory, declared)?,
            databases: self.databases(
                &declared.sqlite_databases,
                &runtime.sqlite_database,
                SQLITE,
            )?,
            stores: self.databases(
                &declared.key_value_stores,
                &runtime.key_value_store,
                KEY_VALUE,
            )?,
            limits,
            code: OnceLock::new(),
        })
    }

    fn databases(
        &mut self,
        names: &[String],
        configured: &BTreeMap<String, Store>,
        (key, default, schema): Kind,
    ) -> Result<HashMap<String, Arc<Database>>> {
        names
            .iter()
            .map(|name| {
                let path = match configured.get(name) {
                    Some(Store::Spin { path: Some(path) }) => path.clone(),
                    Some(_) => self.config.state_dir.join(format!("{name}.db")),
                    None if name == "default" => self.config.state_dir.join(default),
                    None => bail!("`{name}`: write [{key}.{name}] into the runtime config file to say where it lies"),
                };
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let database = self.databases.entry(path.clone()).or_insert_with(|| {
                    let metrics = self.metrics.pool(&format!("sqlite/{file}"));
                    Database::new(path, schema, self.limits, metrics)
                });
                Ok((name.clone(), Arc::clone(database)))
            })
            .collect()
    }
}

fn link(
    engine: &Engine,
    cache: &Cache,
    config: &Config,
    components: &[Arc<Component>],
    sources: &[Source],
) -> Result<()> {
    let (linker, codes) = load(engine, cache, &sources.iter().collect())?;
    for (component, source) in components.iter().zip(sources) {
        let declared = &config.manifest.components[&*component.id];
        let uncalled = &declared.tool.runtime_shim.uncalled_imports;
        let code = codes[source]
            .as_ref()
            .map_err(|error| anyhow::anyhow!("{error:#}"))
            .and_then(|code| guest::link(&linker, code, uncalled, component.argv.is_some()))
            .with_context(|| format!("component `{}`", component.id))?;
        let _ = component.code.set(code);
    }
    Ok(())
}

type Loaded<'a> = HashMap<&'a Source, Result<Code>>;

/// Loads the files side by side, because reading and hashing them is most of a start.
fn load<'a>(
    engine: &Engine,
    cache: &Cache,
    sources: &BTreeSet<&'a Source>,
) -> Result<(Linker<Guest>, Loaded<'a>)> {
    std::thread::scope(|scope| {
        let loading: Vec<_> = sources
            .iter()
            .map(|&source| (source, scope.spawn(move || cache.load(engine, source))))
            .collect();
        let linker = guest::linker(engine)?;
        let loaded = loading.into_iter().map(|(source, thread)| {
            let code = thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("loading panicked")));
            (source, code)
        });
        Ok((linker, loaded.collect()))
    })
}

/// As Spin says it at `/.well-known/spin/info`.
fn info(application: &manifest::Application) -> Result<Bytes> {
    #[derive(Serialize)]
    struct Info<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        version: &'a str,
    }
    let info = Info { name: &application.name, version: &application.version };
    Ok(serde_json::to_vec_pretty(&info)?.into())
}

fn router(config: &Config, components: &[Arc<Component>], metrics: &Metrics) -> Result<Router> {
    let mut router = Router::default();
    for trigger in &config.manifest.trigger.http {
        let StringOr::String(route) = &trigger.route else { continue };
        let target = match (&trigger.static_response, trigger.component()) {
            (Some(response), _) => Target::fixed(response)
                .with_context(|| format!("route `{route}`: static_response"))?,
            (None, id) => {
                let found = components.iter().position(|component| Some(&*component.id) == id);
                let Some(index) = found else { continue };
                Target::Component(index)
            }
        };
        let metrics = metrics.route(trigger.component().unwrap_or("static_response"), route);
        router.add(route, target, metrics)?;
    }
    Ok(router)
}
