//! Every test this machine can run.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use crate::database_server::Engine;
use crate::server::Host;
use session::Session;
use tally::Tally;

mod cost;
mod databases;
mod faults;
mod mail_server;
mod manifests;
mod node;
mod plans;
mod rust;
pub(crate) mod session;
mod shim;
mod tally;

#[derive(Args)]
pub(crate) struct Options {
    /// Only steps, or files of tests/, whose name contains this: `pages`, `api/board`
    filter: Option<String>,
    /// What serves the site that the suites talk to
    #[arg(long, value_enum, default_value = "shim")]
    host: Host,
}

/// One kind of test.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Session, &Step) -> Result<Outcome>,
    /// The folder of tests/ whose files it runs, where it runs any.
    folder: Option<&'static str>,
    /// Whether it talks to the site, so that `--host` makes a difference.
    on_site: bool,
    /// Whether CI may go without it, because what it needs cannot be had there in time.
    optional: bool,
}

enum Outcome {
    Ran(Tally),
    /// Why not, and how to get what is missing.
    NotRun(String),
}

/// What most steps have in common.
const STEP: Step = Step {
    name: "",
    about: "",
    run: |_, _| Ok(Outcome::Ran(Tally::default())),
    folder: None,
    on_site: false,
    optional: false,
};

/// In this order, the quickest to fail first.
const STEPS: &[Step] = &[
    Step { name: "format", about: "rustfmt has nothing to change", run: rust::format, ..STEP },
    Step { name: "lint", about: "clippy has nothing to say", run: rust::lint, ..STEP },
    Step {
        name: "native",
        about: "domain rules, shared crates, the tree's invariants",
        run: rust::native,
        ..STEP
    },
    Step {
        name: "scripts",
        about: "what the browser signs, blinds, remembers and warns of",
        run: node::scripts,
        folder: Some("scripts"),
        ..STEP
    },
    Step {
        name: "manifests",
        about: "k8s/ against schemas, policies and promtool; backups restored",
        run: manifests::run,
        folder: Some("manifests"),
        ..STEP
    },
    Step {
        name: "host",
        about: "runtime-shim with the guests of its conformance tests",
        run: rust::host,
        ..STEP
    },
    Step {
        name: "shim",
        about: "containers of our runtime, under containerd",
        run: shim::run,
        folder: Some("shim"),
        // The shim takes longer to compile than CI has time left.
        optional: true,
        ..STEP
    },
    Step {
        name: "api",
        about: "the three APIs over HTTP, through their wasm",
        run: node::suite,
        folder: Some("api"),
        on_site: true,
        ..STEP
    },
    Step {
        name: "anonymity",
        about: "batches by day, and an adversary with every row, log line and metric",
        run: node::suite,
        folder: Some("anonymity"),
        ..STEP
    },
    Step {
        name: "mysql",
        about: "the API tests with every component on MySQL",
        run: |session, step| databases::suite(session, step, Engine::Mysql),
        folder: Some("api"),
        ..STEP
    },
    Step {
        name: "mariadb",
        about: "the API tests with every component on MariaDB",
        run: |session, step| databases::suite(session, step, Engine::Mariadb),
        folder: Some("api"),
        ..STEP
    },
    Step {
        name: "postgres",
        about: "the API tests with every component on PostgreSQL",
        run: |session, step| databases::suite(session, step, Engine::Postgres),
        folder: Some("api"),
        ..STEP
    },
    Step {
        name: "plans",
        about: "every statement of a read goes by an index, on each database",
        run: plans::run,
        ..STEP
    },
    Step {
        name: "faults",
        about: "databases that are killed, cut off and slow, under fifty writers",
        run: faults::run,
        ..STEP
    },
    Step {
        name: "cost",
        about: "CPU time of two pages and an API read, beside the native program",
        run: cost::run,
        ..STEP
    },
    Step {
        name: "parity",
        about: "the same API tests and wasm on the real Spin",
        run: node::parity,
        folder: Some("api"),
        // Nobody distributes Spin 4.1 yet, and it takes half an hour to compile.
        optional: true,
        ..STEP
    },
    Step {
        name: "pages",
        about: "the pages in Chromium, by keyboard, by axe, with scripts off",
        run: node::pages,
        folder: Some("pages"),
        on_site: true,
        ..STEP
    },
    Step {
        name: "fuzz",
        about: "schemathesis over the three OpenAPI documents",
        run: node::fuzz,
        folder: Some("fuzz"),
        on_site: true,
        ..STEP
    },
    Step {
        name: "licences",
        about: "cargo-deny: licences, advisories, sources",
        run: rust::licences,
        // cargo-deny takes longer to compile than all of CI may take.
        optional: true,
        ..STEP
    },
];

/// What became of a step.
struct Line<'a> {
    step: &'a Step,
    result: Result<Outcome>,
    took: Duration,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let mut session = Session::new(options.host, options.filter.clone());
    let mut lines = Vec::new();
    for step in STEPS.iter().filter(|step| step.on_site || options.host == Host::Shim) {
        if !session.chooses(step)? {
            continue;
        }
        eprintln!("\n━━ {}: {}", step.name, step.about);
        let started = Instant::now();
        let result = (step.run)(&mut session, step);
        if let Err(error) = &result {
            eprintln!("error: {error:#}");
        }
        lines.push(Line { step, result, took: started.elapsed() });
    }
    if let Err(error) = session.end() {
        eprintln!("error: {error:#}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(report(&lines))
}

/// CI has to run everything it can be given; a person's machine may lack something.
fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

fn report(lines: &[Line]) -> ExitCode {
    let mut sum = Tally::default();
    eprintln!("\n━━ summary");
    for Line { step, result, took } in lines {
        let (mut tally, text) = judge(step, result, is_ci());
        if !tally.report.is_empty() {
            tally.report.insert(0, format!("\n━━ failures of {}", step.name));
        }
        sum += tally;
        eprintln!("{:>9}  {:>6.1} s  {text}", step.name, took.as_secs_f64());
    }
    for line in &sum.report {
        eprintln!("{line}");
    }
    println!("{sum}");
    // Nothing at all is more likely a mistyped filter than a success.
    if sum.failed > 0 || sum == Tally::default() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn judge(step: &Step, result: &Result<Outcome>, ci: bool) -> (Tally, String) {
    match result {
        Ok(Outcome::Ran(tally)) => (tally.clone(), tally.to_string()),
        Ok(Outcome::NotRun(why)) if ci && !step.optional => {
            (Tally::failure(), format!("FAILED, as CI must run it: {why}"))
        }
        Ok(Outcome::NotRun(why)) => (Tally::skip(), format!("not run: {why}")),
        Err(error) => (Tally::failure(), format!("FAILED: {error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, STEP, Step, Tally, judge};

    #[test]
    fn a_step_that_cannot_run_fails_in_ci_only() {
        let result = Ok(Outcome::NotRun("no chromium".to_owned()));
        assert_eq!(judge(&STEP, &result, true).0, Tally::failure());
        assert_eq!(judge(&STEP, &result, false).0, Tally::skip());
        let optional = Step { optional: true, ..STEP };
        assert_eq!(judge(&optional, &result, true).0, Tally::skip());
    }

    #[test]
    fn an_error_is_a_failure() {
        assert_eq!(judge(&STEP, &Err(anyhow::anyhow!("no")), false).0, Tally::failure());
    }
}
