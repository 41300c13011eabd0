//! What a review key says: publish, edit, withdraw, appeal. No session, no account; a signature.

mod anonymous;
mod form;

use api::{Body, Path, Problem, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use canonical::{Action, Statement};
use database::Database;
use idempotency::{Key, Reply};
use serde::Serialize;
use uuid::Uuid;

pub(crate) use self::anonymous::Anonymous;
use self::form::{Appeal, Edit, NewReview, Withdrawal};
use super::reviews::{self, Shown};
use super::segment;
use crate::auth::{self, Redemption};
use crate::config::Config;
use crate::domain::review::{Draft, Review, Signed, Stars, Status};
use crate::domain::statement::{self, is_bytes, is_signed};
use crate::store;

/// In which who asks about a key shows that it is theirs.
const SIGNATURE_HEADER: &str = "review-signature";

/// What became of a key's review, for who has the key.
#[derive(Serialize)]
pub(crate) struct Own {
    review_id: String,
    hospital_id: String,
    year: i64,
    /// Of the key's last statement: the next one needs a higher one.
    revision: i64,
    status: Status,
    title: Option<String>,
    body: Option<String>,
    stars: Option<Stars>,
    month: Option<String>,
    /// The text is that of an edit that waits for a batch.
    edit_waits: bool,
    hidden_until: Option<String>,
    banned: bool,
}

pub(crate) async fn create(
    State(config): State<&'static Config>,
    _: Anonymous,
    Path([hospital_id]): Path<[String; 1]>,
    key: Key,
    Body(new): Body<NewReview>,
) -> api::Result<Reply> {
    let today = calendar::day(now_millis());
    let draft = new.check()?;
    let db = store::open(config).await?;
    let hospital = reviews::hospital(&db, &hospital_id).await?;
    check_address(&new, &hospital_id)?;
    if !hospital.open {
        return Err(Problem::conflict(
            "hospital_closed",
            "This hospital is closed and takes no more reviews.",
        ));
    }
    check_year(new.year)?;
    let statement = Statement {
        hospital_id: &hospital_id,
        year: new.year,
        revision: new.revision,
        action: statement::publish(&draft),
    };
    check_signature(&statement, &new.public_key, &new.signature)?;
    check_ban(&db, &new.public_key).await?;
    // A key that is used is told so below, whatever pass it sends.
    if store::reviews::find_by_key(&db, &new.public_key).await?.is_none() {
        check_pass(config, &new).await?;
    }
    let review = Review {
        // Version 4: version 7 would tell when the review was written.
        id: Uuid::new_v4().to_string(),
        public_key: new.public_key.clone(),
        hospital_id,
        year: new.year,
        status: Status::Waiting,
        month: String::new(),
        text: Signed { draft, revision: new.revision, signature: new.signature.clone() },
        statement: new.revision,
        hidden_until: None,
        hidden_revision: 0,
        touched: today,
        queued: true,
    };
    db.transaction(async |db: &Database| insert(db, &key, &new, &review).await).await
}

/// The answer of a write that is repeated is made of what it wrote: a copy of it would tell, by
/// its place among others, when it was made.
async fn insert(db: &Database, key: &Key, new: &NewReview, review: &Review) -> api::Result<Reply> {
    let operation = format!("POST {}", review.hospital_id);
    let first =
        idempotency::is_first(db, "review", &review.public_key, &operation, key, new).await?;
    let review = if first {
        store::reviews::insert(db, review).await.map_err(already_used)?;
        review.clone()
    } else {
        let written = store::reviews::find_by_key(db, &review.public_key).await?;
        written.ok_or_else(|| Problem::internal("a kept answer without its review"))?
    };
    let draft = review.text.draft.clone();
    let location =
        format!("/api/review/hospitals/{}/reviews/{}", segment(&review.hospital_id), review.id);
    Reply::created(location, &Shown::to_author(review, draft))
}

pub(crate) async fn edit(
    State(config): State<&'static Config>,
    _: Anonymous,
    Path([hospital_id, id]): Path<[String; 2]>,
    Body(edit): Body<Edit>,
) -> api::Result<Json<Shown>> {
    let draft = edit.check()?;
    let db = store::open(config).await?;
    let review = find(&db, &hospital_id, &id).await?;
    check(&db, &review, edit.revision, statement::publish(&draft), &edit.signature).await?;
    let text = Signed { draft, revision: edit.revision, signature: edit.signature };
    let review = state(&db, &review, edit.revision, async |db, review| {
        match review.status {
            Status::Removed => Err(removed()),
            // Nobody has seen it yet.
            Status::Waiting => Ok(Review { text: text.clone(), ..review }),
            _ => {
                store::edits::put(db, &review.id, &text).await?;
                Ok(review)
            }
        }
    })
    .await?;
    let review = Review { text: text.clone(), ..review };
    Ok(Json(Shown::to_author(review, text.draft)))
}

pub(crate) async fn withdraw(
    State(config): State<&'static Config>,
    _: Anonymous,
    Path([hospital_id, id]): Path<[String; 2]>,
    Body(withdrawal): Body<Withdrawal>,
) -> api::Result<StatusCode> {
    withdrawal.check()?;
    let Withdrawal { revision, signature } = withdrawal;
    let db = store::open(config).await?;
    let review = find(&db, &hospital_id, &id).await?;
    check(&db, &review, revision, Action::Withdraw, &signature).await?;
    state(&db, &review, revision, async |db, review| {
        if review.status == Status::Removed {
            return Err(removed());
        }
        forget(db, &review.id).await?;
        Ok(review.withdrawn())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn appeal(
    State(config): State<&'static Config>,
    _: Anonymous,
    Path([hospital_id, id]): Path<[String; 2]>,
    Body(appeal): Body<Appeal>,
) -> api::Result<StatusCode> {
    let statement = appeal.check()?;
    let Appeal { revision, signature, .. } = appeal;
    let db = store::open(config).await?;
    let review = find(&db, &hospital_id, &id).await?;
    let action = Action::Appeal { statement: &statement };
    check(&db, &review, revision, action, &signature).await?;
    state(&db, &review, revision, async |db, review| {
        if review.status != Status::Hidden {
            let detail = "Only a review that is hidden can be appealed for.";
            return Err(Problem::conflict("not_hidden", detail));
        }
        store::takedowns::appeal(db, &review.id, &statement).await?;
        Ok(review)
    })
    .await?;
    Ok(StatusCode::ACCEPTED)
}

pub(crate) async fn show(
    State(config): State<&'static Config>,
    _: Anonymous,
    Path([public_key]): Path<[String; 1]>,
    headers: HeaderMap,
) -> api::Result<Json<Own>> {
    if !is_bytes(&public_key, statement::PUBLIC_KEY_BYTES) {
        return Err(Problem::not_found());
    }
    let db = store::open(config).await?;
    let review =
        store::reviews::find_by_key(&db, &public_key).await?.ok_or_else(Problem::not_found)?;
    // The export makes the key public. What waits or is hidden is still its owner's alone.
    let Review { hospital_id, year, .. } = &review;
    let question = Statement { hospital_id, year: *year, revision: 0, action: Action::Read };
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    check_signature(&question, &public_key, signature.unwrap_or_default())?;
    let edit = store::edits::of(&db, &[&review.id]).await?.remove(&review.id);
    let banned = store::banned_keys::holds(&db, &public_key).await?;
    Ok(Json(Own::new(review, edit, banned)))
}

/// What the public key of a statement has signed: nobody learns more than that by another one.
async fn check(
    db: &Database,
    review: &Review,
    revision: i64,
    action: Action<'_>,
    signature: &str,
) -> api::Result<()> {
    let Review { hospital_id, year, public_key, .. } = review;
    let statement = Statement { hospital_id, year: *year, revision, action };
    check_signature(&statement, public_key, signature)?;
    check_ban(db, public_key).await
}

/// Writes what `change` makes of the review, as the statement of `revision`.
async fn state(
    db: &Database,
    review: &Review,
    revision: i64,
    change: impl AsyncFn(&Database, Review) -> api::Result<Review>,
) -> api::Result<Review> {
    let today = calendar::day(now_millis());
    db.transaction(async |db: &Database| -> api::Result<Review> {
        let found = store::reviews::find_for_update(db, &review.id).await?;
        let old = found.filter(is_there).ok_or_else(Problem::not_found)?;
        if revision <= old.statement {
            let detail = format!("Sign a revision above {}.", old.statement);
            return Err(Problem::conflict("revision_too_low", detail));
        }
        let new = change(db, old.clone()).await?.stated(revision, &today);
        store::reviews::replace(db, &old, &new).await?;
        Ok(new)
    })
    .await
}

/// What is kept beside a review goes with it.
pub(crate) async fn forget(db: &Database, review_id: &str) -> api::Result<()> {
    store::edits::delete(db, &[review_id]).await?;
    store::replies::delete(db, review_id).await?;
    store::reports::close_all(db, review_id).await?;
    store::takedowns::close_all(db, review_id).await?;
    Ok(store::removals::delete_of(db, review_id).await?)
}

async fn find(db: &Database, hospital_id: &str, id: &str) -> api::Result<Review> {
    reviews::check_ids(hospital_id, id)?;
    let found = store::reviews::find(db, hospital_id, id).await?;
    found.filter(is_there).ok_or_else(Problem::not_found)
}

fn is_there(review: &Review) -> bool {
    review.status != Status::Withdrawn
}

fn check_address(new: &NewReview, hospital_id: &str) -> api::Result<()> {
    if new.hospital_id == hospital_id {
        return Ok(());
    }
    Err(Problem::forbidden(
        "pass_for_another_hospital",
        "hospital_id is not that of the address. A pass holds for one hospital.",
    ))
}

fn check_year(year: i64) -> api::Result<()> {
    if year == calendar::year(now_millis()) {
        return Ok(());
    }
    let detail = "must be this year; a pass holds for the year that it was issued in";
    Err(Problem::invalid_field("year", "not_this_year", detail))
}

fn check_signature(
    statement: &Statement<'_>,
    public_key: &str,
    signature: &str,
) -> api::Result<()> {
    if is_signed(statement, public_key, signature) {
        return Ok(());
    }
    Err(Problem::forbidden("signature_invalid", "The review key has not signed exactly this."))
}

async fn check_ban(db: &Database, public_key: &str) -> api::Result<()> {
    if store::banned_keys::holds(db, public_key).await? {
        return Err(Problem::forbidden("key_banned", "This review key is banned for its year."));
    }
    Ok(())
}

async fn check_pass(config: &Config, new: &NewReview) -> api::Result<()> {
    let NewReview { hospital_id, year, public_key, pass, .. } = new;
    let redemption = Redemption { hospital_id, year: *year, public_key, pass };
    if auth::is_valid(config, &redemption).await? {
        return Ok(());
    }
    let detail = "The pass was not made for this review key, hospital and year.";
    Err(Problem::forbidden("pass_invalid", detail))
}

fn already_used(error: database::Error) -> Problem {
    match error {
        database::Error::Unique(_) => Problem::conflict(
            "pass_already_used",
            "This review key has written its review. Edit that one instead.",
        ),
        error => error.into(),
    }
}

fn removed() -> Problem {
    Problem::conflict("review_removed", "This review was removed by two moderators.")
}

impl Own {
    fn new(review: Review, edit: Option<Signed>, banned: bool) -> Self {
        let edit_waits = edit.is_some();
        let text = edit.unwrap_or(review.text);
        let gone = matches!(review.status, Status::Removed | Status::Withdrawn);
        let Draft { title, body, stars } = text.draft;
        Self {
            review_id: review.id,
            hospital_id: review.hospital_id,
            year: review.year,
            revision: review.statement,
            status: review.status,
            title: (!gone).then_some(title),
            body: (!gone).then_some(body),
            stars: (!gone).then_some(stars),
            month: Some(review.month).filter(|month| !month.is_empty()),
            edit_waits,
            hidden_until: review.hidden_until,
            banned,
        }
    }
}
