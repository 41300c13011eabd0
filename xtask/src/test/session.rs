//! What the steps of one run share: the filter, and one site for every suite that talks to one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Pid;
use tempfile::TempDir;

use super::Step;
use super::mail_server::MailServer;
use crate::database_server::{Database, DatabaseServer, Engine};
use crate::server::{self, Host, Server, Settings};
use crate::{components, token, workspace};

/// Where the hosts of the tests write. Kept after the run, to be read when a test failed.
const LOGS: &str = "target/test-logs";

/// Nobody listens on the discard port.
const NO_MAIL_SERVER: &str = "http://127.0.0.1:9";

pub(crate) struct Session {
    host: Host,
    filter: Option<String>,
    site: Option<Site>,
    database_servers: Vec<DatabaseServer>,
}

/// A site with sample hospitals that nobody used before.
pub(crate) struct Site {
    server: Server,
    /// Of its host.
    program: PathBuf,
    settings: Settings,
    /// Where its mails go; on SQLite to its log.
    mail_server: Option<MailServer>,
    _folder: TempDir,
}

/// Where each component keeps its rows.
pub(crate) struct Databases {
    /// By component.
    pub(crate) of: Vec<(&'static str, Database)>,
    signing_key: String,
    pass_seed: String,
}

impl Databases {
    /// New ones, all on `server`; `prefix` tells them from others there.
    pub(crate) fn all_on(server: &DatabaseServer, prefix: &str) -> Result<Self> {
        Self::create(["auth", "board", "review"].map(|component| (component, server)), prefix)
    }

    /// New ones, each on its own server.
    pub(crate) fn create<const N: usize>(
        servers: [(&'static str, &DatabaseServer); N],
        prefix: &str,
    ) -> Result<Self> {
        let of = servers
            .into_iter()
            .map(|(component, server)| {
                Ok((component, server.create(&format!("{prefix}{component}"))?))
            })
            .collect::<Result<_>>()?;
        Self::of(of)
    }

    pub(crate) fn of(of: Vec<(&'static str, Database)>) -> Result<Self> {
        // Any 32 bytes are an Ed25519 key, and a seed.
        let secret = || token::random().map(|text| STANDARD.encode(&text[..32]));
        Ok(Self { of, signing_key: secret()?, pass_seed: secret()? })
    }

    /// Without a mail server: a site on these that has to send mails says where to.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        self.with(|database| &database.url)
    }

    fn owner_variables(&self) -> Vec<(String, String)> {
        self.with(|database| &database.owner_url)
    }

    fn with(&self, url: fn(&Database) -> &String) -> Vec<(String, String)> {
        let urls = self.of.iter().map(|(component, database)| {
            (format!("{component}_database_url"), url(database).clone())
        });
        let others = [
            ("session_signing_key", self.signing_key.as_str()),
            ("pass_seed", &self.pass_seed),
            ("mail_api_url", NO_MAIL_SERVER),
            ("mail_api_token", "a token"),
            ("mail_sender", "code@jinmaek.example"),
        ];
        urls.chain(others.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
    }
}

impl Session {
    pub(crate) fn new(host: Host, filter: Option<String>) -> Self {
        Self { host, filter, site: None, database_servers: Vec::new() }
    }

    /// Whether the filter leaves anything of this step.
    pub(super) fn chooses(&self, step: &Step) -> Result<bool> {
        Ok(match step.folder {
            Some(_) => !self.files(step)?.is_empty(),
            None => self.leaves(step.name),
        })
    }

    /// The files of the step's suite that the filter leaves. They go by the step's name, as in
    /// `parity/board.test.mjs`, though two steps may share a folder.
    pub(super) fn files(&self, step: &Step) -> Result<Vec<PathBuf>> {
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

    /// A server of this kind, started when the first step asks for it. The inner error says how
    /// to get what is missing.
    pub(crate) fn database_server(
        &mut self,
        engine: Engine,
    ) -> Result<Result<&mut DatabaseServer, String>> {
        let known = self.database_servers.iter().position(|server| server.engine() == engine);
        let index = match known {
            Some(index) => index,
            None => match DatabaseServer::start(engine)? {
                Ok(server) => {
                    self.database_servers.push(server);
                    self.database_servers.len() - 1
                }
                Err(how) => return Ok(Err(how)),
            },
        };
        Ok(Ok(&mut self.database_servers[index]))
    }

    /// Stops the site. A host that does not end as it should is a failure.
    pub(crate) fn end(self) -> Result<()> {
        self.site.map_or(Ok(()), Site::stop)
    }
}

impl Site {
    /// On SQLite. `None`: this host cannot be had here.
    pub(crate) fn start(host: Host) -> Result<Option<Self>> {
        components::build(&components::all()?)?;
        let Some(program) = host.program()? else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        let settings = settings(host, &folder, host.name())?;
        Self::serve(host, &program, settings, folder, None).map(Some)
    }

    /// On SQLite, on our host, which logs what `filter` names. `name` is that of the log.
    pub(crate) fn logging(filter: &'static str, name: &str) -> Result<Self> {
        components::build(&components::all()?)?;
        let Some(program) = Host::Shim.program()? else { bail!("our host was just built") };
        let folder = tempfile::tempdir()?;
        let mut settings = settings(Host::Shim, &folder, name)?;
        settings.log_filter = Some(filter);
        Self::serve(Host::Shim, &program, settings, folder, None)
    }

    /// On databases of servers, on our host. `name` is that of the log.
    pub(crate) fn on(databases: &Databases, name: &str) -> Result<Self> {
        let Some(program) = Host::Shim.program()? else { bail!("our host was just built") };
        Self::by(&program, databases, name)
    }

    /// As [`Self::on`], with this program of our host.
    pub(crate) fn by(program: &Path, databases: &Databases, name: &str) -> Result<Self> {
        components::build(&components::all()?)?;
        let folder = tempfile::tempdir()?;
        let mut settings = settings(Host::Shim, &folder, name)?;
        server::migrate(program, &settings, &databases.owner_variables())?;
        let mails = MailServer::start(workspace::path(LOGS).join(format!("{name}.mails")))?;
        settings.variables = databases.variables();
        settings.variables.push(mails.variable());
        Self::serve(Host::Shim, program, settings, folder, Some(mails))
    }

    fn serve(
        host: Host,
        program: &Path,
        settings: Settings,
        folder: TempDir,
        mail_server: Option<MailServer>,
    ) -> Result<Self> {
        let mut server = Server::start(host, program, &settings)?;
        server.wait_until_healthy()?;
        server.import_samples().with_context(|| server.logged())?;
        Ok(Self { server, program: program.to_owned(), settings, mail_server, _folder: folder })
    }

    /// Tells a suite where the site is.
    pub(crate) fn describe_to(&self, suite: &mut Command) {
        suite.env("JINMAEK_BASE", &self.server.base);
        suite.env("JINMAEK_OPERATOR_TOKEN", &self.server.operator_token);
        let mails = self.mail_server.as_ref().map(|mails| &mails.file);
        if let Some(mails) = mails.or(self.settings.log.as_ref()) {
            suite.env("JINMAEK_MAILS", mails);
        }
    }

    /// Where a further site may send its mails as well: the suites find them in one file.
    pub(crate) fn mail_variable(&self) -> Option<(String, String)> {
        self.mail_server.as_ref().map(MailServer::variable)
    }

    /// Prepares further databases for a site that a suite starts itself.
    pub(crate) fn migrate(&self, databases: &Databases) -> Result<()> {
        server::migrate(&self.program, &self.settings, &databases.owner_variables())
    }

    /// `runtime-shim migrate` of one component on the database of this URL, not yet run.
    pub(crate) fn migration(&self, component: &str, url: &str) -> Command {
        let variable = (format!("{component}_database_url"), url.to_owned());
        let mut command = server::migration(&self.program, &self.settings, &[variable]);
        command.args(["--component-id", component]);
        command
    }

    /// The host's process.
    pub(crate) fn process(&self) -> Option<Pid> {
        self.server.group()
    }

    pub(crate) fn base(&self) -> &str {
        &self.server.base
    }

    /// Holds what the site keeps.
    pub(crate) fn folder(&self) -> &Path {
        &self.settings.folder
    }

    /// What the host and the components have logged so far.
    pub(crate) fn log(&self) -> Result<String> {
        let log = self.settings.log.as_ref().context("the host logs to the terminal")?;
        Ok(fs::read_to_string(log)?)
    }

    pub(crate) fn stop(mut self) -> Result<()> {
        self.server.stop()
    }
}

fn settings(host: Host, folder: &TempDir, name: &str) -> Result<Settings> {
    let logs = workspace::path(LOGS);
    fs::create_dir_all(&logs)?;
    let arguments = match host {
        // The site of a developer may hold the port of the admin listener.
        Host::Shim => vec!["--admin".to_owned(), "off".to_owned()],
        Host::Spin => Vec::new(),
    };
    Ok(Settings {
        application: server::SITE,
        listen: server::available(([127, 0, 0, 1], 0).into())?,
        folder: PathBuf::from(folder.path()),
        arguments,
        variables: Vec::new(),
        log_filter: None,
        log: Some(logs.join(format!("{name}.log"))),
    })
}
