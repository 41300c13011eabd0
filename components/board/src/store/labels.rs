use database::{Database, Error, Value};

use super::key;
use crate::domain::{Id, Thread, label};

/// The number under which `author` speaks in this thread, a new one on the first comment.
///
/// Call it inside the transaction that inserts the comment and has the thread locked, so that
/// no two insiders are given the same number.
pub(crate) async fn assign(db: &Database, thread: &Thread, author: &str) -> Result<i64, Error> {
    if author == thread.author {
        return Ok(label::POSTER);
    }
    if let Some(number) = find(db, &thread.post_id, author).await? {
        return Ok(number);
    }
    let number = last(db, &thread.post_id).await? + 1;
    db.query(
        "INSERT INTO thread_labels (post_id, author, number) VALUES (?1, ?2, ?3)",
        [key(&thread.post_id), author.into(), Value::Integer(number)],
    )
    .await?;
    Ok(number)
}

async fn find(db: &Database, post_id: &Id, author: &str) -> Result<Option<i64>, Error> {
    let row = db
        .query_one(
            "SELECT number FROM thread_labels WHERE post_id = ?1 AND author = ?2",
            [key(post_id), author.into()],
        )
        .await?;
    row.map(|row| row.integer(0)).transpose()
}

async fn last(db: &Database, post_id: &Id) -> Result<i64, Error> {
    let row = db
        .query_one(
            "SELECT number FROM thread_labels WHERE post_id = ?1 ORDER BY number DESC LIMIT 1",
            [key(post_id)],
        )
        .await?;
    row.map_or(Ok(label::POSTER), |row| row.integer(0))
}
