//! More than a host can serve: those that it admits must not wait longer for it, and the others
//! must learn early that they were refused. Of a page that takes a while: what asks is on the same
//! machine and has to be able to ask for so many.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::column::{self, Running};
use super::load::{self, Answers, Call};
use super::{CONNECTIONS, MOST_REQUESTS, WARM_UP};
use crate::server::Host;

const TIME: Duration = Duration::from_secs(8);
/// Of what the host answered when [`CONNECTIONS`] asked.
const FACTOR: f64 = 4.0;
/// Enough for every request of [`FACTOR`] to be under way while it waits.
const MANY: usize = 1_000;

pub(super) fn run(shim: &Path) -> Result<()> {
    let site = Running::site(Host::Shim, shim)?;
    let call = Call::get(site.address, &format!("/hospitals/{}", column::hospital(&site)?));
    let runtime = load::runtime()?;
    runtime.block_on(load::closed(&call, CONNECTIONS, WARM_UP, MOST_REQUESTS))?;
    let full = runtime.block_on(load::closed(&call, CONNECTIONS, TIME, MOST_REQUESTS))?;
    let offered = full.rate() * FACTOR;
    let over = runtime.block_on(load::scheduled(&call, MANY, offered, TIME))?;
    println!("\nOverload: the hospital page, {FACTOR} times what was served\n");
    print("served", &full);
    print("overloaded", &over);
    site.stop()
}

fn print(name: &str, answers: &Answers) {
    let of = |part: &hdrhistogram::Histogram<u64>| {
        let ms = |quantile| part.value_at_quantile(quantile) as f64 / 1e3;
        format!("p50 {:.1} ms, p99 {:.1} ms", ms(0.5), ms(0.99))
    };
    let seconds = answers.elapsed.as_secs_f64();
    println!(
        "- {name}: {:.0}/s asked; {:.0}/s answered ({}); {:.0}/s told to come back ({}); {} failed",
        answers.requests() as f64 / seconds,
        answers.rate(),
        of(&answers.answered),
        answers.refused.len() as f64 / seconds,
        of(&answers.refused),
        answers.failed
    );
}
