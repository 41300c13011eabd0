//! One file per resource, one function per endpoint.

pub(crate) mod accounts;
pub(crate) mod cookies;
pub(crate) mod keys;
pub(crate) mod moderation;
pub(crate) mod moderators;
pub(crate) mod passes;
pub(crate) mod proofs;
pub(crate) mod sessions;

use api::{Fields, Problem};
use database::Database;
use session::Insider;

use crate::domain::Refusal;
use crate::store::accounts::{Account, by_subject, lock_by_subject};

/// The insider's account. A token outlives its account by some minutes; then 401.
async fn own_account(database: &Database, insider: &Insider) -> Result<Account, Problem> {
    by_subject(database, &insider.subject).await?.ok_or_else(Problem::unauthorized)
}

/// The same, and until the end of the transaction nobody else changes it.
async fn lock_own_account(database: &Database, insider: &Insider) -> Result<Account, Problem> {
    lock_by_subject(database, &insider.subject).await?.ok_or_else(Problem::unauthorized)
}

/// The value, or its refusal noted and an empty one in its place, which [`Fields::check`]
/// keeps from being used.
fn accept<T: Default>(fields: &mut Fields, field: &str, value: Result<T, Refusal>) -> T {
    value.unwrap_or_else(|refusal| {
        fields.refuse(field, refusal.code, refusal.detail);
        T::default()
    })
}
