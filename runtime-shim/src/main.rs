//! `runtime-shim up`: config → build → spawn → wait for a signal → drain.
//! `runtime-shim migrate`: config → build → ask each component.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use runtime_shim::app::App;
use runtime_shim::config::{Application, Command, CommandLine, Config, LogFormat, Up};
use runtime_shim::log::JsonLines;
use runtime_shim::metrics::Metrics;
use runtime_shim::net::{self, Address};
use runtime_shim::otlp::Spans;
use runtime_shim::server::Server;
use runtime_shim::watch::{self, Looked};
use runtime_shim::{admin, limits, migration};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    let filter = EnvFilter::try_from_env("RUNTIME_SHIM_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,runtime_shim=info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match command.log_format() {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.event_format(JsonLines).init(),
    }
    let done = match command {
        Command::Up(up) => serve(*up),
        Command::Migrate(application) => migrate(&application),
        Command::Limits => {
            limits::print();
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever a library put into its message.
            let message = format!("{error:#}");
            eprintln!("error: {}", message.split_whitespace().collect::<Vec<_>>().join(" "));
            ExitCode::FAILURE
        }
    }
}

fn serve(up: Up) -> Result<()> {
    let config = Config::read(&up.application)?;
    let looked = up.watch.then(|| Looked::at(&config));
    up.check_secrets(&config)?;
    let address = Address::reserve(up.listen)?;
    let admin_address = up
        .admin()?
        .map(Address::reserve)
        .transpose()
        .context("admin listener (--admin ADDR or --admin off)")?;
    let metrics = Arc::new(Metrics::new()?);
    let spans = Spans::from_environment()?.map(Arc::new);
    let app = Arc::new(App::build(&config, &metrics, spans.as_ref())?);
    net::allow_many_connections();
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let server = Server::start(&app, &address, &stopping)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        if let Some(address) = &admin_address {
            tokio::spawn(admin::serve(Arc::clone(&metrics), address.listener()?, stopping));
        }
        announce(&config, &address, admin_address.as_ref());
        if let Some(looked) = looked {
            let (apps, spans) = (server.apps(), spans.clone());
            let build = move |config: &Config| App::build(config, &metrics, spans.as_ref());
            std::thread::spawn(move || watch::run(&up, config, looked, &build, &apps));
        }
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        eprintln!("Finishing what is under way …");
        stop.send_replace(true);
        let drained = tokio::task::spawn_blocking(|| server.join());
        // A second signal does not wait.
        tokio::select! { _ = drained => {} _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        anyhow::Ok(())
    })?;
    runtime.shutdown_timeout(Duration::ZERO);
    if let Some(spans) = spans {
        spans.finish();
    }
    Ok(())
}

fn migrate(application: &Application) -> Result<()> {
    let mut config = Config::read(application)?;
    migration::lift_limits(&mut config.runtime);
    let app = Arc::new(App::build(&config, &Arc::new(Metrics::new()?), None)?);
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
