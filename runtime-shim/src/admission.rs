//! Which requests from outside may come in.
//!
//! A crowd that comes at once is served. Where more arrives all the time than is served, a long
//! queue would make everybody wait and nobody be served sooner: then few may be inside, as many as
//! keep the thread at work, and others are refused as they come. What tells the two apart is how
//! long the queue stands: that of a crowd gets shorter. Until that is known the newest is served first, as at Facebook ("Fail at scale", 2015):
//! a crowd is through as soon in any order, and of an overload those are refused who would have
//! been late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// An overload is over when no more than one of so many is refused.
const REFUSED_OF: u64 = 20;
/// A thread that is at work for so much of its time has none to give: the more requests it has
/// under way, the longer each takes. Otherwise they wait for something else.
const BUSY: f64 = 0.9;
/// So many times a short queue may be with an instance for long without a place of those who would
/// be served at once: they wait for something else, as sign-ins do for a password hash. Not more:
/// where they compute, each takes time from the others.
const ASIDE: u64 = 2;

/// Of one component on one thread.
pub(crate) struct Admission {
    /// One for each request that is inside.
    inside: Arc<()>,
    /// Those of them that an instance has.
    running: UnderWay,
    /// How many that wait for something else may be inside besides.
    aside: u64,
    /// How many may wait for an instance, or in an overload be inside.
    room: u64,
    /// Since when more wait than a short queue, and no fewer than this.
    standing: Option<(Instant, usize)>,
    overloaded: bool,
    /// The thread had no time to give.
    busy: bool,
    /// More waited at the last look than a short queue.
    crowded: bool,
    /// How many of a crowd instances may have.
    most_running: u64,
    window: Window,
}

/// A request is inside until this is dropped.
pub(crate) struct Admitted(#[expect(dead_code, reason = "it counts")] Arc<()>);

/// An instance has a request until this is dropped.
pub(crate) struct Running(#[expect(dead_code, reason = "it counts")] [Arc<()>; 2]);

/// Counts requests, and those apart that are under way for long.
struct UnderWay {
    all: Arc<()>,
    /// One for each that began since the last look.
    newest: Arc<()>,
    /// For each that began between two looks, of late; with the time of the later one.
    of_late: Vec<(Instant, Arc<()>)>,
}

impl UnderWay {
    fn new() -> Self {
        Self { all: Arc::new(()), newest: Arc::new(()), of_late: Vec::new() }
    }

    fn enter(&self) -> [Arc<()>; 2] {
        [Arc::clone(&self.all), Arc::clone(&self.newest)]
    }

    fn count(&self) -> u64 {
        others(&self.all)
    }

    fn for_long(&self) -> u64 {
        let of_late: u64 = self.of_late.iter().map(|(_, began)| others(began)).sum();
        self.count().saturating_sub(of_late + others(&self.newest))
    }

    /// From now on what began longer ago than `long` is under way for long.
    fn look(&mut self, long: Duration) {
        let now = Instant::now();
        self.of_late.push((now, std::mem::take(&mut self.newest)));
        self.of_late.retain(|(until, began)| now - *until < long && others(began) > 0);
    }
}

/// How many have it beside its owner.
fn others(of: &Arc<()>) -> u64 {
    Arc::strong_count(of) as u64 - 1
}

/// What happened since the last look.
struct Window {
    since: Instant,
    taken: u64,
    refused: u64,
}

impl Window {
    fn new() -> Self {
        Self { since: Instant::now(), taken: 0, refused: 0 }
    }
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            inside: Arc::new(()),
            running: UnderWay::new(),
            aside: few(limits) * ASIDE,
            room: limits.queue,
            standing: None,
            overloaded: false,
            busy: false,
            crowded: false,
            most_running: few(limits),
            window: Window::new(),
        }
    }

    /// Lets one more in, unless there is no room; `waiting` is how many wait for an instance.
    pub(crate) fn admit(&mut self, waiting: usize) -> Option<Admitted> {
        let before = match self.overloaded {
            true => others(&self.inside).saturating_sub(self.set_aside()),
            false => waiting as u64,
        };
        if before >= self.room {
            self.window.refused += 1;
            return None;
        }
        Some(Admitted(Arc::clone(&self.inside)))
    }

    /// Of those inside, how many take no place.
    fn set_aside(&self) -> u64 {
        self.running.for_long().min(self.aside)
    }

    /// Whether an instance may take a request of a crowd.
    pub(crate) fn may_take(&self) -> bool {
        self.running.count() < self.most_running
    }

    /// An instance took a request from outside.
    pub(crate) fn taken(&mut self) -> Running {
        self.window.taken += 1;
        Running(self.running.enter())
    }

    /// Decides from what happened since the last look how much room there is. `busy` is the
    /// share of its time that the thread was at work. Whether an overload begins: then those who
    /// wait have waited too long.
    pub(crate) fn look(&mut self, waiting: usize, busy: f64, limits: &Limits) -> bool {
        let window = std::mem::replace(&mut self.window, Window::new());
        let (taken, refused) = (window.taken, window.refused);
        let (before, crowded) = (self.overloaded, is_crowd(waiting, limits));
        self.busy = busy >= BUSY;
        self.running.look(Duration::from_millis(limits.standing_busy_ms));
        // Where the thread had time to give since the look before, they wait for something else.
        self.most_running = match (crowded, self.crowded && !self.busy) {
            (true, true) => self.most_running.saturating_mul(2),
            (true, false) => self.most_running,
            (false, _) => few(limits),
        };
        self.crowded = crowded;
        if before {
            self.overloaded = crowded || refused * REFUSED_OF > refused + taken;
        } else if crowded {
            let (since, least) = self.standing.unwrap_or((window.since, waiting));
            let since = if waiting < least { Instant::now() } else { since };
            self.standing = Some((since, waiting.min(least)));
            let most = if self.busy { limits.standing_busy_ms } else { limits.standing_ms };
            let full = refused > 0;
            self.overloaded = self.busy && full || since.elapsed() >= Duration::from_millis(most);
        } else {
            self.standing = None;
        }
        self.room = limits.queue;
        if self.overloaded {
            self.standing = None;
            let share = limits.standing_wait_ms as f64 / window.since.elapsed().as_millis() as f64;
            let served = (taken as f64 * share) as u64;
            // Where the thread has time to give, those inside wait for something else, or were too
            // few: at each look some more may come in.
            let kept = if self.busy { 0 } else { self.running.count() - self.set_aside() };
            self.room = kept + served.max(least(limits)).min(limits.queue);
        }
        self.overloaded && !before
    }
}

/// Whether so many are more than a short queue.
pub(crate) fn is_crowd(waiting: usize, limits: &Limits) -> bool {
    waiting as u64 > limits.standing_queue
}

/// As many as a short queue has; without any nothing would ever run.
fn few(limits: &Limits) -> u64 {
    limits.standing_queue.max(1)
}

/// As many may be inside in an overload of a busy thread, however long each takes.
fn least(limits: &Limits) -> u64 {
    few(limits).div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: usize = 100;

    fn run(admission: &mut Admission) -> u64 {
        let taken = std::iter::from_fn(|| admission.may_take().then(|| admission.taken()));
        taken.take(CROWD).collect::<Vec<_>>().len() as u64
    }

    #[test]
    fn of_a_crowd_few_run_until_it_is_known_to_wait_for_something_else() {
        let limits = Limits::default();
        let mut admission = Admission::new(&limits);
        assert_eq!(run(&mut admission), few(&limits));
        // What the thread did before the crowd came says nothing of it.
        for (busy, times) in [(0.1, 1), (0.1, 2), (0.1, 4), (1.0, 4)] {
            admission.look(CROWD, busy, &limits);
            assert_eq!(run(&mut admission), few(&limits) * times);
        }
        admission.look(0, 1.0, &limits);
        assert_eq!(run(&mut admission), few(&limits));
        let none = Limits { standing_queue: 0, ..limits };
        assert_eq!(run(&mut Admission::new(&none)), 1);
    }

    /// In an overload: how many are admitted one after the other, and what they hold.
    fn admitted(admission: &mut Admission) -> Vec<Admitted> {
        std::iter::from_fn(|| admission.admit(0)).take(CROWD).collect()
    }

    #[test]
    fn those_that_run_for_long_take_no_place_in_an_overload_up_to_a_limit() {
        let limits = Limits { standing_busy_ms: 0, standing_wait_ms: 0, ..Limits::default() };
        let (least, aside) = (least(&limits) as usize, (few(&limits) * ASIDE) as usize);
        let full = limits.queue as usize;
        let mut admission = Admission::new(&limits);
        assert!(admission.admit(full).is_none() && admission.look(full, 1.0, &limits));
        let mut inside = admitted(&mut admission);
        assert_eq!(inside.len(), least);
        admission.look(full, 1.0, &limits);
        assert!(admission.admit(0).is_none(), "they wait for an instance");
        let mut running = Vec::new();
        for _ in 0..aside / least {
            running.extend((0..least).map(|_| admission.taken()));
            assert!(admission.admit(0).is_none(), "they have only begun");
            admission.look(full, 1.0, &limits);
            inside.extend(admitted(&mut admission));
        }
        assert_eq!(inside.len(), least + aside);
        running.extend((0..least).map(|_| admission.taken()));
        admission.look(full, 1.0, &limits);
        assert!(admission.admit(0).is_none(), "no more than that");
    }

    #[test]
    fn in_an_overload_a_thread_with_time_to_give_lets_some_more_in_at_each_look() {
        let limits = Limits { standing_wait_ms: 0, ..Limits::default() };
        let (least, full) = (least(&limits) as usize, limits.queue as usize);
        let mut admission = Admission::new(&limits);
        assert!(admission.admit(full).is_none() && admission.look(full, 1.0, &limits));
        let mut inside = admitted(&mut admission);
        assert_eq!(inside.len(), least);
        let mut running: Vec<_> = inside.iter().map(|_| admission.taken()).collect();
        for (busy, more) in [(0.5, least), (1.0, 0), (0.5, least), (0.5, least), (1.0, 0)] {
            // More is refused than one of twenty.
            admission.admit(full);
            admission.look(0, busy, &limits);
            let admitted = admitted(&mut admission);
            assert_eq!(admitted.len(), more, "{busy}");
            running.extend(admitted.iter().map(|_| admission.taken()));
            inside.extend(admitted);
        }
        inside.truncate(least);
        assert!(admission.admit(0).is_none(), "no more than before, where they compute");
        // As many may run as the component's instances take, which may be more than wait.
        inside.extend((0..full).map(|_| Admitted(Arc::clone(&admission.inside))));
        running.extend((0..full).map(|_| admission.taken()));
        admission.look(CROWD, 0.5, &limits);
        assert_eq!(
            admitted(&mut admission).len(),
            4 * least,
            "in place of those that ended, and some more"
        );
    }

    #[test]
    fn a_full_queue_before_a_busy_thread_is_an_overload() {
        let limits = Limits::default();
        let full = limits.queue as usize;
        for (busy, overload) in [(1.0, true), (0.1, false)] {
            let mut admission = Admission::new(&limits);
            assert!(admission.admit(full - 1).is_some() && admission.admit(full).is_none());
            assert_eq!(admission.look(full, busy, &limits), overload);
        }
        let mut admission = Admission::new(&limits);
        assert!(admission.admit(full - 1).is_some() && !admission.look(full, 1.0, &limits));
    }
}
