//! What looks at an instance from outside its store: it ends one whose guest does not let the driver
//! run, because it computes for too long or holds the store in a call.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;

use super::place::Place;
use super::progress::Progress;
use super::{GRACE, LOOK};
use crate::app::Component;
use crate::cgi;
use crate::guest::Activity;

pub(super) struct Supervisor<'a> {
    pub(super) place: &'a Place,
    pub(super) progress: &'a Mutex<Progress>,
    pub(super) activity: &'a Activity,
}

impl Supervisor<'_> {
    /// Polls `driver` until it ends by itself or has to.
    pub(super) async fn supervise(
        &self,
        driver: impl Future<Output = wasmtime::Result<wasmtime::Result<()>>>,
    ) -> anyhow::Result<()> {
        let metrics = &self.place.component().metrics;
        // Not told at once: threads would meet at the one counter of a component.
        let mut busy = Duration::ZERO;
        let mut driver = pin!(driver);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = poll_fn(|cx| {
            loop {
                let polled = Instant::now();
                let driven = driver.as_mut().poll(cx);
                busy += polled.elapsed();
                if let Poll::Ready(ended) = driven {
                    return Poll::Ready(ended.flatten().map_err(anyhow::Error::from));
                }
                if self.note_computing() {
                    if let Some(error) = self.computed_too_long() {
                        return Poll::Ready(Err(error));
                    }
                } else if self.settle() {
                    if self.place.has_waiting() {
                        continue;
                    }
                    self.place.available(cx);
                }
                if look.poll_tick(cx).is_pending() {
                    return Poll::Pending;
                }
                metrics.busy.inc_by(std::mem::take(&mut busy).as_secs_f64());
                if let Some(ended) = self.judge() {
                    return Poll::Ready(ended);
                }
            }
        })
        .await;
        // What is left of its answers keeps the activity, which others must not wait for.
        self.activity.end_turn();
        metrics.busy.inc_by(busy.as_secs_f64());
        // A guest that ends itself has written what it wanted to.
        if ended.as_ref().is_err_and(|error| !cgi::is_success(error)) {
            self.break_off();
        }
        ended
    }

    /// Whether the guest computes, which its place is told where that matters.
    fn note_computing(&self) -> bool {
        let computes = self.activity.computes();
        if !self.place.component().is_reusable() {
            self.place.waits(!computes);
        }
        computes
    }

    /// Why an instance that computes has to end.
    fn computed_too_long(&self) -> Option<anyhow::Error> {
        let limit = Duration::from_millis(self.place.component().limits.compute_ms);
        let mut progress = self.progress.lock();
        if progress.computing.get_or_insert_with(Instant::now).elapsed() <= limit {
            return None;
        }
        let culprit = *self.activity.computing.lock();
        progress.blame(|active| Some(active.task) == culprit);
        Some(anyhow!("computed for more than {} ms", limit.as_millis()))
    }

    /// Notes that everything in the store waits: whether it can therefore take more, which it could
    /// not before.
    fn settle(&self) -> bool {
        let mut progress = self.progress.lock();
        progress.computing = None;
        !std::mem::replace(&mut progress.settled, true) && progress.open
    }

    /// How the instance ends, if it has to by now.
    fn judge(&self) -> Option<anyhow::Result<()>> {
        let Component { id, limits, .. } = &**self.place.component();
        if self.place.is_evicted() {
            tracing::warn!(
                component = %id,
                "ended an instance whose client takes its answer slowly: others wait"
            );
            self.break_off();
            return Some(Ok(()));
        }
        let now = Instant::now();
        let response = Duration::from_millis(limits.response_ms);
        let mut progress = self.progress.lock();
        progress.prolong(now + response);
        if progress.closed && progress.is_answered() {
            self.place.linger();
        }
        if progress.has_rested(now, Duration::from_millis(limits.idle_instance_ms)) {
            return Some(Ok(()));
        }
        // What a request that was over time left behind, such as a read of a body that never
        // comes, must not keep the instance's place; nor must for ever what one goes on with
        // after its answer.
        let left = if progress.retired { GRACE } else { response };
        if progress.goes_on(now, left) {
            self.break_off();
            return Some(Ok(()));
        }
        if progress.active.iter().any(|active| now > active.end() + GRACE) {
            progress.blame(|active| now > active.end());
            return Some(Err(anyhow!("held its store beyond the deadline of a request")));
        }
        progress.now = now;
        None
    }

    /// What was written so far is not all.
    fn break_off(&self) {
        self.activity.broken.store(true, Relaxed);
    }
}
