//! What came of the steps, by page.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::WARM_UP;

/// Microseconds; whoever waits longer has failed before.
const LONGEST: u64 = 60_000_000;
/// Enough to see why.
const REASONS: usize = 10;

static RUN: OnceLock<Run> = OnceLock::new();

pub(crate) struct Run {
    users: usize,
    time: Duration,
    begun: AtomicUsize,
    under_way: AtomicUsize,
    /// When steps that count are due.
    window: OnceLock<(Instant, Instant)>,
    answered: AtomicU64,
    failed: AtomicU64,
    pages: Mutex<Pages>,
    /// What every page begins with.
    empty: Page,
}

#[derive(Default)]
struct Pages {
    all: BTreeMap<&'static str, Page>,
    reasons: Vec<String>,
}

#[derive(Clone)]
struct Page {
    /// Of those answered as they should be.
    latencies: Histogram<u64>,
    failed: u64,
    /// With those that a redirect led to.
    requests: u64,
}

#[derive(Serialize)]
pub(crate) struct Progress {
    begun: usize,
    answered: u64,
    failed: u64,
}

/// What `cargo xtask load` reads.
#[derive(Serialize)]
pub(crate) struct Outcome {
    users: usize,
    seconds: f64,
    /// Steps that were due.
    due: u64,
    /// Steps that were due and still not answered at the end.
    left_behind: u64,
    reasons: Vec<String>,
    all: Figures,
    pages: Vec<Figures>,
}

/// Latencies in milliseconds, from when a step was due to the last byte of its page.
#[derive(Serialize)]
struct Figures {
    page: &'static str,
    answered: u64,
    failed: u64,
    requests: u64,
    p50: f64,
    p95: f64,
    p99: f64,
    p999: f64,
    longest: f64,
}

impl Run {
    pub(crate) fn begin(users: usize, time: Duration) -> Result<&'static Self> {
        let run = Self {
            users,
            time,
            begun: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            window: OnceLock::new(),
            answered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            pages: Mutex::default(),
            empty: Page::empty()?,
        };
        RUN.set(run).map_err(|_| anyhow!("one run at a time"))?;
        Self::current().ok_or_else(|| anyhow!("the run was just set"))
    }

    pub(crate) fn current() -> Option<&'static Self> {
        RUN.get()
    }

    /// One more user is there. With the last one it is known when steps begin to count.
    pub(crate) fn user_begins(&self) {
        if self.begun.fetch_add(1, Relaxed) + 1 == self.users {
            let from = Instant::now() + WARM_UP;
            self.window.get_or_init(|| (from, from + self.time));
        }
    }

    pub(crate) fn window(&self) -> Option<(Instant, Instant)> {
        self.window.get().copied()
    }

    pub(crate) fn step_begins(&self) {
        self.under_way.fetch_add(1, Relaxed);
    }

    /// Whether a step was begun whose end was not noted.
    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way.load(Relaxed) > 0
    }

    /// The end of a step. `requests` are those of the step, with what a redirect led to.
    pub(crate) fn note(
        &self,
        page: &'static str,
        due: Instant,
        requests: u64,
        outcome: Result<(), String>,
    ) {
        let latency = u64::try_from(due.elapsed().as_micros()).unwrap_or(LONGEST);
        self.under_way.fetch_sub(1, Relaxed);
        let counts = self.window().is_some_and(|(from, until)| from <= due && due < until);
        if !counts {
            return;
        }
        let pages = &mut *self.pages();
        let entry = pages.all.entry(page).or_insert_with(|| self.empty.clone());
        entry.requests += requests;
        match outcome {
            Ok(()) => {
                self.answered.fetch_add(1, Relaxed);
                entry.latencies.saturating_record(latency.max(1));
            }
            Err(reason) => {
                self.failed.fetch_add(1, Relaxed);
                entry.failed += 1;
                if pages.reasons.len() < REASONS {
                    pages.reasons.push(format!("{page}: {reason}"));
                }
            }
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            begun: self.begun.load(Relaxed),
            answered: self.answered.load(Relaxed),
            failed: self.failed.load(Relaxed),
        }
    }

    pub(crate) fn result(&self) -> Result<Outcome> {
        let pages = self.pages();
        let mut all = self.empty.clone();
        for page in pages.all.values() {
            all.latencies.add(&page.latencies)?;
            all.failed += page.failed;
            all.requests += page.requests;
        }
        let seconds = self.time.as_secs();
        // Each user has one step due in each second, wherever in it.
        let due = self.users as u64 * seconds;
        Ok(Outcome {
            users: self.users,
            seconds: self.time.as_secs_f64(),
            due,
            left_behind: due.saturating_sub(all.latencies.len() + all.failed),
            reasons: pages.reasons.clone(),
            pages: pages.all.iter().map(|(name, page)| page.figures(name)).collect(),
            all: all.figures("all"),
        })
    }
}

impl Page {
    fn empty() -> Result<Self> {
        Ok(Self { latencies: Histogram::new_with_bounds(1, LONGEST, 3)?, failed: 0, requests: 0 })
    }

    fn figures(&self, page: &'static str) -> Figures {
        let ms = |quantile| self.latencies.value_at_quantile(quantile) as f64 / 1e3;
        Figures {
            page,
            answered: self.latencies.len(),
            failed: self.failed,
            requests: self.requests,
            p50: ms(0.5),
            p95: ms(0.95),
            p99: ms(0.99),
            p999: ms(0.999),
            longest: self.latencies.max() as f64 / 1e3,
        }
    }
}
