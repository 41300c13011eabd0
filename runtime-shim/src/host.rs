//! What is done from the command line, in a container as well as outside of one:
//! config → build → spawn → wait for a signal → drain.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::config::{Application, Config, Environment, LogFormat, Up};
pub use crate::engine::compile_stdin;
use crate::metrics::Metrics;
use crate::net::{self, Address};
use crate::otlp::Spans;
use crate::server::Server;
use crate::variables;
use crate::watch::{self, Looked};
use crate::{admin, initial_data, migration};

/// Of each body that a client breaks off a library would warn, without its trace id.
const LOGGED: &str = "warn,wasmtime_wasi_http=error,runtime_shim=info";

/// With these Spin serves HTTPS. Who set them must not be served HTTP.
const TLS: [&str; 2] = ["SPIN_TLS_CERT", "SPIN_TLS_KEY"];

/// Of the process, and for variables of the application what it lacks and `.env` in the working
/// directory has, as in Spin.
///
/// # Errors
///
/// The file cannot be read, or not what it says of these variables.
pub fn environment() -> Result<Environment> {
    // What is not UTF-8 is nothing of ours.
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let mut environment: Environment = std::env::vars_os().filter_map(text).collect();
    let file = Path::new(".env");
    if !file.is_file() {
        return Ok(environment);
    }
    for line in dotenvy::from_path_iter(file).context(".env")? {
        let (name, value) = match line {
            // It may be a secret of another program; a quote that is open goes on to the end.
            Err(dotenvy::Error::LineParse(lines, _)) if !lines.lines().any(is_variable) => {
                eprintln!("warning: .env: a line is passed over that is not NAME=VALUE");
                continue;
            }
            Err(dotenvy::Error::LineParse(..)) => bail!(
                ".env: a line of {}… is not NAME=VALUE, or one before it has a quote that is never closed",
                variables::ENVIRONMENT_PREFIX
            ),
            line => line.context(".env")?,
        };
        if name.starts_with(variables::ENVIRONMENT_PREFIX) {
            environment.entry(name).or_insert(value);
        }
    }
    Ok(environment)
}

fn is_variable(line: &str) -> bool {
    let line = line.trim_start();
    line.strip_prefix("export ").unwrap_or(line).starts_with(variables::ENVIRONMENT_PREFIX)
}

/// The log goes to stderr; `RUNTIME_SHIM_LOG` says what is in it.
pub fn start_log(format: LogFormat, environment: &Environment) {
    let filter =
        environment.get("RUNTIME_SHIM_LOG").and_then(|filter| EnvFilter::try_new(filter).ok());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new(LOGGED)))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
        }
    }
}

/// An error as one line, whatever a library put into its message.
pub fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Serves until SIGTERM or SIGINT. `loaded` is called before a guest runs.
pub fn serve(up: Up, environment: Environment, loaded: impl FnOnce()) -> Result<()> {
    if let Some(name) = TLS.iter().find(|name| environment.contains_key(**name)) {
        bail!(
            "{name} is Spin's, and not taken here: TLS ends at the gateway in front of this host"
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut asked = {
        let _inside = runtime.enter();
        Asked::new()?
    };
    let read = move || {
        let config = Config::read(&up.application, &environment)?;
        Ok((up, environment, config))
    };
    let Some((mut up, environment, config)) = runtime.block_on(asked.unless("reading", read))?
    else {
        return Ok(());
    };
    // From now on, what is edited is.
    up.application.build = false;
    let looked = up.watch.then(|| Looked::at(&config));
    up.check_secrets(&config)?;
    let address =
        if up.find_free_port { Address::next(up.listen)? } else { Address::reserve(up.listen)? };
    let admin_address = up.admin().context("admin listener (--admin ADDR or --admin off)")?;
    let metrics = Arc::new(Metrics::new()?);
    let spans = Spans::from_environment()?.map(Arc::new);
    let build = {
        let (metrics, spans) = (Arc::clone(&metrics), spans.clone());
        move |config: &Config| App::build(config, &metrics, spans.as_ref())
    };
    let compile = {
        let build = build.clone();
        move || build(&config).map(|app| (config, app))
    };
    let Some((config, app)) = runtime.block_on(asked.unless("compiling", compile))? else {
        return Ok(());
    };
    initial_data::write(&app, &up.sqlite, &up.key_value)?;
    loaded();
    let app = Arc::new(app);
    net::allow_many_connections();
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let server = Server::start(&app, &address, &stopping)?;
    runtime.block_on(async {
        if let Some(address) = &admin_address {
            tokio::spawn(admin::serve(Arc::clone(&metrics), address.listener()?, stopping));
        }
        announce(&config, &address, admin_address.as_ref());
        if let Some(looked) = looked {
            let apps = server.apps();
            std::thread::spawn(move || {
                watch::run(&up, &environment, config, looked, &build, &apps);
            });
        }
        asked.wait().await;
        eprintln!("Finishing what is under way …");
        stop.send_replace(true);
        let drained = tokio::task::spawn_blocking(|| server.join());
        // A second signal does not wait.
        tokio::select! { _ = drained => {} () = asked.wait() => {} }
        anyhow::Ok(())
    })?;
    runtime.shutdown_timeout(Duration::ZERO);
    if let Some(spans) = spans {
        spans.finish();
    }
    Ok(())
}

/// Has each component bring its databases up to date. `loaded` is called before a guest runs.
pub fn migrate(
    application: &Application,
    environment: &Environment,
    loaded: impl FnOnce(),
) -> Result<()> {
    let mut config = Config::read(application, environment)?;
    migration::lift_limits(&mut config.runtime);
    let app = Arc::new(App::build(&config, &Arc::new(Metrics::new()?), None)?);
    loaded();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(migration::run(&app, &config))
}

/// The signals to end. They are listened to from before code is fetched and compiled: the first
/// process of a container would not even notice one that it does not listen to.
struct Asked {
    terminate: Signal,
    interrupt: Signal,
}

impl Asked {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! { _ = self.terminate.recv() => {} _ = self.interrupt.recv() => {} }
    }

    /// What comes of `work`, which is called `name`; `None` where the host was asked to end meanwhile.
    async fn unless<T: Send + 'static>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        let (done, worked) = tokio::sync::oneshot::channel();
        // A thread that nobody waits for: it goes with the process.
        std::thread::spawn(move || done.send(work()).is_ok());
        tokio::select! {
            worked = worked => {
                worked.with_context(|| format!("{name} the application panicked"))?.map(Some)
            }
            () = self.wait() => Ok(None),
        }
    }
}

/// A closed stdout must not stop the host, so nothing here may fail.
fn announce(config: &Config, address: &Address, admin: Option<&Address>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "Serving http://{}", address.get());
    if let Some(admin) = admin {
        let _ = writeln!(out, "Metrics http://{}/metrics", admin.get());
    }
    for (route, component) in config.routes() {
        let _ = writeln!(out, "  {component}: {route}");
    }
}
