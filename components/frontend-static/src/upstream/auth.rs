//! Accounts, sessions, proofs of employment.

use axum::http::{HeaderValue, Method};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{Call, Result, Service, query, segment};
use crate::visitor::{Facts, REFRESH_COOKIE};

#[derive(Deserialize)]
pub(crate) struct Account {
    pub login: String,
    pub created_at: String,
}

/// A new access token, and the cookies that hand it to the browser.
pub(crate) struct Renewed {
    pub access_token: String,
    pub cookies: Vec<HeaderValue>,
}

/// What an account has proven of where it works. Days are `YYYY-MM-DD` in Seoul.
#[derive(Deserialize)]
pub(crate) struct Proofs {
    pub proof: Option<Proof>,
    pub pending: Vec<Pending>,
}

#[derive(Deserialize)]
pub(crate) struct Proof {
    pub hospital_id: String,
    /// `mail`, `document` or `vouch`.
    pub method: String,
    pub since: String,
    pub until: String,
    /// Its time is not over.
    pub valid: bool,
    /// From when another hospital may be proven.
    pub changeable_on: Option<String>,
    /// From when colleagues may be vouched for.
    pub may_vouch_on: Option<String>,
}

/// A proof that is not there yet.
#[derive(Deserialize)]
pub(crate) struct Pending {
    pub method: String,
    pub hospital_id: String,
    pub expires_on: Option<String>,
    /// Of the two moderators or colleagues that it takes.
    pub approvals: Option<u64>,
    /// What colleagues need to vouch.
    pub code: Option<String>,
}

#[derive(Deserialize)]
struct Domains {
    items: Vec<MailDomain>,
}

#[derive(Deserialize)]
struct MailDomain {
    domain: String,
}

/// Among how many people a review is written.
#[derive(Deserialize)]
pub(crate) struct Crowd {
    /// Passes of this hospital and year.
    pub issued: u64,
    /// How many it takes before a review is published.
    pub required: u64,
}

#[derive(Deserialize)]
struct AccessToken {
    access_token: String,
}

pub(crate) async fn sign_up(
    visitor: &Facts,
    login: &str,
    password: &str,
    key: Option<&str>,
) -> Result<()> {
    let body = json!({"login": login, "password": password});
    let call = Call::new(Service::Auth, Method::POST, "/api/auth/accounts");
    call.json(&body).header("idempotency-key", key).send(visitor).await.map(drop)
}

/// The cookies of the new session.
pub(crate) async fn sign_in(
    visitor: &Facts,
    login: &str,
    password: &str,
) -> Result<Vec<HeaderValue>> {
    let body = json!({"login": login, "password": password});
    let call = Call::new(Service::Auth, Method::POST, "/api/auth/sessions");
    Ok(call.json(&body).send(visitor).await?.cookies())
}

pub(crate) async fn refresh(visitor: &Facts) -> Result<Renewed> {
    let call = Call::new(Service::Auth, Method::POST, "/api/auth/sessions/refresh");
    let answer = with_refresh_cookie(call, visitor).send(visitor).await?;
    let token: AccessToken = answer.json()?;
    Ok(Renewed { access_token: token.access_token, cookies: answer.cookies() })
}

pub(crate) async fn sign_out(visitor: &Facts) -> Result<Vec<HeaderValue>> {
    let call = Call::new(Service::Auth, Method::DELETE, "/api/auth/sessions/current");
    Ok(with_refresh_cookie(call, visitor).send(visitor).await?.cookies())
}

pub(crate) async fn sign_out_everywhere(visitor: &Facts) -> Result<Vec<HeaderValue>> {
    let call = Call::new(Service::Auth, Method::DELETE, "/api/auth/sessions");
    Ok(with_refresh_cookie(call, visitor).send(visitor).await?.cookies())
}

pub(crate) async fn account(visitor: &Facts) -> Result<Account> {
    Call::get(Service::Auth, "/api/auth/accounts/me").send(visitor).await?.json()
}

/// The cookies of the session that goes on; all others end.
pub(crate) async fn change_password(
    visitor: &Facts,
    current: &str,
    new: &str,
) -> Result<Vec<HeaderValue>> {
    let body = json!({"current_password": current, "new_password": new});
    let call = Call::new(Service::Auth, Method::POST, "/api/auth/accounts/me/password").json(&body);
    Ok(with_refresh_cookie(call, visitor).send(visitor).await?.cookies())
}

pub(crate) async fn delete_account(visitor: &Facts, password: &str) -> Result<Vec<HeaderValue>> {
    let call = Call::new(Service::Auth, Method::DELETE, "/api/auth/accounts/me");
    Ok(call.json(&json!({"password": password})).send(visitor).await?.cookies())
}

pub(crate) async fn proofs(visitor: &Facts) -> Result<Proofs> {
    Call::get(Service::Auth, "/api/auth/proofs").send(visitor).await?.json()
}

/// The domains whose mail addresses prove that one works at the hospital.
pub(crate) async fn mail_domains(visitor: &Facts, hospital_id: &str) -> Result<Vec<String>> {
    let query = query(&[("hospital_id", hospital_id)]);
    let call = Call::get(Service::Auth, format!("/api/auth/proofs/mail-domains{query}"));
    let domains: Domains = call.send(visitor).await?.json()?;
    Ok(domains.items.into_iter().map(|item| item.domain).collect())
}

/// Sends a code to the address.
pub(crate) async fn prove_by_mail(visitor: &Facts, hospital_id: &str, address: &str) -> Result<()> {
    let body = json!({"hospital_id": hospital_id, "address": address});
    post("/api/auth/proofs/mail", visitor, &body).await
}

pub(crate) async fn confirm_mail(visitor: &Facts, code: &str) -> Result<()> {
    post("/api/auth/proofs/mail/confirmation", visitor, &json!({"code": code})).await
}

pub(crate) async fn prove_by_document(
    visitor: &Facts,
    hospital_id: &str,
    media_type: &str,
    document: Bytes,
) -> Result<()> {
    let path = format!("/api/auth/proofs/document{}", query(&[("hospital_id", hospital_id)]));
    let call = Call::new(Service::Auth, Method::POST, path).body(media_type, document);
    call.send(visitor).await.map(drop)
}

/// Makes the code that two colleagues need.
pub(crate) async fn ask_for_vouching(visitor: &Facts, hospital_id: &str) -> Result<()> {
    post("/api/auth/proofs/vouching", visitor, &json!({"hospital_id": hospital_id})).await
}

pub(crate) async fn vouch(visitor: &Facts, code: &str) -> Result<()> {
    post("/api/auth/vouches", visitor, &json!({"code": code})).await
}

/// `method` of a proof that is not decided yet.
pub(crate) async fn take_back_proof(visitor: &Facts, method: &str) -> Result<()> {
    let path = format!("/api/auth/proofs/pending/{}", segment(method));
    Call::new(Service::Auth, Method::DELETE, path).send(visitor).await.map(drop)
}

pub(crate) async fn crowd(visitor: &Facts, hospital_id: &str, year: u16) -> Result<Crowd> {
    let query = query(&[("hospital_id", hospital_id), ("year", &year.to_string())]);
    Call::get(Service::Auth, format!("/api/auth/passes/crowd{query}")).send(visitor).await?.json()
}

async fn post(path: &str, visitor: &Facts, body: &serde_json::Value) -> Result<()> {
    Call::new(Service::Auth, Method::POST, path).json(body).send(visitor).await.map(drop)
}

/// Tells auth which session it is that the access token came from.
fn with_refresh_cookie(call: Call, visitor: &Facts) -> Call {
    let cookie = visitor.refresh.as_ref().map(|refresh| format!("{REFRESH_COOKIE}={refresh}"));
    call.header("cookie", cookie.as_deref())
}
