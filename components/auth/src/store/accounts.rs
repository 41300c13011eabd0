//! Accounts.

use database::{Database, Error, Row, Value};

use super::{moderators, proofs, proven_addresses, vouch_codes};

pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) login: String,
    pub(crate) subject: String,
    pub(crate) password_hash: String,
    pub(crate) revision: i64,
    /// Epoch milliseconds.
    pub(crate) created_at: i64,
}

/// `hospital_id` and `hospital_changed_at` are of the version before proofs, and no longer used.
const COLUMNS: &str = "id, login, subject, password_hash, revision, created_at";

fn account(row: Row) -> Result<Account, Error> {
    Ok(Account {
        id: row.text(0)?,
        login: row.text(1)?,
        subject: row.text(2)?,
        password_hash: row.text(3)?,
        revision: row.integer(4)?,
        created_at: row.integer(5)?,
    })
}

pub(crate) async fn by_login(database: &Database, login: &str) -> Result<Option<Account>, Error> {
    find(database, "login = ?1", login).await
}

pub(crate) async fn by_subject(
    database: &Database,
    subject: &str,
) -> Result<Option<Account>, Error> {
    find(database, "subject = ?1", subject).await
}

/// The same, and until the end of the transaction nobody else changes or removes it. A
/// transaction that locks the account does so before anything else.
pub(crate) async fn lock_by_subject(
    database: &Database,
    subject: &str,
) -> Result<Option<Account>, Error> {
    find(database, "subject = ?1 FOR UPDATE", subject).await
}

pub(crate) async fn by_id(database: &Database, id: &str) -> Result<Option<Account>, Error> {
    find(database, "id = ?1", id).await
}

async fn find(
    database: &Database,
    condition: &'static str,
    value: &str,
) -> Result<Option<Account>, Error> {
    let select = format!("SELECT {COLUMNS} FROM accounts WHERE {condition}");
    let row = database.query_one(&select, [value.into()]).await?;
    row.map(account).transpose()
}

/// [`Error::Unique`] where the login is taken.
pub(crate) async fn insert(database: &Database, account: &Account) -> Result<(), Error> {
    let insert = format!("INSERT INTO accounts ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    let values = [
        account.id.as_str().into(),
        account.login.as_str().into(),
        account.subject.as_str().into(),
        account.password_hash.as_str().into(),
        Value::Integer(account.revision),
        Value::Integer(account.created_at),
    ];
    // Spin does not tell why a query failed on MySQL, only why an execution did.
    database.execute(&insert, values).await?;
    Ok(())
}

/// Whether the account still has the password that was verified outside of a transaction, and
/// keeps it until the end of this one; so no session begins by a password that was changed.
pub(crate) async fn still_has_password(
    database: &Database,
    verified: &Account,
) -> Result<bool, Error> {
    let account = find(database, "id = ?1 FOR UPDATE", &verified.id).await?;
    Ok(account.is_some_and(|account| account.password_hash == verified.password_hash))
}

pub(crate) async fn set_password(
    database: &Database,
    id: &str,
    password_hash: &str,
) -> Result<(), Error> {
    let update = "UPDATE accounts SET password_hash = ?2 WHERE id = ?1";
    database.query(update, [id.into(), password_hash.into()]).await?;
    Ok(())
}

/// The same by id.
pub(crate) async fn lock_by_id(database: &Database, id: &str) -> Result<Option<Account>, Error> {
    find(database, "id = ?1 FOR UPDATE", id).await
}

/// Removes the account and everything that names it: its sessions, proofs and what waits to be
/// one, and the answers that may be kept for an `Idempotency-Key`. Of its passes this year's
/// stay without a name, see [`proven_addresses::release`]. The account is locked.
pub(crate) async fn remove(database: &Database, id: &str, now: i64) -> Result<(), Error> {
    proven_addresses::release(database, id, now).await?;
    proofs::remove(database, id).await?;
    proofs::remove_pending(database, id).await?;
    vouch_codes::take_back(database, id).await?;
    moderators::remove(database, id).await?;
    database.query("DELETE FROM sessions WHERE account_id = ?1", [id.into()]).await?;
    // Found first, because MySQL would lock every answer that it compares.
    let answers = "SELECT id FROM auth_idempotency WHERE body LIKE ?1 ESCAPE '!'";
    for row in database.query(answers, [database::contains(id).into()]).await? {
        let answer = row.text(0)?.into();
        database.query("DELETE FROM auth_idempotency WHERE id = ?1", [answer]).await?;
    }
    database.query("DELETE FROM accounts WHERE id = ?1", [id.into()]).await?;
    Ok(())
}
