//! One instance from its making to its end.

use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::{AsContextMut, Store};

use super::driver::drive;
use super::place::Place;
use super::progress::Progress;
use super::supervisor::Supervisor;
use crate::guest::{self, Guest};
use crate::handler::Handler;
use crate::{cgi, log};

pub(super) struct Worker {
    progress: Mutex<Progress>,
    place: Place,
}

impl Worker {
    pub(super) fn new(place: Place) -> Self {
        Self { place, progress: Mutex::new(Progress::new()) }
    }

    pub(super) async fn run(self) {
        let component = self.place.component();
        let (store, handler) = match guest::instantiate(self.place.core(), component).await {
            Ok(instance) => instance,
            Err(error) => return self.place.fail(&error),
        };
        if let Err(error) = self.serve(store, &handler).await {
            component.metrics.traps.inc();
            let traces = self.progress.lock().traces();
            let cause = log::beginning(&cause(&error), component.limits.log_line_bytes);
            tracing::error!(component = %component.id, trace_id = traces, "instance ended: {cause}");
        }
    }

    async fn serve(&self, mut store: Store<Guest>, handler: &Handler) -> anyhow::Result<()> {
        let Self { place, progress } = self;
        let activity = Arc::clone(&store.data().activity);
        let driver =
            store.run_concurrent(async |accessor| drive(accessor, handler, place, progress).await);
        let supervisor = Supervisor { place, progress, activity: &activity };
        let ended = supervisor.supervise(driver).await;
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
}

/// The reason without the stack of the guest, which is many lines.
fn cause(error: &anyhow::Error) -> &dyn std::error::Error {
    tracing::debug!("{error:?}");
    error.root_cause()
}
