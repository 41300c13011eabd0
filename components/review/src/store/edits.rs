//! Texts of edits that wait for a batch, at most one for each review.

use std::collections::HashMap;

use database::{Database, Error, Row, Statement, Value};

use super::reviews::stars;
use crate::domain::review::{Draft, Signed};

const COLUMNS: &str = "review_id, title, body, stars, revision, signature";

/// In place of an earlier one. The review is locked.
pub(crate) async fn put(db: &Database, review_id: &str, text: &Signed) -> Result<(), Error> {
    delete(db, &[review_id]).await?;
    let Signed { draft, revision, signature } = text.clone();
    let sql = format!("INSERT INTO review_edits ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    let values: [Value; 6] = [
        review_id.into(),
        draft.title.into(),
        draft.body.into(),
        draft.stars.digits().into(),
        revision.into(),
        signature.into(),
    ];
    db.execute(&sql, values).await?;
    Ok(())
}

/// By review.
pub(crate) async fn of(
    db: &Database,
    review_ids: &[&str],
) -> Result<HashMap<String, Signed>, Error> {
    if review_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM review_edits"));
    select.condition("review_id IN ", []);
    select.push_list(review_ids.iter().map(|id| Value::from(*id)));
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((row.text(0)?, signed(row)?))).collect()
}

pub(crate) async fn delete(db: &Database, review_ids: &[&str]) -> Result<(), Error> {
    if review_ids.is_empty() {
        return Ok(());
    }
    let mut delete = Statement::new("DELETE FROM review_edits");
    delete.condition("review_id IN ", []);
    delete.push_list(review_ids.iter().map(|id| Value::from(*id)));
    delete.execute(db).await?;
    Ok(())
}

fn signed(row: &Row) -> Result<Signed, Error> {
    let draft = Draft { title: row.text(1)?, body: row.text(2)?, stars: stars(row, 3)? };
    Ok(Signed { draft, revision: row.integer(4)?, signature: row.text(5)? })
}
