//! What everybody reads of a hospital's reviews.

pub(crate) mod latest;

use api::{List, Page, Path, Problem, Query, Tagged};
use axum::Json;
use axum::extract::State;
use database::Database;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::Config;
use crate::domain::hospital::{Hospital, is_id};
use crate::domain::rating::mean;
use crate::domain::review::{Draft, Review, Stars, Status};
use crate::store;
use crate::store::replies::Reply;
use crate::store::reviews::Order;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[serde(default)]
    sort: Sort,
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    #[default]
    Newest,
    Highest,
    Lowest,
}

/// A review as it is shown: nothing tells who wrote it, or when within the month. Of one that is
/// hidden or removed only that it is there.
#[derive(Serialize)]
pub(crate) struct Shown {
    id: String,
    status: Status,
    title: Option<String>,
    body: Option<String>,
    stars: Option<Stars>,
    average: Option<f64>,
    /// `None` before it is published.
    month: Option<String>,
    revision: i64,
    edited: bool,
    hidden_until: Option<String>,
    reply: Option<ShownReply>,
}

#[derive(Serialize)]
pub(crate) struct ShownReply {
    body: String,
    month: String,
}

pub(crate) async fn list(
    State(config): State<&'static Config>,
    Path([hospital_id]): Path<[String; 1]>,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Shown>>> {
    let page = Page::new(query.limit, query.cursor)?;
    let order = Order::from(query.sort);
    let name = format!("reviews:{hospital_id}:{order:?}");
    let after = page.after(&name)?;
    let db = store::open(config).await?;
    hospital(&db, &hospital_id).await?;
    let reviews = store::reviews::list(&db, &hospital_id, order, after, &page).await?;
    let list = page.list(&name, reviews, |(review, _)| order.place(review));
    Ok(Json(list.map(|(review, reply)| Shown::to_everybody(review, reply))))
}

pub(crate) async fn show(
    State(config): State<&'static Config>,
    Path([hospital_id, id]): Path<[String; 2]>,
) -> api::Result<Tagged<Shown>> {
    let db = store::open(config).await?;
    check_ids(&hospital_id, &id)?;
    let found = store::reviews::find(&db, &hospital_id, &id).await?;
    let review = found.filter(|review| is_listed(review.status)).ok_or_else(Problem::not_found)?;
    let reply = match review.status {
        Status::Published => store::replies::find(&db, &review.id).await?,
        _ => None,
    };
    Ok(Tagged { revision: review.text.revision, body: Shown::to_everybody(review, reply) })
}

/// Nothing vanishes without a trace but what its author withdraws.
fn is_listed(status: Status) -> bool {
    matches!(status, Status::Published | Status::Hidden | Status::Removed)
}

pub(crate) async fn hospital(db: &Database, id: &str) -> api::Result<Hospital> {
    if !is_id(id) {
        return Err(Problem::not_found());
    }
    store::hospitals::find(db, id).await?.ok_or_else(Problem::not_found)
}

pub(crate) fn check_ids(hospital_id: &str, id: &str) -> api::Result<()> {
    let valid = is_id(hospital_id) && Uuid::parse_str(id).is_ok();
    valid.then_some(()).ok_or_else(Problem::not_found)
}

impl From<Sort> for Order {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Newest => Self::Newest,
            Sort::Highest => Self::Highest,
            Sort::Lowest => Self::Lowest,
        }
    }
}

impl Shown {
    fn to_everybody(review: Review, reply: Option<Reply>) -> Self {
        let readable = review.status == Status::Published;
        let text = readable.then(|| review.text.draft.clone());
        Self::of(review, text, reply.filter(|_| readable))
    }

    /// With the text `draft` that its author has just signed.
    pub(crate) fn to_author(review: Review, draft: Draft) -> Self {
        Self::of(review, Some(draft), None)
    }

    fn of(review: Review, text: Option<Draft>, reply: Option<Reply>) -> Self {
        let (title, body, stars) = match text {
            Some(Draft { title, body, stars }) => (Some(title), Some(body), Some(stars)),
            None => (None, None, None),
        };
        Self {
            id: review.id,
            status: review.status,
            title,
            body,
            stars,
            average: stars.map(|stars| mean(stars.total(), 6)),
            month: Some(review.month).filter(|month| !month.is_empty()),
            revision: review.text.revision,
            edited: review.text.revision > 1,
            hidden_until: review.hidden_until,
            reply: reply.map(|Reply { body, month }| ShownReply { body, month }),
        }
    }
}
