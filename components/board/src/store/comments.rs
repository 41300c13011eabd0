use database::{Database, Error, Row, Statement, Value};

use super::{id, key, optional_integer, posts, reader_key, rendered, votes};
use crate::domain::comment::Place;
use crate::domain::{Comment, Id, markdown};

const COLUMNS: &str = "id, post_id, root_id, is_reply, author, label_number, body, body_html, renderer, vote_count, \
                       deleted, revision, created_at, edited_at";

/// Whether the reader has voted, the last column of what is read. The reader is parameter 1.
const VOTED: &str = "(SELECT count(*) FROM votes WHERE votes.post_id = comments.post_id AND voter = ?1 \
                     AND target_id = comments.id)";

/// A page of a thread in its order, as `reader` sees it. Deleted comments that have replies
/// are among them.
pub(crate) async fn list(
    db: &Database,
    post_id: &Id,
    reader: Option<&str>,
    after: Option<&Place>,
    rows: i64,
) -> Result<Vec<Comment>, Error> {
    let ordered = db.dialect().in_order_of("comments_by_thread");
    let mut select = Statement::new(&format!("SELECT {COLUMNS}, {VOTED} FROM comments{ordered}"));
    select.bind(reader_key(reader));
    select.condition("post_id = ?", [key(post_id)]);
    if let Some(place) = after {
        let is_reply = Value::Integer(i64::from(place.is_reply));
        let place = [key(&place.root_id), is_reply, key(&place.id)];
        select.keyset(db, ["root_id", "is_reply", "id"], ">", place);
    }
    select.push(" ORDER BY root_id, is_reply, id LIMIT ?", [Value::Integer(rows)]);
    select.query(db).await?.iter().map(comment).collect()
}

/// A comment of this post that is not deleted, as `reader` sees it.
pub(crate) async fn find(
    db: &Database,
    post_id: &Id,
    comment_id: &Id,
    reader: Option<&str>,
) -> Result<Option<Comment>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, {VOTED} FROM comments WHERE id = ?2 AND post_id = ?3 AND deleted = 0"
    );
    let row = db.query_one(&sql, [reader_key(reader), key(comment_id), key(post_id)]).await?;
    row.map(|row| comment(&row)).transpose()
}

fn comment(row: &Row) -> Result<Comment, Error> {
    let root_id = id(row.text(2)?, 2)?;
    Ok(Comment {
        id: id(row.text(0)?, 0)?,
        post_id: id(row.text(1)?, 1)?,
        parent_id: (row.integer(3)? == 1).then_some(root_id),
        author: row.text(4)?,
        label_number: row.integer(5)?,
        body: rendered(row, 6)?,
        vote_count: row.integer(9)?,
        deleted: row.integer(10)? == 1,
        revision: row.integer(11)?,
        created_at: row.integer(12)?,
        edited_at: row.optional_integer(13)?,
        voted: row.integer(14)? > 0,
    })
}

pub(crate) async fn insert(db: &Database, comment: &Comment) -> Result<(), Error> {
    let place = comment.place();
    let sql = format!(
        "INSERT INTO comments ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    );
    let values = [
        key(&comment.id),
        key(&comment.post_id),
        key(&place.root_id),
        Value::Integer(i64::from(place.is_reply)),
        comment.author.clone().into(),
        Value::Integer(comment.label_number),
        comment.body.source.clone().into(),
        comment.body.html.clone().into(),
        Value::Integer(markdown::RENDERER),
        Value::Integer(comment.vote_count),
        Value::Integer(i64::from(comment.deleted)),
        Value::Integer(comment.revision),
        Value::Integer(comment.created_at),
        optional_integer(comment.edited_at),
    ];
    db.query(&sql, values).await?;
    posts::count_comment(db, &comment.post_id, 1).await
}

/// Keeps what an edit changes.
pub(crate) async fn update(db: &Database, comment: &Comment) -> Result<(), Error> {
    let values = [
        key(&comment.id),
        comment.body.source.clone().into(),
        comment.body.html.clone().into(),
        Value::Integer(markdown::RENDERER),
        Value::Integer(comment.revision),
        optional_integer(comment.edited_at),
    ];
    db.query(
        "UPDATE comments SET body = ?2, body_html = ?3, renderer = ?4, revision = ?5, edited_at = ?6 WHERE id = ?1",
        values,
    )
    .await?;
    Ok(())
}

/// Removes the comment with its votes. One that has replies stays as an empty row until the
/// last of them goes, so that they keep their place.
pub(crate) async fn delete(db: &Database, comment: &Comment) -> Result<(), Error> {
    votes::delete(db, comment).await?;
    posts::forget_accepted(db, &comment.post_id, &comment.id).await?;
    posts::count_comment(db, &comment.post_id, -1).await?;
    if comment.parent_id.is_none() && has_replies(db, comment).await? {
        db.query(
            "UPDATE comments SET deleted = 1, author = '', body = '', body_html = '', vote_count = 0, \
             edited_at = NULL WHERE id = ?1",
            [key(&comment.id)],
        )
        .await?;
        return Ok(());
    }
    db.query("DELETE FROM comments WHERE id = ?1", [key(&comment.id)]).await?;
    delete_empty_root(db, comment).await
}

async fn has_replies(db: &Database, comment: &Comment) -> Result<bool, Error> {
    let row = db
        .query_one(
            "SELECT id FROM comments WHERE post_id = ?1 AND root_id = ?2 AND is_reply = 1 LIMIT 1",
            [key(&comment.post_id), key(&comment.id)],
        )
        .await?;
    Ok(row.is_some())
}

/// The deleted comment above the last reply that went.
async fn delete_empty_root(db: &Database, reply: &Comment) -> Result<(), Error> {
    let rows = db
        .query(
            "SELECT deleted FROM comments WHERE post_id = ?1 AND root_id = ?2 LIMIT 2",
            [key(&reply.post_id), key(&reply.place().root_id)],
        )
        .await?;
    if let [root] = rows.as_slice()
        && root.integer(0)? == 1
    {
        db.query("DELETE FROM comments WHERE id = ?1", [key(&reply.place().root_id)]).await?;
    }
    Ok(())
}
