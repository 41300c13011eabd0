//! PostgreSQL servers, through `tokio-postgres`: `imports/postgres.rs` is what components see.

mod address;
mod calendar;
mod messages;
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
use crate::session_pool::Lease;

pub(crate) use session::{Failure, Found, Session, Target, Wanted};

/// Where sessions lead (password included), and the root certificates that they trust besides.
pub(crate) type Key = (String, Option<String>);

/// A guest's connection. The lock gives its statements an order when a guest starts several.
pub(crate) type Shared = Arc<Mutex<Option<Lease<Session>>>>;

/// Whether `pem` holds root certificates.
pub(crate) fn check_root_certificates(pem: &str) -> Result<(), Error> {
    tls::root_certificates(pem).map(drop).map_err(Error::Other)
}

/// A session for `component` at `address`, which it must be allowed to reach.
pub(crate) async fn open(
    core: &Arc<Core>,
    component: &Arc<Component>,
    address: String,
    own_roots: Option<String>,
) -> Result<Shared, Error> {
    let outbound = core.outbound(component);
    let network = &outbound.network;
    let read = || Target::new(network, component, &address, own_roots.as_deref()).map(Arc::new);
    let target = match own_roots {
        Some(_) => read(),
        None => outbound.postgres_targets.meaning(&address, read),
    };
    let target = target.map_err(Error::ConnectionFailed)?;
    let key = (address, own_roots);
    let connect = Session::connect(&target);
    match outbound.postgres.lease(&key, &component.metrics.postgres, connect).await {
        Ok(lease) => Ok(Arc::new(Mutex::new(Some(lease)))),
        Err(error) => {
            let place = format!("postgres://{}", target.place());
            Err(Error::ConnectionFailed(error.at(place, &component.id)))
        }
    }
}
