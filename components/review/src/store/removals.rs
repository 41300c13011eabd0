//! Proposals to remove a review, each waiting for a second moderator.

use api::Page;
use database::{Database, Error, Row, Statement};

use super::reason;
use crate::domain::moderation::Reason;

const COLUMNS: &str = "id, review_id, hospital_id, reason, ban_key, moderator, day";

#[derive(Debug, Clone)]
pub(crate) struct Removal {
    pub(crate) id: String,
    pub(crate) review_id: String,
    pub(crate) hospital_id: String,
    pub(crate) reason: Reason,
    pub(crate) ban_key: bool,
    /// Who proposed it, under a pseudonym made for this one proposal.
    pub(crate) moderator: String,
    pub(crate) day: String,
}

/// [`Error::Unique`] where one waits for the review already.
pub(crate) async fn insert(db: &Database, removal: &Removal) -> Result<(), Error> {
    let sql =
        format!("INSERT INTO review_removals ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let it = removal.clone();
    let values = [
        it.id.into(),
        it.review_id.into(),
        it.hospital_id.into(),
        it.reason.name().into(),
        i64::from(it.ban_key).into(),
        it.moderator.into(),
        it.day.into(),
    ];
    db.execute(&sql, values).await?;
    Ok(())
}

/// The oldest first.
pub(crate) async fn list(
    db: &Database,
    after: Option<(String, String)>,
    page: &Page,
) -> Result<Vec<Removal>, Error> {
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM review_removals"));
    if let Some((day, id)) = after {
        select.keyset(db, ["day", "id"], ">", [day.into(), id.into()]);
    }
    select.push(" ORDER BY day, id LIMIT ?", [page.rows().into()]);
    select.query(db).await?.iter().map(removal).collect()
}

/// Nobody else decides it until the transaction ends.
pub(crate) async fn find_for_update(db: &Database, id: &str) -> Result<Option<Removal>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM review_removals WHERE id = ?1 FOR UPDATE");
    db.query_one(&sql, [id.into()]).await?.as_ref().map(removal).transpose()
}

/// Returns whether there was one.
pub(crate) async fn delete(db: &Database, id: &str) -> Result<bool, Error> {
    Ok(db.execute("DELETE FROM review_removals WHERE id = ?1", [id.into()]).await? > 0)
}

/// That of a review that is gone.
pub(crate) async fn delete_of(db: &Database, review_id: &str) -> Result<(), Error> {
    db.execute("DELETE FROM review_removals WHERE review_id = ?1", [review_id.into()]).await?;
    Ok(())
}

fn removal(row: &Row) -> Result<Removal, Error> {
    Ok(Removal {
        id: row.text(0)?,
        review_id: row.text(1)?,
        hospital_id: row.text(2)?,
        reason: reason(row, 3)?,
        ban_key: row.integer(4)? != 0,
        moderator: row.text(5)?,
        day: row.text(6)?,
    })
}
