//! What a request of the site costs beside one of the native program, in the same run: how fast
//! the machine is cancels out, and what remains is what our code makes of it.

use std::iter;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::case::Place;
use super::column::{self, Column, Running, Servers};
use super::load::{self, Call};
use super::{CONNECTIONS, MOST_REQUESTS};
use crate::server::Host;
use crate::{components, process};

/// What else the machine does only adds to the CPU time of a request, by cold caches; of many short
/// rounds one is spared.
const ROUNDS: usize = 12;
/// Fifty of the steps in which the kernel counts.
const TIME: Duration = Duration::from_millis(500);
/// Before the first round: instances and caches fill.
const WARM_UP: Duration = Duration::from_millis(1_500);

/// What the native program is asked.
const REFERENCE: &str = "/rows/sqlite/20";

/// A request of the site, and how many times the CPU time of [`REFERENCE`] it takes: the least of
/// its rounds beside the least of the reference's.
pub(crate) struct Ratio {
    pub(crate) times: f64,
}

/// Serves the site on SQLite with its sample hospitals, and the native program beside it.
/// `paths` may hold `{hospital}`, which stands for the id of one.
pub(crate) fn measure(paths: &[&str]) -> Result<Vec<Ratio>> {
    components::build(&components::all()?)?;
    let shim = Host::Shim.program()?.context("our host was just built")?;
    let native = Column::native(&Servers::none())?;
    let native = native.at(Place::Work).context("the native program was just started")?;
    let site = Running::site(Host::Shim, &shim)?;
    let hospital = column::hospital(&site)?;
    let paths = paths.iter().map(|path| path.replace("{hospital}", &hospital));
    let asked: Vec<(&Running, String)> =
        iter::once((native, REFERENCE.to_owned())).chain(paths.map(|path| (&site, path))).collect();
    for (running, path) in &asked {
        cost(running, path, WARM_UP)?;
    }
    let mut least = vec![f64::INFINITY; asked.len()];
    for _ in 0..ROUNDS {
        for (least, (running, path)) in least.iter_mut().zip(&asked) {
            *least = least.min(cost(running, path, TIME)?);
        }
    }
    let ratios = asked.into_iter().zip(&least).skip(1);
    Ok(ratios.map(|(_, cost)| Ratio { times: cost / least[0] }).collect())
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
