//! Command line, environment, manifest and runtime config, read and checked
//! together: what the host is asked to do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::composition::Source;
use crate::guest_output::Printing;
use crate::limits::Limits;
use crate::manifest::{Build, Component, Folders, Manifest, StringOr, Triggers};
use crate::net::Address;
use crate::runtime_config::RuntimeConfig;
use crate::variables::{self, Variables};

/// Where Spin keeps an application's data, beside its manifest.
const STATE_DIR: &str = ".spin";
/// Where nobody else listens.
const DEFAULT_ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

/// Serves Spin applications on wasmtime.
#[derive(Parser)]
#[command(name = "runtime-shim", version)]
pub struct CommandLine {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serve an application.
    Up(Box<Up>),
    /// Have the components change the schemas of their databases to what they need.
    ///
    /// Asks each component that says where: `migrate = "/path"` in
    /// [component.ID.tool.runtime-shim] of the manifest.
    Migrate(Box<Application>),
    /// Print every limit, its default and its reason.
    Limits,
    /// Compile the component that comes from stdin, for a host that started this.
    #[command(hide = true)]
    Compile(Compile),
}

#[derive(Args)]
pub struct Compile {
    /// For messages.
    pub file: PathBuf,
    /// Where what was compiled is written.
    #[arg(long)]
    pub to: PathBuf,
    /// The largest memory of an instance, in bytes.
    #[arg(long)]
    pub memory: u64,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Up {
    #[command(flatten)]
    pub application: Application,
    /// Address to serve on; port 0 takes any free one.
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000", value_parser = resolved)]
    pub listen: SocketAddr,
    /// Address of /metrics, /ready and /live, or `off` [default: 127.0.0.1:9464, or the next port
    /// that is free].
    #[arg(long)]
    admin: Option<String>,
    /// Start on a public address even if secret variables are empty.
    #[arg(long)]
    allow_empty_secrets: bool,
    /// SQL to run on the database `default` before serving, or @FILE[:DATABASE].
    #[arg(long, value_name = "SQL")]
    pub sqlite: Vec<String>,
    /// Pair to set in the store `default` before serving.
    #[arg(long, value_name = "KEY=VALUE")]
    pub key_value: Vec<String>,
    /// Take the next port that is free, if that of --listen is not.
    #[arg(long)]
    pub find_free_port: bool,
    /// Build what is edited, as `build` in the manifest says, and serve it as soon as it is built.
    #[arg(short, long)]
    pub watch: bool,
}

/// What to run, and with which settings.
#[derive(Args)]
#[command(args_override_self = true)]
pub struct Application {
    /// The program that compiles in a process of its own; without one this process does.
    #[arg(skip)]
    pub compiler: Option<PathBuf>,
    /// The manifest, or the directory it lies in, or the .wasm file of a component.
    #[arg(short, long, aliases = ["file", "from-file"], default_value = "spin.toml")]
    from: PathBuf,
    /// Environment variable for every component, as NAME=VALUE.
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Application variable, as NAME=VALUE, or @FILE with TOML or JSON.
    #[arg(long, value_name = "NAME=VALUE")]
    variable: Vec<String>,
    /// Runtime config file: databases, variables providers, limits.
    #[arg(long, env = "RUNTIME_CONFIG_FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Directory of databases and compiled components [default: .spin beside the manifest].
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// Directory of compiled components, which several applications may share [default: compiled
    /// in the directory of the databases].
    #[arg(long, env = "RUNTIME_SHIM_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// Only these components.
    #[arg(short, long, env = "SPIN_COMPONENTS_TO_RETAIN", value_delimiter = ',')]
    component_id: Vec<String>,
    /// Build first, as `build` in the manifest says.
    #[arg(long, env = "SPIN_ALWAYS_BUILD", value_parser = BoolishValueParser::new())]
    pub build: bool,
    /// The largest memory of an instance, if the runtime config file says nothing of it.
    #[arg(long, value_name = "BYTES")]
    max_instance_memory: Option<u64>,
    /// The build profile whose sources and environment are taken.
    #[arg(long)]
    profile: Option<String>,
    /// Do not print what the components print.
    #[arg(short, long)]
    quiet: bool,
    /// Directory of a file for each component's stdout and stderr.
    #[arg(short = 'L', long, env = "SPIN_LOG_DIR")]
    log_dir: Option<PathBuf>,
    /// How the log is written, and what the components print.
    #[arg(long, value_enum, default_value_t, env = "RUNTIME_SHIM_LOG_FORMAT")]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Default, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// An object of JSON in each line.
    Json,
}

impl Command {
    /// How the log is written.
    pub fn log_format(&self) -> LogFormat {
        match self {
            Self::Up(up) => up.application.log_format,
            Self::Migrate(application) => application.log_format,
            Self::Limits | Self::Compile(_) => LogFormat::Text,
        }
    }
}

impl Up {
    /// The address of the admin listener, `None` where it is off.
    pub fn admin(&self) -> Result<Option<Address>> {
        let address = match self.admin.as_deref() {
            None => Address::next(DEFAULT_ADMIN),
            Some("off") => return Ok(None),
            Some(address) => {
                let like = || format!("`{address}`: an address like {DEFAULT_ADMIN}, or off");
                Address::reserve(resolved(address).with_context(like)?)
            }
        };
        address.map(Some)
    }

    /// Refuses to serve the public with a secret that is empty.
    pub fn check_secrets(&self, config: &Config) -> Result<()> {
        if self.allow_empty_secrets {
            return Ok(());
        }
        let used = config.used_variables();
        config.variables.check_secrets(&config.manifest.variables, &used, self.listen)
    }
}

/// The address of a name, such as `localhost:3000`; of several one of IPv4, as Spin has it.
fn resolved(address: &str) -> Result<SocketAddr> {
    let found: Vec<_> = address.to_socket_addrs()?.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().context("the name has no address")
}

pub struct Config {
    pub manifest: Manifest,
    /// Paths of the manifest are relative to it.
    pub directory: PathBuf,
    pub state_dir: PathBuf,
    pub cache_dir: PathBuf,
    /// Of code that the manifest names by its URL.
    downloads: PathBuf,
    pub compiler: Option<PathBuf>,
    pub runtime: RuntimeConfig,
    pub variables: Variables,
    pub environment: BTreeMap<String, String>,
    pub printing: Printing,
    /// The files that all this was read from.
    pub files: Vec<PathBuf>,
    component_ids: Vec<String>,
}

/// The environment variables that an application is served with. A container's are not those of
/// the process that runs it.
pub type Environment = BTreeMap<String, String>;

/// The largest memory of an instance in bytes. Spin has it too, and SpinKube sets it.
const INSTANCE_MEMORY: &str = "SPIN_MAX_INSTANCE_MEMORY";

impl Config {
    pub fn read(application: &Application, environment: &Environment) -> Result<Self> {
        let file = if application.from.is_dir() {
            application.from.join("spin.toml")
        } else {
            application.from.clone()
        };
        let manifest = Manifest::read(&file, application.profile.as_deref())?;
        let directory = file.parent().filter(|path| !path.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new(".")).to_owned();
        let mut runtime = application
            .runtime_config_file
            .as_deref()
            .map(RuntimeConfig::read)
            .transpose()?
            .unwrap_or_default();
        let memory = match (application.max_instance_memory, environment.get(INSTANCE_MEMORY)) {
            (None, Some(bytes)) => Some(
                bytes
                    .parse()
                    .with_context(|| format!("{INSTANCE_MEMORY}=`{bytes}`: a number of bytes"))?,
            ),
            (asked, _) => asked,
        };
        runtime.limits.memory_bytes = runtime.limits.memory_bytes.or(memory);
        let variables = Variables::resolve(
            &manifest.variables,
            &variables::from_arguments(&application.variable)?,
            &runtime.variables_provider,
            environment,
        )?;
        let state_dir = application
            .state_dir
            .clone()
            .or(runtime.state_dir.clone())
            .unwrap_or_else(|| directory.join(STATE_DIR));
        let cache_dir = application.cache_dir.clone().unwrap_or_else(|| state_dir.join("compiled"));
        let config = Self {
            directory,
            downloads: state_dir.join("downloads"),
            state_dir,
            cache_dir,
            compiler: application.compiler.clone(),
            variables,
            environment: variables_of_components(&application.env)?,
            printing: Printing {
                quiet: application.quiet,
                json: application.log_format == LogFormat::Json,
                directory: application.log_dir.clone().or(runtime.log_dir.clone()),
            },
            files: std::iter::once(file).chain(application.runtime_config_file.clone()).collect(),
            component_ids: application
                .component_id
                .iter()
                .map(|id| id.trim().to_owned())
                .filter(|id| !id.is_empty())
                .collect(),
            manifest,
            runtime,
        };
        if application.build {
            crate::watch::build(&config)?;
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if let Some(id) =
            self.component_ids.iter().find(|id| !self.manifest.components.contains_key(*id))
        {
            bail!("component `{id}` is asked for, but the manifest has no [component.{id}]");
        }
        let Triggers { http, others } = &self.manifest.trigger;
        if http.is_empty() {
            bail!("the manifest has no [[trigger.http]], which are the triggers of this host");
        }
        if let Some(kind) = others.keys().next()
            && self.component_ids.is_empty()
        {
            bail!(
                "trigger.{kind}: this host has `http`; name the components that it shall serve, with --component-id or SPIN_COMPONENTS_TO_RETAIN"
            );
        }
        if !self.component_ids.is_empty() && self.retained().next().is_none() {
            bail!("none of the components that are asked for has a [[trigger.http]]");
        }
        let limits = Limits::default().with_host(&self.runtime.limits);
        let mut missing = Vec::new();
        for (id, component) in self.retained() {
            let mut downloads = self.manifest.downloads(component, self.folders());
            let had = downloads.try_for_each(|download| download?.run(&limits));
            had.with_context(|| format!("component `{id}`"))?;
            let source = self.source(component)?;
            let absent = source.files().filter(|file| !file.is_file());
            missing.extend(
                absent.map(|file| format!("component `{id}`: there is no file {}", file.display())),
            );
        }
        if !missing.is_empty() {
            bail!("{} — build the application first", missing.join("; "));
        }
        Ok(())
    }

    /// The files that `component` is made of.
    pub(crate) fn source(&self, component: &Component) -> Result<Source> {
        self.manifest.source(component, self.folders())
    }

    fn folders(&self) -> Folders<'_> {
        Folders { manifest: &self.directory, downloads: &self.downloads }
    }

    /// How all that is served is built, by the components' ids.
    pub fn builds(&self) -> BTreeMap<&str, &Build> {
        self.retained().flat_map(|(id, component)| self.manifest.builds(id, component)).collect()
    }

    /// The variables that the served components use.
    fn used_variables(&self) -> BTreeSet<String> {
        let served = self.retained().map(|(_, component)| component);
        let templates = served.flat_map(|component| {
            component.variables.values().cloned().chain(component.outbound_hosts())
        });
        templates.flat_map(|template| variables::names(&template)).collect()
    }

    /// The components to serve: all that have a trigger, or of these the ones that were asked for.
    pub fn retained(&self) -> impl Iterator<Item = (&str, &Component)> {
        let triggers = &self.manifest.trigger.http;
        self.manifest.components.iter().map(|(id, component)| (id.as_str(), component)).filter(
            |(id, component)| {
                let copied = component.copy_of.as_deref();
                let wanted = self.component_ids.is_empty()
                    || self
                        .component_ids
                        .iter()
                        .any(|wanted| wanted == id || Some(&**wanted) == copied);
                wanted && triggers.iter().any(|trigger| trigger.component() == Some(*id))
            },
        )
    }

    /// Routes with their components, as declared.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.manifest.trigger.http.iter().filter_map(|trigger| {
            let route = match &trigger.route {
                StringOr::String(route) => route.as_str(),
                StringOr::Table(_) => "(private)",
            };
            let Some(component) = trigger.component() else {
                return Some((route, "static_response"));
            };
            self.retained().any(|(id, _)| id == component).then_some((route, component))
        })
    }
}

fn variables_of_components(arguments: &[String]) -> Result<BTreeMap<String, String>> {
    arguments
        .iter()
        .map(|argument| {
            let (name, value) = argument
                .split_once('=')
                .with_context(|| format!("--env `{argument}`: write NAME=VALUE"))?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_a_name() {
        let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);
        assert_eq!(resolved("localhost:3000").expect("an address"), local);
        assert!(resolved("localhost").is_err());
    }

    #[test]
    fn the_admin_listener_goes_where_nobody_listens_unless_it_is_told_where() {
        let up = |arguments: &[&str]| {
            let line = CommandLine::try_parse_from([&["runtime-shim", "up"], arguments].concat());
            let Command::Up(up) = line.expect("a command").command else { panic!("not up") };
            up
        };
        let taken = up(&[]).admin().expect("an address").expect("not off");
        let next = up(&[]).admin().expect("an address").expect("not off");
        assert_ne!(taken.get(), next.get());
        let told = taken.get().to_string();
        assert!(up(&["--admin", &told]).admin().is_err());
        assert!(up(&["--admin", "off"]).admin().expect("nothing").is_none());
    }
}
