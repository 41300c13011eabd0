//! An insider's proof of employment, and what waits to become one.

pub(crate) mod document;
pub(crate) mod mail;
pub(crate) mod vouching;

use api::{Path, Problem, now_millis, rfc3339};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use calendar::day;
use database::Database;
use serde::Serialize;
use session::Insider;

use super::own_account;
use crate::config::Auth;
use crate::domain::document::WAITING_MILLIS;
use crate::domain::employment::{self, Lack, Method, Proof};
use crate::domain::hospital::HospitalId;
use crate::mailer;
use crate::store::{documents, mail_codes, proofs, vouch_codes};

#[derive(Serialize)]
pub(crate) struct Standing {
    proof: Option<ShownProof>,
    pending: Vec<Pending>,
}

#[derive(Serialize)]
pub(crate) struct ShownProof {
    hospital_id: String,
    method: &'static str,
    since: String,
    until: String,
    valid: bool,
    changeable_on: String,
    may_vouch_on: String,
}

/// What waits for a code, for moderators or for colleagues.
#[derive(Serialize)]
struct Pending {
    method: &'static str,
    hospital_id: String,
    expires_on: String,
    approvals: Option<usize>,
    code: Option<String>,
}

impl ShownProof {
    fn of(proof: &Proof, now: i64) -> Self {
        Self {
            hospital_id: proof.hospital_id.clone(),
            method: proof.method.name(),
            since: day(proof.since),
            until: day(proof.expires_at),
            valid: proof.is_valid(now),
            changeable_on: day(proof.changeable_at()),
            may_vouch_on: day(proof.may_vouch_at()),
        }
    }
}

/// Whoever waits for a mail asks here, so one that could not be sent before is tried again.
pub(crate) async fn show(
    State(auth): State<Auth>,
    insider: Insider,
) -> api::Result<Json<Standing>> {
    let now = now_millis();
    let mut database = auth.database().await?;
    let account = own_account(&database, &insider).await?;
    if mail_codes::is_due(&database, &account.id, now).await? {
        drop(database);
        mailer::deliver_once(&auth, &account.id).await?;
        database = auth.database().await?;
    }
    let proof = proofs::find(&database, &account.id).await?;
    Ok(Json(Standing {
        proof: proof.map(|proof| ShownProof::of(&proof, now)),
        pending: pending(&database, &account.id, now).await?,
    }))
}

async fn pending(database: &Database, account_id: &str, now: i64) -> api::Result<Vec<Pending>> {
    let mut pending = Vec::new();
    if let Some(mail) = mail_codes::find(database, account_id).await?
        && now < mail.code.expires_at
    {
        pending.push(Pending {
            method: Method::Mail.name(),
            hospital_id: mail.hospital_id,
            expires_on: day(mail.code.expires_at),
            approvals: None,
            code: None,
        });
    }
    if let Some(document) = documents::of(database, account_id).await?
        && now < document.uploaded_at + WAITING_MILLIS
    {
        pending.push(Pending {
            method: Method::Document.name(),
            expires_on: day(document.uploaded_at + WAITING_MILLIS),
            approvals: Some(usize::from(document.approved_by.is_some())),
            hospital_id: document.hospital_id,
            code: None,
        });
    }
    if let Some(code) = vouch_codes::of(database, account_id).await?
        && now < code.expires_at
    {
        pending.push(Pending {
            method: Method::Vouch.name(),
            hospital_id: code.hospital_id,
            expires_on: day(code.expires_at),
            approvals: Some(vouch_codes::vouches(database, account_id).await?),
            code: Some(code.code),
        });
    }
    Ok(pending)
}

/// Takes back what waits. May be repeated.
pub(crate) async fn take_back(
    State(auth): State<Auth>,
    insider: Insider,
    Path([method]): Path<[String; 1]>,
) -> api::Result<StatusCode> {
    let method = Method::named(&method).ok_or_else(Problem::not_found)?;
    let database = auth.database().await?;
    let account = own_account(&database, &insider).await?;
    match method {
        Method::Mail => mail_codes::remove(&database, &account.id).await?,
        Method::Document => documents::remove_of(&database, &account.id).await?,
        Method::Vouch => vouch_codes::remove(&database, &account.id).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// 409 while the account has to stay with another hospital.
async fn check_may_prove(
    database: &Database,
    account_id: &str,
    hospital_id: &HospitalId,
    now: i64,
) -> Result<(), Problem> {
    let proof = proofs::find(database, account_id).await?;
    employment::may_prove(proof.as_ref(), hospital_id.as_str(), now).map_err(|changeable_at| {
        let detail = format!(
            "You proved another hospital lately. Ask again from {} on.",
            rfc3339(changeable_at)
        );
        Problem::conflict("too_early", detail)
    })
}

/// What an account lacks to act for a hospital.
pub(crate) fn lacking(lack: Lack) -> Problem {
    match lack {
        Lack::NoProof => {
            Problem::forbidden("no_proof", "Prove first that you work at this hospital.")
        }
        Lack::Expired => Problem::forbidden(
            "proof_expired",
            "Your proof for this hospital has expired. Prove it again.",
        ),
        Lack::TooYoung => Problem::forbidden(
            "proof_too_young",
            "Colleagues vouch from thirty days after their own proof on.",
        ),
    }
}
