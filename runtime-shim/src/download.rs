//! Code that a manifest names by its URL and digest: fetched once, and looked at whenever it is used.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use tempfile::NamedTempFile;
use ureq::Agent;
use url::Url;

use crate::composition;
use crate::limits::Limits;

const ALGORITHM: &str = "sha256:";

#[derive(Debug)]
pub(crate) struct Download<'a> {
    pub(crate) url: &'a str,
    /// `sha256:` and 64 digits.
    pub(crate) digest: &'a str,
    pub(crate) file: PathBuf,
}

/// The file in `folder` for code with this digest.
pub(crate) fn file(folder: &Path, digest: &str) -> Result<PathBuf> {
    let digits = digest.strip_prefix(ALGORITHM).unwrap_or_default();
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    ensure!(
        digits.len() == 64 && digits.bytes().all(is_digit),
        "digest `{digest}`: {ALGORITHM} and 64 of the digits 0 to 9 and a to f"
    );
    Ok(folder.join(digits).with_extension("wasm"))
}

impl Download<'_> {
    /// Fetches the code unless it is there. Nothing of a URL is said that may be secret.
    ///
    /// # Errors
    ///
    /// It cannot be had or stored, takes too long or is too large, or its digest is another one.
    pub(crate) fn run(&self, limits: &Limits) -> Result<()> {
        if fs::read(&self.file).is_ok_and(|code| digest(&code) == self.digest) {
            return Ok(());
        }
        let folder = self.file.parent().context("it has no folder")?;
        fs::create_dir_all(folder).with_context(|| {
            format!("no place for downloads: cannot make {} (--state-dir)", folder.display())
        })?;
        let place = place(self.url)?;
        eprintln!("Downloading {place} …");
        let code = get(self.url, limits)
            .map_err(|error| said(error, limits))
            .with_context(|| format!("cannot download {place}"))?;
        let found = digest(&code);
        ensure!(
            found == self.digest,
            "what came from {place} has the digest {found}, and the manifest says {}",
            self.digest
        );
        store(folder, &self.file, &code)
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}

fn get(url: &str, limits: &Limits) -> Result<Vec<u8>, ureq::Error> {
    let longest = Duration::from_millis(limits.download_ms);
    let agent: Agent = Agent::config_builder().timeout_global(Some(longest)).build().into();
    agent.get(url).call()?.body_mut().with_config().limit(limits.download_bytes).read_to_vec()
}

/// With the name of the limit where it is one.
fn said(error: ureq::Error, limits: &Limits) -> anyhow::Error {
    match error {
        ureq::Error::BodyExceedsLimit(limit) => {
            anyhow!("it has more than {limit} bytes (download_bytes)")
        }
        ureq::Error::Timeout(_) => {
            anyhow!("it takes longer than {} ms (download_ms)", limits.download_ms)
        }
        other => other.into(),
    }
}

/// A URL without the name, the password and the query that some have.
fn place(url: &str) -> Result<String> {
    let url = Url::parse(url).context("url")?;
    ensure!(matches!(url.scheme(), "http" | "https"), "url: it begins with https:// or http://");
    let host = url.host_str().unwrap_or_default();
    Ok(format!("{}://{host}{}", url.scheme(), url.path()))
}

/// Under another name until all of it is there: other hosts may share the folder.
fn store(folder: &Path, file: &Path, code: &[u8]) -> Result<()> {
    let mut half = NamedTempFile::new_in(folder)?;
    half.write_all(code)?;
    half.persist(file)?;
    Ok(())
}

fn digest(code: &[u8]) -> String {
    format!("{ALGORITHM}{}", composition::hex(code))
}
