//! The hospital's verified right of reply: by a token that a moderator gave it.

use api::{Body, Path, Problem, now_millis};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use database::Database;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::complaints::published;
use super::reviews::check_ids;
use crate::config::Config;
use crate::domain::moderation::{self, Act};
use crate::store;
use crate::store::moderation_log::{self, About};
use crate::store::replies::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReply {
    body: String,
}

#[derive(Serialize)]
pub(crate) struct Shown {
    body: String,
    month: String,
}

/// The hash of the bearer's token.
pub(crate) struct Token(String);

impl<S: Sync> FromRequestParts<S> for Token {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = header.and_then(|value| value.split_once(' ')).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(unauthorized());
        }
        Ok(Self(hash(token.trim())))
    }
}

/// A token is random and long, so that a plain hash suffices.
pub(super) fn hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) async fn put(
    State(config): State<&'static Config>,
    token: Token,
    Path([hospital_id, review_id]): Path<[String; 2]>,
    Body(new): Body<NewReply>,
) -> api::Result<Json<Shown>> {
    let mut fields = api::Fields::default();
    let body = fields.text("body", moderation::reply(&new.body));
    fields.check()?;
    let today = calendar::day(now_millis());
    let reply = Reply { body, month: calendar::month(&today) };
    let db = store::open(config).await?;
    db.transaction(async |db: &Database| -> api::Result<()> {
        check(db, &token, &hospital_id, &review_id).await?;
        published(db, &hospital_id, &review_id).await?;
        store::replies::put(db, &review_id, &reply).await?;
        let about = About { hospital_id: &hospital_id, review_id: Some(&review_id), reason: None };
        Ok(moderation_log::append(db, &today, Act::ReplyPublished, about).await?)
    })
    .await?;
    Ok(Json(Shown { body: reply.body, month: reply.month }))
}

pub(crate) async fn delete(
    State(config): State<&'static Config>,
    token: Token,
    Path([hospital_id, review_id]): Path<[String; 2]>,
) -> api::Result<StatusCode> {
    let today = calendar::day(now_millis());
    let db = store::open(config).await?;
    db.transaction(async |db: &Database| -> api::Result<StatusCode> {
        check(db, &token, &hospital_id, &review_id).await?;
        // Also of a hidden one: the hospital may take its words back at any time.
        let found = store::reviews::find_for_update(db, &review_id).await?;
        found.filter(|review| review.hospital_id == hospital_id).ok_or_else(Problem::not_found)?;
        if !store::replies::delete(db, &review_id).await? {
            return Err(Problem::not_found());
        }
        let about = About { hospital_id: &hospital_id, review_id: Some(&review_id), reason: None };
        moderation_log::append(db, &today, Act::ReplyWithdrawn, about).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// 401 for a token that holds nowhere, 403 for that of another hospital.
async fn check(
    db: &Database,
    Token(hash): &Token,
    hospital_id: &str,
    review_id: &str,
) -> api::Result<()> {
    check_ids(hospital_id, review_id)?;
    let token = store::replies::token_of(db, hash).await?.ok_or_else(unauthorized)?;
    if token.hospital_id == hospital_id {
        return Ok(());
    }
    let detail = "This reply token is another hospital's.";
    Err(Problem::forbidden("reply_token_of_another_hospital", detail))
}

fn unauthorized() -> Problem {
    Problem::unauthorized().with_detail("Send the hospital's reply token.")
}
