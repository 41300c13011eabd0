//! One core's share of the host: its own instances, and what each component reaches from
//! there. Nothing of a request ever leaves the thread it arrived on,
//! because waking another one costs more than a short request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ExpirationError;

use crate::answer::Problem;
use crate::app::{App, Component};
use crate::body::{self, Written};
use crate::guest::RequestContext;
use crate::inbound_http;
use crate::instances::{Fate, Job, Pool, Ticket};
use crate::log;
use crate::outbound::Outbound;
use crate::request;
use crate::upload::{Waiting, counted};

/// What a thread serves now. `up --watch` replaces it; requests that are under
/// way keep what they started with.
pub(crate) struct Current(Mutex<Arc<Core>>);

impl Current {
    /// `own` is the address that is served, which a component calls when it calls itself.
    pub(crate) fn new(app: Arc<App>, own: HeaderValue) -> Self {
        Self(Mutex::new(Core::new(app, own)))
    }

    pub(crate) fn get(&self) -> Arc<Core> {
        Arc::clone(&self.0.lock())
    }

    pub(crate) fn replace(&self, app: Arc<App>) {
        let own = self.get().own.clone();
        *self.0.lock() = Core::new(app, own);
    }
}

pub struct Core {
    pub app: Arc<App>,
    /// Where a component finds the application that it is part of.
    pub(crate) own: HeaderValue,
    /// One pool of instances per component, in the application's order.
    pub pools: Vec<Pool>,
    outbound: Vec<Outbound>,
    /// Held by the instance that computes, from its first interruption on.
    pub(crate) turns: Arc<Semaphore>,
    /// Room for bodies of requests that are held as a whole, in KiB.
    whole_requests: Arc<Semaphore>,
    /// The same for answers, which clients that send slowly must not keep from others.
    whole_answers: Arc<Semaphore>,
}

impl Core {
    /// Made inside the runtime of its thread.
    pub fn new(app: Arc<App>, own: HeaderValue) -> Arc<Self> {
        let users = (app.limits.threads() * app.components.len() as u64).max(1);
        let share = app.limits.max_instances / users;
        let components = || app.components.iter();
        let pools = components().map(|component| Pool::new(component, share)).collect();
        let outbound = |component: &Arc<Component>| Outbound::new(&app.blocked, component);
        let outbound = components().map(outbound).collect();
        let whole = kibibytes(app.limits.whole_body_bytes) as usize;
        let core = Arc::new(Self {
            app,
            own,
            pools,
            outbound,
            turns: Arc::new(Semaphore::new(1)),
            whole_requests: Arc::new(Semaphore::new(whole)),
            whole_answers: Arc::new(Semaphore::new(whole)),
        });
        tokio::spawn(Pool::watch(Arc::downgrade(&core)));
        core
    }

    /// What `component` reaches from here.
    pub(crate) fn outbound(&self, component: &Component) -> &Outbound {
        &self.outbound[component.index]
    }

    /// Closes the sessions at database servers that nothing used for long.
    pub(crate) fn prune(&self) {
        self.outbound.iter().for_each(Outbound::prune);
    }

    /// Has a component answer `request`. The response may still be streaming.
    pub(crate) async fn call(
        self: &Arc<Self>,
        component: usize,
        request: Request<WasiBody>,
        context: RequestContext,
    ) -> Result<Response<Written>, Problem> {
        let (parts, body) = request.into_parts();
        let body = if body.is_end_stream() { body } else { self.arrived(component, body).await? };
        self.answered(component, Request::from_parts(parts, body), context).await
    }

    /// The same of a request whose body has [`arrived`](Self::arrived).
    pub(crate) async fn answered(
        self: &Arc<Self>,
        component: usize,
        request: Request<WasiBody>,
        context: RequestContext,
    ) -> Result<Response<Written>, Problem> {
        let Ok(code) = self.app.components[component].code() else { return Err(Problem::Crashed) };
        if !code.knows(request.method()) {
            // As Spin does.
            let mut refusal = Response::new(body::empty());
            *refusal.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            return Ok(refusal.map(Written::from));
        }
        let again = request::repeatable(&request);
        let answered = match (self.attempt(component, request, context).await, again) {
            (Err(Unanswered::Disturbed), Some(again)) => {
                self.attempt(component, again, context).await
            }
            (answered, _) => answered,
        };
        let response = answered.map_err(|unanswered| match unanswered {
            Unanswered::Disturbed => Problem::Overloaded,
            Unanswered::Because(problem) => problem,
        })?;
        if code.takes_whole_bodies() { self.counted(response) } else { Ok(response) }
    }

    /// The response with a body that counts as whole until it is sent, which a client may put off.
    fn counted(&self, response: Response<Written>) -> Result<Response<Written>, Problem> {
        let (parts, body) = response.into_parts();
        let body = inbound_http::bytes(body.unchecked());
        let room =
            Arc::clone(&self.whole_answers).try_acquire_many_owned(kibibytes(body.len() as u64));
        let room = room.map_err(|_| Problem::Overloaded)?;
        let body = inbound_http::whole(counted(body, room));
        Ok(Response::from_parts(parts, body.into()))
    }

    /// `body` with as much of it as has to be there before an instance is asked for.
    pub(crate) async fn arrived(&self, index: usize, body: WasiBody) -> Result<WasiBody, Problem> {
        let component = &self.app.components[index];
        let Ok(code) = component.code() else { return Err(Problem::Crashed) };
        let waiting = Waiting {
            places: (!code.takes_whole_bodies()).then(|| self.pools[index].uploads()),
            room: Arc::clone(&self.whole_requests),
            limit: component.limits.request_body_bytes.min(self.app.limits.whole_body_bytes),
        };
        let wait = Duration::from_millis(component.limits.request_ms);
        match tokio::time::timeout(wait, waiting.arrived(body)).await {
            Ok(upload) => Ok(upload?.boxed_unsync()),
            Err(_) => Err(Problem::TimedOut),
        }
    }

    async fn attempt(
        self: &Arc<Self>,
        component: usize,
        request: Request<WasiBody>,
        context: RequestContext,
    ) -> Result<Response<Written>, Unanswered> {
        let limits = &self.app.components[component].limits;
        let id = &self.app.components[component].id;
        if context.depth > limits.chain_depth {
            tracing::warn!(component = %id, trace_id = %context.trace, "components call each other in a circle");
            return Err(Problem::Loop.into());
        }
        let (answer, answered) = oneshot::channel();
        let ticket = Arc::new(Ticket::new(Duration::from_millis(limits.request_ms)));
        let job = Job {
            request,
            context,
            answer,
            ticket: Arc::clone(&ticket),
            queued: Instant::now(),
            running: None,
        };
        Pool::submit(self, component, job);
        let fate = match answered.await {
            Ok(Ok(response)) => {
                return Ok(response.map(|body| ticket.answered(body)));
            }
            Ok(Err(error)) if error.is::<ExpirationError>() => Fate::TimedOut,
            // Of one whose instance was ended the library says that it did not answer.
            Ok(Err(error)) if ticket.fate() == Fate::Trapped => {
                let cause = log::beginning(&error.root_cause(), limits.log_line_bytes);
                tracing::error!(component = %id, trace_id = %context.trace, "no response: {cause}");
                return Err(Problem::Crashed.into());
            }
            Ok(Err(_)) | Err(oneshot::Canceled) => ticket.fate(),
        };
        tracing::error!(component = %id, trace_id = %context.trace, "no response: {fate}");
        Err(match fate {
            Fate::Disturbed => Unanswered::Disturbed,
            Fate::TimedOut => Problem::TimedOut.into(),
            Fate::Queued => Problem::Overloaded.into(),
            Fate::Trapped => Problem::Crashed.into(),
        })
    }
}

/// Rounded down: as many as fit are let in, and what is small need not wait.
fn kibibytes(bytes: u64) -> u32 {
    u32::try_from(bytes / 1024).unwrap_or(u32::MAX)
}

enum Unanswered {
    /// Its instance was ended because of another request.
    Disturbed,
    Because(Problem),
}

impl From<Problem> for Unanswered {
    fn from(problem: Problem) -> Self {
        Self::Because(problem)
    }
}
