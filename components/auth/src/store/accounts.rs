//! Accounts.

use database::{Database, Error, Row, Value};

pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) login: String,
    pub(crate) subject: String,
    pub(crate) password_hash: String,
    pub(crate) hospital_id: Option<String>,
    /// Epoch milliseconds, as is `created_at`.
    pub(crate) hospital_changed_at: Option<i64>,
    pub(crate) revision: i64,
    pub(crate) created_at: i64,
}

const COLUMNS: &str =
    "id, login, subject, password_hash, hospital_id, hospital_changed_at, revision, created_at";

fn account(row: Row) -> Result<Account, Error> {
    Ok(Account {
        id: row.text(0)?,
        login: row.text(1)?,
        subject: row.text(2)?,
        password_hash: row.text(3)?,
        hospital_id: row.optional_text(4)?,
        hospital_changed_at: row.optional_integer(5)?,
        revision: row.integer(6)?,
        created_at: row.integer(7)?,
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
    let insert =
        format!("INSERT INTO accounts ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    let values = [
        account.id.as_str().into(),
        account.login.as_str().into(),
        account.subject.as_str().into(),
        account.password_hash.as_str().into(),
        account.hospital_id.clone().into(),
        account.hospital_changed_at.map_or(Value::Null, Value::Integer),
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

/// Sets the hospital and counts the edit.
pub(crate) async fn set_hospital(
    database: &Database,
    id: &str,
    hospital_id: Option<&str>,
    now: i64,
) -> Result<(), Error> {
    let update = "UPDATE accounts SET hospital_id = ?2, hospital_changed_at = ?3, revision = revision + 1 WHERE id = ?1";
    let hospital_id = hospital_id.map_or(Value::Null, Value::from);
    database.query(update, [id.into(), hospital_id, Value::Integer(now)]).await?;
    Ok(())
}

/// Removes the account and everything that names it: its sessions, and the answer to its
/// sign-up that may be kept for an `Idempotency-Key`.
pub(crate) async fn remove(database: &Database, id: &str) -> Result<(), Error> {
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
