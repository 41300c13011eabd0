//! Which instances of a component there are on one core, and the queue for them.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

use super::LOOK;
use super::job::{Fate, Job};
use super::place::Place;
use super::worker::Worker;
use crate::admission::{Admission, Admitted, is_crowd};
use crate::app::Component;
use crate::core::Core;
use crate::limits::{Limits, permits};

/// An instance whose last clients have had so long to take their answers may be ended where there are
/// too many of its kind and others wait.
const LINGERS: Duration = Duration::from_secs(1);

pub struct Pool {
    queue: Mutex<Queue>,
    /// Places for requests whose bodies are still on their way.
    uploads: Arc<Semaphore>,
}

pub(super) struct Queue {
    pub(super) waiting: VecDeque<Job>,
    pub(super) admission: Admission,
    /// Instances that would take a request now, the most recently busy last.
    pub(super) available: Vec<(u64, Waker)>,
    /// Those that take requests, or have some to answer.
    pub(super) live: u64,
    most: u64,
    /// Those that compute, as far as is known. Those that wait are as many as requests may wait.
    pub(super) computing: u64,
    /// Those that have answered all they ever will, and whose clients have yet to take it; with
    /// since when, the first first.
    pub(super) lingering: VecDeque<(u64, Instant)>,
    pub(super) most_lingering: u64,
    made: u64,
    /// The one instance that keeps what memory it took while nothing uses it.
    pub(super) spacious: Option<u64>,
}

impl Pool {
    /// `share`: how many instances there is room for, in the engine's pool.
    pub fn new(component: &Component, share: u64) -> Self {
        let limits = &component.limits;
        let is_reusable = component.is_reusable();
        let places = limits.instances.saturating_mul(limits.concurrent_requests);
        let lingering = limits.lingering_instances.min(share.saturating_sub(limits.instances));
        let most = if is_reusable { 0 } else { places.min(share.saturating_sub(lingering)) };
        let most = most.max(limits.instances);
        let places = if is_reusable { places } else { most };
        Self {
            uploads: Arc::new(Semaphore::new(permits(places / 2))),
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                admission: Admission::new(limits),
                available: Vec::new(),
                live: 0,
                most,
                computing: 0,
                lingering: VecDeque::new(),
                most_lingering: lingering.max(1),
                made: 0,
                spacious: None,
            }),
        }
    }

    pub(crate) fn uploads(&self) -> Arc<Semaphore> {
        Arc::clone(&self.uploads)
    }

    /// Lets a request from outside in, unless too many are. A call between components is never
    /// refused: it would only waste what its caller has done.
    pub(crate) fn admit(&self, component: &Component) -> Option<Admitted> {
        let mut queue = self.queue();
        let waiting = queue.waiting.len();
        let admitted = queue.admission.admit(waiting);
        if admitted.is_none() {
            component.metrics.rejected.inc();
        }
        admitted
    }

    /// Gives `job` to an instance, now or later.
    pub fn submit(core: &Arc<Core>, component: usize, job: Job) {
        let mut queue = core.pools[component].queue();
        let place = match job.context.depth {
            0 => queue.waiting.len(),
            _ => queue.waiting.partition_point(|waiting| waiting.context.depth > 0),
        };
        queue.waiting.insert(place, job);
        queue.wake(core, component);
    }

    /// Looks after those that wait, as long as anyone has the core.
    pub async fn watch(core: Weak<Core>) {
        let runtime = Handle::current().metrics();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = (Instant::now(), Duration::ZERO);
        loop {
            look.tick().await;
            let (now, at_work) = (Instant::now(), runtime.worker_total_busy_duration(0));
            let share = (at_work - last.1).div_duration_f64(now - last.0);
            last = (now, at_work);
            let Some(core) = core.upgrade() else { return };
            core.prune();
            core.app.components.iter().for_each(|component| component.prune());
            for (pool, component) in core.pools.iter().zip(&core.app.components) {
                let mut queue = pool.queue();
                queue.expire(component);
                let waiting = queue.waiting.len();
                if queue.admission.look(waiting, share, &component.limits) {
                    queue.shorten(component);
                }
            }
        }
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }
}

impl Queue {
    /// Has an instance look at what waits, one that is there or another.
    pub(super) fn wake(&mut self, core: &Arc<Core>, component: usize) {
        if self.waiting.is_empty() {
            return;
        }
        if let Some((_, waker)) = self.available.last() {
            waker.wake_by_ref();
        } else if self.has_room(&core.app.components[component].limits) {
            self.start(core, component);
        }
    }

    /// Whether one more instance may be made.
    pub(super) fn has_room(&self, limits: &Limits) -> bool {
        self.computing < limits.instances && self.live < self.most
    }

    fn start(&mut self, core: &Arc<Core>, component: usize) {
        self.live += 1;
        self.computing += 1;
        self.made += 1;
        let (core, number) = (Arc::clone(core), self.made);
        // Counted as available until it knows better, so that what arrives
        // while it starts waits for it instead of starting another.
        self.available.push((self.made, Waker::noop().clone()));
        // Its place is taken inside its task: a runtime that shuts down drops the task at
        // once, and a place dropped here would ask for the lock that is held here.
        tokio::spawn(async move { Worker::new(Place::new(core, component, number)).run().await });
    }

    /// Whether the instance no longer counts among those that take requests. Where too many linger
    /// and others wait, the one that does so for the longest is ended if `may_end`.
    pub(super) fn let_linger(&mut self, number: u64, may_end: bool) -> bool {
        if self.lingering.len() as u64 >= self.most_lingering {
            let Some((_, since)) = self.lingering.front() else { return false };
            if !may_end || self.waiting.is_empty() || since.elapsed() < LINGERS {
                return false;
            }
            self.lingering.pop_front();
        }
        self.lingering.push_back((number, Instant::now()));
        self.live -= 1;
        true
    }

    /// Tells those that waited too long, even if no instance ever becomes free.
    fn expire(&mut self, component: &Component) {
        self.waiting.retain(|job| !is_overdue(job, component));
    }

    /// Tells those from outside who came first, up to those that make a short queue.
    fn shorten(&mut self, component: &Component) {
        let mut left = self.waiting.len();
        self.waiting.retain(|job| {
            let refused = job.context.depth == 0 && is_crowd(left, &component.limits);
            if refused {
                left -= 1;
                refuse(job, component);
            }
            !refused
        });
    }

    /// In the order of coming, but of a crowd the newest first. Calls between components stand
    /// in front.
    fn next(&mut self, component: &Component) -> Option<Job> {
        let call = self.waiting.front().is_some_and(|job| job.context.depth > 0);
        let waiting = self.waiting.len();
        if call || !is_crowd(waiting, &component.limits) {
            return self.waiting.pop_front();
        }
        if !self.admission.may_take() {
            return None;
        }
        self.waiting.pop_back()
    }

    /// The next request whose client still waits for it. Only those that are passed are looked
    /// at: the queue may be long.
    pub(super) fn take(&mut self, component: &Component) -> Option<Job> {
        loop {
            let job = self.next(component)?;
            if !job.answer.is_canceled() && !is_overdue(&job, component) {
                return Some(job);
            }
        }
    }
}

/// Whether the request waited too long, which it is told then.
fn is_overdue(job: &Job, component: &Component) -> bool {
    let overdue = job.queued.elapsed() > Duration::from_millis(component.limits.queue_wait_ms);
    if overdue {
        refuse(job, component);
    }
    overdue
}

fn refuse(job: &Job, component: &Component) {
    component.metrics.rejected.inc();
    job.ticket.set(Fate::Queued);
}
