//! `cargo xtask bench`: our host, a native program and the real Spin, side by side in one run.
//!
//! The figure that counts is CPU time per request, user and system, of the server's processes:
//! time on the clock says more about what else a machine does. Each round measures every case on
//! every column before the next one begins, so that what changes on the machine changes for all.

mod case;
mod column;
mod load;
mod logins;
mod overload;
pub(crate) mod ratio;
mod replica;
mod report;
mod soak;
mod spring;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::Pid;

use crate::chart::{self, Row};
use crate::server::Host;
use crate::{components, distribution, process, workspace};
use case::{Case, Place};
use column::{Base, Column, Servers};
use load::Answers;

/// Connections that ask at the same time.
const CONNECTIONS: usize = 50;
/// What a measurement is preceded by, on the same case: caches, pools and instances fill.
const WARM_UP: Duration = Duration::from_millis(300);
/// No measurement sends more, whatever the machine.
const MOST_REQUESTS: u64 = 1_000_000;

#[derive(Args)]
pub(crate) struct Options {
    /// How often each case is measured, in turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long one measurement takes
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// Only the cases whose name contains this, or one of start, overload, logins; the chart stays
    /// as it is then
    #[arg(long)]
    only: Option<String>,
    /// A further column: NAME=http://HOST:PORT, with ,PID where its CPU time is to be read
    #[arg(long, value_name = "NAME=URL")]
    base: Vec<Base>,
    /// Leave Spin and the native program out
    #[arg(long)]
    alone: bool,
    /// Send so many requests to one replica and see what its memory does, instead of all else
    #[arg(long, value_name = "REQUESTS")]
    soak: Option<u64>,
    /// Compare the site with a Spring Boot service on the same PostgreSQL, instead of all else
    #[arg(long, conflicts_with_all = ["soak", "only", "alone", "base"])]
    spring: bool,
    /// Where the chart goes
    #[arg(long, default_value = "docs/images/bench.svg")]
    chart: PathBuf,
}

/// The figures of one case on one column.
struct Figures {
    /// CPU µs per request of each round; none where the process is not known.
    cpu: Vec<f64>,
    /// Requests per second of each round.
    rate: Vec<f64>,
    answers: Answers,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    components::build(&components::all()?)?;
    if options.spring {
        return spring::run(options, &distribution::program()?);
    }
    components::compile(&["measured"])?;
    let shim = distribution::program()?;
    let spin = if options.alone { None } else { Host::Spin.program()? };
    if let Some(requests) = options.soak {
        return soak::run(&shim, spin.as_deref(), requests);
    }
    let cases: Vec<Case> =
        case::all().into_iter().filter(|case| options.chooses(&case.name)).collect();
    let mut stopped = Ok(());
    if !cases.is_empty() {
        let servers = Servers::start()?;
        let columns = columns(options, &servers, &shim, spin.as_deref())?;
        compare(options, &cases, &columns)?;
        stopped = columns.into_iter().try_for_each(Column::stop);
    }
    if options.chooses("start") {
        replica::run(&shim, spin.as_deref())?;
    }
    if options.chooses("overload") {
        overload::run(&shim)?;
    }
    if options.chooses("logins") {
        logins::run(&shim)?;
    }
    stopped
}

impl Options {
    fn chooses(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }
}

fn columns(
    options: &Options,
    servers: &Servers,
    shim: &Path,
    spin: Option<&Path>,
) -> Result<Vec<Column>> {
    let mut columns = vec![Column::shim(shim, servers)?];
    if !options.alone {
        columns.push(Column::native(servers)?);
    }
    match spin {
        Some(spin) => columns.push(Column::spin(spin, servers)?),
        None => eprintln!("Spin is not measured: say where it is with JINMAEK_SPIN"),
    }
    columns.extend(options.base.iter().map(Column::other));
    Ok(columns)
}

fn compare(options: &Options, cases: &[Case], columns: &[Column]) -> Result<()> {
    let before = resident(columns)?;
    let time = Duration::from_secs_f64(options.seconds);
    let mut figures: Vec<Vec<Option<Figures>>> = Vec::new();
    for case in cases {
        figures.push(columns.iter().map(|column| begin(column, case)).collect::<Result<_>>()?);
    }
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for (case, figures) in cases.iter().zip(&mut figures) {
            for (column, figures) in columns.iter().zip(figures) {
                if let Some(figures) = figures {
                    measure(column, case, time, figures)?;
                }
            }
        }
    }
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    report::print(&names, cases, &figures);
    report::print_memory(&names, &before, &resident(columns)?);
    if options.only.is_none() {
        let file = workspace::root().join(&options.chart);
        let title = "CPU time of the server per request, µs; shorter is better";
        let chart = chart::draw(title, &names, &rows(cases, &figures), 0)?;
        fs::write(&file, chart).with_context(|| format!("cannot write {}", file.display()))?;
        println!("\nThe chart is in {}", options.chart.display());
    }
    Ok(())
}

/// What the chart shows.
fn rows(cases: &[Case], figures: &[Vec<Option<Figures>>]) -> Vec<Row> {
    let shown = cases.iter().zip(figures).filter(|(case, _)| case.is_shown);
    let cpu = |figures: &Option<Figures>| figures.as_ref().and_then(Figures::cpu);
    shown
        .map(|(case, row)| Row { name: case.name.clone(), figures: row.iter().map(cpu).collect() })
        .collect()
}

/// Empty figures, or none where the column does not do what the case asks for.
fn begin(column: &Column, case: &Case) -> Result<Option<Figures>> {
    let answers = match column.call(case) {
        Some(call) => load::runtime()?.block_on(load::once(&call)),
        None => return Ok(None),
    };
    Ok(match answers {
        Ok(_) => Some(Figures::none()?),
        Err(error) => {
            eprintln!("{} on {} is not measured: {error:#}", case.name, column.name);
            None
        }
    })
}

fn measure(column: &Column, case: &Case, time: Duration, figures: &mut Figures) -> Result<()> {
    let (Some(call), Some(running)) = (column.call(case), column.at(case.place)) else {
        return Ok(());
    };
    load::runtime()?.block_on(async {
        load::closed(&call, CONNECTIONS, WARM_UP, MOST_REQUESTS).await?;
        let asked = load::closed(&call, CONNECTIONS, time, MOST_REQUESTS);
        figures.add(running.group, asked).await.map(drop)
    })
}

/// Of the server with the work, for each column.
fn resident(columns: &[Column]) -> Result<Vec<Option<u64>>> {
    let group = |column: &Column| column.at(Place::Work).and_then(|running| running.group);
    columns.iter().map(|column| group(column).map(process::resident).transpose()).collect()
}

impl Figures {
    fn none() -> Result<Self> {
        Ok(Self { cpu: Vec::new(), rate: Vec::new(), answers: Answers::none()? })
    }

    /// One round: what is asked, and what the processes of `group` take meanwhile. Returns how
    /// many requests it was.
    async fn add(
        &mut self,
        group: Option<Pid>,
        asked: impl Future<Output = Result<Answers>>,
    ) -> Result<u64> {
        let before = group.map(process::cpu).transpose()?;
        let answers = asked.await?;
        let after = group.map(process::cpu).transpose()?;
        if let (Some(before), Some(after)) = (before, after) {
            self.cpu.push(per_request(after.saturating_sub(before), answers.requests()));
        }
        self.rate.push(answers.rate());
        self.answers.add(&answers)?;
        Ok(answers.requests())
    }

    /// The least of the rounds: whatever else a machine does only adds to it, by cold caches.
    fn cpu(&self) -> Option<f64> {
        least(&self.cpu)
    }

    fn rate(&self) -> Option<f64> {
        median(&self.rate)
    }

    /// Milliseconds that so many of a hundred answers took at most.
    fn percentile(&self, percentile: f64) -> f64 {
        self.answers.answered.value_at_quantile(percentile / 100.0) as f64 / 1e3
    }
}

/// Microseconds.
fn per_request(used: Duration, requests: u64) -> f64 {
    used.as_secs_f64() * 1e6 / requests.max(1) as f64
}

fn least(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
