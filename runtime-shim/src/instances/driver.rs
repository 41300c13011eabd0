//! What runs inside the store of an instance: it gives the guest requests as long as that only waits.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use wasmtime::AsContextMut;
use wasmtime::component::Accessor;

use super::GRACE;
use super::job::Job;
use super::place::Place;
use super::progress::{Active, Progress};
use crate::guest::Guest;
use crate::handler::Handler;

/// Starts requests and sees them finish, inside the store's event loop.
pub(super) async fn drive(
    accessor: &Accessor<Guest>,
    handler: &Handler,
    place: &Place,
    progress: &Mutex<Progress>,
) -> wasmtime::Result<()> {
    let limits = &place.component().limits;
    let (total, concurrent) = if place.component().is_reusable() {
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
            let used_up = uses.are_over(|| place.is_replaceable());
            let (retired, settled) = {
                let mut progress = progress.lock();
                let retired = used_up || progress.retired;
                let room = (running.len() as u64) < concurrent;
                progress.open = !retired && callable && room;
                progress.closed = retired;
                (retired, running.is_empty() || progress.settled)
            };
            if settled && progress.lock().open {
                place.available(cx);
                if let Some(job) = place.take() {
                    uses.started += 1;
                    running.push(start(accessor, handler, job, progress, uses.started)?);
                    continue;
                }
            } else {
                place.unavailable();
                if std::mem::take(&mut released) {
                    place.released();
                }
            }
            if !running.is_empty() || accessor.poll_no_interesting_tasks(cx).is_pending() {
                return Poll::Pending;
            }
            let grown = accessor.with(|mut access| access.get().grown());
            if retired || !callable || !place.may_keep(grown) {
                return Poll::Ready(Ok(()));
            }
            progress.lock().idle.get_or_insert_with(Instant::now);
            return Poll::Pending;
        }
    })
    .await
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
    let deadline = Instant::now() + ticket.time;
    let active = Active {
        number,
        task,
        deadline,
        ends: None,
        running,
        ticket: Arc::clone(&ticket),
        trace: context.trace,
    };
    progress.lock().started(active);
    Ok(async move {
        call.run(accessor, ticket.over()).await?;
        Ok(number)
    })
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
