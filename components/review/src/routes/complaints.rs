//! What is said against a review: a report by an insider, a takedown request by anyone.

use api::{Body, Path, Problem, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use database::Database;
use idempotency::{Key, Reply};
use serde::{Deserialize, Serialize};
use session::Insider;
use uuid::Uuid;

use super::reviews::check_ids;
use crate::config::Config;
use crate::domain::moderation::{self, Reason};
use crate::domain::review::{Review, Status};
use crate::store;
use crate::store::reports::Report;
use crate::store::takedowns::{Stage, Takedown};

/// What moderators can still read of one review.
const MOST_REPORTS: i64 = 100;

/// Several may claim the same review; more of them is a flood.
const MOST_TAKEDOWNS: i64 = 10;

/// Of all reviews. Who sends them is not known, so that a flood is met by closing the door.
const MOST_TAKEDOWNS_WAITING: i64 = 1_000;

/// Moderators decide within days.
const RETRY_AFTER_SECONDS: u64 = 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReport {
    reason: String,
    detail: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTakedown {
    claimant: String,
    contact: String,
    reason: String,
    detail: String,
}

#[derive(Serialize)]
struct Received {
    id: String,
}

pub(crate) async fn report(
    State(config): State<&'static Config>,
    insider: Insider,
    Path([hospital_id, review_id]): Path<[String; 2]>,
    Body(new): Body<NewReport>,
) -> api::Result<impl IntoResponse> {
    let mut fields = api::Fields::default();
    let reason = reason(&mut fields, &new.reason);
    let detail = fields.text("detail", moderation::detail(&new.detail));
    fields.check()?;
    let db = store::open(config).await?;
    check_ids(&hospital_id, &review_id)?;
    let report = Report {
        id: Uuid::new_v4().to_string(),
        reporter: config.pseudonyms.of(&review_id, &insider.subject),
        review_id,
        hospital_id,
        reason,
        detail,
        day: calendar::day(now_millis()),
    };
    db.transaction(async |db: &Database| -> api::Result<()> {
        published(db, &report.hospital_id, &report.review_id).await?;
        let count = store::reports::count(db, &report.review_id, MOST_REPORTS).await?;
        refuse_flood(count, MOST_REPORTS)?;
        store::reports::insert(db, &report).await.map_err(already_reported)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(Received { id: report.id })))
}

pub(crate) async fn request_takedown(
    State(config): State<&'static Config>,
    Path([hospital_id, review_id]): Path<[String; 2]>,
    key: Key,
    Body(new): Body<NewTakedown>,
) -> api::Result<Reply> {
    let mut fields = api::Fields::default();
    let takedown = Takedown {
        id: Uuid::new_v4().to_string(),
        claimant: fields.text("claimant", moderation::claimant(&new.claimant)),
        contact: fields.text("contact", moderation::contact(&new.contact)),
        reason: reason(&mut fields, &new.reason),
        detail: fields.text("detail", moderation::grounds(&new.detail)),
        review_id,
        hospital_id,
        day: calendar::day(now_millis()),
        stage: Stage::Waiting,
        appeal: None,
    };
    fields.check()?;
    let db = store::open(config).await?;
    check_ids(&takedown.hospital_id, &takedown.review_id)?;
    let operation = format!("POST takedown {}", takedown.review_id);
    // Who sends it is not known; a key that was made for one form is nobody else's.
    idempotency::once(&db, "review", "anyone", &operation, key, &new, async |db: &Database| {
        published(db, &takedown.hospital_id, &takedown.review_id).await?;
        let of_review =
            store::takedowns::waiting_for(db, &takedown.review_id, MOST_TAKEDOWNS).await?;
        refuse_flood(of_review, MOST_TAKEDOWNS)?;
        let of_all = store::takedowns::waiting(db, MOST_TAKEDOWNS_WAITING).await?;
        refuse_flood(of_all, MOST_TAKEDOWNS_WAITING)?;
        store::takedowns::insert(db, &takedown).await?;
        Reply::received(&Received { id: takedown.id.clone() })
    })
    .await
}

/// Refused together with all else that is wrong, so that a form is corrected at once.
fn reason(fields: &mut api::Fields, name: &str) -> Reason {
    Reason::named(name).unwrap_or_else(|| {
        fields.refuse("reason", "unknown", "must be one of the reasons");
        Reason::Other
    })
}

/// The review that a complaint is about, locked: 404 where nobody sees it, 409 where there is
/// nothing to read any more.
pub(super) async fn published(db: &Database, hospital_id: &str, id: &str) -> api::Result<Review> {
    let found = store::reviews::find_for_update(db, id).await?;
    let review = found.filter(|review| review.hospital_id == hospital_id);
    let review = review.ok_or_else(Problem::not_found)?;
    match review.status {
        Status::Published => Ok(review),
        Status::Hidden | Status::Removed => Err(not_published()),
        Status::Waiting | Status::Withdrawn => Err(Problem::not_found()),
    }
}

pub(super) fn not_published() -> Problem {
    Problem::conflict("not_published", "This review is hidden or removed.")
}

fn refuse_flood(count: i64, most: i64) -> api::Result<()> {
    if count < most {
        return Ok(());
    }
    let detail = "Too much of it waits for a decision already. Try again another day.";
    Err(Problem::too_many_requests(RETRY_AFTER_SECONDS, detail))
}

fn already_reported(error: database::Error) -> Problem {
    match error {
        database::Error::Unique(_) => {
            Problem::conflict("already_reported", "You have reported this review before.")
        }
        error => error.into(),
    }
}
