//! What is done from the command line, in a container as well as outside of one:
//! config → build → spawn → wait for a signal → drain.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::config::{Application, Config, Environment, Up};
use crate::net::Address;
use crate::server::Server;
use crate::{admin, migration};

/// The log goes to stderr; `RUNTIME_SHIM_LOG` says what is in it.
pub fn start_log(from: Environment<'_>) {
    let filter = from("RUNTIME_SHIM_LOG").and_then(|filter| EnvFilter::try_new(filter).ok());
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new("warn,runtime_shim=info")))
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .init();
}

/// An error as one line, whatever a library put into its message.
pub fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn serve(up: &Up, from: Environment<'_>) -> Result<()> {
    let config = Config::read(&up.application, from)?;
    up.check_secrets(&config)?;
    let address = Address::reserve(up.listen)?;
    let admin_address = up
        .admin()?
        .map(Address::reserve)
        .transpose()
        .context("admin listener (--admin ADDR or --admin off)")?;
    let app = Arc::new(App::build(&config)?);
    let (stop, stopping) = watch::channel(false);
    let server = Server::start(&app, &address, &stopping)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        if let Some(address) = &admin_address {
            tokio::spawn(admin::serve(Arc::clone(&app), address.listener()?, stopping));
        }
        announce(&config, &address, admin_address.as_ref());
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        eprintln!("Finishing what is under way …");
        stop.send_replace(true);
        let drained = tokio::task::spawn_blocking(|| server.join());
        // A second signal does not wait.
        tokio::select! { _ = drained => {} _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        anyhow::Ok(())
    })?;
    runtime.shutdown_timeout(Duration::ZERO);
    Ok(())
}

pub fn migrate(application: &Application, from: Environment<'_>) -> Result<()> {
    let mut config = Config::read(application, from)?;
    migration::lift_limits(&mut config.runtime);
    let app = Arc::new(App::build(&config)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(migration::run(&app, &config))
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
