//! The servers that are compared, each a column of the table.

use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Pid;
use tempfile::TempDir;

use super::case::{Case, Place};
use super::load::{self, Call};
use crate::database_server::{Database, DatabaseServer, Engine};
use crate::server::{self, Host, Server, Settings};
use crate::{command, token, workspace};

/// The application of `loadtest/component`.
pub(super) const WORK: &str = "loadtest/component/spin.toml";
/// The whole site.
pub(super) const SITE: &str = "spin.toml";

/// Spin's MySQL deadlocks the component as soon as four requests in one instance use it.
const SPIN_WITH_MYSQL: [&str; 2] = ["--max-instance-concurrent-reuse-count", "1"];

/// The native program connects to its databases before it listens.
const START_LIMIT: Duration = Duration::from_secs(10);

pub(super) struct Column {
    pub(super) name: String,
    places: Vec<(Place, Running)>,
    /// The id of one of its hospitals, which each site chooses itself.
    hospital: Option<String>,
}

/// One server of a column.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    /// Where CPU time and memory are read; `None`: it is not on this machine, or was not named.
    pub(super) group: Option<Pid>,
    /// Only held, so that it lives as long as this.
    process: Process,
}

#[expect(dead_code, reason = "a process is stopped when this is dropped")]
enum Process {
    Host(Server, TempDir),
    Native(Killed, Option<TempDir>),
    Foreign,
}

/// Killed when it goes out of scope.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `NAME=URL`, or `NAME=URL,PID` for a server on this machine whose CPU time shall be read, with
/// that of all that it started.
#[derive(Clone)]
pub(super) struct Base {
    name: String,
    address: SocketAddr,
    group: Option<Pid>,
}

impl FromStr for Base {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, place) = text.split_once('=').context("write NAME=http://HOST:PORT[,PID]")?;
        let (url, group) = match place.split_once(',') {
            Some((url, pid)) => (url, Some(Pid::from_raw(pid.parse()?).context("PID")?)),
            None => (place, None),
        };
        let host = url.strip_prefix("http://").context("only http:// is measured")?;
        let host = host.trim_end_matches('/');
        let address = host.to_socket_addrs()?.next().with_context(|| format!("no {host}"))?;
        Ok(Self { name: name.to_owned(), address, group })
    }
}

/// The databases that every column shares.
pub(super) struct Servers {
    running: Vec<DatabaseServer>,
    postgres: Option<Database>,
    mariadb: Option<Database>,
}

impl Servers {
    /// For columns that are asked for SQLite only.
    pub(super) fn none() -> Self {
        Self { running: Vec::new(), postgres: None, mariadb: None }
    }

    pub(super) fn start() -> Result<Self> {
        let mut servers = Self::none();
        servers.postgres = servers.add(Engine::Postgres)?;
        servers.mariadb = servers.add(Engine::Mariadb)?;
        Ok(servers)
    }

    fn add(&mut self, engine: Engine) -> Result<Option<Database>> {
        let server = match DatabaseServer::start(engine)? {
            Ok(server) => server,
            Err(how) => {
                eprintln!("{} is not measured: {how}", engine.name());
                return Ok(None);
            }
        };
        if engine == Engine::Mariadb {
            // All columns keep their sessions at the same time.
            server.sql(None, "SET GLOBAL max_connections = 500")?;
        }
        let database = server.create_with("measured", token::random()?)?;
        self.running.push(server);
        Ok(Some(database))
    }

    /// Without TLS, whose cost is another question.
    fn variables(&self) -> Vec<(String, String)> {
        let url = |database: &Option<Database>, plain: &str| {
            database.as_ref().map_or(String::new(), |found| format!("{}{plain}", found.owner_url))
        };
        vec![
            ("postgres_url".to_owned(), url(&self.postgres, "?sslmode=disable")),
            ("mariadb_url".to_owned(), url(&self.mariadb, "?ssl-mode=DISABLED")),
        ]
    }

    /// Makes the tables, as the component says. SQLite's belong to each column.
    fn prepare(&self, work: SocketAddr) -> Result<()> {
        for (database, name) in [(&self.postgres, "postgres"), (&self.mariadb, "mariadb")] {
            if database.is_some() {
                prepare(work, name)?;
            }
        }
        Ok(())
    }
}

fn prepare(work: SocketAddr, database: &str) -> Result<()> {
    let call = Call::post(work, &format!("/prepare/{database}"), Vec::new());
    load::runtime()?.block_on(load::once(&call)).map(drop)
}

impl Column {
    pub(super) fn shim(program: &Path, servers: &Servers) -> Result<Self> {
        let work = Running::host(Host::Shim, program, WORK, servers.variables(), &[])?;
        prepare(work.address, "sqlite")?;
        servers.prepare(work.address)?;
        let mysql = work.alias();
        let site = Running::site(Host::Shim, program)?;
        Ok(Self::new(
            "runtime-shim",
            vec![(Place::Work, work), (Place::Mysql, mysql), (Place::Site, site)],
        ))
    }

    pub(super) fn spin(program: &Path, servers: &Servers) -> Result<Self> {
        let work = Running::host(Host::Spin, program, WORK, servers.variables(), &[])?;
        prepare(work.address, "sqlite")?;
        let mysql =
            Running::host(Host::Spin, program, WORK, servers.variables(), &SPIN_WITH_MYSQL)?;
        let site = Running::site(Host::Spin, program)?;
        Ok(Self::new("Spin", vec![(Place::Work, work), (Place::Mysql, mysql), (Place::Site, site)]))
    }

    pub(super) fn native(servers: &Servers) -> Result<Self> {
        let mut cargo = command::cargo();
        command::run(cargo.args(["build", "--release", "--package", "native"]))?;
        let folder = tempfile::tempdir()?;
        let listen = server::available(([127, 0, 0, 1], 0).into())?;
        let mut program = Command::new(workspace::path("target/release/native"));
        program.args(["--listen", &listen.to_string(), "--sqlite"]);
        program.arg(folder.path().join("sqlite.db")).stdout(Stdio::null());
        let urls = [("POSTGRES", &servers.postgres), ("MARIADB", &servers.mariadb)];
        for (name, database) in urls {
            if let Some(database) = database {
                program.env(format!("NATIVE_{name}_URL"), &database.owner_url);
            }
        }
        let work = Running::program(program, listen, Some(folder))?;
        work.wait_until_ready("/hello")?;
        let mysql = work.alias();
        Ok(Self::new("native", vec![(Place::Work, work), (Place::Mysql, mysql)]))
    }

    /// It is asked for everything, and what it does not answer is left out.
    pub(super) fn other(base: &Base) -> Self {
        let running =
            || Running { address: base.address, group: base.group, process: Process::Foreign };
        let places = [Place::Work, Place::Mysql, Place::Site];
        Self::new(&base.name, places.map(|place| (place, running())).into())
    }

    fn new(name: &str, places: Vec<(Place, Running)>) -> Self {
        let site = places.iter().find(|(place, _)| *place == Place::Site);
        let hospital = site.and_then(|(_, site)| hospital(site).ok());
        Self { name: name.to_owned(), places, hospital }
    }

    /// How this column is asked for a case; `None`: it has nothing of the kind.
    pub(super) fn call(&self, case: &Case) -> Option<Call> {
        let path = match (case.place, &self.hospital) {
            (Place::Site, hospital) => format!("{}{}", case.path, hospital.as_ref()?),
            _ => case.path.clone(),
        };
        let call = Call::get(self.at(case.place)?.address, &path);
        Some(Call { method: case.method.clone(), ..call })
    }

    /// Has its hosts end as they should, which is when one that counts writes its counts down.
    pub(super) fn stop(self) -> Result<()> {
        self.places.into_iter().try_for_each(|(_, running)| running.stop())
    }

    pub(super) fn at(&self, place: Place) -> Option<&Running> {
        self.places.iter().find(|(known, _)| *known == place).map(|(_, running)| running)
    }
}

impl Running {
    /// A host with one application, ready.
    pub(super) fn host(
        host: Host,
        program: &Path,
        application: &'static str,
        variables: Vec<(String, String)>,
        arguments: &[&str],
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let settings = settings(host, application, folder.path(), variables, arguments)?;
        let mut server = Server::start(host, program, &settings)?;
        server.wait_until_healthy()?;
        let (address, group) = (settings.listen, server.group());
        Ok(Self { address, group, process: Process::Host(server, folder) })
    }

    /// The whole site on SQLite, with its sample hospitals.
    pub(super) fn site(host: Host, program: &Path) -> Result<Self> {
        let site = Self::host(host, program, SITE, Vec::new(), &[])?;
        if let Process::Host(server, _) = &site.process {
            server.import_samples()?;
        }
        Ok(site)
    }

    /// Another program, told to listen there; `folder` is kept as long as it.
    pub(super) fn program(
        mut program: Command,
        address: SocketAddr,
        folder: Option<TempDir>,
    ) -> Result<Self> {
        let child = program.process_group(0).spawn();
        let child = Killed(child.with_context(|| format!("cannot run {program:?}"))?);
        let group = Pid::from_raw(child.0.id().cast_signed());
        Ok(Self { address, group, process: Process::Native(child, folder) })
    }

    pub(super) fn stop(self) -> Result<()> {
        match self.process {
            Process::Host(mut server, _folder) => server.stop(),
            Process::Native(..) | Process::Foreign => Ok(()),
        }
    }

    fn alias(&self) -> Self {
        Self { address: self.address, group: self.group, process: Process::Foreign }
    }

    fn wait_until_ready(&self, path: &str) -> Result<()> {
        let (started, runtime) = (Instant::now(), load::runtime()?);
        loop {
            match runtime.block_on(load::once(&Call::get(self.address, path))) {
                Ok(_) => return Ok(()),
                Err(error) if started.elapsed() > START_LIMIT => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

pub(super) fn settings(
    host: Host,
    application: &'static str,
    folder: &Path,
    variables: Vec<(String, String)>,
    arguments: &[&str],
) -> Result<Settings> {
    let own: &[&str] = match host {
        Host::Shim => &["--admin", "off", "--quiet"],
        Host::Spin => &["--quiet"],
    };
    Ok(Settings {
        application,
        listen: server::available(([127, 0, 0, 1], 0).into())?,
        folder: folder.to_owned(),
        arguments: own.iter().chain(arguments).map(|&argument| argument.to_owned()).collect(),
        variables,
        log_filter: None,
        log: Some(folder.join("log")),
    })
}

/// The id of one of the sample hospitals.
pub(super) fn hospital(site: &Running) -> Result<String> {
    let call = Call::get(site.address, "/api/review/hospitals?limit=1");
    let list = load::runtime()?.block_on(load::once(&call))?;
    let list: serde_json::Value = serde_json::from_slice(&list)?;
    match list["items"][0]["id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => bail!("the site has no hospitals"),
    }
}
