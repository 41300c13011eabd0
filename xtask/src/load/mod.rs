//! `cargo xtask load`: three hundred people visit the site at once, each once a second, and then
//! more and more of them, until it is full. The site runs as in a cluster, each component on a real
//! server of its own kind; all of it on this machine, with the generator.

mod crowd;
mod report;
mod site;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::workspace;
pub(crate) use crowd::Crowd;
use crowd::Level;
use site::{Process, Started};

/// Multiples of the users, one after the other, until the site is full.
const RAMP: [u64; 9] = [2, 3, 4, 6, 8, 10, 12, 16, 20];
/// Seconds of each.
const RAMP_SECONDS: u64 = 20;
/// How long answers may take before the site counts as full, milliseconds of p99.
const FULL_P99: f64 = 1_000.0;
/// Of the steps that were due, what may be left behind before it counts as full.
const FULL_LEFT: f64 = 0.01;

/// Where the report goes, from the root.
const FOLDER: &str = "target/load";

#[derive(Args)]
pub(crate) struct Options {
    /// Origin of a site that runs already; without one, this starts the site and its databases
    #[arg(long, value_name = "URL")]
    base: Option<String>,
    /// People at once, each of whom takes a step every second
    #[arg(long, default_value_t = 300)]
    users: u64,
    /// How long they stay
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// End after them: no ramp until the site is full
    #[arg(long)]
    steady: bool,
    /// Of the synthetic data, as in `cargo xtask seed`
    #[arg(long, default_value_t = 0.01)]
    scale: f64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.users == 0 || !(0.05..=1_440.0).contains(&options.minutes) {
        bail!("at least one user, and from 0.05 to 1440 minutes");
    }
    let visits = crowd::build()?;
    let folder = workspace::path(FOLDER);
    fs::create_dir_all(&folder)?;
    let started = match &options.base {
        Some(_) => None,
        None => Some(Started::start(options.scale)?),
    };
    let base = match (&options.base, &started) {
        (Some(base), _) => base.clone(),
        (None, Some(started)) => started.base().to_owned(),
        (None, None) => bail!("no site was started"),
    };
    let processes = started.as_ref().map(Started::processes).unwrap_or_default();
    let levels = levels(options, &visits, &base, &folder, &processes);
    // What was measured before a failure is worth reading all the same.
    if let Ok(levels) = &levels {
        report::write(&folder, &base, levels)?;
    }
    started.map_or(Ok(()), Started::stop)?;
    levels.map(drop)
}

fn levels(
    options: &Options,
    visits: &Path,
    base: &str,
    folder: &Path,
    processes: &[Process],
) -> Result<Vec<Level>> {
    let seconds = (options.minutes * 60.0).round() as u64;
    let report = folder.join("goose.html");
    let steady = crowd::visit(visits, base, options.users, seconds, processes, Some(&report))?;
    let mut levels = vec![steady];
    let is_full = |level: &Level| {
        let Level { outcome, .. } = level;
        let left = outcome.left_behind as f64 / outcome.due.max(1) as f64;
        outcome.all.failed > 0 || outcome.all.p99 > FULL_P99 || left > FULL_LEFT
    };
    for factor in RAMP {
        if options.steady || levels.last().is_some_and(is_full) {
            break;
        }
        let users = options.users * factor;
        let level = crowd::visit(visits, base, users, RAMP_SECONDS, processes, None);
        levels.push(level.with_context(|| format!("{users} users"))?);
    }
    Ok(levels)
}
