//! What the driver of an instance and its supervisor tell each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::GuestTaskId;

use super::job::{Fate, Ticket};
use crate::admission::Running;
use crate::trace::TraceContext;

pub(super) struct Progress {
    pub(super) active: Vec<Active>,
    /// Since when the instance has nothing to do.
    pub(super) idle: Option<Instant>,
    /// Since when the guest computes without a pause.
    pub(super) computing: Option<Instant>,
    /// All that runs was seen waiting, so another request would not wait behind it.
    pub(super) settled: bool,
    /// The driver would take another request as soon as what runs is seen waiting.
    pub(super) open: bool,
    /// A request of this instance was over time; it ends when the others are done.
    pub(super) retired: bool,
    /// It takes no more requests.
    pub(super) closed: bool,
    /// Since when no request is under way.
    pub(super) emptied: Option<Instant>,
    /// The time when the supervisor last looked.
    pub(super) now: Instant,
}

pub(super) struct Active {
    pub(super) number: u64,
    pub(super) task: GuestTaskId,
    pub(super) ticket: Arc<Ticket>,
    pub(super) deadline: Instant,
    /// Until when its response may last, once that has begun.
    pub(super) ends: Option<Instant>,
    /// Until then.
    pub(super) running: Option<Running>,
    pub(super) trace: TraceContext,
}

impl Active {
    pub(super) fn end(&self) -> Instant {
        self.ends.unwrap_or(self.deadline)
    }
}

impl Progress {
    pub(super) fn new() -> Self {
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

    pub(super) fn started(&mut self, active: Active) {
        self.active.push(active);
        self.idle = None;
        self.emptied = None;
        self.computing = None;
        // It may compute at first; the supervisor says when it waits.
        self.settled = false;
    }

    pub(super) fn finished(&mut self, number: u64) {
        self.active.retain(|active| active.number != number);
        self.emptied = self.active.is_empty().then(Instant::now);
    }

    /// Whether the instance has had nothing to do for longer than `time`.
    pub(super) fn has_rested(&self, now: Instant, time: Duration) -> bool {
        self.idle.is_some_and(|since| now - since > time)
    }

    /// Whether it goes on for longer than `time` with what its last request left behind.
    pub(super) fn goes_on(&self, now: Instant, time: Duration) -> bool {
        self.idle.is_none() && self.emptied.is_some_and(|since| now - since > time)
    }

    /// The ids of what is under way.
    pub(super) fn traces(&self) -> String {
        let traces: Vec<_> = self.active.iter().map(|active| active.trace.to_string()).collect();
        traces.join(" ")
    }

    /// Whether the responses of all requests have begun.
    pub(super) fn is_answered(&self) -> bool {
        self.active.iter().all(|active| active.ticket.is_answered())
    }

    /// Gives requests whose responses have begun, as those of WASI 0.2 end with theirs, until `end`.
    pub(super) fn prolong(&mut self, end: Instant) {
        for active in self.active.iter_mut().filter(|active| active.ticket.is_answered()) {
            active.ends.get_or_insert(end);
            active.running = None;
        }
    }

    /// Ends the requests whose time is over; whether there were any.
    pub(super) fn expire(&mut self) -> bool {
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
    pub(super) fn spare(&self, trapped: Option<GuestTaskId>) {
        if self.active.iter().any(|active| Some(active.task) == trapped) {
            let others = self.active.iter().filter(|active| Some(active.task) != trapped);
            others
                .filter(|active| active.ticket.fate() == Fate::Trapped)
                .for_each(|active| active.ticket.set(Fate::Disturbed));
        }
    }

    pub(super) fn blame(&self, culprit: impl Fn(&Active) -> bool) {
        for active in &self.active {
            active.ticket.set(if culprit(active) { Fate::TimedOut } else { Fate::Disturbed });
        }
    }
}
