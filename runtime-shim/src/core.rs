//! One core's share of the host: its own instances, its own outbound
//! connections. Nothing of a request ever leaves the thread it arrived on,
//! because waking another one costs more than a short request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::oneshot;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ExpirationError;

use crate::answer::Problem;
use crate::app::App;
use crate::body::Body;
use crate::guest::RequestContext;
use crate::imports::mysql::{MysqlPools, MysqlTarget};
use crate::imports::outbound_http::Client;
use crate::inbound_http;
use crate::instances::{Fate, Job, Pool, Ticket};
use crate::log;
use crate::postgres;
use crate::request;
use crate::session_pool::{Addresses, PoolLimits, Pools};

/// What a thread serves now. `up --watch` replaces it; requests that are under
/// way keep what they started with.
pub(crate) struct Current(Mutex<Arc<Core>>);

impl Current {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self(Mutex::new(Core::new(app)))
    }

    pub(crate) fn get(&self) -> Arc<Core> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, app: Arc<App>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Core::new(app);
    }
}

pub struct Core {
    pub app: Arc<App>,
    /// One pool of instances per component, in the application's order.
    pub pools: Vec<Pool>,
    pub client: Client,
    /// Held by the instance that computes, from its first interruption on.
    pub(crate) turns: Arc<Semaphore>,
    /// Room for bodies that are held as a whole, in KiB.
    whole_bodies: Arc<Semaphore>,
    pub(crate) postgres: postgres::Sessions,
    pub(crate) postgres_targets: Addresses<postgres::Target>,
    pub(crate) mysql: MysqlPools,
    pub(crate) mysql_targets: Addresses<MysqlTarget>,
}

impl Core {
    /// Made inside the runtime of its thread.
    pub fn new(app: Arc<App>) -> Arc<Self> {
        let pools = app.components.iter().map(|component| Pool::new(component)).collect();
        let client =
            Client::new(app.blocked.clone(), Duration::from_millis(app.limits.outbound_connect_ms));
        let (limits, whole) = (PoolLimits::of(&app.limits), app.limits.whole_body_bytes);
        let core = Arc::new(Self {
            app,
            pools,
            client,
            turns: Arc::new(Semaphore::new(1)),
            whole_bodies: Arc::new(Semaphore::new(kibibytes(whole) as usize)),
            postgres: Pools::new(limits),
            postgres_targets: Addresses::new(limits),
            mysql: Pools::new(limits),
            mysql_targets: Addresses::new(limits),
        });
        tokio::spawn(Pool::watch(Arc::downgrade(&core)));
        core
    }

    /// Has a component answer `request`. The response may still be streaming.
    pub async fn call(
        self: &Arc<Self>,
        component: usize,
        request: Request<WasiBody>,
        context: RequestContext,
    ) -> Result<Response<WasiBody>, Problem> {
        let (request, room) = match self.given(component, request).await? {
            Ok(given) => given,
            Err(refusal) => return Ok(refusal),
        };
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
        if room.is_some() { self.counted(response) } else { Ok(response) }
    }

    /// The response with a body that counts as whole until it is sent, which a client may put off.
    fn counted(&self, response: Response<WasiBody>) -> Result<Response<WasiBody>, Problem> {
        struct Counted(Bytes, #[expect(dead_code, reason = "held")] OwnedSemaphorePermit);
        impl AsRef<[u8]> for Counted {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        let (parts, body) = response.into_parts();
        let body = inbound_http::bytes(body);
        let room =
            Arc::clone(&self.whole_bodies).try_acquire_many_owned(kibibytes(body.len() as u64));
        let room = room.map_err(|_| Problem::Overloaded)?;
        let body = inbound_http::whole(Bytes::from_owner(Counted(body, room)));
        Ok(Response::from_parts(parts, body))
    }

    /// What the guest can be given of `request`, before an instance is asked for it, with the
    /// room for its body where that is held as a whole; or else the answer that Spin gives.
    async fn given(
        &self,
        component: usize,
        request: Request<WasiBody>,
    ) -> Result<
        Result<(Request<WasiBody>, Option<OwnedSemaphorePermit>), Response<WasiBody>>,
        Problem,
    > {
        let component = &self.app.components[component];
        let Ok(code) = component.code() else { return Err(Problem::Crashed) };
        if !code.takes_whole_bodies() {
            return Ok(Ok((request, None)));
        }
        if !code.knows(request.method()) {
            let mut refusal = Response::new(Body::full(Bytes::new()).boxed_unsync());
            *refusal.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            return Ok(Err(refusal));
        }
        let limit = component.limits.request_body_bytes.min(self.app.limits.whole_body_bytes);
        let size = request.body().size_hint().upper().unwrap_or(limit).min(limit);
        let collected = async {
            let bodies = Arc::clone(&self.whole_bodies);
            let room = bodies.acquire_many_owned(kibibytes(size)).await.ok();
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            Ok((inbound_http::collected(request, limit).await?, room))
        };
        let wait = Duration::from_millis(component.limits.request_ms);
        match tokio::time::timeout(wait, collected).await {
            Ok(collected) => collected.map(Ok),
            Err(_) => Err(Problem::TimedOut),
        }
    }

    async fn attempt(
        self: &Arc<Self>,
        component: usize,
        request: Request<WasiBody>,
        context: RequestContext,
    ) -> Result<Response<WasiBody>, Unanswered> {
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
        match answered.await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is::<ExpirationError>() => {
                tracing::warn!(component = %id, trace_id = %context.trace, "no response within {} ms", limits.request_ms);
                Err(Problem::TimedOut.into())
            }
            Ok(Err(error)) => {
                let cause = log::beginning(&error.root_cause(), limits.log_line_bytes);
                tracing::error!(component = %id, trace_id = %context.trace, "no response: {cause}");
                Err(Problem::Crashed.into())
            }
            Err(oneshot::Canceled) => {
                let fate = ticket.fate();
                tracing::error!(component = %id, trace_id = %context.trace, "no response: {fate}");
                Err(match fate {
                    Fate::Disturbed => Unanswered::Disturbed,
                    Fate::TimedOut => Problem::TimedOut.into(),
                    Fate::Queued => Problem::Overloaded.into(),
                    Fate::Trapped => Problem::Crashed.into(),
                })
            }
        }
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
