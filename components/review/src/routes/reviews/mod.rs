mod eligibility;
pub(crate) mod latest;

use api::{Body, IfMatch, List, Page, Path, Problem, Query, Tagged, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use database::Database;
use idempotency::{Key, Reply};
use serde::{Deserialize, Serialize};
use session::{Insider, Reader};
use uuid::Uuid;

use self::eligibility::Author;
use super::segment;
use crate::config::Config;
use crate::domain::aspect::{NAMES, PerAspect};
use crate::domain::hospital::{Hospital, is_id};
use crate::domain::rating::mean;
use crate::domain::review::{self, Draft, Review, Stars, month};
use crate::store;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReview {
    title: String,
    body: String,
    stars: Stars,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    title: Option<String>,
    body: Option<String>,
    stars: Option<Stars>,
}

/// A review as it is shown: nothing tells who wrote it, or when within the month.
#[derive(Serialize)]
pub(crate) struct Shown {
    id: String,
    title: String,
    body: String,
    stars: PerAspect<i64>,
    average: f64,
    month: String,
    mine: bool,
    edited: bool,
}

pub(crate) async fn list(
    State(config): State<&'static Config>,
    reader: Reader,
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
    let reader = if reviews.is_empty() { None } else { identify(config, &reader).await };
    let list = page.list(&name, reviews, |review| order.place(review));
    Ok(Json(list.map(|review| Shown::to(reader.as_ref(), review))))
}

pub(crate) async fn show(
    State(config): State<&'static Config>,
    reader: Reader,
    Path([hospital_id, id]): Path<[String; 2]>,
) -> api::Result<Tagged<Shown>> {
    let db = store::open(config).await?;
    let review = find(&db, &hospital_id, &id).await?;
    let reader = identify(config, &reader).await;
    Ok(Tagged { revision: review.revision, body: Shown::to(reader.as_ref(), review) })
}

pub(crate) async fn create(
    State(config): State<&'static Config>,
    insider: Insider,
    Path([hospital_id]): Path<[String; 1]>,
    key: Key,
    Body(new): Body<NewReview>,
) -> api::Result<Reply> {
    let draft = new.check()?;
    let db = store::open(config).await?;
    let hospital = hospital(&db, &hospital_id).await?;
    let author = eligibility::reviewer(config, &insider, &hospital).await?;
    let operation = format!("POST {hospital_id}");
    idempotency::once(&db, "review", &author.0, &operation, key, &draft, async |db: &Database| {
        let review = Review {
            // Version 4: version 7 would tell when the review was written.
            id: Uuid::new_v4().to_string(),
            hospital_id: hospital.id.clone(),
            author: author.0.clone(),
            month: month(now_millis()),
            draft: draft.clone(),
            revision: 1,
        };
        store::reviews::insert(db, &review).await.map_err(already_reviewed)?;
        Reply::created(location(&review), &Shown::to(Some(&author), review))
    })
    .await
}

pub(crate) async fn edit(
    State(config): State<&'static Config>,
    insider: Insider,
    Path([hospital_id, id]): Path<[String; 2]>,
    if_match: IfMatch,
    Body(change): Body<Change>,
) -> api::Result<Tagged<Shown>> {
    let change = change.check()?;
    let author = eligibility::author(config, &insider).await?;
    let db = store::open(config).await?;
    let review = db
        .transaction(async |db: &Database| -> api::Result<Review> {
            let old = own(db, &hospital_id, &id, &author).await?;
            if_match.check(old.revision)?;
            let review = Review {
                draft: change.clone().applied(old.draft.clone()),
                revision: old.revision + 1,
                ..old.clone()
            };
            store::reviews::update(db, &old, &review).await?;
            Ok(review)
        })
        .await?;
    Ok(Tagged { revision: review.revision, body: Shown::to(Some(&author), review) })
}

pub(crate) async fn delete(
    State(config): State<&'static Config>,
    insider: Insider,
    Path([hospital_id, id]): Path<[String; 2]>,
    if_match: IfMatch,
) -> api::Result<StatusCode> {
    let author = eligibility::author(config, &insider).await?;
    let db = store::open(config).await?;
    db.transaction(async |db: &Database| -> api::Result<StatusCode> {
        let review = own(db, &hospital_id, &id, &author).await?;
        if_match.check(review.revision)?;
        store::reviews::delete(db, &review).await?;
        idempotency::forget(db, "review", &location(&review)).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

fn location(review: &Review) -> String {
    format!("/api/review/hospitals/{}/reviews/{}", segment(&review.hospital_id), review.id)
}

async fn hospital(db: &Database, id: &str) -> api::Result<Hospital> {
    if !is_id(id) {
        return Err(Problem::not_found());
    }
    store::hospitals::find(db, id).await?.ok_or_else(Problem::not_found)
}

async fn find(db: &Database, hospital_id: &str, id: &str) -> api::Result<Review> {
    check_ids(hospital_id, id)?;
    store::reviews::find(db, hospital_id, id).await?.ok_or_else(Problem::not_found)
}

/// The author's review, which nobody changes until the transaction ends.
async fn own(db: &Database, hospital_id: &str, id: &str, author: &Author) -> api::Result<Review> {
    check_ids(hospital_id, id)?;
    let found = store::reviews::find_for_update(db, hospital_id, id).await?;
    let review = found.ok_or_else(Problem::not_found)?;
    if review.author != author.0 {
        return Err(Problem::forbidden("not_author", "Only its author may change a review."));
    }
    Ok(review)
}

fn check_ids(hospital_id: &str, id: &str) -> api::Result<()> {
    let valid = is_id(hospital_id) && Uuid::parse_str(id).is_ok();
    valid.then_some(()).ok_or_else(Problem::not_found)
}

/// Who reads, to mark their own reviews. When auth cannot say, reading goes on without marks.
async fn identify(config: &Config, reader: &Reader) -> Option<Author> {
    let insider = reader.0.as_ref()?;
    eligibility::author(config, insider).await.ok()
}

fn already_reviewed(error: database::Error) -> Problem {
    match error {
        database::Error::Unique(_) => Problem::conflict(
            "already_reviewed",
            "You have reviewed this hospital. Edit that review instead.",
        ),
        error => error.into(),
    }
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

impl NewReview {
    fn check(self) -> api::Result<Draft> {
        let mut fields = api::Fields::default();
        let draft = Draft {
            title: fields.text("title", review::title(&self.title)),
            body: fields.text("body", review::body(&self.body)),
            stars: self.stars,
        };
        check_stars(&mut fields, self.stars);
        fields.check()?;
        Ok(draft)
    }
}

impl Change {
    fn check(self) -> api::Result<Self> {
        let mut fields = api::Fields::default();
        if self.title.is_none() && self.body.is_none() && self.stars.is_none() {
            fields.refuse("body", "required", "must have title, body or stars");
        }
        let change = Self {
            title: self.title.map(|title| fields.text("title", review::title(&title))),
            body: self.body.map(|body| fields.text("body", review::body(&body))),
            stars: self.stars,
        };
        if let Some(stars) = self.stars {
            check_stars(&mut fields, stars);
        }
        fields.check()?;
        Ok(change)
    }

    fn applied(self, draft: Draft) -> Draft {
        Draft {
            title: self.title.unwrap_or(draft.title),
            body: self.body.unwrap_or(draft.body),
            stars: self.stars.unwrap_or(draft.stars),
        }
    }
}

fn check_stars(fields: &mut api::Fields, stars: Stars) {
    for (name, value) in NAMES.into_iter().zip(stars.into_array()) {
        if !review::is_star(value) {
            fields.refuse(&format!("stars.{name}"), "out_of_range", "must be 1 to 5");
        }
    }
}

impl Shown {
    fn to(reader: Option<&Author>, review: Review) -> Self {
        let Draft { title, body, stars } = review.draft;
        Self {
            id: review.id,
            title,
            body,
            stars,
            average: mean(stars.total(), 6),
            month: review.month,
            mine: reader.is_some_and(|reader| reader.0 == review.author),
            edited: review.revision > 1,
        }
    }
}
