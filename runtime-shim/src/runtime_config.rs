//! The runtime config file (`--runtime-config-file`): Spin's TOML, as far as
//! this host has the things it configures, and our limits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use http::uri::Authority;
use serde::Deserialize;

use crate::limits::{ComponentOverrides, HostOverrides};
use crate::manifest::parse_toml;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    pub state_dir: Option<PathBuf>,
    pub log_dir: Option<PathBuf>,
    pub sqlite_database: BTreeMap<String, Store>,
    pub key_value_store: BTreeMap<String, Store>,
    #[serde(alias = "config_provider")]
    pub variables_provider: Vec<Provider>,
    pub outbound_networking: OutboundNetworking,
    pub client_tls: Vec<ClientTls>,
    pub limits: HostOverrides,
    pub component: BTreeMap<String, ComponentConfig>,
}

/// A database or key-value store in a file; without `path`, in the state directory.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Store {
    Spin { path: Option<PathBuf> },
}

/// Where variables come from before the environment is asked.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Provider {
    Static {
        /// By name.
        #[serde(default)]
        values: BTreeMap<String, String>,
    },
    Env {
        /// What stands before `_` and the upper-case name; default `SPIN_VARIABLE`.
        prefix: Option<String>,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundNetworking {
    /// Networks in CIDR form, or `"private"`.
    pub block_networks: Vec<String>,
}

/// How calls of some components to some hosts are secured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    pub component_ids: Vec<String>,
    /// Names or addresses, without ports.
    pub hosts: Vec<String>,
    /// Whether those whom this machine trusts are trusted; default: if nobody else is named.
    pub ca_use_platform_roots: Option<bool>,
    /// Whether those whom browsers trust are.
    pub ca_use_webpki_roots: Option<bool>,
    pub ca_roots_file: Option<PathBuf>,
    pub client_cert_file: Option<PathBuf>,
    pub client_private_key_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComponentConfig {
    pub limits: ComponentOverrides,
}

/// What Spin takes and this host does not, and what takes its place.
const SPINS: &[(&str, &str)] = &[
    ("outbound_http", "set outbound_connections and outbound_idle_connections in [limits]"),
    ("llm_compute", "this host has no language models"),
    ("allow_attach_file", "no file is attached to a database"),
    (
        "libsql",
        "a database is a file (type = \"spin\"), or a server that the component connects to",
    ),
    ("redis", KEPT_HERE),
    ("azure_cosmos", KEPT_HERE),
    ("aws_dynamo", KEPT_HERE),
    ("vault", SECRETS),
    ("azure_key_vault", SECRETS),
];
const KEPT_HERE: &str = "a store is a file (type = \"spin\")";
const SECRETS: &str = "give secrets as SPIN_VARIABLE_NAME, or by type = \"env\" or \"static\"";

impl RuntimeConfig {
    /// Paths of key-value stores and certificates are relative to the file's directory, and others to the
    /// working directory, as in Spin: elsewhere an empty database would be made.
    pub fn read(file: &Path) -> Result<Self> {
        let place = file.display();
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the runtime config {place}"))?;
        let mut config: Self = parse_toml(file, &text).map_err(|error| {
            let said = error.to_string();
            let named = |(name, _): &&(&str, &str)| said.contains(&format!("`{name}`"));
            match SPINS.iter().find(named) {
                Some((name, instead)) => {
                    error.context(format!("{name} is Spin's, and not taken here: {instead}"))
                }
                None => error,
            }
        })?;
        let directory = file.parent().unwrap_or(Path::new("."));
        let databases = config.sqlite_database.values().map(|Store::Spin { path }| path);
        for path in databases.chain([&config.state_dir]).flatten() {
            let beside = directory.join(path);
            if !path.exists() && beside.exists() {
                bail!(
                    "{place}: `{}` is relative to the working directory, where nothing is; write `{}` if that is meant",
                    path.display(),
                    beside.display()
                );
            }
        }
        for Store::Spin { path } in config.key_value_store.values_mut() {
            *path = path.take().map(|path| directory.join(path));
        }
        for tls in &mut config.client_tls {
            if tls.component_ids.is_empty() || tls.hosts.is_empty() {
                bail!("{place}: client_tls: `component_ids` and `hosts` name one at least");
            }
            if let Some(host) = tls.hosts.iter().find(|host| !is_host(host)) {
                bail!("{place}: client_tls: `{host}` is no host without a port");
            }
            let files = [
                &mut tls.ca_roots_file,
                &mut tls.client_cert_file,
                &mut tls.client_private_key_file,
            ];
            for file in files.into_iter().flatten() {
                *file = directory.join(&*file);
            }
        }
        Ok(config)
    }
}

fn is_host(host: &str) -> bool {
    host.parse::<Authority>().is_ok_and(|parsed| parsed.host() == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_spin_takes_has_something_in_its_place() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config.toml");
        for (text, name) in [
            ("[outbound_http]\nmax_concurrent_requests = 9", "outbound_http"),
            ("[sqlite_database.a]\ntype = 'libsql'", "libsql"),
            ("[key_value_store.a]\ntype = 'redis'", "redis"),
            ("[[variables_provider]]\ntype = 'vault'", "vault"),
        ] {
            std::fs::write(&file, text).expect("a file");
            let said = format!("{:#}", RuntimeConfig::read(&file).expect_err(text));
            assert!(said.starts_with(&format!("{name} is Spin's")), "{said}");
        }
    }

    #[test]
    fn paths_lead_where_spin_has_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config.toml");
        let text = "state_dir = 'a'\n[sqlite_database.b]\ntype = 'spin'\npath = 'b'\n\
                    [key_value_store.c]\ntype = 'spin'\npath = 'c'\n";
        std::fs::write(&file, text).expect("a file");
        let config = RuntimeConfig::read(&file).expect("a config");
        let of = |stores: &BTreeMap<String, Store>| {
            stores.values().map(|Store::Spin { path }| path.clone()).next().flatten()
        };
        assert_eq!(config.state_dir, Some("a".into()));
        assert_eq!(of(&config.sqlite_database), Some("b".into()));
        assert_eq!(of(&config.key_value_store), Some(directory.path().join("c")));
        std::fs::write(directory.path().join("b"), "a database").expect("a file");
        let said = RuntimeConfig::read(&file).expect_err("it lies beside").to_string();
        assert!(said.contains("working directory"), "{said}");
    }
}
