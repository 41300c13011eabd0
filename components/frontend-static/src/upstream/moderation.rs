//! Reports, takedown requests and replies, and the moderators' queues of auth and review.

use axum::http::{Method, header};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::review::review_path;
use super::{Bearer, Call, List, Result, Service, query, segment};
use crate::visitor::Facts;

/// Why a review is reported, asked to be taken down or removed, in the order of the forms.
pub(crate) const REASONS: [&str; 5] =
    ["false_fact", "personal_data", "insult", "advertising", "other"];

/// A proof of employment that moderators have to see.
#[derive(Deserialize)]
pub(crate) struct Document {
    pub id: String,
    pub hospital_id: String,
    pub media_type: String,
    /// `YYYY-MM-DD`, as every day here.
    pub day: String,
    pub approvals: u64,
    /// This moderator has approved it.
    pub mine: bool,
}

pub(crate) struct File {
    pub media_type: String,
    pub bytes: Bytes,
}

#[derive(Deserialize)]
pub(crate) struct MailDomain {
    pub hospital_id: String,
    pub domain: String,
}

/// What a moderator sees of a review, hidden or not. `None` where its author withdrew it.
#[derive(Deserialize)]
pub(crate) struct Subject {
    pub title: String,
    pub body: String,
    /// `YYYY-MM`.
    pub month: String,
}

#[derive(Deserialize)]
pub(crate) struct Report {
    pub id: String,
    pub hospital_id: String,
    pub hospital_name: String,
    pub review_id: String,
    pub reason: String,
    pub detail: String,
    pub day: String,
    pub review: Option<Subject>,
}

#[derive(Deserialize)]
pub(crate) struct Takedown {
    pub id: String,
    pub hospital_id: String,
    pub hospital_name: String,
    pub review_id: String,
    pub claimant: String,
    pub contact: String,
    pub reason: String,
    pub detail: String,
    pub day: String,
    pub hidden_until: Option<String>,
    /// What the review's author says against it.
    pub appeal: Option<String>,
    pub review: Option<Subject>,
}

#[derive(Deserialize)]
pub(crate) struct Removal {
    pub id: String,
    pub hospital_id: String,
    pub hospital_name: String,
    pub review_id: String,
    pub reason: String,
    pub ban_key: bool,
    pub day: String,
    /// Proposed by this moderator.
    pub mine: bool,
    pub review: Option<Subject>,
}

#[derive(Deserialize)]
pub(crate) struct ReplyToken {
    pub id: String,
    pub hospital_id: String,
    pub hospital_name: String,
    pub day: String,
}

/// An entry of the public log.
#[derive(Deserialize)]
pub(crate) struct Entry {
    pub index: u64,
    pub day: String,
    pub act: String,
    pub hospital_id: String,
    pub hospital_name: String,
    pub review_id: String,
    pub reason: String,
    pub previous: String,
    pub hash: String,
}

pub(crate) async fn report(
    visitor: &Facts,
    hospital: &str,
    review: &str,
    reason: &str,
    detail: &str,
) -> Result<()> {
    let path = format!("{}/reports", review_path(hospital, review));
    let body = json!({"reason": reason, "detail": detail});
    Call::new(Service::Review, Method::POST, path).json(&body).send(visitor).await.map(drop)
}

/// What a takedown request says.
pub(crate) struct Claim<'a> {
    pub claimant: &'a str,
    pub contact: &'a str,
    pub reason: &'a str,
    pub detail: &'a str,
}

/// For nobody in particular: who asks is what the form says, not which account is signed in.
pub(crate) async fn request_takedown(
    visitor: &Facts,
    hospital: &str,
    review: &str,
    claim: &Claim<'_>,
    key: Option<&str>,
) -> Result<()> {
    let path = format!("{}/takedowns", review_path(hospital, review));
    let Claim { claimant, contact, reason, detail } = claim;
    let body =
        json!({"claimant": claimant, "contact": contact, "reason": reason, "detail": detail});
    let call = Call::new(Service::Review, Method::POST, path).bearing(Bearer::Nobody).json(&body);
    call.header("idempotency-key", key).send(visitor).await.map(drop)
}

/// `token` is what a moderator gave the hospital.
pub(crate) async fn reply(
    visitor: &Facts,
    hospital: &str,
    review: &str,
    token: &str,
    body: &str,
) -> Result<()> {
    let path = format!("{}/reply", review_path(hospital, review));
    let call = Call::new(Service::Review, Method::PUT, path).json(&json!({"body": body}));
    call.bearing(Bearer::Token(token.to_owned())).send(visitor).await.map(drop)
}

pub(crate) async fn withdraw_reply(
    visitor: &Facts,
    hospital: &str,
    review: &str,
    token: &str,
) -> Result<()> {
    let path = format!("{}/reply", review_path(hospital, review));
    let call = Call::new(Service::Review, Method::DELETE, path);
    call.bearing(Bearer::Token(token.to_owned())).send(visitor).await.map(drop)
}

pub(crate) async fn log(visitor: &Facts, cursor: &str) -> Result<List<Entry>> {
    list(Service::Review, "/api/review/moderation/log", &[("cursor", cursor)], visitor).await
}

pub(crate) async fn documents(visitor: &Facts, cursor: &str) -> Result<List<Document>> {
    list(Service::Auth, "/api/auth/moderation/documents", &[("cursor", cursor)], visitor).await
}

/// The document itself.
pub(crate) async fn document(visitor: &Facts, id: &str) -> Result<File> {
    let path = format!("/api/auth/moderation/documents/{}", segment(id));
    let answer = Call::get(Service::Auth, path).send(visitor).await?;
    let media_type = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok(File { media_type: media_type.unwrap_or_default().to_owned(), bytes: answer.body })
}

pub(crate) async fn decide_document(visitor: &Facts, id: &str, approve: bool) -> Result<()> {
    let path = format!("/api/auth/moderation/documents/{}/decisions", segment(id));
    post(Service::Auth, path, json!({"approve": approve}), visitor).await
}

pub(crate) async fn mail_domains(
    visitor: &Facts,
    approved: bool,
    cursor: &str,
) -> Result<List<MailDomain>> {
    let approved = if approved { "true" } else { "false" };
    let pairs = [("approved", approved), ("cursor", cursor)];
    list(Service::Auth, "/api/auth/moderation/mail-domains", &pairs, visitor).await
}

/// Approves it, or takes that back.
pub(crate) async fn decide_mail_domain(
    visitor: &Facts,
    hospital: &str,
    domain: &str,
    approve: bool,
) -> Result<()> {
    let path =
        format!("/api/auth/moderation/mail-domains/{}/{}", segment(hospital), segment(domain));
    let method = if approve { Method::PUT } else { Method::DELETE };
    Call::new(Service::Auth, method, path).send(visitor).await.map(drop)
}

pub(crate) async fn reports(visitor: &Facts, cursor: &str) -> Result<List<Report>> {
    list(Service::Review, "/api/review/moderation/reports", &[("cursor", cursor)], visitor).await
}

pub(crate) async fn dismiss_report(visitor: &Facts, id: &str) -> Result<()> {
    let path = format!("/api/review/moderation/reports/{}/dismissal", segment(id));
    Call::new(Service::Review, Method::POST, path).send(visitor).await.map(drop)
}

pub(crate) async fn takedowns(visitor: &Facts, cursor: &str) -> Result<List<Takedown>> {
    list(Service::Review, "/api/review/moderation/takedowns", &[("cursor", cursor)], visitor).await
}

/// `decision` is `hide`, `refuse` or `restore`.
pub(crate) async fn decide_takedown(visitor: &Facts, id: &str, decision: &str) -> Result<()> {
    let path = format!("/api/review/moderation/takedowns/{}/decisions", segment(id));
    post(Service::Review, path, json!({"decision": decision}), visitor).await
}

pub(crate) async fn removals(visitor: &Facts, cursor: &str) -> Result<List<Removal>> {
    list(Service::Review, "/api/review/moderation/removals", &[("cursor", cursor)], visitor).await
}

pub(crate) async fn propose_removal(
    visitor: &Facts,
    hospital: &str,
    review: &str,
    reason: &str,
    ban_key: bool,
) -> Result<()> {
    let body =
        json!({"hospital_id": hospital, "review_id": review, "reason": reason, "ban_key": ban_key});
    post(Service::Review, "/api/review/moderation/removals", body, visitor).await
}

/// By another moderator than the one who proposed it.
pub(crate) async fn confirm_removal(visitor: &Facts, id: &str) -> Result<()> {
    let path = format!("/api/review/moderation/removals/{}/confirmation", segment(id));
    Call::new(Service::Review, Method::POST, path).send(visitor).await.map(drop)
}

pub(crate) async fn drop_removal(visitor: &Facts, id: &str) -> Result<()> {
    let path = format!("/api/review/moderation/removals/{}", segment(id));
    Call::new(Service::Review, Method::DELETE, path).send(visitor).await.map(drop)
}

pub(crate) async fn reply_tokens(visitor: &Facts, cursor: &str) -> Result<List<ReplyToken>> {
    let path = "/api/review/moderation/reply-tokens";
    list(Service::Review, path, &[("cursor", cursor)], visitor).await
}

/// The token, which is answered this once.
pub(crate) async fn issue_reply_token(visitor: &Facts, hospital: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Issued {
        token: String,
    }
    let call = Call::new(Service::Review, Method::POST, "/api/review/moderation/reply-tokens");
    let answer = call.json(&json!({"hospital_id": hospital})).send(visitor).await?;
    answer.json().map(|issued: Issued| issued.token)
}

pub(crate) async fn revoke_reply_token(visitor: &Facts, id: &str) -> Result<()> {
    let path = format!("/api/review/moderation/reply-tokens/{}", segment(id));
    Call::new(Service::Review, Method::DELETE, path).send(visitor).await.map(drop)
}

async fn list<T: serde::de::DeserializeOwned>(
    service: Service,
    path: &str,
    pairs: &[(&str, &str)],
    visitor: &Facts,
) -> Result<List<T>> {
    Call::get(service, format!("{path}{}", query(pairs))).send(visitor).await?.json()
}

async fn post(
    service: Service,
    path: impl Into<String>,
    body: serde_json::Value,
    visitor: &Facts,
) -> Result<()> {
    Call::new(service, Method::POST, path).json(&body).send(visitor).await.map(drop)
}
