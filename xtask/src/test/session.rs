//! What the steps of one run share: the filter, and one site for every suite that talks to one.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::Step;
use crate::server::{self, Host, Server, Settings};
use crate::{components, workspace};

/// Where the hosts of the tests write. Kept after the run, to be read when a test failed.
const LOGS: &str = "target/test-logs";

pub(crate) struct Session {
    host: Host,
    filter: Option<String>,
    site: Option<Site>,
}

/// A site with sample hospitals that nobody used before.
pub(crate) struct Site {
    server: Server,
    _folder: TempDir,
}

impl Session {
    pub(crate) fn new(host: Host, filter: Option<String>) -> Self {
        Self { host, filter, site: None }
    }

    /// Whether the filter leaves anything of this step.
    pub(crate) fn chooses(&self, step: &Step) -> Result<bool> {
        Ok(match step.folder {
            Some(_) => !self.files(step)?.is_empty(),
            None => self.leaves(step.name),
        })
    }

    /// The files of the step's suite that the filter leaves. They go by the step's name, as in
    /// `parity/board.test.mjs`, though two steps may share a folder.
    pub(crate) fn files(&self, step: &Step) -> Result<Vec<PathBuf>> {
        let folder = workspace::path("tests").join(step.folder.unwrap_or(step.name));
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".test.mjs") && self.leaves(&format!("{}/{name}", step.name)) {
                files.push(entry.path());
            }
        }
        files.sort();
        Ok(files)
    }

    fn leaves(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| name.contains(filter))
    }

    /// The site of this run, started when the first step asks for it.
    pub(crate) fn site(&mut self) -> Result<&Site> {
        if self.site.is_none() {
            self.site = Some(Site::start(self.host)?.context("the real Spin is not here")?);
        }
        self.site.as_ref().context("the site was just started")
    }

    /// Stops the site. A host that does not end as it should is a failure.
    pub(crate) fn end(self) -> Result<()> {
        self.site.map_or(Ok(()), Site::stop)
    }
}

impl Site {
    /// `None`: this host cannot be had here.
    pub(crate) fn start(host: Host) -> Result<Option<Self>> {
        components::build(&components::all()?)?;
        let Some(program) = host.program()? else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        let mut server = Server::start(host, &program, &settings(host, &folder)?)?;
        server.wait_until_healthy()?;
        server.import_samples().with_context(|| server.logged())?;
        Ok(Some(Self { server, _folder: folder }))
    }

    /// Tells a suite where the site is.
    pub(crate) fn describe_to(&self, suite: &mut Command) {
        suite.env("JINMAEK_BASE", &self.server.base);
        suite.env("JINMAEK_OPERATOR_TOKEN", &self.server.operator_token);
    }

    pub(crate) fn stop(mut self) -> Result<()> {
        self.server.stop()
    }
}

fn settings(host: Host, folder: &TempDir) -> Result<Settings> {
    let logs = workspace::path(LOGS);
    fs::create_dir_all(&logs)?;
    let (name, arguments) = match host {
        // The site of a developer may hold the port of the admin listener.
        Host::Shim => ("shim.log", vec!["--admin".to_owned(), "off".to_owned()]),
        Host::Spin => ("spin.log", Vec::new()),
    };
    Ok(Settings {
        listen: server::available(([127, 0, 0, 1], 0).into())?,
        folder: PathBuf::from(folder.path()),
        arguments,
        log: Some(logs.join(name)),
    })
}
