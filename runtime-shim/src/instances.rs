//! The instances of one component on one core, and the requests that wait for
//! them.
//!
//! An instance is driven by a task of its own, which takes several requests at
//! once as long as all it has are waiting for something. One that computes
//! takes no more; then another instance is made, up to the limit, and above it
//! requests queue. Inside, the driver starts requests and notices those that
//! are over time. Outside, the supervisor ends an instance whose guest does not
//! let the driver run: it computes for too long, or holds the store in a call.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::channel::oneshot;
use futures::stream::FuturesUnordered;
use futures::task::AtomicWaker;
use http::{Request, Response};
use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Interval, MissedTickBehavior};
use wasmtime::component::{Accessor, GuestTaskId};
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::WasiBody;

use crate::admission::{Admission, Admitted, Running, is_crowd};
use crate::app::Component;
use crate::body::Written;
use crate::cgi;
use crate::core::Core;
use crate::guest::{self, Activity, Guest, RequestContext};
use crate::handler::Handler;
use crate::limits::Limits;
use crate::log;
use crate::trace::TraceContext;

/// How often the supervisor looks at the time. A deadline is late by as much.
const LOOK: Duration = Duration::from_millis(100);
/// What a request may be over time before its whole instance is ended: the
/// driver, if it gets to run, ends the request alone well within this.
const GRACE: Duration = Duration::from_secs(1);
/// An instance whose last clients have had so long to take their answers may be ended where there are
/// too many of its kind and others wait.
const LINGERS: Duration = Duration::from_secs(1);

/// A request on its way to an instance.
pub struct Job {
    pub request: Request<WasiBody>,
    pub context: RequestContext,
    pub answer: oneshot::Sender<wasmtime::Result<Response<WasiBody>>>,
    pub ticket: Arc<Ticket>,
    pub queued: Instant,
    /// Of one from outside, once an instance has it.
    pub(crate) running: Option<Running>,
}

/// Why a request got no response.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub enum Fate {
    /// The instance trapped, for this request or another.
    Trapped,
    /// Its own time was over.
    TimedOut,
    /// The instance was ended because of another request.
    Disturbed,
    /// It waited too long for an instance.
    Queued,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trapped => "the instance trapped",
            Self::TimedOut => "the request took too long",
            Self::Disturbed => "another request had the instance ended",
            Self::Queued => "no instance became free in time",
        })
    }
}

/// Shared between a request's caller and its instance.
pub struct Ticket {
    time: Duration,
    fate: AtomicU8,
    expired: AtomicWaker,
    /// Its response has begun.
    answered: AtomicBool,
    /// That which has the request.
    instance: OnceLock<Arc<Activity>>,
}

impl Ticket {
    pub fn new(time: Duration) -> Self {
        let fate = AtomicU8::new(Fate::Trapped as u8);
        let (expired, answered) = (AtomicWaker::new(), AtomicBool::new(false));
        Self { time, fate, expired, answered, instance: OnceLock::new() }
    }

    pub fn fate(&self) -> Fate {
        match self.fate.load(Relaxed) {
            fate if fate == Fate::TimedOut as u8 => Fate::TimedOut,
            fate if fate == Fate::Disturbed as u8 => Fate::Disturbed,
            fate if fate == Fate::Queued as u8 => Fate::Queued,
            _ => Fate::Trapped,
        }
    }

    /// From now on its time is that of a response, whose body this is.
    pub(crate) fn answered(&self, body: WasiBody) -> Written {
        self.answered.store(true, Relaxed);
        match self.instance.get() {
            Some(instance) => Written::by(Arc::clone(instance), body),
            None => body.into(),
        }
    }

    fn is_answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    fn set(&self, fate: Fate) {
        self.fate.store(fate as u8, Relaxed);
        self.expired.wake();
    }

    /// Resolves when the request's time is over.
    async fn over(&self) {
        poll_fn(|cx| {
            self.expired.register(cx.waker());
            if self.fate() == Fate::TimedOut { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

pub struct Pool {
    queue: Mutex<Queue>,
    /// Places for requests whose bodies are still on their way.
    uploads: Arc<Semaphore>,
}

struct Queue {
    waiting: VecDeque<Job>,
    admission: Admission,
    /// Instances that would take a request now, the most recently busy last.
    available: Vec<(u64, Waker)>,
    /// Those that take requests, or have some to answer.
    live: u64,
    most: u64,
    /// Those that compute, as far as is known. Those that wait are as many as requests may wait.
    computing: u64,
    /// Those that have answered all they ever will, and whose clients have yet to take it; with
    /// since when, the first first.
    lingering: VecDeque<(u64, Instant)>,
    most_lingering: u64,
    made: u64,
    /// The one instance that keeps what memory it took while nothing uses it.
    spacious: Option<u64>,
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
        let uploads = usize::try_from(places / 2).unwrap_or(usize::MAX);
        Self {
            uploads: Arc::new(Semaphore::new(uploads.clamp(1, Semaphore::MAX_PERMITS))),
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
        queue.wake(core, component);
        if job.context.depth > 0 {
            queue.waiting.push_front(job);
        } else {
            queue.waiting.push_back(job);
        }
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
            core.postgres.prune();
            core.mysql.prune();
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

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }
}

impl Queue {
    /// Has an instance look at what waits, one that is there or another.
    fn wake(&mut self, core: &Arc<Core>, component: usize) {
        if let Some((_, waker)) = self.available.last() {
            waker.wake_by_ref();
        } else if self.has_room(&core.app.components[component].limits) {
            self.start(core, component);
        }
    }

    /// Whether one more instance may be made.
    fn has_room(&self, limits: &Limits) -> bool {
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
        // The worker is made inside its task: a runtime that shuts down drops the task at
        // once, and a worker dropped here would ask for the lock that is held here.
        let (lingers, waits) = (AtomicBool::new(false), AtomicBool::new(false));
        tokio::spawn(async move {
            Worker { core, index: component, number, lingers, waits }.run().await;
        });
    }

    /// Whether the instance no longer counts among those that take requests. Where too many linger
    /// and others wait, the one that does so for the longest is ended if `may_end`.
    fn let_linger(&mut self, number: u64, may_end: bool) -> bool {
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
    fn take(&mut self, component: &Component) -> Option<Job> {
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

/// One instance's place in the pool; dropping it makes room for another.
struct Worker {
    core: Arc<Core>,
    index: usize,
    number: u64,
    /// It takes no more requests, and counts among those that do not.
    lingers: AtomicBool,
    /// It does not count among those that compute.
    waits: AtomicBool,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.component().metrics.instances.dec();
        self.unavailable();
        let mut queue = self.core.pools[self.index].queue();
        if self.lingers.load(Relaxed) {
            queue.lingering.retain(|(number, _)| *number != self.number);
        } else {
            queue.live -= 1;
        }
        if !self.waits.load(Relaxed) {
            queue.computing -= 1;
        }
        queue.spacious.take_if(|number| *number == self.number);
        if !queue.waiting.is_empty() {
            queue.wake(&self.core, self.index);
        }
    }
}

impl Worker {
    fn component(&self) -> &Arc<Component> {
        &self.core.app.components[self.index]
    }

    fn available(&self, cx: &Context<'_>) {
        let mut queue = self.core.pools[self.index].queue();
        match queue.available.iter_mut().find(|(number, _)| *number == self.number) {
            Some((_, waker)) if waker.will_wake(cx.waker()) => {}
            Some((_, waker)) => *waker = cx.waker().clone(),
            None => queue.available.push((self.number, cx.waker().clone())),
        }
    }

    /// What waits is then for another instance, which may have to be made.
    fn unavailable(&self) {
        let mut queue = self.core.pools[self.index].queue();
        let before = queue.available.len();
        queue.available.retain(|(number, _)| *number != self.number);
        if queue.available.len() < before && !queue.waiting.is_empty() {
            queue.wake(&self.core, self.index);
        }
    }

    /// What waits until fewer are running may be for another instance.
    fn released(&self) {
        let mut queue = self.core.pools[self.index].queue();
        if !queue.waiting.is_empty() {
            queue.wake(&self.core, self.index);
        }
    }

    /// The next password hash finds its memory there, which costs half a hash to be had from the
    /// system. Of those that grew in a crowd one is enough, and one that grew by much more than
    /// most need would be dear to keep.
    fn may_keep(&self, grown: u64) -> bool {
        let limit = self.component().limits.idle_memory_bytes;
        if grown <= limit {
            return true;
        }
        if grown > limit.saturating_mul(2) {
            return false;
        }
        let mut queue = self.core.pools[self.index].queue();
        *queue.spacious.get_or_insert(self.number) == self.number
    }

    /// Whether another instance may be made before it has ended.
    fn is_replaceable(&self) -> bool {
        if self.lingers.load(Relaxed) {
            return true;
        }
        let queue = self.core.pools[self.index].queue();
        let may_linger = (queue.lingering.len() as u64) < queue.most_lingering;
        may_linger || queue.has_room(&self.component().limits)
    }

    /// While one that takes a single request waits, another may be made: it is of no use to others.
    fn waits(&self, waits: bool) {
        if self.waits.swap(waits, Relaxed) == waits {
            return;
        }
        let mut queue = self.core.pools[self.index].queue();
        if !waits {
            queue.computing += 1;
            return;
        }
        queue.computing -= 1;
        if !queue.waiting.is_empty() {
            queue.wake(&self.core, self.index);
        }
    }

    /// Others may be made while clients take the last answers of this one.
    fn linger(&self, is_reusable: bool) {
        if self.lingers.load(Relaxed) {
            return;
        }
        let mut queue = self.core.pools[self.index].queue();
        // One that many requests share has as many clients.
        if queue.let_linger(self.number, !is_reusable) {
            self.lingers.store(true, Relaxed);
            if !self.waits.swap(true, Relaxed) {
                queue.computing -= 1;
            }
            if !queue.waiting.is_empty() {
                queue.wake(&self.core, self.index);
            }
        }
    }

    /// Whether its place among those that linger is another's now.
    fn is_evicted(&self) -> bool {
        let has_place = || {
            let queue = self.core.pools[self.index].queue();
            queue.lingering.iter().any(|(number, _)| *number == self.number)
        };
        self.lingers.load(Relaxed) && !has_place()
    }

    fn has_waiting(&self) -> bool {
        !self.core.pools[self.index].queue().waiting.is_empty()
    }

    fn take(&self) -> Option<Job> {
        let mut queue = self.core.pools[self.index].queue();
        let mut job = queue.take(self.component())?;
        if job.context.depth == 0 {
            job.running = Some(queue.admission.taken());
        }
        self.component().metrics.queue_wait.observe(job.queued.elapsed().as_secs_f64());
        Some(job)
    }

    async fn run(self) {
        let component = Arc::clone(self.component());
        component.metrics.instances.inc();
        component.metrics.instances_made.inc();
        let (store, handler) = match guest::instantiate(&self.core, &component).await {
            Ok(instance) => instance,
            Err(error) => return self.fail(&error),
        };
        let progress = Arc::new(Mutex::new(Progress::new()));
        if let Err(error) = self.serve(store, &handler, &progress).await {
            component.metrics.traps.inc();
            let active = progress
                .lock()
                .active
                .iter()
                .map(|active| active.trace.to_string())
                .collect::<Vec<_>>();
            let cause = log::beginning(&cause(&error), component.limits.log_line_bytes);
            tracing::error!(component = %component.id, trace_id = active.join(" "), "instance ended: {cause}");
        }
    }

    /// Without an instance nothing that waits can be answered; if others live they go on.
    fn fail(&self, error: &anyhow::Error) {
        tracing::error!(component = %self.component().id, "no instance: {error:#}");
        let mut queue = self.core.pools[self.index].queue();
        let waiting = if queue.live == 1 { queue.waiting.len() } else { 1 };
        let waiting = waiting.min(queue.waiting.len());
        queue.waiting.drain(..waiting).for_each(|job| job.ticket.set(Fate::Disturbed));
    }

    async fn serve(
        &self,
        mut store: Store<Guest>,
        handler: &Handler,
        progress: &Arc<Mutex<Progress>>,
    ) -> anyhow::Result<()> {
        let activity = Arc::clone(&store.data().activity);
        let driver =
            store.run_concurrent(async |accessor| self.drive(accessor, handler, progress).await);
        let ended = self.supervise(driver, progress, &activity).await;
        // A program may end without returning.
        if let (Err(error), Some(exchange)) = (&ended, &store.data().exchange)
            && (cgi::is_success(error) || exchange.is_full())
            && let Some(exchange) = store.data_mut().exchange.take()
        {
            exchange.finish(Ok(()));
            return Ok(());
        }
        if ended.is_err() {
            let trapped = store.as_context_mut().async_call_stack().ok().and_then(Iterator::last);
            progress.lock().spare(trapped);
        }
        ended
    }

    /// Starts requests and sees them finish, inside the store's event loop.
    async fn drive(
        &self,
        accessor: &Accessor<Guest>,
        handler: &Handler,
        progress: &Mutex<Progress>,
    ) -> wasmtime::Result<()> {
        let limits = &self.component().limits;
        let (total, concurrent) = if self.component().is_reusable() {
            (limits.requests_per_instance, limits.concurrent_requests)
        } else {
            (1, 1)
        };
        let entry = handler.entry();
        let mut running = FuturesUnordered::new();
        let mut uses = Uses::new(total);
        poll_fn(|cx| {
            let mut released = false;
            loop {
                while let Poll::Ready(Some(finished)) = running.poll_next_unpin(cx) {
                    let number: u64 = finished?;
                    progress.lock().finished(number);
                    released = true;
                }
                let overdue = progress.lock().expire();
                if overdue {
                    continue;
                }
                let callable = accessor.poll_ready_for_concurrent_call(entry, cx).is_ready();
                let used_up = uses.are_over(|| self.is_replaceable());
                let (retired, settled) = {
                    let mut progress = progress.lock();
                    let retired = used_up || progress.retired;
                    let room = (running.len() as u64) < concurrent;
                    progress.open = !retired && callable && room;
                    progress.closed = retired;
                    (retired, running.is_empty() || progress.settled)
                };
                if settled && progress.lock().open {
                    self.available(cx);
                    if let Some(job) = self.take() {
                        uses.started += 1;
                        running.push(start(accessor, handler, job, progress, uses.started)?);
                        continue;
                    }
                } else {
                    self.unavailable();
                    if std::mem::take(&mut released) {
                        self.released();
                    }
                }
                if !running.is_empty() || accessor.poll_no_interesting_tasks(cx).is_pending() {
                    return Poll::Pending;
                }
                let grown = accessor.with(|mut access| access.get().grown());
                if retired || !callable || !self.may_keep(grown) {
                    return Poll::Ready(Ok(()));
                }
                progress.lock().idle.get_or_insert_with(Instant::now);
                return Poll::Pending;
            }
        })
        .await
    }

    /// Polls the driver from outside the store and ends the instance if it must.
    async fn supervise(
        &self,
        driver: impl Future<Output = wasmtime::Result<wasmtime::Result<()>>>,
        progress: &Mutex<Progress>,
        activity: &Activity,
    ) -> anyhow::Result<()> {
        let Component { limits, metrics, .. } = &**self.component();
        let is_reusable = self.component().is_reusable();
        let compute = Duration::from_millis(limits.compute_ms);
        let idle = Duration::from_millis(limits.idle_instance_ms);
        let response = Duration::from_millis(limits.response_ms);
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
                    return Poll::Ready(ended.and_then(|ended| ended).map_err(anyhow::Error::from));
                }
                let computes = activity.computes();
                if !is_reusable {
                    self.waits(!computes);
                }
                if computes {
                    let mut progress = progress.lock();
                    if progress.computing.get_or_insert_with(Instant::now).elapsed() > compute {
                        let culprit = *activity.computing.lock();
                        progress.blame(|active| Some(active.task) == culprit);
                        return Poll::Ready(Err(anyhow::anyhow!(
                            "computed for more than {} ms",
                            compute.as_millis()
                        )));
                    }
                    drop(progress);
                    if !looked(&mut look, cx) {
                        return Poll::Pending;
                    }
                } else {
                    // Everything in the store waits, so it can take more.
                    let mut progress = progress.lock();
                    progress.computing = None;
                    let settled = std::mem::replace(&mut progress.settled, true);
                    let open = progress.open;
                    drop(progress);
                    if !settled && open {
                        if self.has_waiting() {
                            continue;
                        }
                        self.available(cx);
                    }
                    if !looked(&mut look, cx) {
                        return Poll::Pending;
                    }
                }
                metrics.busy.inc_by(std::mem::take(&mut busy).as_secs_f64());
                if self.is_evicted() {
                    tracing::warn!(
                        component = %self.component().id,
                        "ended an instance whose client takes its answer slowly: others wait"
                    );
                    activity.broken.store(true, Relaxed);
                    return Poll::Ready(Ok(()));
                }
                let now = Instant::now();
                let mut progress = progress.lock();
                progress.prolong(now + response);
                if progress.closed && progress.is_answered() {
                    self.linger(is_reusable);
                }
                if progress.idle.is_some_and(|since| now - since > idle) {
                    return Poll::Ready(Ok(()));
                }
                // What a request that was over time left behind, such as a read of a body that never
                // comes, must not keep the instance's place; nor must for ever what one goes on with
                // after its answer.
                let left = if progress.retired { GRACE } else { response };
                let rests = progress.idle.is_some();
                if !rests && progress.emptied.is_some_and(|since| now - since > left) {
                    activity.broken.store(true, Relaxed);
                    return Poll::Ready(Ok(()));
                }
                if progress.active.iter().any(|active| now > active.end() + GRACE) {
                    progress.blame(|active| now > active.end());
                    return Poll::Ready(Err(anyhow::anyhow!(
                        "held its store beyond the deadline of a request"
                    )));
                }
                progress.now = now;
            }
        })
        .await;
        metrics.busy.inc_by(busy.as_secs_f64());
        // A guest that ends itself has written what it wanted to.
        if ended.as_ref().is_err_and(|error| !cgi::is_success(error)) {
            activity.broken.store(true, Relaxed);
        }
        ended
    }
}

/// The requests that an instance has taken, of which there is an end.
struct Uses {
    started: u64,
    total: u64,
    /// After so many it is to be replaced.
    due: u64,
    since: Option<Instant>,
}

impl Uses {
    fn new(total: u64) -> Self {
        Self { started: 0, total, due: total, since: None }
    }

    /// Whether the instance takes no more. A response that a client takes slowly keeps it from its
    /// end: where every instance has one they go on, or nobody would be served any more. One that
    /// is for a single request is for that alone.
    fn are_over(&mut self, is_replaceable: impl Fn() -> bool) -> bool {
        if self.started < self.due {
            return false;
        }
        let lingers = self.since.get_or_insert_with(Instant::now).elapsed() > GRACE;
        if self.total == 1 || !lingers || is_replaceable() {
            return true;
        }
        (self.due, self.since) = (self.started.saturating_add(self.total), None);
        false
    }
}

/// The reason without the stack of the guest, which is many lines.
fn cause(error: &anyhow::Error) -> &dyn std::error::Error {
    tracing::debug!("{error:?}");
    error.root_cause()
}

fn looked(look: &mut Interval, cx: &mut Context<'_>) -> bool {
    look.poll_tick(cx).is_ready()
}

/// What driver and supervisor tell each other.
struct Progress {
    active: Vec<Active>,
    /// Since when the instance has nothing to do.
    idle: Option<Instant>,
    /// Since when the guest computes without a pause.
    computing: Option<Instant>,
    /// All that runs was seen waiting, so another request would not wait behind it.
    settled: bool,
    /// The driver would take another request as soon as what runs is seen waiting.
    open: bool,
    /// A request of this instance was over time; it ends when the others are done.
    retired: bool,
    /// It takes no more requests.
    closed: bool,
    /// Since when no request is under way.
    emptied: Option<Instant>,
    /// The time when the supervisor last looked.
    now: Instant,
}

struct Active {
    number: u64,
    task: GuestTaskId,
    ticket: Arc<Ticket>,
    deadline: Instant,
    /// Until when its response may last, once that has begun.
    ends: Option<Instant>,
    /// Until then.
    running: Option<Running>,
    trace: TraceContext,
}

impl Active {
    fn end(&self) -> Instant {
        self.ends.unwrap_or(self.deadline)
    }
}

impl Progress {
    fn new() -> Self {
        Self {
            active: Vec::new(),
            idle: None,
            computing: None,
            settled: true,
            open: true,
            retired: false,
            closed: false,
            emptied: None,
            now: Instant::now(),
        }
    }

    fn finished(&mut self, number: u64) {
        self.active.retain(|active| active.number != number);
        self.emptied = self.active.is_empty().then(Instant::now);
    }

    /// Whether the responses of all requests have begun.
    fn is_answered(&self) -> bool {
        self.active.iter().all(|active| active.ticket.is_answered())
    }

    /// Gives requests whose responses have begun, as those of WASI 0.2 end with theirs, until `end`.
    fn prolong(&mut self, end: Instant) {
        for active in self.active.iter_mut().filter(|active| active.ticket.is_answered()) {
            active.ends.get_or_insert(end);
            active.running = None;
        }
    }

    /// Ends the requests whose time is over; whether there were any.
    fn expire(&mut self) -> bool {
        let mut any = false;
        for active in self
            .active
            .iter()
            .filter(|active| self.now > active.end() && active.ticket.fate() != Fate::TimedOut)
        {
            active.ticket.set(Fate::TimedOut);
            any = true;
        }
        self.retired |= any;
        any
    }

    /// Tells those that only waited when `trapped` ended the instance that it was not for them.
    fn spare(&self, trapped: Option<GuestTaskId>) {
        if self.active.iter().any(|active| Some(active.task) == trapped) {
            let others = self.active.iter().filter(|active| Some(active.task) != trapped);
            others
                .filter(|active| active.ticket.fate() == Fate::Trapped)
                .for_each(|active| active.ticket.set(Fate::Disturbed));
        }
    }

    fn blame(&self, culprit: impl Fn(&Active) -> bool) {
        for active in &self.active {
            active.ticket.set(if culprit(active) { Fate::TimedOut } else { Fate::Disturbed });
        }
    }
}

/// Hands `job` to the guest; the future resolves to its number when it is answered.
fn start<'a>(
    accessor: &'a Accessor<Guest>,
    handler: &'a Handler,
    job: Job,
    progress: &Mutex<Progress>,
    number: u64,
) -> wasmtime::Result<impl Future<Output = wasmtime::Result<u64>> + 'a> {
    let Job { request, context, answer, ticket, running, .. } = job;
    let (call, task) = accessor.with(|mut access| {
        let call = handler.call(access.as_context_mut(), request, answer)?;
        let task = call.task();
        let guest = access.data_mut();
        guest.remember(task, context);
        let _ = ticket.instance.set(Arc::clone(&guest.activity));
        wasmtime::error::Ok((call, task))
    })?;
    let mut progress = progress.lock();
    progress.active.push(Active {
        number,
        task,
        deadline: Instant::now() + ticket.time,
        ends: None,
        running,
        ticket: Arc::clone(&ticket),
        trace: context.trace,
    });
    progress.idle = None;
    progress.emptied = None;
    progress.computing = None;
    // It may compute at first; the supervisor says when it waits.
    progress.settled = false;
    Ok(async move {
        call.run(accessor, ticket.over()).await?;
        Ok(number)
    })
}
