//! The instances of one component on one core, and the requests that wait for
//! them.
//!
//! An instance is driven by a task of its own, which takes several requests at
//! once as long as all it has are waiting for something. One that computes
//! takes no more; then another instance is made, up to the limit, and above it
//! requests queue. Inside, the driver starts requests and notices those that
//! are over time. Outside, the supervisor ends an instance whose guest does not
//! let the driver run: it computes for too long, or holds the store in a call.

use std::time::Duration;

pub(crate) use job::{Fate, Job, Ticket};
pub(crate) use pool::Pool;

mod driver;
mod job;
mod place;
mod pool;
mod progress;
mod supervisor;
mod worker;

/// How often the supervisor looks at the time. A deadline is late by as much.
const LOOK: Duration = Duration::from_millis(100);
/// What a request may be over time before its whole instance is ended: the
/// driver, if it gets to run, ends the request alone well within this.
const GRACE: Duration = Duration::from_secs(1);
