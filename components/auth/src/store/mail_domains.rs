//! Domains whose addresses prove that one works at a hospital.

use api::Page;
use database::{Database, Error, Row, Statement, Value};

/// A hospital has a handful; more are cut off.
const MAX_OF_HOSPITAL: i64 = 100;

pub(crate) struct MailDomain {
    pub(crate) hospital_id: String,
    pub(crate) domain: String,
    pub(crate) approved: bool,
}

fn mail_domain(row: Row) -> Result<MailDomain, Error> {
    Ok(MailDomain {
        hospital_id: row.text(0)?,
        domain: row.text(1)?,
        approved: row.integer(2)? != 0,
    })
}

pub(crate) async fn is_approved(
    database: &Database,
    hospital_id: &str,
    domain: &str,
) -> Result<bool, Error> {
    let select =
        "SELECT 1 FROM mail_domains WHERE hospital_id = ?1 AND domain = ?2 AND approved = 1";
    let values = [hospital_id.into(), domain.into()];
    Ok(database.query_one(select, values).await?.is_some())
}

/// Those that are approved, in the order of the alphabet.
pub(crate) async fn approved(database: &Database, hospital_id: &str) -> Result<Vec<String>, Error> {
    let select = "SELECT domain FROM mail_domains WHERE approved = 1 AND hospital_id = ?1 \
                  ORDER BY domain LIMIT ?2";
    let values = [hospital_id.into(), Value::Integer(MAX_OF_HOSPITAL)];
    let rows = database.query(select, values).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// In the order of hospitals and domains, from behind `after`.
pub(crate) async fn list(
    database: &Database,
    only_approved: Option<bool>,
    after: Option<(String, String)>,
    page: &Page,
) -> Result<Vec<MailDomain>, Error> {
    let mut select = Statement::new("SELECT hospital_id, domain, approved FROM mail_domains");
    if let Some(approved) = only_approved {
        select.condition("approved = ?", [Value::Integer(approved.into())]);
    }
    if let Some((hospital_id, domain)) = after {
        let place = [hospital_id.into(), domain.into()];
        select.keyset(database, ["hospital_id", "domain"], ">", place);
    }
    select.push(" ORDER BY hospital_id, domain LIMIT ?", [Value::Integer(page.rows())]);
    select.query(database).await?.into_iter().map(mail_domain).collect()
}

/// Puts it before the moderators, unless it is there already.
pub(crate) async fn ask_for(
    database: &Database,
    hospital_id: &str,
    domain: &str,
) -> Result<(), Error> {
    set(database, hospital_id, domain, false).await
}

pub(crate) async fn approve(
    database: &Database,
    hospital_id: &str,
    domain: &str,
) -> Result<(), Error> {
    let update = "UPDATE mail_domains SET approved = 1 WHERE hospital_id = ?1 AND domain = ?2";
    database.query(update, [hospital_id.into(), domain.into()]).await?;
    set(database, hospital_id, domain, true).await
}

/// Makes the row where there is none.
async fn set(
    database: &Database,
    hospital_id: &str,
    domain: &str,
    approved: bool,
) -> Result<(), Error> {
    let select = "SELECT 1 FROM mail_domains WHERE hospital_id = ?1 AND domain = ?2";
    let key = || [hospital_id.into(), domain.into()];
    if database.query_one(select, key()).await?.is_some() {
        return Ok(());
    }
    let insert = "INSERT INTO mail_domains (hospital_id, domain, approved) VALUES (?1, ?2, ?3)";
    let [hospital_id, domain] = key();
    match database.execute(insert, [hospital_id, domain, Value::Integer(approved.into())]).await {
        Err(Error::Unique(_)) => Err(database.conflict("a domain that others added")),
        result => result.map(drop),
    }
}

/// Whether there was one.
pub(crate) async fn remove(
    database: &Database,
    hospital_id: &str,
    domain: &str,
) -> Result<bool, Error> {
    let delete = "DELETE FROM mail_domains WHERE hospital_id = ?1 AND domain = ?2";
    Ok(database.execute(delete, [hospital_id.into(), domain.into()]).await? > 0)
}
