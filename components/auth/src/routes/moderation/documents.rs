//! Documents: two moderators approve one, either refuses it, and then it is gone.

use api::{Body, List, Page, Path, Problem, Query, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use calendar::day;
use database::Database;
use serde::{Deserialize, Serialize};
use session::Moderator;
use uuid::Uuid;

use super::own_moderator;
use crate::config::Auth;
use crate::domain::document::{MediaType, WAITING_MILLIS};
use crate::domain::employment::Method;
use crate::routes::proofs::document::place;
use crate::store::accounts::{self, Account};
use crate::store::documents::{self, Document};
use crate::store::moderators::{self, Act};
use crate::store::proofs;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Shown {
    id: String,
    hospital_id: String,
    media_type: String,
    bytes: i64,
    day: String,
    approvals: usize,
    mine: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    approve: bool,
}

#[derive(Serialize)]
pub(crate) struct Decided {
    status: &'static str,
}

impl Shown {
    fn to(moderator: &Account, document: Document) -> Self {
        Self {
            id: document.id,
            hospital_id: document.hospital_id,
            media_type: document.media_type,
            bytes: document.bytes,
            day: day(document.uploaded_at),
            approvals: usize::from(document.approved_by.is_some()),
            mine: document.approved_by.is_some_and(|id| id == moderator.id),
        }
    }
}

/// Those that wait, the oldest first. What has waited too long is deleted before.
pub(crate) async fn list(
    State(auth): State<Auth>,
    moderator: Moderator,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Shown>>> {
    let page = Page::new(query.limit, query.cursor)?;
    let name = "documents";
    let after = page.after(name)?;
    let database = auth.database().await?;
    let account = own_moderator(&database, &moderator).await?;
    documents::prune(&database, now_millis() - WAITING_MILLIS).await?;
    let waiting = documents::list(&database, after, &page).await?;
    let list = page.list(name, waiting, |it| (it.uploaded_at, it.id.clone()));
    Ok(Json(list.map(|document| Shown::to(&account, document))))
}

/// The document itself.
pub(crate) async fn show(
    State(auth): State<Auth>,
    moderator: Moderator,
    Path([id]): Path<[String; 1]>,
) -> api::Result<Response> {
    let id = parse_id(&id)?;
    let database = auth.database().await?;
    own_moderator(&database, &moderator).await?;
    let document = documents::find(&database, &id).await?.ok_or_else(Problem::not_found)?;
    let sealed = documents::content(&database, &id).await?.ok_or_else(Problem::not_found)?;
    let content = auth.secrets().open(&place(&id), &sealed).map_err(Problem::internal)?;
    let media_type = MediaType::named(&document.media_type)
        .ok_or_else(|| Problem::internal("a document of an unknown type"))?;
    let headers = [
        (header::CONTENT_TYPE, media_type.name()),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    Ok((headers, content).into_response())
}

pub(crate) async fn decide(
    State(auth): State<Auth>,
    moderator: Moderator,
    Path([id]): Path<[String; 1]>,
    Body(decision): Body<Decision>,
) -> api::Result<Json<Decided>> {
    let id = parse_id(&id)?;
    let now = now_millis();
    let database = auth.database().await?;
    let moderator = own_moderator(&database, &moderator).await?;
    let status = database
        .transaction(async |database: &Database| {
            let document = lock(database, &id).await?;
            if document.account_id == moderator.id {
                return Err(Problem::forbidden("own_document", "Others decide on your document."));
            }
            let hospital_id = &document.hospital_id;
            if !decision.approve {
                documents::remove(database, &id).await?;
                let act = Act::DocumentRefused;
                moderators::record(database, &moderator.id, act, hospital_id, &id, now).await?;
                return Ok("refused");
            }
            if document.approved_by.as_ref() == Some(&moderator.id) {
                return Err(Problem::conflict(
                    "second_moderator_needed",
                    "You have approved it. Another moderator has to as well.",
                ));
            }
            let act = Act::DocumentApproved;
            moderators::record(database, &moderator.id, act, hospital_id, &id, now).await?;
            if document.approved_by.is_none() {
                documents::set_approved(database, &id, &moderator.id).await?;
                return Ok("waiting");
            }
            // It goes with everything else of the account that waits.
            let account_id = &document.account_id;
            proofs::grant(database, account_id, hospital_id, Method::Document, now).await?;
            Ok("approved")
        })
        .await?;
    Ok(Json(Decided { status }))
}

/// The account before the document, which is the order of everyone else.
async fn lock(database: &Database, id: &str) -> Result<Document, Problem> {
    let document = documents::find(database, id).await?.ok_or_else(Problem::not_found)?;
    accounts::lock_by_id(database, &document.account_id).await?.ok_or_else(Problem::not_found)?;
    documents::lock(database, id).await?.ok_or_else(Problem::not_found)
}

fn parse_id(id: &str) -> Result<String, Problem> {
    Uuid::parse_str(id).map(|id| id.to_string()).map_err(|_| Problem::not_found())
}
