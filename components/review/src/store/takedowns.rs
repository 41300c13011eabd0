use api::Page;
use database::{Database, Error, Row, Statement};

use super::{number, reason};
use crate::domain::moderation::Reason;

const COLUMNS: &str =
    "id, review_id, hospital_id, claimant, contact, reason, detail, day, status, appeal";

#[derive(Debug, Clone)]
pub(crate) struct Takedown {
    pub(crate) id: String,
    pub(crate) review_id: String,
    pub(crate) hospital_id: String,
    pub(crate) claimant: String,
    pub(crate) contact: String,
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    pub(crate) day: String,
    pub(crate) stage: Stage,
    pub(crate) appeal: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Waiting,
    /// Its review is hidden for it.
    Hidden,
    Closed,
}

impl Stage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Hidden => "hidden",
            Self::Closed => "closed",
        }
    }
}

pub(crate) async fn insert(db: &Database, takedown: &Takedown) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO review_takedowns ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    );
    let it = takedown.clone();
    let values = [
        it.id.into(),
        it.review_id.into(),
        it.hospital_id.into(),
        it.claimant.into(),
        it.contact.into(),
        it.reason.name().into(),
        it.detail.into(),
        it.day.into(),
        it.stage.name().into(),
        it.appeal.into(),
    ];
    db.execute(&sql, values).await?;
    Ok(())
}

/// How many wait for one review; counted up to `most`.
pub(crate) async fn waiting_for(db: &Database, review_id: &str, most: i64) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM review_takedowns \
               WHERE review_id = ?1 AND status = 'waiting' LIMIT ?2) AS some_takedowns";
    number(db, sql, [review_id.into(), most.into()]).await
}

/// How many wait in all; counted up to `most`.
pub(crate) async fn waiting(db: &Database, most: i64) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM review_takedowns WHERE status = 'waiting' LIMIT ?1) \
               AS some_takedowns";
    number(db, sql, [most.into()]).await
}

/// Those of a stage, the oldest first.
pub(crate) async fn list(
    db: &Database,
    stage: Stage,
    after: Option<(String, String)>,
    page: &Page,
) -> Result<Vec<Takedown>, Error> {
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM review_takedowns"));
    select.condition("status = ?", [stage.name().into()]);
    if let Some((day, id)) = after {
        select.keyset(db, ["day", "id"], ">", [day.into(), id.into()]);
    }
    select.push(" ORDER BY day, id LIMIT ?", [page.rows().into()]);
    select.query(db).await?.iter().map(takedown).collect()
}

/// Nobody else decides it until the transaction ends.
pub(crate) async fn find_for_update(db: &Database, id: &str) -> Result<Option<Takedown>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM review_takedowns WHERE id = ?1 FOR UPDATE");
    db.query_one(&sql, [id.into()]).await?.as_ref().map(takedown).transpose()
}

pub(crate) async fn hide(db: &Database, id: &str) -> Result<(), Error> {
    db.execute("UPDATE review_takedowns SET status = 'hidden' WHERE id = ?1", [id.into()]).await?;
    Ok(())
}

/// What names a person goes with the decision.
const CLOSE: &str = "UPDATE review_takedowns SET status = 'closed', claimant = '', contact = '', detail = '', appeal = NULL";

pub(crate) async fn close(db: &Database, id: &str) -> Result<(), Error> {
    db.execute(&format!("{CLOSE} WHERE id = ?1"), [id.into()]).await?;
    Ok(())
}

/// The one for which the review is hidden.
pub(crate) async fn close_hidden(db: &Database, review_id: &str) -> Result<(), Error> {
    let sql = format!("{CLOSE} WHERE review_id = ?1 AND status = 'hidden'");
    db.execute(&sql, [review_id.into()]).await?;
    Ok(())
}

/// All of a review that is gone.
pub(crate) async fn close_all(db: &Database, review_id: &str) -> Result<(), Error> {
    db.execute(&format!("{CLOSE} WHERE review_id = ?1"), [review_id.into()]).await?;
    Ok(())
}

/// The author's objection, in place of an earlier one.
pub(crate) async fn appeal(db: &Database, review_id: &str, statement: &str) -> Result<(), Error> {
    let sql = "UPDATE review_takedowns SET appeal = ?2 WHERE review_id = ?1 AND status = 'hidden'";
    db.execute(sql, [review_id.into(), statement.into()]).await?;
    Ok(())
}

fn takedown(row: &Row) -> Result<Takedown, Error> {
    let stages = [Stage::Waiting, Stage::Hidden, Stage::Closed];
    let status = row.text(8)?;
    let stage = stages.into_iter().find(|stage| stage.name() == status);
    Ok(Takedown {
        id: row.text(0)?,
        review_id: row.text(1)?,
        hospital_id: row.text(2)?,
        claimant: row.text(3)?,
        contact: row.text(4)?,
        reason: reason(row, 5)?,
        detail: row.text(6)?,
        day: row.text(7)?,
        stage: stage.ok_or(Error::Column(8, "a status"))?,
        appeal: row.optional_text(9)?,
    })
}
