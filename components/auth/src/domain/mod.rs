//! The rules of accounts and sessions: no HTTP, no SQL, no clock of its own.

pub(crate) mod login;
pub(crate) mod password;
pub(crate) mod pseudonym;
pub(crate) mod refresh;
pub(crate) mod signing;
pub(crate) mod throttle;

/// Why a field is refused. `code` is stable; `detail` says what to send instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) detail: &'static str,
}
