use api::{Body, Fields, IfMatch, List, Page, Problem, Query, Tagged, now_millis, rfc3339};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use database::Database;
use idempotency::{Key, Reply};
use serde::{Deserialize, Serialize};
use session::{Insider, Reader};
use uuid::Uuid;

use super::{Ids, lock_thread, own_post, present};
use crate::config::Config;
use crate::domain::post::{self, Change, Selection, Sort, Summary};
use crate::domain::{Category, Id, Post, Rendered, label};
use crate::store::{self, posts, search};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    category: Option<Category>,
    #[serde(default)]
    sort: Sort,
    q: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    category: Category,
    title: String,
    body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    #[serde(default, deserialize_with = "present")]
    category: Option<Category>,
    #[serde(default, deserialize_with = "present")]
    title: Option<String>,
    #[serde(default, deserialize_with = "present")]
    body: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct SummaryView {
    id: Id,
    category: Category,
    title: String,
    comment_count: i64,
    vote_count: i64,
    answered: bool,
    created_at: String,
    edited_at: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct PostView {
    id: Id,
    category: Category,
    title: String,
    body: String,
    body_html: String,
    label: String,
    label_number: i64,
    mine: bool,
    voted: bool,
    vote_count: i64,
    comment_count: i64,
    accepted_comment_id: Option<Id>,
    created_at: String,
    edited_at: Option<String>,
}

pub(crate) async fn list(
    State(config): State<Config>,
    Query(filter): Query<Filter>,
) -> api::Result<Json<List<SummaryView>>> {
    let page = Page::new(filter.limit, filter.cursor)?;
    let mut fields = Fields::default();
    let search = filter.q.map(|q| fields.text("q", post::search(&q)));
    fields.check()?;
    let selection = Selection { category: filter.category, search, sort: filter.sort };
    // A cursor of a list with other filters, or in another order, is not one of this list.
    let name = format!("posts {selection:?}");
    let after = page.after(&name)?;

    let db = store::open(&config).await?;
    let rows = posts::list(&db, &selection, after.as_ref(), page.rows()).await?;
    Ok(Json(page.list(&name, rows, Summary::place).map(SummaryView::from)))
}

pub(crate) async fn create(
    insider: Insider,
    State(config): State<Config>,
    key: Key,
    Body(draft): Body<Draft>,
) -> api::Result<Reply> {
    let mut fields = Fields::default();
    let title = fields.text("title", post::title(&draft.title));
    let body = fields.text("body", post::body(&draft.body));
    fields.check()?;
    let id = Id::from(Uuid::now_v7());
    let author = insider.subject.clone();
    let post = Post::new(id, author, draft.category, title, Rendered::new(body), now_millis());
    let tokens = search::tokens(&post);

    let db = store::open(&config).await?;
    idempotency::once(
        &db,
        store::COMPONENT,
        &insider.subject,
        "POST posts",
        key,
        &draft,
        async |db: &Database| {
            posts::insert(db, &post, &tokens).await?;
            let view = PostView::new(post.clone(), Some(&insider.subject));
            Reply::created(location(&post.id), &view)
        },
    )
    .await
}

pub(crate) async fn read(
    reader: Reader,
    State(config): State<Config>,
    Ids([post_id]): Ids<1>,
) -> api::Result<Tagged<PostView>> {
    let db = store::open(&config).await?;
    let post = super::post(&db, &post_id, reader.subject()).await?;
    Ok(Tagged { revision: post.revision, body: PostView::new(post, reader.subject()) })
}

pub(crate) async fn edit(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id]): Ids<1>,
    if_match: IfMatch,
    Body(patch): Body<Patch>,
) -> api::Result<Json<PostView>> {
    let change = patch.check()?;

    let db = store::open(&config).await?;
    let post = db
        .transaction(async |db: &Database| {
            lock_thread(db, &post_id).await?;
            let mut post = own_post(db, &post_id, &insider).await?;
            if_match.check(post.revision)?;
            post.edit(change.clone(), now_millis());
            // Only here it is known what the edit leaves of the text before.
            posts::update(db, &post, &search::tokens(&post)).await?;
            Ok::<_, Problem>(post)
        })
        .await?;
    Ok(Json(PostView::new(post, Some(&insider.subject))))
}

pub(crate) async fn remove(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id]): Ids<1>,
    if_match: IfMatch,
) -> api::Result<StatusCode> {
    let db = store::open(&config).await?;
    db.transaction(async |db: &Database| {
        lock_thread(db, &post_id).await?;
        let post = own_post(db, &post_id, &insider).await?;
        if_match.check(post.revision)?;
        posts::delete(db, &post.id).await?;
        idempotency::forget(db, store::COMPONENT, &location(&post.id)).await?;
        Ok::<_, Problem>(StatusCode::NO_CONTENT)
    })
    .await
}

pub(crate) fn location(post_id: &Id) -> String {
    format!("/api/board/posts/{post_id}")
}

impl Patch {
    fn check(self) -> api::Result<Change> {
        let mut fields = Fields::default();
        if self.category.is_none() && self.title.is_none() && self.body.is_none() {
            fields.refuse("body", "required", "must have at least one of category, title and body");
        }
        let title = self.title.map(|title| fields.text("title", post::title(&title)));
        let body = self.body.map(|body| fields.text("body", post::body(&body)));
        fields.check()?;
        Ok(Change { category: self.category, title, body: body.map(Rendered::new) })
    }
}

impl From<Summary> for SummaryView {
    fn from(post: Summary) -> Self {
        Self {
            id: post.id,
            category: post.category,
            title: post.title,
            comment_count: post.comment_count,
            vote_count: post.vote_count,
            answered: post.answered,
            created_at: rfc3339(post.created_at),
            edited_at: post.edited_at.map(rfc3339),
        }
    }
}

impl PostView {
    fn new(post: Post, reader: Option<&str>) -> Self {
        Self {
            mine: reader == Some(post.author.as_str()),
            id: post.id,
            category: post.category,
            title: post.title,
            body: post.body.source,
            body_html: post.body.html,
            label: label::label(label::POSTER),
            label_number: label::POSTER,
            voted: post.voted,
            vote_count: post.vote_count,
            comment_count: post.comment_count,
            accepted_comment_id: post.accepted_comment_id,
            created_at: rfc3339(post.created_at),
            edited_at: post.edited_at.map(rfc3339),
        }
    }
}
