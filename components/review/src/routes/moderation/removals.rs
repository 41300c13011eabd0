//! Permanent removal takes two moderators: one proposes it, another one confirms it.

use api::{Body, List, Path, Problem, Query, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use database::Database;
use serde::{Deserialize, Serialize};
use session::Insider;
use uuid::Uuid;

use super::{ListQuery, Moderator, Read, Subjects, check_id};
use crate::config::Config;
use crate::domain::moderation::{Act, Reason};
use crate::domain::pseudonym::Who;
use crate::domain::review::{Review, Status};
use crate::routes::reviews::check_ids;
use crate::routes::statements::forget;
use crate::store;
use crate::store::moderation_log::{self, About};
use crate::store::removals::Removal;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRemoval {
    hospital_id: String,
    review_id: String,
    reason: Reason,
    ban_key: bool,
}

#[derive(Serialize)]
pub(crate) struct Item {
    id: String,
    hospital_id: String,
    hospital_name: String,
    review_id: String,
    reason: Reason,
    ban_key: bool,
    day: String,
    /// This moderator proposed it, and so cannot confirm it.
    mine: bool,
    review: Option<Read>,
}

pub(crate) async fn list(
    State(config): State<&'static Config>,
    Moderator(moderator): Moderator,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Item>>> {
    let page = query.page()?;
    let after = page.after("moderation:removals")?;
    let db = store::open(config).await?;
    let removals = store::removals::list(&db, after, &page).await?;
    let list = page.list("moderation:removals", removals, |it| (it.day.clone(), it.id.clone()));
    let ids = list.items.iter().map(|it| (it.hospital_id.as_str(), it.review_id.as_str()));
    let subjects = Subjects::of(&db, ids).await?;
    Ok(Json(list.map(|removal| {
        let mine = removal.proposed_by(config, &moderator) == Who::Same;
        Item::of(removal, &subjects, mine)
    })))
}

pub(crate) async fn propose(
    State(config): State<&'static Config>,
    Moderator(moderator): Moderator,
    Body(new): Body<NewRemoval>,
) -> api::Result<impl IntoResponse> {
    check_ids(&new.hospital_id, &new.review_id)?;
    let id = Uuid::new_v4().to_string();
    let removal = Removal {
        moderator: config.pseudonyms.of(&id, &moderator.subject),
        id,
        review_id: new.review_id,
        hospital_id: new.hospital_id,
        reason: new.reason,
        ban_key: new.ban_key,
        day: calendar::day(now_millis()),
    };
    let db = store::open(config).await?;
    db.transaction(async |db: &Database| -> api::Result<()> {
        removable(db, &removal).await?;
        store::removals::insert(db, &removal).await.map_err(already_proposed)
    })
    .await?;
    let ids = [(removal.hospital_id.as_str(), removal.review_id.as_str())];
    let subjects = Subjects::of(&db, ids.into_iter()).await?;
    let item = Item::of(removal.clone(), &subjects, true);
    Ok((StatusCode::CREATED, Json(item)))
}

pub(crate) async fn confirm(
    State(config): State<&'static Config>,
    Moderator(moderator): Moderator,
    Path([id]): Path<[String; 1]>,
) -> api::Result<StatusCode> {
    check_id(&id)?;
    let today = calendar::day(now_millis());
    let db = store::open(config).await?;
    db.transaction(async |db: &Database| -> api::Result<StatusCode> {
        let found = store::removals::find_for_update(db, &id).await?;
        let removal = found.ok_or_else(Problem::not_found)?;
        check_second(removal.proposed_by(config, &moderator))?;
        let review = removable(db, &removal).await?;
        remove(db, &removal, review, &today).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

pub(crate) async fn drop_proposal(
    State(config): State<&'static Config>,
    _: Moderator,
    Path([id]): Path<[String; 1]>,
) -> api::Result<StatusCode> {
    check_id(&id)?;
    let db = store::open(config).await?;
    if store::removals::delete(&db, &id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

/// A proposal whose moderator cannot be told is confirmed by nobody: it may be one's own.
fn check_second(proposer: Who) -> api::Result<()> {
    match proposer {
        Who::Other => Ok(()),
        Who::Same => Err(Problem::conflict(
            "second_moderator_needed",
            "You proposed this removal. Another moderator has to confirm it.",
        )),
        Who::Unknown => Err(Problem::conflict(
            "proposal_outdated",
            "The operator's token has changed since. Drop this proposal and make it anew.",
        )),
    }
}

/// Text, reply and complaints go; that there was a review, and the acts, stay.
async fn remove(db: &Database, removal: &Removal, review: Review, today: &str) -> api::Result<()> {
    store::reviews::replace(db, &review, &review.clone().removed()).await?;
    forget(db, &review.id).await?;
    let about = || About {
        hospital_id: &removal.hospital_id,
        review_id: Some(&removal.review_id),
        reason: Some(removal.reason),
    };
    if removal.ban_key {
        store::banned_keys::add(db, &review.public_key).await?;
    }
    moderation_log::append(db, today, Act::Removed, about()).await?;
    if removal.ban_key {
        moderation_log::append(db, today, Act::KeyBanned, about()).await?;
    }
    Ok(())
}

/// The review, locked: one that the public has seen, and whose text is there.
async fn removable(db: &Database, removal: &Removal) -> api::Result<Review> {
    let found = store::reviews::find_for_update(db, &removal.review_id).await?;
    let review = found.filter(|review| review.hospital_id == removal.hospital_id);
    let review = review.ok_or_else(Problem::not_found)?;
    match review.status {
        Status::Published | Status::Hidden => Ok(review),
        Status::Removed => {
            Err(Problem::conflict("review_removed", "This review was removed before."))
        }
        Status::Waiting | Status::Withdrawn => Err(Problem::not_found()),
    }
}

fn already_proposed(error: database::Error) -> Problem {
    match error {
        database::Error::Unique(_) => Problem::conflict(
            "removal_proposed",
            "The removal of this review is proposed already. Confirm that proposal.",
        ),
        error => error.into(),
    }
}

impl Removal {
    fn proposed_by(&self, config: &Config, moderator: &Insider) -> Who {
        config.pseudonyms.compare(&self.moderator, &self.id, &moderator.subject)
    }
}

impl Item {
    fn of(removal: Removal, subjects: &Subjects, mine: bool) -> Self {
        Self {
            hospital_name: subjects.hospital(&removal.hospital_id),
            review: subjects.review(&removal.review_id),
            mine,
            id: removal.id,
            hospital_id: removal.hospital_id,
            review_id: removal.review_id,
            reason: removal.reason,
            ban_key: removal.ban_key,
            day: removal.day,
        }
    }
}
