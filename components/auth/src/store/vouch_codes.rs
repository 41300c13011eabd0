//! Codes that newcomers hand to their colleagues, and the colleagues who entered them.

use database::{Database, Error, Row, Value};

pub(crate) struct VouchCode {
    pub(crate) account_id: String,
    pub(crate) hospital_id: String,
    pub(crate) code: String,
    pub(crate) expires_at: i64,
}

const COLUMNS: &str = "account_id, hospital_id, code, expires_at";

fn vouch_code(row: Row) -> Result<VouchCode, Error> {
    Ok(VouchCode {
        account_id: row.text(0)?,
        hospital_id: row.text(1)?,
        code: row.text(2)?,
        expires_at: row.integer(3)?,
    })
}

pub(crate) async fn of(database: &Database, account_id: &str) -> Result<Option<VouchCode>, Error> {
    find(database, "account_id = ?1", account_id).await
}

pub(crate) async fn by_code(database: &Database, code: &str) -> Result<Option<VouchCode>, Error> {
    find(database, "code = ?1", code).await
}

/// The same, and until the end of the transaction nobody else vouches by it.
pub(crate) async fn lock(database: &Database, code: &str) -> Result<Option<VouchCode>, Error> {
    find(database, "code = ?1 FOR UPDATE", code).await
}

async fn find(
    database: &Database,
    condition: &'static str,
    value: &str,
) -> Result<Option<VouchCode>, Error> {
    let select = format!("SELECT {COLUMNS} FROM vouch_codes WHERE {condition}");
    database.query_one(&select, [value.into()]).await?.map(vouch_code).transpose()
}

/// Puts a new one in the place of the one before, with whom it had won over. The account is locked.
pub(crate) async fn replace(database: &Database, new: &VouchCode) -> Result<(), Error> {
    remove(database, &new.account_id).await?;
    let insert = format!("INSERT INTO vouch_codes ({COLUMNS}) VALUES (?1, ?2, ?3, ?4)");
    let values = [
        new.account_id.as_str().into(),
        new.hospital_id.as_str().into(),
        new.code.as_str().into(),
        Value::Integer(new.expires_at),
    ];
    database.query(&insert, values).await?;
    Ok(())
}

/// How many colleagues have vouched.
pub(crate) async fn vouches(database: &Database, newcomer_id: &str) -> Result<usize, Error> {
    let select = "SELECT count(*) FROM vouches WHERE newcomer_id = ?1";
    let row = database.query_one(select, [newcomer_id.into()]).await?;
    let count = row.map_or(Ok(0), |row| row.integer(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// [`Error::Unique`] for a colleague who has vouched before.
pub(crate) async fn vouch(
    database: &Database,
    newcomer_id: &str,
    colleague_id: &str,
) -> Result<(), Error> {
    let insert = "INSERT INTO vouches (newcomer_id, colleague_id) VALUES (?1, ?2)";
    database.execute(insert, [newcomer_id.into(), colleague_id.into()]).await?;
    Ok(())
}

pub(crate) async fn remove(database: &Database, account_id: &str) -> Result<(), Error> {
    database.query("DELETE FROM vouches WHERE newcomer_id = ?1", [account_id.into()]).await?;
    database.query("DELETE FROM vouch_codes WHERE account_id = ?1", [account_id.into()]).await?;
    Ok(())
}

/// Takes back what the account vouched for others, because it goes.
pub(crate) async fn take_back(database: &Database, colleague_id: &str) -> Result<(), Error> {
    database.query("DELETE FROM vouches WHERE colleague_id = ?1", [colleague_id.into()]).await?;
    Ok(())
}
