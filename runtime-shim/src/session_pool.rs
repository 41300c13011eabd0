//! Sessions on database servers, kept open between requests. Each core has pools of its own,
//! one per component and address: nothing of a session ever crosses threads or components.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use parking_lot::Mutex;
use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{Limits, permits, size};
use crate::log;
use crate::metrics::PoolMetrics;

/// How long taking back what a guest left may last, before the session is given up instead.
const RESET_LIMIT: Duration = Duration::from_secs(5);

/// The longest address of a database, with its user and settings. Pools and handles keep it.
pub(crate) const ADDRESS_BYTES: usize = 4 * 1024;

/// A logged-in connection to a database server.
pub(crate) trait Session: Send + Sized + 'static {
    /// Whether it can still be used, `idle` after its last statement.
    fn check(&mut self, idle: Duration) -> impl Future<Output = bool> + Send;

    /// Takes back what a guest left: an open transaction, settings. False where that is unsure.
    fn reset(&mut self) -> impl Future<Output = bool> + Send;

    /// Ends one of which it is unsure what the server still sends.
    fn close(self) {}

    /// Ends it, although a statement may still be running on the server.
    fn abort(self) -> impl Future<Output = ()> + Send;
}

/// The limits of a component's pools.
#[derive(Clone, Copy)]
struct PoolLimits {
    /// Addresses that pools are kept for.
    addresses: usize,
    /// Sessions at one address.
    sessions: usize,
    /// Longest wait for one of them, also where a new one has to be made.
    wait: Duration,
    /// A session that nothing used for this long is closed.
    idle: Duration,
}

impl PoolLimits {
    fn of(limits: &Limits) -> Self {
        Self {
            addresses: size(limits.server_addresses),
            sessions: permits(limits.server_sessions),
            wait: Duration::from_millis(limits.server_wait_ms),
            idle: Duration::from_millis(limits.server_idle_ms),
        }
    }
}

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum LeaseError {
    /// None became free, or could be made, in time.
    Busy(Duration),
    /// More addresses than pools are kept for.
    TooManyAddresses(usize),
    /// Why a new one could not be made.
    Connect(String),
}

impl LeaseError {
    /// What a guest is told of the server at `place`. Why nobody could log in, the log has as well.
    pub(crate) fn at(&self, place: impl Display, component: &str) -> String {
        if let Self::Connect(why) = self {
            // The server may have said it.
            tracing::warn!(component, "{place}: {}", log::shown(why));
        }
        format!("{place}: {self}")
    }
}

impl Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(wait) => write!(
                f,
                "busy: no session became free within {} ms (server_sessions)",
                wait.as_millis()
            ),
            Self::TooManyAddresses(limit) => {
                write!(f, "busy: sessions are kept at {limit} addresses already (server_addresses)")
            }
            Self::Connect(why) => f.write_str(why),
        }
    }
}

/// A component's pools on one core, by where they lead.
pub(crate) struct Pools<K, S> {
    pools: Mutex<HashMap<K, Arc<Pool<S>>>>,
    limits: PoolLimits,
}

struct Pool<S> {
    /// The one used last stands at the end and is used first, so that the others grow old.
    idle: Mutex<Vec<(S, Instant)>>,
    slots: Arc<Semaphore>,
    limits: PoolLimits,
    in_use: IntGauge,
}

impl<K: Eq + Hash + Clone, S: Session> Pools<K, S> {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { pools: Mutex::default(), limits: PoolLimits::of(limits) }
    }

    /// A session for the caller alone: an idle one, or what `connect` makes.
    pub(crate) async fn lease(
        &self,
        key: &K,
        metrics: &PoolMetrics,
        connect: impl Future<Output = Result<S, String>>,
    ) -> Result<Lease<S>, LeaseError> {
        let asked = Instant::now();
        let wait = self.limits.wait;
        let lease = self.pool(key, metrics)?.lease(connect);
        let leased = tokio::time::timeout(wait, lease).await;
        metrics.wait.observe(asked.elapsed().as_secs_f64());
        leased.unwrap_or(Err(LeaseError::Busy(wait)))
    }

    fn pool(&self, key: &K, metrics: &PoolMetrics) -> Result<Arc<Pool<S>>, LeaseError> {
        let mut pools = self.pools.lock();
        if let Some(pool) = pools.get(key) {
            return Ok(Arc::clone(pool));
        }
        if pools.len() >= self.limits.addresses {
            // Addresses that nobody uses any more make room for others.
            pools.retain(|_, pool| !pool.is_unused());
        }
        if pools.len() >= self.limits.addresses {
            return Err(LeaseError::TooManyAddresses(self.limits.addresses));
        }
        let pool = Arc::new(Pool {
            idle: Mutex::default(),
            slots: Arc::new(Semaphore::new(self.limits.sessions)),
            limits: self.limits,
            in_use: metrics.in_use.clone(),
        });
        pools.insert(key.clone(), Arc::clone(&pool));
        Ok(pool)
    }

    /// Closes the sessions that nothing used for long.
    pub(crate) fn prune(&self) {
        for pool in self.pools.lock().values() {
            pool.idle.lock().retain(|(_, since)| since.elapsed() < self.limits.idle);
        }
    }
}

impl<S: Session> Pool<S> {
    async fn lease(
        self: Arc<Self>,
        connect: impl Future<Output = Result<S, String>>,
    ) -> Result<Lease<S>, LeaseError> {
        let slots = Arc::clone(&self.slots);
        // The semaphore is never closed.
        let slot = slots.acquire_owned().await.map_err(|_| LeaseError::Busy(self.limits.wait))?;
        while let Some((mut session, since)) = self.newest() {
            if session.check(since.elapsed()).await {
                return Ok(Lease::new(self, session, slot));
            }
        }
        let session = connect.await.map_err(LeaseError::Connect)?;
        Ok(Lease::new(self, session, slot))
    }

    /// The session used last.
    fn newest(&self) -> Option<(S, Instant)> {
        self.idle.lock().pop()
    }

    fn is_unused(&self) -> bool {
        let idle = self.idle.lock();
        self.slots.available_permits() == self.limits.sessions
            && idle.iter().all(|(_, since)| since.elapsed() >= self.limits.idle)
    }
}

/// What the addresses that a component names mean, so that each is read and checked once.
pub(crate) struct Addresses<V> {
    known: Mutex<HashMap<String, V>>,
    /// Beyond it the known ones are forgotten.
    limit: usize,
}

impl<V: Clone> Addresses<V> {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { known: Mutex::default(), limit: size(limits.server_addresses) }
    }

    /// What `address` means, which `read` says the first time.
    pub(crate) fn meaning<E>(
        &self,
        address: &str,
        read: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let mut known = self.known.lock();
        if let Some(meaning) = known.get(address) {
            return Ok(meaning.clone());
        }
        let meaning = read()?;
        if known.len() >= self.limit {
            known.clear();
        }
        known.insert(address.to_owned(), meaning.clone());
        Ok(meaning)
    }
}

/// A session in use. When it is dropped, it is reset off the request's path and kept, or
/// closed where a statement was still running.
pub(crate) struct Lease<S: Session> {
    pool: Arc<Pool<S>>,
    session: Option<S>,
    slot: Option<OwnedSemaphorePermit>,
    /// A statement was started and has not been answered: its caller was cancelled.
    running: bool,
}

impl<S: Session> Lease<S> {
    fn new(pool: Arc<Pool<S>>, session: S, slot: OwnedSemaphorePermit) -> Self {
        pool.in_use.inc();
        Self { pool, session: Some(session), slot: Some(slot), running: false }
    }

    /// The session, for one statement. [`Self::finish`] says that the statement was answered;
    /// without it the session is not used again. `None`: that happened before.
    pub(crate) fn start(&mut self) -> Option<&mut S> {
        if self.running {
            return None;
        }
        self.running = true;
        self.session.as_mut()
    }

    pub(crate) fn finish(&mut self) {
        self.running = false;
    }
}

impl<S: Session> Drop for Lease<S> {
    fn drop(&mut self) {
        self.pool.in_use.dec();
        let (Some(mut session), Some(slot)) = (self.session.take(), self.slot.take()) else {
            return;
        };
        // Outside a runtime, at the end of the process, there is nothing to keep it for.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.running {
            runtime.spawn(session.abort());
            return;
        }
        let pool = Arc::clone(&self.pool);
        let mut returning = Box::pin(async move {
            match tokio::time::timeout(RESET_LIMIT, session.reset()).await {
                Ok(true) => pool.idle.lock().push((session, Instant::now())),
                Ok(false) => session.close(),
                Err(_) => drop(tokio::spawn(session.abort())),
            }
            drop(slot);
        });
        // Mostly there is nothing to take back, and a task would cost as much as a short query.
        if returning.as_mut().now_or_never().is_none() {
            runtime.spawn(returning);
        }
    }
}
