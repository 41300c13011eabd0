//! An instance's place in the pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Context;

use parking_lot::MutexGuard;

use super::job::{Fate, Job};
use super::pool::Queue;
use crate::app::Component;
use crate::core::Core;

/// Dropping it makes room for another.
pub(super) struct Place {
    core: Arc<Core>,
    index: usize,
    number: u64,
    /// It takes no more requests, and counts among those that do not.
    lingers: AtomicBool,
    /// It does not count among those that compute.
    waits: AtomicBool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.component().metrics.instances.dec();
        self.unavailable();
        let mut queue = self.queue();
        if self.lingers.load(Relaxed) {
            queue.lingering.retain(|(number, _)| *number != self.number);
        } else {
            queue.live -= 1;
        }
        if !self.waits.load(Relaxed) {
            queue.computing -= 1;
        }
        queue.spacious.take_if(|number| *number == self.number);
        queue.wake(&self.core, self.index);
    }
}

impl Place {
    pub(super) fn new(core: Arc<Core>, index: usize, number: u64) -> Self {
        let (lingers, waits) = (AtomicBool::new(false), AtomicBool::new(false));
        let place = Self { core, index, number, lingers, waits };
        place.component().metrics.instances.inc();
        place.component().metrics.instances_made.inc();
        place
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(super) fn component(&self) -> &Arc<Component> {
        &self.core.app.components[self.index]
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.core.pools[self.index].queue()
    }

    pub(super) fn available(&self, cx: &Context<'_>) {
        let mut queue = self.queue();
        match queue.available.iter_mut().find(|(number, _)| *number == self.number) {
            Some((_, waker)) if waker.will_wake(cx.waker()) => {}
            Some((_, waker)) => *waker = cx.waker().clone(),
            None => queue.available.push((self.number, cx.waker().clone())),
        }
    }

    /// What waits is then for another instance, which may have to be made.
    pub(super) fn unavailable(&self) {
        let mut queue = self.queue();
        let before = queue.available.len();
        queue.available.retain(|(number, _)| *number != self.number);
        if queue.available.len() < before {
            queue.wake(&self.core, self.index);
        }
    }

    /// What waits until fewer are running may be for another instance.
    pub(super) fn released(&self) {
        self.queue().wake(&self.core, self.index);
    }

    /// The next password hash finds its memory there, which costs half a hash to be had from the
    /// system. Of those that grew in a crowd one is enough, and one that grew by much more than
    /// most need would be dear to keep.
    pub(super) fn may_keep(&self, grown: u64) -> bool {
        let limit = self.component().limits.idle_memory_bytes;
        if grown <= limit {
            return true;
        }
        if grown > limit.saturating_mul(2) {
            return false;
        }
        let mut queue = self.queue();
        *queue.spacious.get_or_insert(self.number) == self.number
    }

    /// Whether another instance may be made before it has ended.
    pub(super) fn is_replaceable(&self) -> bool {
        if self.lingers.load(Relaxed) {
            return true;
        }
        let queue = self.queue();
        let may_linger = (queue.lingering.len() as u64) < queue.most_lingering;
        may_linger || queue.has_room(&self.component().limits)
    }

    /// While one that takes a single request waits, another may be made: it is of no use to others.
    pub(super) fn waits(&self, waits: bool) {
        if self.waits.swap(waits, Relaxed) == waits {
            return;
        }
        let mut queue = self.queue();
        if !waits {
            queue.computing += 1;
            return;
        }
        queue.computing -= 1;
        queue.wake(&self.core, self.index);
    }

    /// Others may be made while clients take the last answers of this one.
    pub(super) fn linger(&self) {
        if self.lingers.load(Relaxed) {
            return;
        }
        let mut queue = self.queue();
        // One that many requests share has as many clients.
        if queue.let_linger(self.number, !self.component().is_reusable()) {
            self.lingers.store(true, Relaxed);
            if !self.waits.swap(true, Relaxed) {
                queue.computing -= 1;
            }
            queue.wake(&self.core, self.index);
        }
    }

    /// Whether its place among those that linger is another's now.
    pub(super) fn is_evicted(&self) -> bool {
        let has_place = || {
            let queue = self.queue();
            queue.lingering.iter().any(|(number, _)| *number == self.number)
        };
        self.lingers.load(Relaxed) && !has_place()
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.queue().waiting.is_empty()
    }

    pub(super) fn take(&self) -> Option<Job> {
        let mut queue = self.queue();
        let mut job = queue.take(self.component())?;
        if job.context.depth == 0 {
            job.running = Some(queue.admission.taken());
        }
        self.component().metrics.queue_wait.observe(job.queued.elapsed().as_secs_f64());
        Some(job)
    }

    /// Without an instance nothing that waits can be answered; if others live they go on.
    pub(super) fn fail(&self, error: &anyhow::Error) {
        tracing::error!(component = %self.component().id, "no instance: {error:#}");
        let mut queue = self.queue();
        let waiting = if queue.live == 1 { queue.waiting.len() } else { 1 };
        let waiting = waiting.min(queue.waiting.len());
        queue.waiting.drain(..waiting).for_each(|job| job.ticket.set(Fate::Disturbed));
    }
}
