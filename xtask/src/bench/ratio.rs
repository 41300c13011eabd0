//! What a request of the site costs beside one of the native program, in the same run: how fast
//! the machine is cancels out, and what remains is what our code makes of it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::column::{Column, Running, Servers};
use super::load::{self, Call};
use super::{CONNECTIONS, MOST_REQUESTS, median};
use crate::server::Host;
use crate::{components, process};

/// Whatever else the machine does meets all of a round alike, and not every round.
const ROUNDS: usize = 7;
/// A hundred of the steps in which the kernel counts.
const TIME: Duration = Duration::from_millis(1_000);
/// Before the first round: instances and caches fill.
const WARM_UP: Duration = Duration::from_millis(1_500);

/// What the native program is asked.
const REFERENCE: &str = "/rows/sqlite/20";

/// A request of the site, and how many times the CPU time of [`REFERENCE`] it takes.
pub(crate) struct Ratio {
    pub(crate) path: String,
    pub(crate) median: f64,
    pub(crate) rounds: Vec<f64>,
}

/// Serves the site on SQLite with its sample hospitals, and the native program beside it.
/// `paths` may hold `{hospital}`, which stands for the id of one.
pub(crate) fn measure(paths: &[&str]) -> Result<Vec<Ratio>> {
    components::build(&components::all()?)?;
    let shim = Host::Shim.program()?.context("our host was just built")?;
    let native = Column::native(&Servers::none())?;
    let native = native.at(super::Place::Work).context("the native program was just started")?;
    let site = Running::site(Host::Shim, &shim)?;
    let hospital = super::column::hospital(&site)?;
    let mut ratios: Vec<Ratio> = paths
        .iter()
        .map(|path| path.replace("{hospital}", &hospital))
        .map(|path| Ratio { path, median: f64::NAN, rounds: Vec::new() })
        .collect();
    cost(native, REFERENCE, WARM_UP)?;
    for ratio in &ratios {
        cost(&site, &ratio.path, WARM_UP)?;
    }
    for _ in 0..ROUNDS {
        let reference = cost(native, REFERENCE, TIME)?;
        for ratio in &mut ratios {
            let own = cost(&site, &ratio.path, TIME)?;
            ratio.rounds.push(own / reference);
        }
    }
    for ratio in &mut ratios {
        ratio.median = median(&ratio.rounds).context("there was a round")?;
    }
    Ok(ratios)
}

/// CPU seconds per request.
fn cost(running: &Running, path: &str, time: Duration) -> Result<f64> {
    let process = running.group.context("a process of this machine")?;
    let call = Call::get(running.address, path);
    let before = process::cpu(process)?;
    let answers =
        load::runtime()?.block_on(load::closed(&call, CONNECTIONS, time, MOST_REQUESTS))?;
    let used = process::cpu(process)?.saturating_sub(before);
    let refused = answers.refused.len() + answers.failed;
    ensure!(refused == 0, "{refused} of {} requests of {path} were refused", answers.requests());
    Ok(used.as_secs_f64() / answers.requests().max(1) as f64)
}
