use api::Page;
use database::{Database, Error, Row, Statement};

use super::{number, reason};
use crate::domain::moderation::Reason;

const COLUMNS: &str = "id, review_id, hospital_id, reporter, reason, detail, day";

#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) id: String,
    pub(crate) review_id: String,
    pub(crate) hospital_id: String,
    /// Made for this one review.
    pub(crate) reporter: String,
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    pub(crate) day: String,
}

/// [`Error::Unique`] where the reporter has reported the review already.
pub(crate) async fn insert(db: &Database, report: &Report) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO review_reports ({COLUMNS}, status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open')"
    );
    let Report { id, review_id, hospital_id, reporter, reason, detail, day } = report.clone();
    let values = [
        id.into(),
        review_id.into(),
        hospital_id.into(),
        reporter.into(),
        reason.name().into(),
        detail.into(),
        day.into(),
    ];
    db.execute(&sql, values).await?;
    Ok(())
}

/// How many of one review there are, decided or not; counted up to `most`.
pub(crate) async fn count(db: &Database, review_id: &str, most: i64) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM review_reports WHERE review_id = ?1 LIMIT ?2) AS some_reports";
    number(db, sql, [review_id.into(), most.into()]).await
}

/// Open ones, the oldest first.
pub(crate) async fn open(
    db: &Database,
    after: Option<(String, String)>,
    page: &Page,
) -> Result<Vec<Report>, Error> {
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM review_reports"));
    select.condition("status = ?", ["open".into()]);
    if let Some((day, id)) = after {
        select.keyset(db, ["day", "id"], ">", [day.into(), id.into()]);
    }
    select.push(" ORDER BY day, id LIMIT ?", [page.rows().into()]);
    select.query(db).await?.iter().map(report).collect()
}

/// An open one, which nobody else decides until the transaction ends.
pub(crate) async fn find_open(db: &Database, id: &str) -> Result<Option<Report>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM review_reports WHERE id = ?1 AND status = 'open' FOR UPDATE"
    );
    db.query_one(&sql, [id.into()]).await?.as_ref().map(report).transpose()
}

pub(crate) async fn close(db: &Database, id: &str) -> Result<(), Error> {
    let sql = "UPDATE review_reports SET status = 'closed', detail = '' WHERE id = ?1";
    db.execute(sql, [id.into()]).await?;
    Ok(())
}

/// All of a review that is gone.
pub(crate) async fn close_all(db: &Database, review_id: &str) -> Result<(), Error> {
    let sql = "UPDATE review_reports SET status = 'closed', detail = '' WHERE review_id = ?1";
    db.execute(sql, [review_id.into()]).await?;
    Ok(())
}

fn report(row: &Row) -> Result<Report, Error> {
    Ok(Report {
        id: row.text(0)?,
        review_id: row.text(1)?,
        hospital_id: row.text(2)?,
        reporter: row.text(3)?,
        reason: reason(row, 4)?,
        detail: row.text(5)?,
        day: row.text(6)?,
    })
}
