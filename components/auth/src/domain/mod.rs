//! The rules of accounts, sessions, proofs of employment and passes: no HTTP, no SQL, no clock of
//! its own.

pub(crate) mod document;
pub(crate) mod employment;
pub(crate) mod hospital;
pub(crate) mod login;
pub(crate) mod mail;
pub(crate) mod pass;
pub(crate) mod password;
mod picture;
pub(crate) mod pseudonym;
pub(crate) mod refresh;
pub(crate) mod secret;
pub(crate) mod signing;
pub(crate) mod throttle;
pub(crate) mod vouching;

/// Why a field is refused. `code` is stable; `detail` says what to send instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) detail: &'static str,
}
