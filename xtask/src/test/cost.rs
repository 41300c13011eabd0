//! What a page and an API read may cost: CPU time, beside the native program's in the same run.

use anyhow::Result;

use super::session::Session;
use super::tally::Tally;
use super::{Outcome, Step};
use crate::bench::ratio::{self, Kept};

/// How much dearer than its baseline a request may be: less is within what one machine and the
/// next one differ by.
const MARGIN: f64 = 1.2;

/// By path: how many times the CPU time of twenty rows from the native program it took when this
/// was written. Lower one whenever it was made cheaper; to raise one takes a reason in the commit.
const BASELINE: [(&str, f64); 3] =
    [("/hospitals/{hospital}", 36.0), ("/hospitals", 50.0), ("/api/review/hospitals", 18.0)];

pub(crate) fn run(_: &mut Session, _: &Step) -> Result<Outcome> {
    let kept = BASELINE.map(|(path, baseline)| Kept { path, limit: baseline * MARGIN });
    let mut tally = Tally::default();
    for (Kept { path, limit }, measured) in kept.iter().zip(ratio::measure(&kept)?) {
        let is_kept = measured <= *limit;
        eprintln!(
            "{} {path}: {measured:.1} times the native program's rows, of {limit:.1} at most",
            if is_kept { "✔" } else { "✖" },
        );
        tally += if is_kept { Tally::success() } else { Tally::failure() };
    }
    Ok(Outcome::Ran(tally))
}
