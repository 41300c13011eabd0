//! One core's share of the host: its own instances, its own outbound
//! connections. Nothing of a request ever leaves the thread it arrived on,
//! because waking another one costs more than a short request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use http::{Request, Response};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ExpirationError;

use crate::answer::Problem;
use crate::app::App;
use crate::guest::RequestContext;
use crate::imports::mysql::{MysqlPools, MysqlTarget};
use crate::imports::outbound_http::Client;
use crate::instances::{Fate, Job, Pool, Ticket};
use crate::postgres;
use crate::session_pool::{Addresses, PoolLimits, Pools};

pub struct Core {
    pub app: Arc<App>,
    /// One pool of instances per component, in the application's order.
    pub pools: Vec<Pool>,
    pub client: Client,
    /// Held by the instance that computes, from its first interruption on.
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) postgres: postgres::Sessions,
    pub(crate) postgres_targets: Addresses<postgres::Target>,
    pub(crate) mysql: MysqlPools,
    pub(crate) mysql_targets: Addresses<MysqlTarget>,
}

impl Core {
    pub fn new(app: Arc<App>) -> Arc<Self> {
        let pools = app.components.iter().map(|_| Pool::default()).collect();
        let client =
            Client::new(app.blocked.clone(), Duration::from_millis(app.limits.outbound_connect_ms));
        let limits = PoolLimits::of(&app.limits);
        Arc::new(Self {
            app,
            pools,
            client,
            turns: Arc::new(Semaphore::new(1)),
            postgres: Pools::new(limits),
            postgres_targets: Addresses::new(limits),
            mysql: Pools::new(limits),
            mysql_targets: Addresses::new(limits),
        })
    }

    /// Has a component answer `request`. The response may still be streaming.
    pub async fn call(
        self: &Arc<Self>,
        component: usize,
        request: Request<WasiBody>,
        context: RequestContext,
    ) -> Result<Response<WasiBody>, Problem> {
        let limits = &self.app.components[component].limits;
        let id = &self.app.components[component].id;
        if context.depth > limits.chain_depth {
            tracing::warn!(component = %id, trace_id = %context.trace, "components call each other in a circle");
            return Err(Problem::Loop);
        }
        let (answer, answered) = oneshot::channel();
        let ticket = Arc::new(Ticket::new(Duration::from_millis(limits.request_ms)));
        let job =
            Job { request, context, answer, ticket: Arc::clone(&ticket), queued: Instant::now() };
        Pool::submit(self, component, job)?;
        match answered.await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is::<ExpirationError>() => {
                tracing::warn!(component = %id, trace_id = %context.trace, "no response within {} ms", limits.request_ms);
                Err(Problem::TimedOut)
            }
            Ok(Err(error)) => {
                tracing::error!(component = %id, trace_id = %context.trace, "no response: {}", error.root_cause());
                Err(Problem::Crashed)
            }
            Err(oneshot::Canceled) => {
                let fate = ticket.fate();
                tracing::error!(component = %id, trace_id = %context.trace, "no response: {fate}");
                Err(match fate {
                    Fate::TimedOut => Problem::TimedOut,
                    Fate::Disturbed | Fate::Queued => Problem::Overloaded,
                    Fate::Trapped => Problem::Crashed,
                })
            }
        }
    }
}
