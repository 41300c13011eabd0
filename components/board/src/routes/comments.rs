use api::{Body, Fields, IfMatch, List, Page, Problem, Query, Tagged, now_millis, rfc3339};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use database::Database;
use idempotency::{Key, Reply};
use serde::{Deserialize, Serialize};
use session::{Insider, Reader};
use uuid::Uuid;

use super::{Ids, check_top_level, lock_thread, own_comment, posts};
use crate::config::Config;
use crate::domain::{Comment, Id, Rendered, Thread, comment, label};
use crate::store::{self, comments, labels};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    parent_id: Option<Id>,
    body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    body: String,
}

#[derive(Serialize)]
pub(crate) struct CommentView {
    id: Id,
    parent_id: Option<Id>,
    body: String,
    body_html: String,
    label: String,
    label_number: Option<i64>,
    author_is_poster: bool,
    mine: bool,
    voted: bool,
    vote_count: i64,
    accepted: bool,
    deleted: bool,
    created_at: String,
    edited_at: Option<String>,
}

pub(crate) async fn list(
    reader: Reader,
    State(config): State<Config>,
    Ids([post_id]): Ids<1>,
    Query(filter): Query<Filter>,
) -> api::Result<Json<List<CommentView>>> {
    let page = Page::new(filter.limit, filter.cursor)?;
    let name = format!("comments of {post_id}");
    let after = page.after(&name)?;

    let db = store::open(&config).await?;
    let thread = super::thread(&db, &post_id).await?;
    let rows = comments::list(&db, &post_id, reader.subject(), after.as_ref(), page.rows()).await?;
    let list = page.list(&name, rows, Comment::place);
    Ok(Json(list.map(|comment| CommentView::new(comment, &thread, reader.subject()))))
}

pub(crate) async fn create(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id]): Ids<1>,
    key: Key,
    Body(draft): Body<Draft>,
) -> api::Result<Reply> {
    let body = check_body(&draft.body)?;

    let db = store::open(&config).await?;
    let (author, operation) = (&insider.subject, format!("POST comments of {post_id}"));
    idempotency::once(
        &db,
        store::COMPONENT,
        author,
        &operation,
        key,
        &draft,
        async |db: &Database| {
            let thread = lock_thread(db, &post_id).await?;
            if let Some(parent_id) = &draft.parent_id {
                check_top_level(db, &post_id, parent_id, "parent_id").await?;
            }
            let id = Id::from(Uuid::now_v7());
            let number = labels::assign(db, &thread, author).await?;
            let parent_id = draft.parent_id.clone();
            let comment = Comment::new(
                id,
                post_id.clone(),
                parent_id,
                author.clone(),
                number,
                body.clone(),
                now_millis(),
            );
            comments::insert(db, &comment).await?;
            Reply::created(location(&comment), &CommentView::new(comment, &thread, Some(author)))
        },
    )
    .await
}

pub(crate) async fn read(
    reader: Reader,
    State(config): State<Config>,
    Ids([post_id, comment_id]): Ids<2>,
) -> api::Result<Tagged<CommentView>> {
    let db = store::open(&config).await?;
    let thread = super::thread(&db, &post_id).await?;
    let comment = super::comment(&db, &post_id, &comment_id, reader.subject()).await?;
    Ok(Tagged {
        revision: comment.revision,
        body: CommentView::new(comment, &thread, reader.subject()),
    })
}

pub(crate) async fn edit(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id, comment_id]): Ids<2>,
    if_match: IfMatch,
    Body(patch): Body<Patch>,
) -> api::Result<Json<CommentView>> {
    let body = check_body(&patch.body)?;

    let db = store::open(&config).await?;
    db.transaction(async |db: &Database| {
        let thread = lock_thread(db, &post_id).await?;
        let mut comment = own_comment(db, &post_id, &comment_id, &insider).await?;
        if_match.check(comment.revision)?;
        comment.edit(body.clone(), now_millis());
        comments::update(db, &comment).await?;
        Ok(Json(CommentView::new(comment, &thread, Some(&insider.subject))))
    })
    .await
}

pub(crate) async fn remove(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id, comment_id]): Ids<2>,
    if_match: IfMatch,
) -> api::Result<StatusCode> {
    let db = store::open(&config).await?;
    db.transaction(async |db: &Database| {
        lock_thread(db, &post_id).await?;
        let comment = own_comment(db, &post_id, &comment_id, &insider).await?;
        if_match.check(comment.revision)?;
        comments::delete(db, &comment).await?;
        idempotency::forget(db, store::COMPONENT, &location(&comment)).await?;
        Ok::<_, Problem>(StatusCode::NO_CONTENT)
    })
    .await
}

fn check_body(body: &str) -> api::Result<Rendered> {
    let mut fields = Fields::default();
    let body = fields.text("body", comment::body(body));
    fields.check()?;
    Ok(Rendered::new(body))
}

fn location(comment: &Comment) -> String {
    format!("{}/comments/{}", posts::location(&comment.post_id), comment.id)
}

impl CommentView {
    fn new(comment: Comment, thread: &Thread, reader: Option<&str>) -> Self {
        Self {
            label: comment.label(),
            label_number: comment.label_number(),
            author_is_poster: comment.label_number() == Some(label::POSTER),
            mine: reader == Some(comment.author.as_str()),
            accepted: thread.accepted_comment_id.as_ref() == Some(&comment.id),
            id: comment.id,
            parent_id: comment.parent_id,
            body: comment.body.source,
            body_html: comment.body.html,
            voted: comment.voted,
            vote_count: comment.vote_count,
            deleted: comment.deleted,
            created_at: rfc3339(comment.created_at),
            edited_at: comment.edited_at.map(rfc3339),
        }
    }
}
