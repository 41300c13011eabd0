//! So many users at once: runs `loadtest/visits`, shows how far it is, and reads meanwhile what
//! the processes that take part use.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::site::Process;
use crate::{command, process, workspace};

/// A crowd that nobody sends home leaves after this.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What `loadtest/visits` counted. Latencies are in milliseconds.
#[derive(Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) users: u64,
    pub(super) seconds: f64,
    pub(super) due: u64,
    pub(super) left_behind: u64,
    pub(super) reasons: Vec<String>,
    pub(super) all: Figures,
    pub(super) pages: Vec<Figures>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) page: String,
    pub(super) answered: u64,
    pub(super) failed: u64,
    pub(super) requests: u64,
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) longest: f64,
}

/// What one process took, with all that it started.
#[derive(Serialize)]
pub(super) struct Usage {
    pub(super) name: String,
    /// Processors, on average.
    pub(super) cores: f64,
    /// At most, with its share of what it shares with others.
    pub(super) mebibytes: f64,
}

#[derive(Serialize)]
pub(super) struct Level {
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    /// Of the processes that take part, the generator among them.
    pub(super) usage: Vec<Usage>,
    /// Of all that ran on this machine, these among it.
    pub(super) machine_cores: f64,
}

/// A line of the generator's.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Outcome(Outcome),
    Measuring { measuring: bool },
    Progress { begun: u64, answered: u64, failed: u64 },
}

/// Stopped when it goes out of scope.
struct Generator(Child);

impl Drop for Generator {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// People at a site whom nobody measures. They leave when this goes out of scope.
pub(crate) struct Crowd {
    generator: Generator,
    /// Ends with the generator's output: steps that were answered, and those that failed.
    counting: JoinHandle<(u64, u64)>,
}

impl Crowd {
    /// Comes back when all of them are there.
    pub(crate) fn gather(base: &str, users: u64) -> Result<Self> {
        let mut visits = command::program(build()?);
        visits.args(["--base", base, "--users", &users.to_string()]);
        visits.args(["--seconds", &LONGEST.as_secs().to_string()]).stdout(Stdio::piped());
        let mut generator = Generator(visits.spawn().context("cannot run loadtest/visits")?);
        let output = generator.0.stdout.take().context("the generator's output")?;
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let mut lines = lines.filter_map(|line| serde_json::from_str(&line).ok());
        if !lines.any(|line| matches!(line, Line::Measuring { measuring: true })) {
            bail!("the visitors never came");
        }
        let counting = thread::spawn(move || {
            lines.fold((0, 0), |counted, line| match line {
                Line::Progress { answered, failed, .. } => (answered, failed),
                Line::Outcome(_) | Line::Measuring { .. } => counted,
            })
        });
        Ok(Self { generator, counting })
    }

    /// Steps that were answered, and those that failed. An error where they left before.
    pub(crate) fn leave(mut self) -> Result<(u64, u64)> {
        if let Some(status) = self.generator.0.try_wait()? {
            bail!("the visitors left early ({status})");
        }
        drop(self.generator);
        self.counting.join().map_err(|_| anyhow!("the visitors were not counted"))
    }
}

pub(super) fn build() -> Result<PathBuf> {
    command::run(command::cargo().args(["build", "--release", "--package", "visits"]))?;
    Ok(workspace::path("target/release/visits"))
}

/// `report` is where goose writes its own.
pub(super) fn visit(
    program: &Path,
    base: &str,
    users: u64,
    seconds: u64,
    processes: &[Process],
    report: Option<&Path>,
) -> Result<Level> {
    let mut visits = command::program(program);
    visits.args(["--base", base, "--users", &users.to_string()]);
    visits.args(["--seconds", &seconds.to_string()]).stdout(Stdio::piped());
    if let Some(report) = report {
        visits.arg("--goose-report").arg(report);
    }
    let mut child = Generator(visits.spawn().context("cannot run loadtest/visits")?);
    let root = Pid::from_raw(child.0.id().cast_signed()).context("the generator's process")?;
    let lines = BufReader::new(child.0.stdout.take().context("the generator's output")?).lines();
    let generator = Process { name: "generator".to_owned(), root };
    let watched: Vec<&Process> = processes.iter().chain([&generator]).collect();
    let (bar, mut meters) = (progress_bar(users, seconds), None);
    let mut level = None;
    for line in lines {
        match serde_json::from_str(&line?).context("a line of the generator's")? {
            Line::Progress { begun, .. } if meters.is_none() => {
                bar.set_message(format!("{begun} of {users} users have begun"));
            }
            Line::Progress { answered, failed, .. } => {
                bar.set_message(format!("{answered} answered, {failed} failed"));
                bar.inc(1);
                meters.iter_mut().try_for_each(Meters::look)?;
            }
            Line::Measuring { measuring: true } => meters = Some(Meters::start(&watched)?),
            Line::Measuring { measuring: false } => {
                meters.iter_mut().try_for_each(Meters::stop)?;
            }
            Line::Outcome(outcome) => {
                let meters = meters.take().context("the generator never measured")?;
                level = Some(meters.level(outcome));
            }
        }
    }
    bar.finish_and_clear();
    let status = child.0.wait()?;
    let Some(level) = level else { bail!("the generator ended without figures ({status})") };
    eprintln!("{}", level.summary());
    Ok(level)
}

fn progress_bar(users: u64, seconds: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:40} {pos}/{len} s  {msg}");
    ProgressBar::new(seconds)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_prefix(format!("{users} users"))
}

/// What the processes had used when it was first read, and what since.
struct Meters<'a> {
    begun: Instant,
    processes: &'a [&'a Process],
    before: Vec<Duration>,
    cores: Vec<f64>,
    bytes: Vec<u64>,
    machine_before: Duration,
    machine_cores: f64,
}

impl<'a> Meters<'a> {
    fn start(processes: &'a [&'a Process]) -> Result<Self> {
        let before = cpu(processes)?;
        Ok(Self {
            begun: Instant::now(),
            before,
            processes,
            cores: Vec::new(),
            bytes: vec![0; processes.len()],
            machine_before: busy()?,
            machine_cores: 0.0,
        })
    }

    fn look(&mut self) -> Result<()> {
        for (most, process) in self.bytes.iter_mut().zip(self.processes) {
            *most = process::proportional(process.root)?.max(*most);
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let used = cpu(self.processes)?;
        let cores = used
            .iter()
            .zip(&self.before)
            .map(|(after, before)| after.saturating_sub(*before).as_secs_f64() / seconds);
        self.cores = cores.collect();
        self.machine_cores = busy()?.saturating_sub(self.machine_before).as_secs_f64() / seconds;
        Ok(())
    }

    fn level(self, outcome: Outcome) -> Level {
        let figures = self.cores.iter().zip(&self.bytes);
        let usage = self.processes.iter().zip(figures).map(|(process, (&cores, &bytes))| Usage {
            name: process.name.clone(),
            cores,
            mebibytes: bytes as f64 / f64::from(1 << 20),
        });
        Level { outcome, usage: usage.collect(), machine_cores: self.machine_cores }
    }
}

fn cpu(processes: &[&Process]) -> Result<Vec<Duration>> {
    processes.iter().map(|process| process::cpu(process.root)).collect()
}

fn busy() -> Result<Duration> {
    let (all, idle) = process::machine()?;
    Ok(all.saturating_sub(idle))
}

impl Level {
    /// Requests answered per second, those that redirects led to among them.
    pub(super) fn rate(&self) -> f64 {
        self.outcome.all.requests as f64 / self.outcome.seconds
    }

    fn summary(&self) -> String {
        let Outcome { users, all, left_behind, .. } = &self.outcome;
        format!(
            "{users} users: {:.0} requests/s, {} failed, {left_behind} left behind; p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms; {:.2} cores",
            self.rate(),
            all.failed,
            all.p50,
            all.p99,
            all.p999,
            self.machine_cores,
        )
    }
}
