//! Suites in JavaScript: over HTTP, and in a browser.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::Result;

use super::session::{Session, Site};
use super::tally::{Tally, count_node};
use super::{Outcome, Step, is_ci};
use crate::server::Host;
use crate::{command, scripts, workspace};

/// No file of tests takes longer, even on a busy machine: the fuzzer's takes the longest. One that
/// hangs ends here, and the others go on.
const FILE_LIMIT_MS: &str = "1200000";

/// Files of tests that run side by side at least. They wait more than they compute, so two cores take
/// more than node's own choice, which is one less than there are cores.
const FILES_AT_ONCE: usize = 3;

const CHROMIUM: &str = "/usr/bin/chromium";

/// The tests of `tests/NAME/`, on the site of this run.
pub(crate) fn suite(session: &mut Session, step: &Step) -> Result<Outcome> {
    if let Some(outcome) = unable()? {
        return Ok(outcome);
    }
    let files = session.files(step)?;
    node(session.site()?, &files, |_| {})
}

/// Not in CI: behind Spin's rollback journal a busy machine makes requests wait until they get
/// 503, so a run there would say more about the machine than about the components.
pub(crate) fn parity(session: &mut Session, step: &Step) -> Result<Outcome> {
    if is_ci() {
        return Ok(Outcome::NotRun("on a machine at rest: cargo xtask test parity".to_owned()));
    }
    if let Some(outcome) = unable()? {
        return Ok(outcome);
    }
    let Some(site) = Site::start(Host::Spin)? else {
        let how = "Spin 4.1 or newer is not here; say where with JINMAEK_SPIN=/path/to/spin";
        return Ok(Outcome::NotRun(how.to_owned()));
    };
    let outcome = node(&site, &session.files(step)?, |_| {})?;
    site.stop()?;
    Ok(outcome)
}

pub(crate) fn pages(session: &mut Session, step: &Step) -> Result<Outcome> {
    if !Path::new(CHROMIUM).exists() {
        return Ok(Outcome::NotRun("apt-get install chromium".to_owned()));
    }
    suite(session, step)
}

pub(crate) fn fuzz(session: &mut Session, step: &Step) -> Result<Outcome> {
    if let Some(outcome) = unable()? {
        return Ok(outcome);
    }
    let schemathesis = match install_schemathesis() {
        Ok(program) => program,
        Err(error) => {
            let why = format!("schemathesis ({error:#}); apt-get install python3-venv");
            return Ok(Outcome::NotRun(why));
        }
    };
    let files = session.files(step)?;
    node(session.site()?, &files, |suite| {
        suite.env("JINMAEK_SCHEMATHESIS", &schemathesis);
    })
}

/// Why no suite can run here; where it can, its npm packages are there afterwards.
pub(super) fn unable() -> Result<Option<Outcome>> {
    if !scripts::has_node() {
        return Ok(Some(Outcome::NotRun(scripts::NODE_IS_MISSING.to_owned())));
    }
    scripts::install_packages(&workspace::path("tests"))?;
    Ok(None)
}

/// Into a Python environment of its own under target/.
fn install_schemathesis() -> Result<PathBuf> {
    let requirements = workspace::path("tests/fuzz/requirements.txt");
    let folder = workspace::path("target/schemathesis");
    let program = folder.join("bin/schemathesis");
    if workspace::is_fresh(&program, &requirements) {
        return Ok(program);
    }
    eprintln!("Installing schemathesis");
    command::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    command::run(pip.args(["install", "--quiet", "--requirement"]).arg(requirements))?;
    Ok(program)
}

/// The modules of the browser's scripts, which need no site.
pub(crate) fn scripts(session: &mut Session, step: &Step) -> Result<Outcome> {
    if let Some(outcome) = unable()? {
        return Ok(outcome);
    }
    scripts::install_packages(&workspace::path(scripts::PACKAGE))?;
    Ok(Outcome::Ran(run_files(&session.files(step)?, |_| {})?))
}

/// On this site.
pub(super) fn node(
    site: &Site,
    files: &[PathBuf],
    describe: impl Fn(&mut Command),
) -> Result<Outcome> {
    let tally = run_files(files, |node| {
        site.describe_to(node);
        describe(node);
    })?;
    Ok(Outcome::Ran(tally))
}

pub(super) fn run_files(files: &[PathBuf], describe: impl Fn(&mut Command)) -> Result<Tally> {
    let mut node = command::program("node");
    node.current_dir(workspace::path("tests"));
    node.args(["--test", "--test-reporter=spec", "--test-timeout", FILE_LIMIT_MS]);
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    node.arg(format!("--test-concurrency={}", FILES_AT_ONCE.max(cores - 1))).args(files);
    describe(&mut node);
    Tally::of_runner(&mut node, count_node)
}
