//! Whether a replica that answers for long holds more than one that has answered a little.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::CONNECTIONS;
use super::column::{Running, WORK};
use super::load::{self, Call};
use super::report::mebibytes;
use crate::process;
use crate::server::Host;

/// What the end is compared with: every instance and every pool is there by then.
const FIRST: u64 = 10_000;
const STEPS: u64 = 10;
/// The whole soak of one host ends by then, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// Every second request reads a database.
const PATHS: [&str; 2] = ["/hello", "/rows/sqlite/20"];

pub(super) fn run(shim: &Path, spin: Option<&Path>, requests: u64) -> Result<()> {
    for (host, program) in [(Host::Shim, Some(shim)), (Host::Spin, spin)] {
        let Some(program) = program else { continue };
        let running = Running::host(host, program, WORK, Vec::new(), &[])?;
        let group = running.group.context("the host was just started")?;
        let runtime = load::runtime()?;
        runtime.block_on(load::once(&Call::post(
            running.address,
            "/prepare/sqlite",
            Vec::new(),
        )))?;
        println!("\n{}: requests, resident MiB\n", host.name());
        let mut first = None;
        let step = requests.saturating_sub(FIRST).div_ceil(STEPS).max(1);
        let (mut sent, mut failed) = (0, 0);
        while sent < requests {
            let next = if sent == 0 { FIRST } else { step }.min(requests - sent);
            for path in PATHS {
                let call = Call::get(running.address, path);
                let share = next / PATHS.len() as u64;
                let asked = load::closed(&call, CONNECTIONS, LIMIT, share);
                failed += runtime.block_on(asked)?.failed;
            }
            sent += next;
            let resident = process::resident(group)?;
            let begun = *first.get_or_insert(resident);
            let ratio = resident as f64 / begun as f64;
            println!("- {sent}: {} ({ratio:.3})", mebibytes(resident));
        }
        println!("- failed: {failed}");
    }
    Ok(())
}
