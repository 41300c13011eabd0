//! How the three APIs take a request and answer it: the shape of errors, bodies, lists and
//! conditional requests that DESIGN section 4 makes firm, in one place.

mod body;
mod conditional;
mod cursor;
mod origin;
mod params;
mod problem;
mod serve;
mod timestamp;

pub use body::{Body, MAX_BODY_BYTES, collect};
pub use conditional::{IfMatch, Tagged};
pub use cursor::{List, Page};
pub use origin::client_address;
pub use params::{Path, Query};
pub use problem::{FieldError, Fields, Problem};
pub use serve::{method_not_allowed, not_found, openapi, serve, streamed, without_path};
pub use timestamp::{now_millis, rfc3339};

/// What a handler returns.
pub type Result<T, E = Problem> = std::result::Result<T, E>;
