//! What moderators and replying hospitals did, each entry chained to the one before.

use api::Page;
use canonical::ModerationAct;
use database::{Database, Error, Row, Statement};

use crate::domain::moderation::{Act, Reason};

const COLUMNS: &str =
    "entry, day, act, moderation_log.hospital_id, review_id, reason, previous, hash";

pub(crate) struct Entry {
    pub(crate) index: i64,
    pub(crate) day: String,
    pub(crate) act: String,
    pub(crate) hospital_id: String,
    pub(crate) review_id: String,
    pub(crate) reason: String,
    pub(crate) previous: String,
    pub(crate) hash: String,
}

/// What an act is about.
pub(crate) struct About<'a> {
    pub(crate) hospital_id: &'a str,
    /// `None` where it is about a hospital.
    pub(crate) review_id: Option<&'a str>,
    pub(crate) reason: Option<Reason>,
}

/// Comes last in a transaction, because all entries wait for one row.
pub(crate) async fn append(
    db: &Database,
    day: &str,
    act: Act,
    about: About<'_>,
) -> Result<(), Error> {
    let sql = "SELECT entry, hash FROM moderation_head WHERE id = 1 FOR UPDATE";
    let head = db.query_one(sql, []).await?;
    let head = head.ok_or_else(|| Error::Statement("moderation_head has no row".into()))?;
    let (index, previous) = (head.integer(0)? + 1, head.text(1)?);
    let (hospital_id, review_id) = (about.hospital_id, about.review_id.unwrap_or_default());
    let reason = about.reason.map_or("", Reason::name);
    let act = act.name();
    let entry =
        ModerationAct { index, day, act, hospital_id, review_id, reason, previous: &previous };
    let hash = entry.hash();
    let insert = "INSERT INTO moderation_log (entry, day, act, hospital_id, review_id, reason, previous, hash) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = [
        index.into(),
        day.into(),
        act.into(),
        hospital_id.into(),
        review_id.into(),
        reason.into(),
        previous.as_str().into(),
        hash.as_str().into(),
    ];
    db.execute(insert, values).await?;
    let update = "UPDATE moderation_head SET entry = ?1, hash = ?2 WHERE id = 1";
    db.execute(update, [index.into(), hash.into()]).await?;
    Ok(())
}

/// Newest first, each with the name of its hospital.
pub(crate) async fn newest(
    db: &Database,
    before: Option<i64>,
    page: &Page,
) -> Result<Vec<(Entry, Option<String>)>, Error> {
    let mut select = Statement::new(&format!(
        "SELECT {COLUMNS}, hospitals.name FROM moderation_log \
         LEFT JOIN hospitals ON hospitals.id = moderation_log.hospital_id"
    ));
    // Also without a place to go on from: a condition has every database begin at the key's end.
    select.condition("entry < ?", [before.unwrap_or(i64::MAX).into()]);
    select.push(" ORDER BY entry DESC LIMIT ?", [page.rows().into()]);
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((entry(row)?, row.optional_text(8)?))).collect()
}

/// In their order, from the one after `after` on.
pub(crate) async fn oldest(db: &Database, after: i64, rows: i64) -> Result<Vec<Entry>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM moderation_log WHERE entry > ?1 ORDER BY entry LIMIT ?2");
    db.query(&sql, [after.into(), rows.into()]).await?.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<Entry, Error> {
    Ok(Entry {
        index: row.integer(0)?,
        day: row.text(1)?,
        act: row.text(2)?,
        hospital_id: row.text(3)?,
        review_id: row.text(4)?,
        reason: row.text(5)?,
        previous: row.text(6)?,
        hash: row.text(7)?,
    })
}
