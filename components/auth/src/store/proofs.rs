//! The one proof of each account.

use database::{Database, Error, Value};

use crate::domain::employment::{Method, Proof, proven};

use super::{documents, mail_codes, vouch_codes};

pub(crate) async fn find(database: &Database, account_id: &str) -> Result<Option<Proof>, Error> {
    let select = "SELECT hospital_id, method, since, expires_at FROM proofs WHERE account_id = ?1";
    let Some(row) = database.query_one(select, [account_id.into()]).await? else {
        return Ok(None);
    };
    let method = Method::named(row.str(1)?).ok_or(Error::Column(1, "a method"))?;
    Ok(Some(Proof {
        hospital_id: row.text(0)?,
        method,
        since: row.integer(2)?,
        expires_at: row.integer(3)?,
    }))
}

/// Puts a new proof in the place of the one before. What waits is dropped: it was for the same,
/// or for another hospital, which now has to wait. The account is locked.
pub(crate) async fn grant(
    database: &Database,
    account_id: &str,
    hospital_id: &str,
    method: Method,
    now: i64,
) -> Result<Proof, Error> {
    let before = find(database, account_id).await?;
    let proof = proven(before.as_ref(), hospital_id, method, now);
    remove(database, account_id).await?;
    let insert = "INSERT INTO proofs (account_id, hospital_id, method, since, expires_at) \
                  VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = [
        account_id.into(),
        hospital_id.into(),
        method.name().into(),
        Value::Integer(proof.since),
        Value::Integer(proof.expires_at),
    ];
    database.query(insert, values).await?;
    remove_pending(database, account_id).await?;
    Ok(proof)
}

/// Drops whatever of the account waits for a code, a moderator or a colleague.
pub(crate) async fn remove_pending(database: &Database, account_id: &str) -> Result<(), Error> {
    mail_codes::remove(database, account_id).await?;
    documents::remove_of(database, account_id).await?;
    vouch_codes::remove(database, account_id).await
}

pub(crate) async fn remove(database: &Database, account_id: &str) -> Result<(), Error> {
    database.query("DELETE FROM proofs WHERE account_id = ?1", [account_id.into()]).await?;
    Ok(())
}
