//! What a request of the site costs beside one of the native program, in the same run: how fast
//! the machine is cancels out, and what remains is what our code makes of it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::MOST_REQUESTS;
use super::column::{Column, Running, Servers};
use super::load::{self, Call};
use crate::server::Host;
use crate::{components, process};

/// What else the machine does only adds to CPU time (cold caches), and does not meet every round.
const ROUNDS: usize = 5;
/// How often a request that seems too dear is measured again: a crowded machine makes what has more
/// code dearer than what has little.
const ATTEMPTS: usize = 3;
/// A hundred of the steps in which the kernel counts.
const TIME: Duration = Duration::from_millis(1_000);
/// Few enough not to be a crowd, even where all are on one thread and the machine pauses: of a
/// crowd that stands the host refuses some.
const CONNECTIONS: usize = 32;
/// Before the first round: instances and caches fill.
const WARM_UP: Duration = Duration::from_millis(1_500);

/// What the native program is asked.
const REFERENCE: &str = "/rows/sqlite/20";

/// A request of the site.
pub(crate) struct Kept {
    pub(crate) path: &'static str,
    /// How many times the CPU time of [`REFERENCE`] it may take.
    pub(crate) limit: f64,
}

/// How many times the CPU time of [`REFERENCE`] each of `kept` takes: the least of all rounds.
///
/// Serves the site on SQLite with its sample hospitals, and the native program beside it. A path
/// may hold `{hospital}`, which stands for the id of one.
pub(crate) fn measure(kept: &[Kept]) -> Result<Vec<f64>> {
    components::build(&components::all()?)?;
    let shim = Host::Shim.program()?.context("our host was just built")?;
    let native = Column::native(&Servers::none())?;
    let native = native.at(super::Place::Work).context("the native program was just started")?;
    let site = Running::site(Host::Shim, &shim)?;
    let hospital = super::column::hospital(&site)?;
    let paths: Vec<String> =
        kept.iter().map(|kept| kept.path.replace("{hospital}", &hospital)).collect();
    cost(native, REFERENCE, WARM_UP)?;
    for path in &paths {
        cost(&site, path, WARM_UP)?;
    }
    let (mut reference, mut own) = (f64::INFINITY, vec![f64::INFINITY; kept.len()]);
    for _ in 0..ATTEMPTS {
        for _ in 0..ROUNDS {
            reference = reference.min(cost(native, REFERENCE, TIME)?);
            for (own, path) in own.iter_mut().zip(&paths) {
                *own = own.min(cost(&site, path, TIME)?);
            }
        }
        if own.iter().zip(kept).all(|(own, kept)| own / reference <= kept.limit) {
            break;
        }
    }
    Ok(own.into_iter().map(|own| own / reference).collect())
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
