//! Visitors: pages and lists, so many a second, whatever becomes of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;

use super::site::Site;

/// Each with a connection of its own; so many requests are under way at most.
const CONNECTIONS: usize = 48;
/// What people read: a page of each kind, and a list of each API that needs no session.
const PATHS: [&str; 6] =
    ["/", "/hospitals", "/board", "/api/board/posts", "/api/review/hospitals", "/signin"];
/// Milliseconds; the site gives up before.
const LONGEST: u64 = 60_000;

/// What became of them.
pub(super) struct Visits {
    /// Milliseconds from when a request was due.
    answered: Histogram<u64>,
    /// How many of each kind, by what they got instead of an answer.
    failed: BTreeMap<String, u64>,
    elapsed: Duration,
}

impl Visits {
    fn none() -> Result<Self> {
        let answered = Histogram::new_with_bounds(1, LONGEST, 3)?;
        Ok(Self { answered, failed: BTreeMap::new(), elapsed: Duration::ZERO })
    }

    pub(super) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

impl fmt::Display for Visits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, failures) = (self.answered.len() + self.failures(), self.failures());
        let rate = count as f64 / self.elapsed.as_secs_f64();
        let at = |quantile| self.answered.value_at_quantile(quantile);
        write!(
            f,
            "{count} requests, {rate:.0} a second; {failures} failed; p50 {} ms, p99 {} ms, longest {} ms",
            at(0.5),
            at(0.99),
            self.answered.max()
        )?;
        self.failed.iter().try_for_each(|(what, count)| write!(f, "; {count} × {what}"))
    }
}

/// Sends `rate` requests a second while `meanwhile` runs.
pub(super) fn during<T>(
    site: &Site,
    rate: f64,
    meanwhile: impl FnOnce() -> Result<T>,
) -> Result<(Visits, T)> {
    let (begun, sent, over) = (Instant::now(), AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let visitors: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(|| visitor(&site.another(), rate, begun, &sent, &over)))
            .collect();
        let done = meanwhile();
        over.store(true, Relaxed);
        let mut all = Visits::none()?;
        for visitor in visitors {
            let Ok(visits) = visitor.join() else { bail!("a visitor panicked") };
            let visits = visits?;
            all.answered.add(&visits.answered).context("adding latencies up")?;
            for (what, count) in visits.failed {
                *all.failed.entry(what).or_default() += count;
            }
        }
        all.elapsed = begun.elapsed();
        Ok((all, done?))
    })
}

fn visitor(
    site: &Site,
    rate: f64,
    begun: Instant,
    sent: &AtomicU64,
    over: &AtomicBool,
) -> Result<Visits> {
    let mut visits = Visits::none()?;
    loop {
        let number = sent.fetch_add(1, Relaxed);
        let due = begun + Duration::from_secs_f64(number as f64 / rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if over.load(Relaxed) {
            return Ok(visits);
        }
        let path = PATHS[number as usize % PATHS.len()];
        match site.get(path) {
            Ok(answer) if answer.status == 200 => {
                let waited = u64::try_from(due.elapsed().as_millis()).unwrap_or(LONGEST);
                visits.answered.saturating_record(waited.max(1));
            }
            Ok(answer) => {
                *visits.failed.entry(format!("{} {path}", answer.status)).or_default() += 1
            }
            Err(error) => *visits.failed.entry(format!("{error} {path}")).or_default() += 1,
        }
    }
}
