//! The whole site on this machine.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::server::{self, Host, Server, Settings};
use crate::{components, workspace};

#[derive(Args)]
pub(crate) struct Options {
    /// Address to serve on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// What serves it
    #[arg(long, value_enum, default_value = "shim")]
    host: Host,
    /// Folder of the databases and the operator's token [default: .jinmaek]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Further arguments for the host, such as `--variable name=value`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Builds what is stale, serves, and ends as the host ends.
pub(crate) fn run(options: Options) -> Result<ExitCode> {
    let settings = Settings {
        application: server::SITE,
        listen: server::available(options.listen)?,
        folder: options.state_dir.unwrap_or_else(workspace::local_state),
        arguments: options.arguments,
        variables: Vec::new(),
        log_filter: None,
        log: None,
    };
    components::build(&components::all()?)?;
    let program = options.host.program()?.context("the real Spin is not on this machine")?;
    let mut server = Server::start(options.host, &program, &settings)?;
    let stopping = forward_signals(server.group())?;
    match make_ready(&mut server) {
        Ok(()) => eprintln!("\n  진맥 is at {}  (Ctrl-C stops it)\n", server.base),
        // The host was told to stop before it was ready, which is no failure of ours.
        Err(_) if stopping.load(Ordering::Relaxed) => {}
        Err(error) => return Err(error),
    }
    Ok(exit_code(server.wait()?))
}

fn make_ready(server: &mut Server) -> Result<()> {
    server.wait_until_healthy()?;
    server.import_samples()
}

/// Passes on what asks us to stop: the host finishes what is in flight. True once that happened.
pub(crate) fn forward_signals(host: Option<Pid>) -> Result<Arc<AtomicBool>> {
    let stopping = Arc::new(AtomicBool::new(false));
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let seen = stopping.clone();
    thread::spawn(move || {
        for signal in &mut signals {
            seen.store(true, Ordering::Relaxed);
            let signal = if signal == SIGINT { Signal::INT } else { Signal::TERM };
            // An error means that the host has ended already.
            let _ = host.map(|host| kill_process_group(host, signal));
        }
    });
    Ok(stopping)
}

fn exit_code(status: ExitStatus) -> ExitCode {
    // As shells report a program that a signal ended.
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
