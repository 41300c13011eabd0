//! A host that serves the site: ours, or the real Spin.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::import::{self, Hospitals};
use crate::{command, token, workspace};

/// Real Spin compiles four components to native code on its first start, on two busy cores.
const START_LIMIT: Duration = Duration::from_secs(180);

/// Longer than the 25 s that a host gives requests in flight.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// How long a start is lengthened at most by asking whether it is done.
const POLL: Duration = Duration::from_millis(5);

const HEALTH: &str = "/.well-known/spin/health";

/// Fictional hospitals in HIRA's columns.
const SAMPLES: &str = "samples/hospitals.csv";

/// Nobody has it (RFC 2606).
const SAMPLE_DOMAIN: &str = "jinmaek.example";

/// Spin's program as the project's machines have it, beside the checkout.
const PACKED_SPIN: &str = "../shared/tools/spin.xz";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Host {
    /// runtime-shim
    Shim,
    /// The real Spin, 4.1 or newer
    Spin,
}

impl Host {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Shim => "shim",
            Self::Spin => "spin",
        }
    }

    /// Its program, built or unpacked where that is needed. `None`: Spin is not on this machine.
    pub(crate) fn program(self) -> Result<Option<PathBuf>> {
        match self {
            Self::Shim => build_shim().map(Some),
            Self::Spin => find_spin(),
        }
    }

    fn command(self, program: &Path, settings: &Settings) -> Command {
        let mut command = Command::new(program);
        command.arg("up").arg("--from").arg(settings.application);
        command.arg("--listen").arg(settings.listen.to_string());
        let folder = match self {
            Self::Shim => "state",
            Self::Spin => "spin",
        };
        command.arg("--state-dir").arg(settings.folder.join(folder));
        command.args(&settings.arguments);
        command
    }
}

fn build_shim() -> Result<PathBuf> {
    let program = workspace::path("target/release/runtime-shim");
    if !program.exists() {
        eprintln!("Compiling the host with wasmtime: about 8 minutes on two cores, once");
    }
    let mut cargo = command::cargo();
    command::run(cargo.args(["build", "--release", "--package", "runtime-shim"]))?;
    Ok(program)
}

fn find_spin() -> Result<Option<PathBuf>> {
    if let Some(program) = env::var_os("JINMAEK_SPIN") {
        return Ok(Some(program.into()));
    }
    let packed = workspace::path(PACKED_SPIN);
    if packed.exists() {
        return unpack_spin(&packed).map(Some);
    }
    Ok(command::exists("spin").then(|| "spin".into()))
}

fn unpack_spin(packed: &Path) -> Result<PathBuf> {
    let folder = workspace::path("target/tools");
    let program = folder.join("spin");
    if workspace::is_fresh(&program, packed) {
        return Ok(program);
    }
    fs::create_dir_all(&folder)?;
    let half = folder.join("spin.new");
    command::run(Command::new("xz").arg("-dc").arg(packed).stdout(File::create(&half)?))?;
    command::run(Command::new("chmod").arg("+x").arg(&half))?;
    fs::rename(&half, &program)?;
    Ok(program)
}

/// The manifest of the site.
pub(crate) const SITE: &str = "spin.toml";

/// What differs between two servers.
pub(crate) struct Settings {
    /// Its manifest, from the root.
    pub(crate) application: &'static str,
    pub(crate) listen: SocketAddr,
    /// Holds the databases and the operator's token.
    pub(crate) folder: PathBuf,
    /// Handed to the host as they are.
    pub(crate) arguments: Vec<String>,
    /// Of the application, by name.
    pub(crate) variables: Vec<(String, String)>,
    /// What the host logs, in place of its default.
    pub(crate) log_filter: Option<&'static str>,
    /// Takes the host's output; the terminal where there is none.
    pub(crate) log: Option<PathBuf>,
}

/// A running host. It is stopped when this goes out of scope.
pub(crate) struct Server {
    child: Child,
    pub(crate) base: String,
    pub(crate) operator_token: String,
    folder: PathBuf,
    log: Option<PathBuf>,
}

impl Server {
    /// Starts it without waiting for it, see [`Self::wait_until_healthy`].
    pub(crate) fn start(host: Host, program: &Path, settings: &Settings) -> Result<Self> {
        let operator_token = token::load_or_create(&settings.folder)?;
        let mut command = host.command(program, settings);
        command
            .current_dir(workspace::root())
            .envs(environment(&settings.variables))
            .env("SPIN_VARIABLE_OPERATOR_TOKEN", &operator_token)
            // A group of its own, or Ctrl-C would reach it twice: from the terminal and from us.
            .process_group(0);
        if let Some(filter) = settings.log_filter {
            command.env("RUNTIME_SHIM_LOG", filter);
        }
        if let Some(log) = &settings.log {
            let file = File::create(log)?;
            command.stdout(file.try_clone()?).stderr(file);
        }
        let child = command.spawn().with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Self {
            child,
            base: format!("http://{}", reachable(settings.listen)),
            operator_token,
            folder: settings.folder.clone(),
            log: settings.log.clone(),
        })
    }

    /// Its process group: Spin serves from a second process that the first one starts.
    pub(crate) fn group(&self) -> Option<Pid> {
        Pid::from_raw(self.child.id().cast_signed())
    }

    pub(crate) fn wait_until_healthy(&mut self) -> Result<()> {
        let started = Instant::now();
        let health = format!("{}{HEALTH}", self.base);
        while ureq::get(&health).call().is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the host ended while starting ({status}){}", self.logged());
            }
            if started.elapsed() > START_LIMIT {
                bail!("the host did not start within {START_LIMIT:?}{}", self.logged());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Loads the sample hospitals where there are none at all.
    pub(crate) fn import_samples(&self) -> Result<()> {
        let list: serde_json::Value =
            ureq::get(format!("{}/api/review/hospitals?limit=1", self.base))
                .call()
                .and_then(|mut response| response.body_mut().read_json())
                .context("asking for hospitals")?;
        if list["items"].as_array().is_some_and(|items| !items.is_empty()) {
            return Ok(());
        }
        import::hospitals(&Hospitals {
            file: workspace::path(SAMPLES),
            base: self.base.clone(),
            source: "예시 자료".to_owned(),
            date: Some("2026-09-30".to_owned()),
            force: false,
            token_file: token::file(&self.folder),
        })
        .context("importing the sample hospitals")?;
        self.approve_sample_domain().context("approving the mail domain of the sample hospitals")
    }

    /// Lets any address at [`SAMPLE_DOMAIN`] prove that one works at a sample hospital, so that
    /// proofs can be tried at once.
    fn approve_sample_domain(&self) -> Result<()> {
        let samples = fs::read_to_string(workspace::path(SAMPLES))?;
        let ids = samples.lines().skip(1).filter_map(|line| line.split(',').next());
        for id in ids {
            let path = format!("/api/auth/moderation/mail-domains/{id}/{SAMPLE_DOMAIN}");
            ureq::put(format!("{}{path}", self.base))
                .header("authorization", format!("Bearer {}", self.operator_token))
                .send_empty()
                .with_context(|| path.clone())?;
        }
        Ok(())
    }

    /// Waits for its end, whatever ends it.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait()?)
    }

    /// Asks it to stop, and makes it stop where it does not. How it ended is an error unless it
    /// drained as it should.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < STOP_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                // Spin does not handle SIGTERM itself.
                if status.success() || status.signal() == Some(Signal::TERM.as_raw()) {
                    return Ok(());
                }
                bail!("the host ended with {status}{}", self.logged());
            }
            thread::sleep(POLL);
        }
        self.signal(Signal::KILL);
        bail!("the host did not stop within {STOP_LIMIT:?}{}", self.logged());
    }

    fn signal(&self, signal: Signal) {
        // An error means that it has ended already.
        let _ = self.group().map(|group| kill_process_group(group, signal));
    }

    /// The end of its log, for an error's text.
    pub(crate) fn logged(&self) -> String {
        let Some(log) = &self.log else { return String::new() };
        format!("; {} ends:\n{}", log.display(), tail(log).unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// How a host is told variables. Not as arguments: those are shown to every user of the machine.
pub(crate) fn environment(variables: &[(String, String)]) -> impl Iterator<Item = (String, &str)> {
    let name = |name: &String| format!("SPIN_VARIABLE_{}", name.to_uppercase());
    variables.iter().map(move |(variable, value)| (name(variable), value.as_str()))
}

/// Has the components change the schemas of the databases that `variables` name.
pub(crate) fn migrate(
    program: &Path,
    settings: &Settings,
    variables: &[(String, String)],
) -> Result<()> {
    command::run(&mut migration(program, settings, variables))
}

/// `runtime-shim migrate`, not yet run.
pub(crate) fn migration(
    program: &Path,
    settings: &Settings,
    variables: &[(String, String)],
) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root()).args(["migrate", "--from", settings.application]);
    command.arg("--state-dir").arg(settings.folder.join("state")).envs(environment(variables));
    command
}

/// The address itself, a free port where it asks for port 0, or an error if it is taken.
pub(crate) fn available(listen: SocketAddr) -> Result<SocketAddr> {
    match TcpListener::bind(listen) {
        Ok(listener) => Ok(listener.local_addr()?),
        Err(cause) => {
            bail!("cannot listen on {listen} ({cause}); choose another address with --listen")
        }
    }
}

/// Where a client on this machine reaches a server that listens on `address`.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Enough of a log to see why a host ended.
const TAIL_BYTES: u64 = 4096;

fn tail(log: &Path) -> Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
