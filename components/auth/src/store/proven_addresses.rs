//! Which mailbox proves which account: one mailbox, one account, one pass a year.

use calendar::{year, year_start};
use database::{Database, Error, Value};
use uuid::Uuid;

use super::passes;
use crate::domain::employment::VALID_MILLIS;

/// Binds the mailbox to the account as long as the proof holds that it makes now, or gives false
/// where it proves another account at present.
///
/// Where it proved another one before, this year's passes go with it: its person has had theirs,
/// whatever became of that account. Who keeps the recovery secret gets the same answer again.
pub(crate) async fn bind(
    database: &Database,
    account_id: &str,
    address_hash: &str,
    now: i64,
) -> Result<bool, Error> {
    let select =
        "SELECT account_id, expires_at FROM proven_addresses WHERE address_hash = ?1 FOR UPDATE";
    let values = [address_hash.into(), account_id.into(), Value::Integer(now + VALID_MILLIS)];
    let Some(row) = database.query_one(select, [address_hash.into()]).await? else {
        let insert = "INSERT INTO proven_addresses (address_hash, account_id, expires_at) VALUES (?1, ?2, ?3)";
        return match database.execute(insert, values).await {
            Err(Error::Unique(_)) => Err(database.conflict("a mailbox that others proved")),
            result => result.map(|_| true),
        };
    };
    let before = row.text(0)?;
    if before != account_id {
        if now < row.integer(1)? {
            return Ok(false);
        }
        passes::hand_over(database, &before, account_id, year(now)).await?;
    }
    let update =
        "UPDATE proven_addresses SET account_id = ?2, expires_at = ?3 WHERE address_hash = ?1";
    database.query(update, values).await?;
    Ok(true)
}

/// Lets go of the mailboxes and passes of an account that is being deleted. If it had a pass
/// this year they keep one name, made up here, that leads to no account: so nobody gets a second
/// pass by signing up anew, and the crowd of a hospital stays what it was.
pub(crate) async fn release(database: &Database, account_id: &str, now: i64) -> Result<(), Error> {
    if passes::has_any(database, account_id, year(now)).await? {
        let name = Uuid::new_v4().to_string();
        let update =
            "UPDATE proven_addresses SET account_id = ?2, expires_at = ?3 WHERE account_id = ?1";
        let values = [account_id.into(), name.as_str().into(), Value::Integer(now)];
        database.query(update, values).await?;
        return passes::rename(database, account_id, &name).await;
    }
    let delete = "DELETE FROM proven_addresses WHERE account_id = ?1";
    database.query(delete, [account_id.into()]).await?;
    passes::rename(database, account_id, &Uuid::new_v4().to_string()).await
}

/// Forgets the mailboxes whose proof, or whose account, ended before this year: no pass of this
/// year hangs on them.
pub(crate) async fn prune(database: &Database, now: i64) -> Result<(), Error> {
    let delete = "DELETE FROM proven_addresses WHERE expires_at < ?1";
    database.query(delete, [Value::Integer(year_start(now))]).await?;
    Ok(())
}
