use api::{Body, List, Page, Path, Problem, Query, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use database::Database;
use serde::{Deserialize, Serialize};

use super::{ListQuery, Moderator, Read, Subjects, check_id, decided_already};
use crate::config::Config;
use crate::domain::moderation::{Act, Reason};
use crate::domain::review::Status;
use crate::publication;
use crate::routes::complaints::published;
use crate::store;
use crate::store::moderation_log::{self, About};
use crate::store::takedowns::{Stage, Takedown};

#[derive(Serialize)]
pub(crate) struct Item {
    id: String,
    hospital_id: String,
    hospital_name: String,
    review_id: String,
    claimant: String,
    contact: String,
    reason: Reason,
    detail: String,
    day: String,
    status: &'static str,
    hidden_until: Option<String>,
    appeal: Option<String>,
    review: Option<Read>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDecision {
    decision: Decision,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Hide,
    Refuse,
    Restore,
}

/// Where a page of the list begins: after a request of either stage.
type Place = (bool, String, String);

/// Those that hide a review come first, because their time runs.
pub(crate) async fn list(
    State(config): State<&'static Config>,
    _: Moderator,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Item>>> {
    let page = query.page()?;
    let after: Option<Place> = page.after("moderation:takedowns")?;
    let db = store::open(config).await?;
    let list = page.list("moderation:takedowns", open(&db, after, &page).await?, |it| {
        (it.stage == Stage::Waiting, it.day.clone(), it.id.clone())
    });
    let ids = list.items.iter().map(|it| (it.hospital_id.as_str(), it.review_id.as_str()));
    let subjects = Subjects::of(&db, ids).await?;
    Ok(Json(list.map(|takedown| Item::of(takedown, &subjects))))
}

async fn open(db: &Database, after: Option<Place>, page: &Page) -> api::Result<Vec<Takedown>> {
    let (only_waiting, after) = match after {
        Some((waiting, day, id)) => (waiting, Some((day, id))),
        None => (false, None),
    };
    if only_waiting {
        return Ok(store::takedowns::list(db, Stage::Waiting, after, page).await?);
    }
    let mut found = store::takedowns::list(db, Stage::Hidden, after, page).await?;
    if found.len() <= page.limit {
        found.extend(store::takedowns::list(db, Stage::Waiting, None, page).await?);
    }
    // One more than a page: it tells that there is another.
    found.truncate(page.limit + 1);
    Ok(found)
}

pub(crate) async fn decide(
    State(config): State<&'static Config>,
    _: Moderator,
    Path([id]): Path<[String; 1]>,
    Body(NewDecision { decision }): Body<NewDecision>,
) -> api::Result<StatusCode> {
    check_id(&id)?;
    let today = calendar::day(now_millis());
    let db = store::open(config).await?;
    db.transaction(async |db: &Database| -> api::Result<StatusCode> {
        let found = store::takedowns::find_for_update(db, &id).await?;
        let takedown = found.ok_or_else(Problem::not_found)?;
        match (decision, takedown.stage) {
            (Decision::Hide, Stage::Waiting) => hide(db, &takedown, &today).await?,
            (Decision::Refuse, Stage::Waiting) => refuse(db, &takedown, &today).await?,
            (Decision::Restore, Stage::Hidden) => restore(db, &takedown, &today).await?,
            _ => return Err(decided_already()),
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

async fn hide(db: &Database, takedown: &Takedown, today: &str) -> api::Result<()> {
    let review = published(db, &takedown.hospital_id, &takedown.review_id).await?;
    if review.was_hidden() {
        return Err(Problem::conflict(
            "hidden_before",
            "This text was hidden before and restored. Only a removal by two moderators is left.",
        ));
    }
    store::reviews::replace(db, &review, &review.clone().hidden(today)).await?;
    store::takedowns::hide(db, &takedown.id).await?;
    log(db, takedown, Act::Hidden, today).await
}

async fn refuse(db: &Database, takedown: &Takedown, today: &str) -> api::Result<()> {
    store::takedowns::close(db, &takedown.id).await?;
    log(db, takedown, Act::TakedownRefused, today).await
}

async fn restore(db: &Database, takedown: &Takedown, today: &str) -> api::Result<()> {
    let found = store::reviews::find_for_update(db, &takedown.review_id).await?;
    match found.filter(|review| review.status == Status::Hidden) {
        Some(review) => publication::restore(db, review, today).await,
        None => Err(decided_already()),
    }
}

async fn log(db: &Database, takedown: &Takedown, act: Act, today: &str) -> api::Result<()> {
    let about = About {
        hospital_id: &takedown.hospital_id,
        review_id: Some(&takedown.review_id),
        reason: Some(takedown.reason),
    };
    Ok(moderation_log::append(db, today, act, about).await?)
}

impl Item {
    fn of(takedown: Takedown, subjects: &Subjects) -> Self {
        let hides = takedown.stage == Stage::Hidden;
        let review = subjects.reviews.get(&takedown.review_id).filter(|_| hides);
        Self {
            hospital_name: subjects.hospital(&takedown.hospital_id),
            hidden_until: review.and_then(|review| review.hidden_until.clone()),
            review: subjects.review(&takedown.review_id),
            id: takedown.id,
            hospital_id: takedown.hospital_id,
            review_id: takedown.review_id,
            claimant: takedown.claimant,
            contact: takedown.contact,
            reason: takedown.reason,
            detail: takedown.detail,
            day: takedown.day,
            status: takedown.stage.name(),
            appeal: takedown.appeal,
        }
    }
}
