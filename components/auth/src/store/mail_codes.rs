//! Codes that were asked for, each with the mail that carries it.

use database::{Database, Error, Value};

use crate::domain::mail::SentCode;

/// Whoever waits looks again a few times; after that the mail server is away for good.
const MAX_ATTEMPTS: i64 = 8;

pub(crate) struct MailCode {
    pub(crate) id: String,
    pub(crate) hospital_id: String,
    pub(crate) domain: String,
    pub(crate) address_hash: String,
    pub(crate) code: SentCode,
    /// Sealed.
    pub(crate) message: String,
}

const COLUMNS: &str =
    "id, hospital_id, domain, address_hash, code_hash, tries, expires_at, message";

/// Puts a new one in the place of the one before.
pub(crate) async fn replace(
    database: &Database,
    account_id: &str,
    new: &MailCode,
) -> Result<(), Error> {
    remove(database, account_id).await?;
    let insert = format!(
        "INSERT INTO mail_codes (account_id, {COLUMNS}, delivery, attempts, next_attempt_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'waiting', 0, 0)"
    );
    let values = [
        account_id.into(),
        new.id.as_str().into(),
        new.hospital_id.as_str().into(),
        new.domain.as_str().into(),
        new.address_hash.as_str().into(),
        new.code.hash.as_str().into(),
        Value::Integer(new.code.tries),
        Value::Integer(new.code.expires_at),
        new.message.as_str().into(),
    ];
    database.query(&insert, values).await?;
    Ok(())
}

pub(crate) async fn find(database: &Database, account_id: &str) -> Result<Option<MailCode>, Error> {
    let select = format!("SELECT {COLUMNS} FROM mail_codes WHERE account_id = ?1");
    let Some(row) = database.query_one(&select, [account_id.into()]).await? else {
        return Ok(None);
    };
    Ok(Some(MailCode {
        id: row.text(0)?,
        hospital_id: row.text(1)?,
        domain: row.text(2)?,
        address_hash: row.text(3)?,
        code: SentCode { hash: row.text(4)?, tries: row.integer(5)?, expires_at: row.integer(6)? },
        message: row.text(7)?,
    }))
}

pub(crate) async fn count_try(database: &Database, account_id: &str) -> Result<(), Error> {
    let update = "UPDATE mail_codes SET tries = tries + 1 WHERE account_id = ?1";
    database.query(update, [account_id.into()]).await?;
    Ok(())
}

/// Whether a mail that was not taken may be tried again.
pub(crate) async fn is_due(database: &Database, account_id: &str, now: i64) -> Result<bool, Error> {
    let select = "SELECT 1 FROM mail_codes WHERE account_id = ?1 AND delivery = 'waiting' \
                  AND attempts < ?2 AND next_attempt_at <= ?3 AND expires_at > ?3";
    let values = [account_id.into(), Value::Integer(MAX_ATTEMPTS), Value::Integer(now)];
    Ok(database.query_one(select, values).await?.is_some())
}

/// The mail to send, if one is due: of all who ask at once exactly one is given it, and nobody
/// after them. What becomes of it is theirs to say; if they never do it is not sent again.
pub(crate) async fn claim(
    database: &Database,
    account_id: &str,
    now: i64,
) -> Result<Option<MailCode>, Error> {
    let update = "UPDATE mail_codes SET delivery = 'claimed', attempts = attempts + 1 \
                  WHERE account_id = ?1 AND delivery = 'waiting' AND attempts < ?2 \
                  AND next_attempt_at <= ?3 AND expires_at > ?3";
    let values = [account_id.into(), Value::Integer(MAX_ATTEMPTS), Value::Integer(now)];
    if database.execute(update, values).await? == 0 {
        return Ok(None);
    }
    find(database, account_id).await
}

/// The mail was handed over, or nobody knows whether it was: it is not sent again.
pub(crate) async fn settle(database: &Database, id: &str, account_id: &str) -> Result<(), Error> {
    let update =
        "UPDATE mail_codes SET delivery = 'done', message = '' WHERE account_id = ?1 AND id = ?2";
    database.query(update, [account_id.into(), id.into()]).await?;
    Ok(())
}

/// The mail was not taken: it may be sent from `next_attempt_at` on.
pub(crate) async fn put_back(
    database: &Database,
    id: &str,
    account_id: &str,
    next_attempt_at: i64,
) -> Result<(), Error> {
    let update = "UPDATE mail_codes SET delivery = 'waiting', next_attempt_at = ?3 WHERE account_id = ?1 AND id = ?2";
    let values = [account_id.into(), id.into(), Value::Integer(next_attempt_at)];
    database.query(update, values).await?;
    Ok(())
}

pub(crate) async fn remove(database: &Database, account_id: &str) -> Result<(), Error> {
    database.query("DELETE FROM mail_codes WHERE account_id = ?1", [account_id.into()]).await?;
    Ok(())
}

/// Forgets the codes, and with them the addresses, that expired before `time`.
pub(crate) async fn prune(database: &Database, time: i64) -> Result<(), Error> {
    database.query("DELETE FROM mail_codes WHERE expires_at < ?1", [Value::Integer(time)]).await?;
    Ok(())
}
