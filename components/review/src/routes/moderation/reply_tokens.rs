use api::{Body, List, Path, Problem, Query, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use database::Database;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ListQuery, Moderator, Subjects, check_id};
use crate::config::Config;
use crate::domain::moderation::Act;
use crate::routes::{replies, reviews};
use crate::store;
use crate::store::moderation_log::{self, About};
use crate::store::replies::Token;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    hospital_id: String,
}

#[derive(Serialize)]
struct Issued {
    id: String,
    /// Shown this once.
    token: String,
}

#[derive(Serialize)]
pub(crate) struct Item {
    id: String,
    hospital_id: String,
    hospital_name: String,
    day: String,
}

pub(crate) async fn list(
    State(config): State<&'static Config>,
    _: Moderator,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Item>>> {
    let page = query.page()?;
    let after = page.after("moderation:reply-tokens")?;
    let db = store::open(config).await?;
    let tokens = store::replies::tokens(&db, after, &page).await?;
    let list = page.list("moderation:reply-tokens", tokens, |it| (it.day.clone(), it.id.clone()));
    let ids = list.items.iter().map(|it| (it.hospital_id.as_str(), ""));
    let subjects = Subjects::of(&db, ids).await?;
    Ok(Json(list.map(|Token { id, hospital_id, day }| Item {
        hospital_name: subjects.hospital(&hospital_id),
        id,
        hospital_id,
        day,
    })))
}

pub(crate) async fn issue(
    State(config): State<&'static Config>,
    _: Moderator,
    Body(NewToken { hospital_id }): Body<NewToken>,
) -> api::Result<impl IntoResponse> {
    let db = store::open(config).await?;
    reviews::hospital(&db, &hospital_id).await?;
    let day = calendar::day(now_millis());
    // Two random UUIDs are 244 random bits.
    let bytes = [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat();
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let token = Token { id: Uuid::new_v4().to_string(), hospital_id, day };
    db.transaction(async |db: &Database| -> api::Result<()> {
        store::replies::insert_token(db, &token, &replies::hash(&secret)).await?;
        Ok(log(db, &token, Act::ReplyTokenIssued, &token.day).await?)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(Issued { id: token.id, token: secret })))
}

pub(crate) async fn revoke(
    State(config): State<&'static Config>,
    _: Moderator,
    Path([id]): Path<[String; 1]>,
) -> api::Result<StatusCode> {
    check_id(&id)?;
    let today = calendar::day(now_millis());
    let db = store::open(config).await?;
    db.transaction(async |db: &Database| -> api::Result<StatusCode> {
        let found = store::replies::token_for_update(db, &id).await?;
        let token = found.ok_or_else(Problem::not_found)?;
        store::replies::delete_token(db, &id).await?;
        log(db, &token, Act::ReplyTokenRevoked, &today).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

async fn log(db: &Database, token: &Token, act: Act, today: &str) -> Result<(), database::Error> {
    let about = About { hospital_id: &token.hospital_id, review_id: None, reason: None };
    moderation_log::append(db, today, act, about).await
}
