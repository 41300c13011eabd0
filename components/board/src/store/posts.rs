use database::{Database, Error, Row, Statement, Value};

use super::{id, key, optional_integer, optional_key, reader_key, rendered, search};
use crate::domain::post::{Place, Selection, Sort, Summary};
use crate::domain::{Category, Id, Post, Thread, markdown};

/// What a list reads of a post, see [`summary`].
pub(super) const SUMMARY: &str =
    "id, category, title, comment_count, vote_count, accepted_comment_id, created_at, edited_at";

/// A page of a list, in its order.
pub(crate) async fn list(
    db: &Database,
    selection: &Selection,
    after: Option<&Place>,
    rows: i64,
) -> Result<Vec<Summary>, Error> {
    if let Some(term) = &selection.search {
        return search::list(db, selection, term, after, rows).await;
    }
    let mut select = Statement::new(&format!("SELECT {SUMMARY} FROM {}", ordered(db, selection)));
    narrow(&mut select, db, selection, after);
    limit(&mut select, selection.sort, rows);
    summaries(db, select).await
}

/// The table, to be read in the list's order.
pub(super) fn ordered(db: &Database, selection: &Selection) -> String {
    let index = match (selection.category, selection.sort) {
        (None, Sort::Newest) => "PRIMARY",
        (None, Sort::Votes) => "posts_by_votes",
        (Some(_), Sort::Newest) => "posts_by_category",
        (Some(_), Sort::Votes) => "posts_by_category_and_votes",
    };
    format!("posts{}", db.dialect().in_order_of(index))
}

/// Adds which posts the list has behind the cursor, but for what is searched for.
pub(super) fn narrow(
    select: &mut Statement,
    db: &Database,
    selection: &Selection,
    after: Option<&Place>,
) {
    if let Some(category) = selection.category {
        select.condition("category = ?", [category.name().into()]);
    }
    let Some(place) = after else { return };
    let id = key(&place.id);
    match selection.sort {
        Sort::Newest => select.condition("id < ?", [id]),
        Sort::Votes => {
            let votes = Value::Integer(place.vote_count);
            select.keyset(db, ["vote_count", "id"], "<", [votes, id]);
        }
    }
}

/// Adds the order of the list, where ids are in the order of time, and where it ends.
pub(super) fn limit(select: &mut Statement, sort: Sort, rows: i64) {
    let order = match sort {
        Sort::Newest => " ORDER BY id DESC LIMIT ?",
        Sort::Votes => " ORDER BY vote_count DESC, id DESC LIMIT ?",
    };
    select.push(order, [Value::Integer(rows)]);
}

pub(super) async fn summaries(db: &Database, select: Statement) -> Result<Vec<Summary>, Error> {
    select.query(db).await?.iter().map(summary).collect()
}

fn summary(row: &Row) -> Result<Summary, Error> {
    Ok(Summary {
        id: id(row.text(0)?, 0)?,
        category: category(row, 1)?,
        title: row.text(2)?,
        comment_count: row.integer(3)?,
        vote_count: row.integer(4)?,
        answered: row.optional_text(5)?.is_some(),
        created_at: row.integer(6)?,
        edited_at: row.optional_integer(7)?,
    })
}

fn category(row: &Row, column: usize) -> Result<Category, Error> {
    Category::from_name(row.str(column)?).ok_or(Error::Column(column, "a category"))
}

/// Keeps a new post; `tokens` are those of [`search::tokens`].
pub(crate) async fn insert(db: &Database, post: &Post, tokens: &str) -> Result<(), Error> {
    let values = [
        key(&post.id),
        post.author.clone().into(),
        post.category.name().into(),
        post.title.clone().into(),
        post.body.source.clone().into(),
        post.body.html.clone().into(),
        Value::Integer(markdown::RENDERER),
        Value::Integer(post.vote_count),
        Value::Integer(post.comment_count),
        optional_key(post.accepted_comment_id.as_ref()),
        Value::Integer(post.revision),
        Value::Integer(post.created_at),
        optional_integer(post.edited_at),
        tokens.into(),
    ];
    db.query(
        "INSERT INTO posts (id, author, category, title, body, body_html, renderer, vote_count, comment_count, \
         accepted_comment_id, revision, created_at, edited_at, tokens) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        values,
    )
    .await?;
    Ok(())
}

/// The post as `reader` sees it.
pub(crate) async fn find(
    db: &Database,
    post_id: &Id,
    reader: Option<&str>,
) -> Result<Option<Post>, Error> {
    let row = db
        .query_one(
            "SELECT id, author, category, title, body, body_html, renderer, vote_count, comment_count, \
             accepted_comment_id, revision, created_at, edited_at, \
             (SELECT count(*) FROM votes WHERE post_id = posts.id AND voter = ?2 AND target_id = posts.id) \
             FROM posts WHERE id = ?1",
            [key(post_id), reader_key(reader)],
        )
        .await?;
    row.map(|row| post(&row)).transpose()
}

fn post(row: &Row) -> Result<Post, Error> {
    Ok(Post {
        id: id(row.text(0)?, 0)?,
        author: row.text(1)?,
        category: category(row, 2)?,
        title: row.text(3)?,
        body: rendered(row, 4)?,
        vote_count: row.integer(7)?,
        comment_count: row.integer(8)?,
        accepted_comment_id: row.optional_text(9)?.map(|text| id(text, 9)).transpose()?,
        revision: row.integer(10)?,
        created_at: row.integer(11)?,
        edited_at: row.optional_integer(12)?,
        voted: row.integer(13)? > 0,
    })
}

pub(crate) async fn find_thread(db: &Database, post_id: &Id) -> Result<Option<Thread>, Error> {
    let sql = "SELECT author, accepted_comment_id FROM posts WHERE id = ?1";
    let row = db.query_one(sql, [key(post_id)]).await?;
    row.map(|row| thread(post_id, &row)).transpose()
}

/// The same, and until the end of the transaction nobody else changes anything in the thread:
/// whatever writes there begins with this. It has to be a statement of its own, because what
/// one statement reads beside the row it waits for may be older than that row.
pub(crate) async fn lock_thread(db: &Database, post_id: &Id) -> Result<Option<Thread>, Error> {
    let sql = "SELECT author, accepted_comment_id FROM posts WHERE id = ?1 FOR UPDATE";
    let row = db.query_one(sql, [key(post_id)]).await?;
    row.map(|row| thread(post_id, &row)).transpose()
}

fn thread(post_id: &Id, row: &Row) -> Result<Thread, Error> {
    Ok(Thread {
        post_id: post_id.clone(),
        author: row.text(0)?,
        accepted_comment_id: row.optional_text(1)?.map(|text| id(text, 1)).transpose()?,
    })
}

/// Keeps what an edit changes; `tokens` are those of [`search::tokens`].
pub(crate) async fn update(db: &Database, post: &Post, tokens: &str) -> Result<(), Error> {
    let values = [
        key(&post.id),
        post.category.name().into(),
        post.title.clone().into(),
        post.body.source.clone().into(),
        post.body.html.clone().into(),
        Value::Integer(markdown::RENDERER),
        optional_key(post.accepted_comment_id.as_ref()),
        Value::Integer(post.revision),
        optional_integer(post.edited_at),
        tokens.into(),
    ];
    db.query(
        "UPDATE posts SET category = ?2, title = ?3, body = ?4, body_html = ?5, renderer = ?6, \
         accepted_comment_id = ?7, revision = ?8, edited_at = ?9, tokens = ?10 WHERE id = ?1",
        values,
    )
    .await?;
    Ok(())
}

pub(crate) async fn accept(
    db: &Database,
    post_id: &Id,
    comment_id: Option<&Id>,
) -> Result<(), Error> {
    db.query(
        "UPDATE posts SET accepted_comment_id = ?2 WHERE id = ?1",
        [key(post_id), optional_key(comment_id)],
    )
    .await?;
    Ok(())
}

/// Counts a comment that is written or, with -1, deleted.
pub(crate) async fn count_comment(db: &Database, post_id: &Id, change: i64) -> Result<(), Error> {
    db.query(
        "UPDATE posts SET comment_count = comment_count + ?2 WHERE id = ?1",
        [key(post_id), Value::Integer(change)],
    )
    .await?;
    Ok(())
}

/// Takes back the acceptance of a comment that goes.
pub(crate) async fn forget_accepted(
    db: &Database,
    post_id: &Id,
    comment_id: &Id,
) -> Result<(), Error> {
    db.query(
        "UPDATE posts SET accepted_comment_id = NULL WHERE id = ?1 AND accepted_comment_id = ?2",
        [key(post_id), key(comment_id)],
    )
    .await?;
    Ok(())
}

/// Removes the post with everything that hangs on it.
pub(crate) async fn delete(db: &Database, post_id: &Id) -> Result<(), Error> {
    for sql in [
        "DELETE FROM votes WHERE post_id = ?1",
        "DELETE FROM thread_labels WHERE post_id = ?1",
        "DELETE FROM comments WHERE post_id = ?1",
        "DELETE FROM posts WHERE id = ?1",
    ] {
        db.query(sql, [key(post_id)]).await?;
    }
    Ok(())
}
