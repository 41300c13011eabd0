//! What moderators decide: documents, and the domains of work-mail addresses.

pub(crate) mod documents;
pub(crate) mod mail_domains;

use api::Problem;
use database::Database;
use session::Moderator;

use super::own_account;
use crate::store::accounts::Account;
use crate::store::moderators;

/// The moderator's account. One who was one until a moment ago has a token that still says so.
async fn own_moderator(database: &Database, moderator: &Moderator) -> Result<Account, Problem> {
    let account = own_account(database, &moderator.0).await?;
    if moderators::is_one(database, &account.id).await? {
        return Ok(account);
    }
    Err(Moderator::required())
}
