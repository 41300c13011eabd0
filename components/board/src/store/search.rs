//! Searching titles and bodies. What finds a post is that its text contains the term; an index
//! of tokens (see the crate `text`) only keeps that from being asked of every post.

use database::{Database, Dialect, Error, Statement, Value};

use super::posts::{SUMMARY, limit, narrow, ordered, summaries};
use crate::domain::Post;
use crate::domain::post::{Place, Selection, Sort, Summary};

/// How many posts behind the cursor are read, in the list's order, before the index is asked.
/// A term that does not fill a page from among the most is rare enough for the index; of one that
/// does, the index would give far more posts than a page shows. The second window is read unless
/// the first one has not half of what would fill it.
const WINDOWS: [i64; 2] = [250, LARGEST_WINDOW];
const LARGEST_WINDOW: i64 = 1_000;

/// A limit that nothing reaches. Inside of a subquery any limit keeps the database from walking
/// the whole list in its order, which it may think to be cheaper than the index. It stands in
/// the text, since PostgreSQL takes a bound one for a tenth of the rows.
const ALL: i64 = i64::MAX;

/// Posts without tokens that are filled in by one transaction, and how many of those one
/// opening of the store may make: a request waits for them.
const BATCH: i64 = 100;
const MAX_BATCHES: usize = 20;

/// Where a term is looked for.
const TEXTS: [&str; 2] = ["title", "body"];

/// What the index keeps of a post. It costs time in proportion to the text: have it before a
/// transaction begins.
pub(crate) fn tokens(post: &Post) -> String {
    text_tokens(&post.title, &post.body.source)
}

/// A line end is in no term, so none is found across it.
fn text_tokens(title: &str, body: &str) -> String {
    text::tokens(&format!("{title}\n{body}"))
}

/// A page of the posts of the list that contain `term`, in the list's order.
pub(super) async fn list(
    db: &Database,
    selection: &Selection,
    term: &str,
    after: Option<&Place>,
    rows: i64,
) -> Result<Vec<Summary>, Error> {
    for window in WINDOWS {
        let recent = among_recent(db, selection, term, after, rows, window);
        let recent = summaries(db, recent).await?;
        let found = i64::try_from(recent.len()).unwrap_or(i64::MAX);
        if found == rows {
            return Ok(recent);
        }
        if found * (LARGEST_WINDOW / window) * 2 < rows {
            break;
        }
    }
    summaries(db, by_index(db, selection, term, after, rows)).await
}

fn among_recent(
    db: &Database,
    selection: &Selection,
    term: &str,
    after: Option<&Place>,
    rows: i64,
    window: i64,
) -> Statement {
    let (place, order, recent_order) = match selection.sort {
        Sort::Newest => ("id AS recent_id", "id DESC", "recent_id DESC"),
        Sort::Votes => (
            "id AS recent_id, vote_count AS recent_votes",
            "vote_count DESC, id DESC",
            "recent_votes DESC, recent_id DESC",
        ),
    };
    let posts = ordered(db, selection);
    let mut select = Statement::new(&format!("SELECT {SUMMARY} FROM (SELECT {place} FROM {posts}"));
    narrow(&mut select, db, selection, after);
    // The limit stands in the text for the same reason as `ALL`. The order is that of the inner
    // list's columns, or PostgreSQL may walk all posts in it and join them to the recent ones.
    let recent = format!(" ORDER BY {order} LIMIT {window}) recent");
    select.around(&format!("{recent} JOIN posts ON id = recent_id"));
    select.contains(db, &TEXTS, term);
    select.push(&format!(" ORDER BY {recent_order} LIMIT ?"), [Value::Integer(rows)]);
    select
}

fn by_index(
    db: &Database,
    selection: &Selection,
    term: &str,
    after: Option<&Place>,
    rows: i64,
) -> Statement {
    let mut select = Statement::new(&format!("SELECT * FROM (SELECT {SUMMARY} FROM posts"));
    narrow(&mut select, db, selection, after);
    select.has_tokens(db, "posts", &text::term_tokens(term));
    select.contains(db, &TEXTS, term);
    select.push(&format!(" LIMIT {ALL}) found"), []);
    limit(&mut select, selection.sort, rows);
    select
}

/// Fills in the tokens of posts from before there were any, which only a SQLite database can
/// have. `false` where some are left for the next opening.
pub(crate) async fn index_older_posts(db: &Database) -> Result<bool, Error> {
    if db.dialect() != Dialect::Sqlite {
        return Ok(true);
    }
    for _ in 0..MAX_BATCHES {
        if index_batch(db).await? == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many posts it found without tokens.
async fn index_batch(db: &Database) -> Result<usize, Error> {
    let select = "SELECT id, title, body FROM posts WHERE tokens = '' ORDER BY id LIMIT ?1";
    let mut updates = Vec::new();
    for row in db.query(select, [Value::Integer(BATCH)]).await? {
        let tokens = text_tokens(row.str(1)?, row.str(2)?);
        updates.push([Value::from(row.text(0)?), tokens.into()]);
    }
    db.transaction(async |db: &Database| {
        for update in &updates {
            // An edit meanwhile has brought its own.
            let sql = "UPDATE posts SET tokens = ?2 WHERE id = ?1 AND tokens = ''";
            db.query(sql, update.clone()).await?;
        }
        Ok::<_, Error>(updates.len())
    })
    .await
}
