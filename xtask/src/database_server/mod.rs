//! Real database servers, each on a free port of loopback with its data in a temporary folder:
//! for tests, and for whoever wants to see the site on them.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Pid;
use tempfile::TempDir;

use crate::{command, token};

mod mysql;
mod postgres;

/// Recovering after a kill takes the longest, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Mysql,
    Mariadb,
    Postgres,
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
            Self::Postgres => "postgres",
        }
    }

    /// The folder of its programs, or how to get them.
    fn programs(self) -> Result<PathBuf, String> {
        match self {
            Self::Mysql => mysql::mysql_programs(),
            Self::Mariadb => mysql::mariadb_programs(),
            Self::Postgres => postgres::programs(),
        }
    }
}

/// Programs that talk to a MySQL or MariaDB server. Which of them a server accepts depends on how
/// its accounts sign in: MySQL's newest no longer knows MariaDB's way.
pub(crate) fn mysql_clients() -> Vec<PathBuf> {
    let own = mysql::mysql_programs().ok().map(|folder| folder.join("mysql"));
    own.into_iter().chain(["mariadb".into(), "mysql".into()]).collect()
}

/// A server. It is killed when this goes out of scope.
pub(crate) struct DatabaseServer {
    engine: Engine,
    programs: PathBuf,
    folder: TempDir,
    pub(crate) port: u16,
    child: Option<Child>,
}

/// A database of one component, and who may use it.
#[derive(Clone)]
pub(crate) struct Database {
    /// Of the account that may change the schema.
    pub(crate) owner_url: String,
    /// Of the account that may read and write rows and nothing else.
    pub(crate) url: String,
    /// Of both; no log may show it.
    pub(crate) password: String,
}

impl DatabaseServer {
    /// A new server without data. The inner error says how to get what is missing.
    pub(crate) fn start(engine: Engine) -> Result<Result<Self, String>> {
        let programs = match engine.programs() {
            Ok(programs) => programs,
            Err(how) => return Ok(Err(how)),
        };
        let folder = tempfile::Builder::new().prefix("jinmaek-").tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = Self { engine, programs, folder, port, child: None };
        match engine {
            Engine::Postgres => postgres::initialise(&server)?,
            Engine::Mariadb | Engine::Mysql => mysql::initialise(&server)?,
        }
        server.run().with_context(|| format!("starting {}", engine.name()))?;
        Ok(Ok(server))
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    pub(crate) fn process(&self) -> Option<Pid> {
        Pid::from_raw(self.child.as_ref()?.id().cast_signed())
    }

    /// Starts the server on its data, and returns when it answers.
    pub(crate) fn run(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            if self.child.is_none() {
                self.child = Some(self.spawn()?);
            }
            if self.sql(None, "SELECT 1").is_ok() {
                return Ok(());
            }
            if started.elapsed() > START_LIMIT {
                bail!("no answer within {START_LIMIT:?}; see {}", self.log().display());
            }
            // After a kill the first attempts may find what the last process left.
            if let Some(child) = &mut self.child
                && child.try_wait()?.is_some()
            {
                self.child = None;
            }
            thread::sleep(POLL);
        }
    }

    fn spawn(&self) -> Result<Child> {
        let mut command = match self.engine {
            Engine::Postgres => postgres::server(self),
            Engine::Mariadb | Engine::Mysql => mysql::server(self),
        };
        let log = File::options().create(true).append(true).open(self.log())?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn().with_context(|| format!("cannot run {command:?}"))
    }

    /// Ends it as a crash would: nothing is written any more.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// A search path with its own programs first.
    pub(crate) fn path_with_programs(&self) -> Result<OsString> {
        let others = env::var_os("PATH").unwrap_or_default();
        let folders = [self.programs.clone()].into_iter().chain(env::split_paths(&others));
        Ok(env::join_paths(folders)?)
    }

    /// The authority behind the certificate of PostgreSQL; the others make their own.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path(postgres::AUTHORITY)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("log")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs SQL as the administrator; what it prints has a line for each row and a tab
    /// between columns.
    pub(crate) fn sql(&self, database: Option<&str>, sql: &str) -> Result<String> {
        let mut command = match self.engine {
            Engine::Postgres => postgres::client(self, database, sql),
            Engine::Mariadb | Engine::Mysql => mysql::client(self, database, sql),
        };
        let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
        if !output.status.success() {
            bail!("{}: {}", self.engine.name(), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A database with two accounts, `NAME_owner` and `NAME`.
    pub(crate) fn create(&self, name: &str) -> Result<Database> {
        // What a URL has to escape is in it, as in the passwords that people choose.
        self.create_with(name, format!("{}@/:#%", &token::random()?[..24]))
    }

    /// With a password of one's own.
    pub(crate) fn create_with(&self, name: &str, password: String) -> Result<Database> {
        let statements = match self.engine {
            Engine::Postgres => postgres::create(name, &password),
            Engine::Mariadb | Engine::Mysql => mysql::create(name, &password),
        };
        for (database, sql) in statements {
            self.sql(database, &sql)?;
        }
        let scheme = if self.engine == Engine::Postgres { "postgres" } else { "mysql" };
        let escaped = password
            .replace('%', "%25")
            .replace('@', "%40")
            .replace('/', "%2F")
            .replace(':', "%3A")
            .replace('#', "%23");
        let url = |account: &str| {
            format!("{scheme}://{account}:{escaped}@127.0.0.1:{}/{name}", self.port)
        };
        Ok(Database { owner_url: url(&format!("{name}_owner")), url: url(name), password })
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.kill();
    }
}

/// The folder of the first of `places` that holds `program`, or the one on the PATH.
fn folder_of(program: &str, places: &[PathBuf]) -> Option<PathBuf> {
    if let Some(place) = places.iter().find(|place| place.join(program).exists()) {
        return Some(place.clone());
    }
    let found = command::output(Command::new("sh").args(["-c", &format!("command -v {program}")]))?;
    Path::new(&found).parent().map(Path::to_owned)
}
