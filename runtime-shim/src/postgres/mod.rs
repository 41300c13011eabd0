//! PostgreSQL servers, through `tokio-postgres`: `imports/postgres.rs` is what components see.

mod address;
mod calendar;
mod numeric;
mod parameter;
mod session;
mod statement;
mod tls;
mod value;

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::app::Component;
use crate::core::Core;
use crate::imports::wit::spin::postgres::postgres::Error;
use crate::session_pool::{Lease, LeaseError, Pools};

pub(crate) use session::{Failure, Found, Session, Target, Wanted};

/// Whose sessions, where they lead (password included), and the authority they trust.
pub(crate) type Key = (Arc<str>, String, Option<String>);

/// The sessions of one core.
pub(crate) type Sessions = Pools<Key, Session>;

/// A guest's connection. The lock gives its statements an order when a guest starts several.
pub(crate) type Shared = Arc<Mutex<Lease<Session>>>;

/// Whether `pem` can be trusted as a root certificate.
pub(crate) fn check_authority(pem: &str) -> Result<(), Error> {
    tls::certificates(pem).map(drop).map_err(Error::Other)
}

/// A session for `component` at `address`, which it must be allowed to reach.
pub(crate) async fn open(
    core: &Arc<Core>,
    component: &Arc<Component>,
    address: String,
    authority: Option<String>,
) -> Result<Shared, Error> {
    let read = || Target::new(core, component, &address, authority.as_deref()).map(Arc::new);
    let target = match authority {
        Some(_) => read(),
        None => core.postgres_targets.meaning(&component.id, &address, read),
    };
    let target = target.map_err(Error::ConnectionFailed)?;
    let key = (Arc::clone(&component.id), address, authority);
    let failed =
        |why: String| Error::ConnectionFailed(format!("postgres://{}: {why}", target.place()));
    match core.postgres.lease(&key, &component.metrics.postgres, Session::connect(&target)).await {
        Ok(lease) => Ok(Arc::new(Mutex::new(lease))),
        Err(LeaseError::Busy(wait)) => {
            Err(failed(format!("busy: no session became free within {} ms", wait.as_millis())))
        }
        Err(LeaseError::TooManyAddresses(limit)) => {
            Err(failed(format!("busy: sessions are kept at {limit} addresses already")))
        }
        Err(LeaseError::Connect(why)) => {
            tracing::warn!(component = %component.id, "postgres://{}: {why}", target.place());
            Err(failed(why))
        }
    }
}
