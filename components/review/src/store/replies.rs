//! What hospitals say to reviews, and the tokens by which they do.

use api::Page;
use database::{Database, Error, Row, Statement};

/// The columns of a [`Reply`].
pub(super) const BESIDE: &str = "review_replies.body, review_replies.month";

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) body: String,
    /// `YYYY-MM`.
    pub(crate) month: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) hospital_id: String,
    pub(crate) day: String,
}

/// In place of an earlier one. The review is locked.
pub(crate) async fn put(db: &Database, review_id: &str, reply: &Reply) -> Result<(), Error> {
    delete(db, review_id).await?;
    let sql = "INSERT INTO review_replies (review_id, body, month) VALUES (?1, ?2, ?3)";
    let Reply { body, month } = reply.clone();
    db.execute(sql, [review_id.into(), body.into(), month.into()]).await?;
    Ok(())
}

/// Returns whether there was one.
pub(crate) async fn delete(db: &Database, review_id: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM review_replies WHERE review_id = ?1";
    Ok(db.execute(sql, [review_id.into()]).await? > 0)
}

/// To a review.
pub(crate) async fn find(db: &Database, review_id: &str) -> Result<Option<Reply>, Error> {
    let sql = format!("SELECT {BESIDE} FROM review_replies WHERE review_id = ?1");
    let row = db.query_one(&sql, [review_id.into()]).await?;
    row.as_ref().map_or(Ok(None), |row| beside(row, 0))
}

/// The reply in a row that has [`BESIDE`] from `column` on, by an outer join perhaps.
pub(super) fn beside(row: &Row, column: usize) -> Result<Option<Reply>, Error> {
    let Some(body) = row.optional_text(column)? else { return Ok(None) };
    Ok(Some(Reply { body, month: row.text(column + 1)? }))
}

pub(crate) async fn insert_token(db: &Database, token: &Token, hash: &str) -> Result<(), Error> {
    let sql =
        "INSERT INTO review_reply_tokens (id, hospital_id, hash, day) VALUES (?1, ?2, ?3, ?4)";
    let Token { id, hospital_id, day } = token.clone();
    db.execute(sql, [id.into(), hospital_id.into(), hash.into(), day.into()]).await?;
    Ok(())
}

/// The oldest first.
pub(crate) async fn tokens(
    db: &Database,
    after: Option<(String, String)>,
    page: &Page,
) -> Result<Vec<Token>, Error> {
    let mut select = Statement::new("SELECT id, hospital_id, day FROM review_reply_tokens");
    if let Some((day, id)) = after {
        select.keyset(db, ["day", "id"], ">", [day.into(), id.into()]);
    }
    select.push(" ORDER BY day, id LIMIT ?", [page.rows().into()]);
    select.query(db).await?.iter().map(token).collect()
}

/// The token whose hash this is. What holds is compared as a hash, so that the time it takes
/// tells nothing of it.
pub(crate) async fn token_of(db: &Database, hash: &str) -> Result<Option<Token>, Error> {
    let sql = "SELECT id, hospital_id, day FROM review_reply_tokens WHERE hash = ?1";
    db.query_one(sql, [hash.into()]).await?.as_ref().map(token).transpose()
}

/// Nobody else revokes it until the transaction ends.
pub(crate) async fn token_for_update(db: &Database, id: &str) -> Result<Option<Token>, Error> {
    let sql = "SELECT id, hospital_id, day FROM review_reply_tokens WHERE id = ?1 FOR UPDATE";
    db.query_one(sql, [id.into()]).await?.as_ref().map(token).transpose()
}

pub(crate) async fn delete_token(db: &Database, id: &str) -> Result<(), Error> {
    db.execute("DELETE FROM review_reply_tokens WHERE id = ?1", [id.into()]).await?;
    Ok(())
}

fn token(row: &Row) -> Result<Token, Error> {
    Ok(Token { id: row.text(0)?, hospital_id: row.text(1)?, day: row.text(2)? })
}
