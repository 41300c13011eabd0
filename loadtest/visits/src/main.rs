//! Visits of many people at once, by the load-testing framework goose. `cargo xtask load` runs
//! this and reads the lines of JSON that it prints; see docs/performance.md.
//!
//! Each user takes a step every second, at times that are fixed beforehand. A latency counts from
//! when a step was due, not from when it was sent: a site that stalls does not get away with being
//! asked less (coordinated omission).

mod action;
mod material;
mod record;
mod visitor;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use goose::config::GooseConfiguration;
use goose::prelude::*;
use tokio::time::{sleep, sleep_until};

use material::gather;
use record::Run;
use visitor::{begin_as_insider, begin_as_reader, begin_as_searcher, step};

/// It shares two processors with the site, and a fifth of what it does is to allocate.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So many users begin in a second: each insider among them costs two password hashes.
const BEGINNING_PER_SECOND: u64 = 30;
/// Between the last user's begin and the first step that counts: caches and pools fill.
const WARM_UP: Duration = Duration::from_secs(5);
/// An answer that takes longer is a failure. The steps that are under way at the end have as long.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon the end of the last step is noticed.
const LOOK: Duration = Duration::from_millis(100);
/// Every user has begun by then, or goose ends without figures.
const BEGIN_LIMIT: Duration = Duration::from_secs(300);

/// Of ten users; goose hands them out in turns.
const READERS: usize = 8;
const SEARCHERS: usize = 1;
const INSIDERS: usize = 1;

#[derive(Parser)]
struct Options {
    /// Origin of the site
    #[arg(long)]
    base: String,
    #[arg(long)]
    users: usize,
    /// How long steps count
    #[arg(long)]
    seconds: u64,
    /// Where goose writes its own report of the requests as they were sent
    #[arg(long, value_name = "HTML")]
    goose_report: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let run = Run::begin(options.users, Duration::from_secs(options.seconds))?;
    let progress = tokio::spawn(report_progress(run));
    let attack = attack(&options)?.execute().await;
    progress.abort();
    attack.map_err(|error| anyhow!("goose: {error}"))?;
    println!("{}", serde_json::to_string(&run.result()?)?);
    Ok(())
}

fn attack(options: &Options) -> Result<GooseAttack> {
    let begin = (options.users as u64).div_ceil(BEGINNING_PER_SECOND).max(1);
    // Only for a run that hangs: others are ended after their last step, see `report_progress`.
    let limits = BEGIN_LIMIT + WARM_UP + PATIENCE;
    let time = limits.as_secs() + options.seconds;
    let mut arguments = vec![
        format!("--host={}", options.base.trim_end_matches('/')),
        format!("--users={}", options.users),
        format!("--increase-time={begin}s"),
        format!("--run-time={time}s"),
        format!("--timeout={}", PATIENCE.as_secs()),
    ];
    let plain = ["--quiet", "--no-print-metrics", "--no-telnet", "--no-gzip"];
    arguments.extend(plain.map(str::to_owned));
    if let Some(file) = &options.goose_report {
        arguments.push(format!("--report-file={}", file.display()));
    }
    attack_with(&arguments).map_err(|error| anyhow!("goose: {error}"))
}

fn attack_with(arguments: &[String]) -> Result<GooseAttack, GooseError> {
    let scenario = |name, weight, begin: Transaction| {
        let begin = begin.set_name("begin").set_on_start();
        let steps = transaction!(step).set_name("step");
        let scenario = Scenario::new(name).set_weight(weight)?;
        Ok::<_, GooseError>(scenario.register_transaction(begin).register_transaction(steps))
    };
    let readers = scenario("reader", READERS, transaction!(begin_as_reader))?;
    let searchers = scenario("searcher", SEARCHERS, transaction!(begin_as_searcher))?;
    let insiders = scenario("insider", INSIDERS, transaction!(begin_as_insider))?;
    Ok(GooseAttack::initialize_with_config(GooseConfiguration::parse_args_default(arguments)?)?
        .test_start(transaction!(gather))
        .register_scenario(readers)
        .register_scenario(searchers)
        .register_scenario(insiders))
}

/// A line a second, one when the measurement begins and one when it ends. Ends goose when the last
/// step is over.
async fn report_progress(run: &'static Run) -> Result<()> {
    let (from, until) = loop {
        if let Some(window) = run.window() {
            break window;
        }
        println!("{}", serde_json::to_string(&run.progress()).context("progress")?);
        sleep(Duration::from_secs(1)).await;
    };
    sleep_until(from.into()).await;
    println!(r#"{{"measuring":true}}"#);
    while Instant::now() < until {
        println!("{}", serde_json::to_string(&run.progress())?);
        sleep(Duration::from_secs(1)).await;
    }
    println!(r#"{{"measuring":false}}"#);
    let last = Instant::now() + PATIENCE;
    while run.is_under_way() && Instant::now() < last {
        sleep(LOOK).await;
    }
    goose::trigger_killswitch("the last step is over");
    Ok(())
}
