//! Signed-in browsers, one row for each family of refresh tokens.

use database::{Database, Error, Value};

use crate::domain::refresh::{Family, LIFETIME_MILLIS, RefreshToken};

/// More browsers than anyone uses at once; beyond it the one unused for longest is signed out.
const MAX_PER_ACCOUNT: usize = 50;

/// Keeps a new family, and drops those that are too many. The account is locked, so that those
/// who sign in at once see one another's families.
pub(crate) async fn insert(
    database: &Database,
    account_id: &str,
    token: &RefreshToken,
    now: i64,
) -> Result<(), Error> {
    drop_surplus(database, account_id).await?;
    let insert = "INSERT INTO sessions (family, account_id, token_hash, rotated_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = [
        token.family().into(),
        account_id.into(),
        token.hash().into(),
        Value::Integer(now),
        Value::Integer(now + LIFETIME_MILLIS),
    ];
    database.query(insert, values).await?;
    Ok(())
}

/// Drops what has expired. Call it outside of a transaction.
pub(crate) async fn prune(database: &Database, now: i64) -> Result<(), Error> {
    let expired = "DELETE FROM sessions WHERE expires_at <= ?1";
    database.query(expired, [Value::Integer(now)]).await?;
    Ok(())
}

async fn drop_surplus(database: &Database, account_id: &str) -> Result<(), Error> {
    let select = "SELECT family FROM sessions WHERE account_id = ?1 ORDER BY rotated_at DESC";
    let rows = database.query(select, [account_id.into()]).await?;
    for row in rows.iter().skip(MAX_PER_ACCOUNT - 1) {
        remove(database, row.str(0)?).await?;
    }
    Ok(())
}

/// The family with the id of its account. Until the end of the transaction nobody else rotates
/// or removes it.
pub(crate) async fn lock(
    database: &Database,
    family: &str,
) -> Result<Option<(String, Family)>, Error> {
    let select = "SELECT account_id, token_hash, previous_hash, rotated_at, expires_at FROM sessions WHERE family = ?1 FOR UPDATE";
    let Some(row) = database.query_one(select, [family.into()]).await? else {
        return Ok(None);
    };
    let family = Family {
        token_hash: row.text(1)?,
        previous_hash: row.optional_text(2)?,
        rotated_at: row.integer(3)?,
        expires_at: row.integer(4)?,
    };
    Ok(Some((row.text(0)?, family)))
}

/// Puts `next` in the place of `token`, the newest of a family that is locked.
pub(crate) async fn rotate(
    database: &Database,
    token: &RefreshToken,
    next: &RefreshToken,
    now: i64,
) -> Result<(), Error> {
    let update = "UPDATE sessions SET token_hash = ?3, previous_hash = ?2, rotated_at = ?4, expires_at = ?5 \
                  WHERE family = ?1";
    let values = [
        token.family().into(),
        token.hash().into(),
        next.hash().into(),
        Value::Integer(now),
        Value::Integer(now + LIFETIME_MILLIS),
    ];
    database.query(update, values).await?;
    Ok(())
}

pub(crate) async fn remove(database: &Database, family: &str) -> Result<(), Error> {
    database.query("DELETE FROM sessions WHERE family = ?1", [family.into()]).await?;
    Ok(())
}

/// Signs an account out everywhere, but for the family `kept`.
pub(crate) async fn remove_all(
    database: &Database,
    account_id: &str,
    kept: Option<&str>,
) -> Result<(), Error> {
    let delete = "DELETE FROM sessions WHERE account_id = ?1 AND family <> ?2";
    database.query(delete, [account_id.into(), kept.unwrap_or_default().into()]).await?;
    Ok(())
}
