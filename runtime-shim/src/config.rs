//! Command line, environment, manifest and runtime config, read and checked
//! together: what the host is asked to do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::manifest::{Component, Manifest, StringOr};
use crate::runtime_config::RuntimeConfig;
use crate::variables::{self, Variables};

/// Where Spin keeps an application's data, beside its manifest.
const STATE_DIR: &str = ".spin";
const DEFAULT_ADMIN: &str = "127.0.0.1:9464";

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
    /// Print every limit, its default and its reason.
    Limits,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Up {
    /// The manifest, or the directory it lies in.
    #[arg(short, long, default_value = "spin.toml")]
    from: PathBuf,
    /// Address to serve on; port 0 takes any free one.
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Address of /metrics, /ready and /live, or `off`.
    #[arg(long, default_value = DEFAULT_ADMIN)]
    admin: String,
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
    /// Serve only these components.
    #[arg(short, long, env = "SPIN_COMPONENTS_TO_RETAIN", value_delimiter = ',')]
    component_id: Vec<String>,
    /// Do not print what the components print.
    #[arg(short, long)]
    quiet: bool,
    /// Start on a public address even if secret variables are empty.
    #[arg(long)]
    allow_empty_secrets: bool,
}

pub struct Config {
    pub manifest: Manifest,
    /// Paths of the manifest are relative to it.
    pub directory: PathBuf,
    pub state_dir: PathBuf,
    pub runtime: RuntimeConfig,
    pub variables: Variables,
    pub environment: BTreeMap<String, String>,
    pub listen: SocketAddr,
    pub admin: Option<SocketAddr>,
    pub quiet: bool,
    component_ids: Vec<String>,
}

impl Config {
    pub fn read(up: &Up) -> Result<Self> {
        let file = if up.from.is_dir() { up.from.join("spin.toml") } else { up.from.clone() };
        let manifest = Manifest::read(&file)?;
        let directory =
            file.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let runtime = up
            .runtime_config_file
            .as_deref()
            .map(RuntimeConfig::read)
            .transpose()?
            .unwrap_or_default();
        let variables = Variables::resolve(
            &manifest.variables,
            &variables::from_arguments(&up.variable)?,
            &runtime.variables_provider,
            &|name| std::env::var(name).ok(),
        )?;
        if !up.allow_empty_secrets {
            variables.check_secrets(&manifest.variables, up.listen)?;
        }
        let state_dir = up
            .state_dir
            .clone()
            .or(runtime.state_dir.clone())
            .unwrap_or_else(|| directory.join(STATE_DIR));
        let config = Self {
            directory: directory.to_owned(),
            state_dir,
            variables,
            environment: environment(&up.env)?,
            listen: up.listen,
            admin: admin(&up.admin)?,
            quiet: up.quiet,
            component_ids: up
                .component_id
                .iter()
                .map(|id| id.trim().to_owned())
                .filter(|id| !id.is_empty())
                .collect(),
            manifest,
            runtime,
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if let Some(id) =
            self.component_ids.iter().find(|id| !self.manifest.components.contains_key(*id))
        {
            bail!("component `{id}` is asked for, but the manifest has no [component.{id}]");
        }
        let missing = crate::app::missing_files(self);
        if !missing.is_empty() {
            bail!("{} — build the application first", missing.join("; "));
        }
        Ok(())
    }

    /// The components to serve: all, or those that were asked for.
    pub fn retained(&self) -> impl Iterator<Item = (&str, &Component)> {
        self.manifest.components.iter().map(|(id, component)| (id.as_str(), component)).filter(
            |(id, _)| {
                self.component_ids.is_empty()
                    || self.component_ids.iter().any(|wanted| wanted == id)
            },
        )
    }
}

impl Config {
    /// Routes with their components, as declared.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.manifest.trigger.http.iter().filter_map(|trigger| {
            let StringOr::String(component) = &trigger.component else { return None };
            let route = match &trigger.route {
                StringOr::String(route) => route.as_str(),
                StringOr::Table(_) => "(private)",
            };
            self.retained().any(|(id, _)| id == component).then_some((route, component.as_str()))
        })
    }
}

fn admin(argument: &str) -> Result<Option<SocketAddr>> {
    match argument {
        "off" => Ok(None),
        address => address.parse().map(Some).with_context(|| {
            format!("--admin `{address}`: an address like {DEFAULT_ADMIN}, or off")
        }),
    }
}

fn environment(arguments: &[String]) -> Result<BTreeMap<String, String>> {
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
