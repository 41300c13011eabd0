//! TLS to the peers of outbound calls: who is trusted, and what a component shows of itself.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result, bail, ensure};
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use crate::runtime_config::ClientTls;

/// The root certificates that browsers trust and those that this machine does, as in Spin. They are
/// read when a peer is first met over TLS: most components never meet one, and a start waits for
/// nothing of it.
pub(crate) static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = browsers();
    roots.add_parsable_certificates(of_machine());
    Arc::new(roots)
});

static DEFAULT: LazyLock<Arc<ClientConfig>> =
    LazyLock::new(|| with_protocols(trusting(Arc::clone(&ROOTS)).with_no_client_auth()));

/// How each peer of a component is met.
pub struct PeerTls {
    /// By the host's name or address, in lower case.
    own: HashMap<String, Arc<ClientConfig>>,
}

/// The tables of the runtime config file, with what is in their files.
pub(crate) type Loaded<'a> = Vec<(&'a ClientTls, Arc<ClientConfig>)>;

pub(crate) fn load(tables: &[ClientTls]) -> Result<Loaded<'_>> {
    let loaded = tables.iter().map(|table| Ok((table, of_table(table)?)));
    loaded.collect::<Result<_>>().context("runtime config: client_tls")
}

impl PeerTls {
    /// The first table that names a component and a host counts.
    pub(crate) fn new(component: &str, loaded: &Loaded<'_>) -> Self {
        let mut own = HashMap::new();
        for (table, tls) in loaded {
            if table.component_ids.iter().any(|id| id == component) {
                for host in &table.hosts {
                    own.entry(host.to_ascii_lowercase()).or_insert_with(|| Arc::clone(tls));
                }
            }
        }
        Self { own }
    }

    pub(crate) fn of(&self, host: &str) -> Arc<ClientConfig> {
        Arc::clone(self.own.get(&host.to_ascii_lowercase()).unwrap_or(&DEFAULT))
    }
}

fn of_table(table: &ClientTls) -> Result<Arc<ClientConfig>> {
    let mut trusted = RootCertStore::empty();
    if table.ca_use_webpki_roots == Some(true) {
        trusted = browsers();
    }
    let names_nobody = table.ca_use_webpki_roots.is_none() && table.ca_roots_file.is_none();
    if table.ca_use_platform_roots.unwrap_or(names_nobody) {
        trusted.add_parsable_certificates(of_machine());
    }
    if let Some(file) = &table.ca_roots_file {
        for certificate in in_file(file)? {
            trusted.add(certificate).with_context(|| file.display().to_string())?;
        }
    }
    ensure!(!trusted.is_empty(), "it trusts nobody: name a ca_roots_file");
    let tls = trusting(Arc::new(trusted));
    Ok(with_protocols(match (&table.client_cert_file, &table.client_private_key_file) {
        (Some(chain), Some(file)) => {
            let key = PrivateKeyDer::from_pem_file(file)
                .with_context(|| format!("cannot read a key from {}", file.display()))?;
            tls.with_client_auth_cert(in_file(chain)?, key)
                .with_context(|| file.display().to_string())?
        }
        (None, None) => tls.with_no_client_auth(),
        _ => bail!("client_cert_file and client_private_key_file belong together"),
    }))
}

fn in_file(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || certificates(&std::fs::read(file)?);
    read().with_context(|| format!("the file {}", file.display()))
}

/// At least one. The error is said of what they are in.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let found = found.context("is not PEM")?;
    ensure!(!found.is_empty(), "holds no certificate");
    Ok(found)
}

/// What cannot be read of them vouches for nobody.
fn of_machine() -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!("of the root certificates of this machine: {error}");
    }
    found.certs
}

fn browsers() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn trusting(roots: Arc<RootCertStore>) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder().with_root_certificates(roots)
}

fn with_protocols(mut tls: ClientConfig) -> Arc<ClientConfig> {
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(tls)
}
