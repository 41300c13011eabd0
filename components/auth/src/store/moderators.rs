//! Who is a moderator, and what moderators decided.

use database::{Database, Error, Value};
use uuid::Uuid;

pub(crate) async fn is_one(database: &Database, account_id: &str) -> Result<bool, Error> {
    let select = "SELECT 1 FROM moderators WHERE account_id = ?1";
    Ok(database.query_one(select, [account_id.into()]).await?.is_some())
}

/// May be repeated.
pub(crate) async fn add(database: &Database, account_id: &str) -> Result<(), Error> {
    let insert = "INSERT INTO moderators (account_id) VALUES (?1)";
    match database.execute(insert, [account_id.into()]).await {
        Ok(_) | Err(Error::Unique(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

pub(crate) async fn remove(database: &Database, account_id: &str) -> Result<(), Error> {
    database.query("DELETE FROM moderators WHERE account_id = ?1", [account_id.into()]).await?;
    Ok(())
}

/// What a moderator did.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    DocumentApproved,
    DocumentRefused,
    DomainApproved,
    DomainRemoved,
}

impl Act {
    const fn name(self) -> &'static str {
        match self {
            Self::DocumentApproved => "document_approved",
            Self::DocumentRefused => "document_refused",
            Self::DomainApproved => "domain_approved",
            Self::DomainRemoved => "domain_removed",
        }
    }
}

/// The operator, who has no account, is recorded by this name.
pub(crate) const OPERATOR: &str = "operator";

pub(crate) async fn record(
    database: &Database,
    account_id: &str,
    act: Act,
    hospital_id: &str,
    subject: &str,
    now: i64,
) -> Result<(), Error> {
    let insert = "INSERT INTO moderator_decisions (id, account_id, act, hospital_id, subject, decided_at) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = [
        Uuid::now_v7().to_string().into(),
        account_id.into(),
        act.name().into(),
        hospital_id.into(),
        subject.into(),
        Value::Integer(now),
    ];
    database.query(insert, values).await?;
    Ok(())
}
