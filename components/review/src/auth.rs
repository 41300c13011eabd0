//! What is asked of auth: whether a pass is right, how many there are, and the log of their keys,
//! none of which says who; and whether a moderator is one still.

use std::collections::HashSet;

use api::Problem;
use axum::body::Bytes;
use axum::http::{Request, StatusCode, header, request};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use session::{Insider, MODERATOR};
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{EmptyBody, FullBody, send};
use spin_sdk::wasip3::http::types::RequestOptions;
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;

use crate::config::Config;
use crate::routes::segment;

/// The longest answer is a page of the key log, a hundred entries of about 400 bytes.
const MAX_ANSWER_BYTES: usize = 128 * 1024;

/// Auth reads a row or evaluates one point for it. Whoever waits longer is better told to try again.
const ANSWER_LIMIT_NANOS: u64 = 5_000_000_000;

/// Entries of the key log asked for at once, the most that a list gives.
const KEYS_PER_PAGE: usize = 100;

#[derive(Serialize)]
pub(crate) struct Redemption<'a> {
    pub(crate) hospital_id: &'a str,
    pub(crate) year: i64,
    pub(crate) public_key: &'a str,
    pub(crate) pass: &'a str,
}

#[derive(Deserialize)]
struct Validity {
    valid: bool,
}

/// Of an account only this is asked.
#[derive(Deserialize)]
struct Account {
    roles: Vec<String>,
}

#[derive(Deserialize)]
struct Crowd {
    issued: i64,
    required: i64,
}

/// An entry of the key log.
#[derive(Deserialize, Serialize)]
pub(crate) struct PassKey {
    pub(crate) index: i64,
    pub(crate) hospital_id: String,
    pub(crate) year: i64,
    pub(crate) public_key: String,
    pub(crate) previous: String,
    pub(crate) hash: String,
}

#[derive(Deserialize)]
pub(crate) struct PassKeys {
    pub(crate) items: Vec<PassKey>,
    pub(crate) next_cursor: Option<String>,
}

/// Whether the pass was made for this key, hospital and year.
pub(crate) async fn is_valid(config: &Config, redemption: &Redemption<'_>) -> api::Result<bool> {
    let url = format!("{}/internal/auth/passes/redemptions", config.auth_url);
    let body = serde_json::to_vec(redemption).map_err(Problem::internal)?;
    let request = Request::post(&url)
        .header(header::CONTENT_TYPE, "application/json")
        .extension(RequestOptionsExtension(limits()?))
        .body(FullBody::new(Bytes::from(body)))
        .map_err(Problem::internal)?;
    let response = send(request).await.map_err(|error| unavailable(&url, error))?;
    let (status, body) = (response.status(), response.into_body().bytes().await);
    answer::<Validity>(&url, status, body.map_err(|error| unavailable(&url, error))?)
        .map(|validity| validity.valid)
}

/// Those of the pairs of hospital and year that have enough passes for their reviews to be shown.
pub(crate) async fn crowds(
    config: &Config,
    pairs: HashSet<(String, i64)>,
) -> api::Result<HashSet<(String, i64)>> {
    let mut enough = HashSet::new();
    for (hospital_id, year) in pairs {
        let path =
            format!("/api/auth/passes/crowd?hospital_id={}&year={year}", segment(&hospital_id));
        let crowd: Crowd = get(config, &path).await?;
        if crowd.issued >= crowd.required {
            enough.insert((hospital_id, year));
        }
    }
    Ok(enough)
}

/// A page of the key log, in order of its entries.
pub(crate) async fn pass_keys(config: &Config, cursor: Option<&str>) -> api::Result<PassKeys> {
    let cursor = cursor.map(|cursor| format!("&cursor={}", segment(cursor))).unwrap_or_default();
    get(config, &format!("/api/auth/passes/keys?limit={KEYS_PER_PAGE}{cursor}")).await
}

/// Whether this insider's account is there and a moderator's.
pub(crate) async fn is_moderator(config: &Config, insider: &Insider) -> api::Result<bool> {
    let url = format!("{}/api/auth/accounts/me", config.auth_url);
    let token = format!("Bearer {}", insider.token);
    let request = Request::get(&url).header(header::AUTHORIZATION, token);
    let (status, body) = ask(&url, request).await?;
    if status == StatusCode::UNAUTHORIZED {
        return Ok(false);
    }
    let account: Account = answer(&url, status, body)?;
    Ok(account.roles.iter().any(|role| role == MODERATOR))
}

async fn get<T: DeserializeOwned>(config: &Config, path: &str) -> api::Result<T> {
    let url = format!("{}{path}", config.auth_url);
    let (status, body) = ask(&url, Request::get(&url)).await?;
    answer(&url, status, body)
}

async fn ask(url: &str, request: request::Builder) -> api::Result<(StatusCode, Bytes)> {
    let request = request
        .extension(RequestOptionsExtension(limits()?))
        .body(EmptyBody::new())
        .map_err(Problem::internal)?;
    let response = send(request).await.map_err(|error| unavailable(url, error))?;
    let (status, body) = (response.status(), response.into_body().bytes().await);
    Ok((status, body.map_err(|error| unavailable(url, error))?))
}

fn answer<T: DeserializeOwned>(
    url: &str,
    status: StatusCode,
    body: impl AsRef<[u8]>,
) -> api::Result<T> {
    let body = body.as_ref();
    if status != StatusCode::OK {
        return Err(unavailable(url, status));
    }
    if body.len() > MAX_ANSWER_BYTES {
        return Err(unavailable(url, format!("{} bytes", body.len())));
    }
    serde_json::from_slice(body).map_err(|error| unavailable(url, error))
}

/// The log is told the path alone: what is asked after `?` names a hospital.
fn unavailable(url: &str, cause: impl std::fmt::Display) -> Problem {
    let path = url.split('?').next().unwrap_or_default();
    Problem::unavailable(format!("{path}: {cause}"))
}

fn limits() -> api::Result<RequestOptions> {
    let options = RequestOptions::new();
    let limit = Some(ANSWER_LIMIT_NANOS);
    options
        .set_first_byte_timeout(limit)
        .and_then(|()| options.set_between_bytes_timeout(limit))
        .map_err(|error| Problem::internal(format!("{error:?}")))?;
    Ok(options)
}
