//! Accounts and sessions.

use axum::http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::json;

use super::{Call, Result, Service};
use crate::visitor::{Facts, REFRESH_COOKIE};

#[derive(Deserialize)]
pub(crate) struct Account {
    pub login: String,
    pub created_at: String,
    pub hospital_id: Option<String>,
}

/// A new access token, and the cookies that hand it to the browser.
pub(crate) struct Renewed {
    pub access_token: String,
    pub cookies: Vec<HeaderValue>,
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

pub(crate) async fn choose_hospital(visitor: &Facts, hospital_id: Option<&str>) -> Result<()> {
    let call = Call::new(Service::Auth, Method::PATCH, "/api/auth/accounts/me");
    call.json(&json!({"hospital_id": hospital_id})).send(visitor).await.map(drop)
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

/// Tells auth which session it is that the access token came from.
fn with_refresh_cookie(call: Call, visitor: &Facts) -> Call {
    let cookie = visitor.refresh.as_ref().map(|refresh| format!("{REFRESH_COOKIE}={refresh}"));
    call.header("cookie", cookie.as_deref())
}
