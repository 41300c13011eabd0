//! Writes that a client may safely send again: the answer of the first one is kept with what
//! it wrote, in the same transaction, and given again for the same `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header).

use api::{Problem, now_millis};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use database::{Database, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A key that a client made up is a UUID or something of that kind.
const MAX_KEY_BYTES: usize = 255;

/// How long an answer is kept at least: a client that has not retried within a day will not.
/// Only the day is stored, because a closer time would tell when an anonymous review was written.
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// The `Idempotency-Key` of a request, if it has one.
pub struct Key(Option<String>);

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        match value.to_str() {
            Ok(key) if is_key(key) => Ok(Self(Some(key.to_owned()))),
            _ => Err(Problem::invalid_field(
                "Idempotency-Key",
                "invalid_key",
                format!("must be 1 to {MAX_KEY_BYTES} visible ASCII characters"),
            )),
        }
    }
}

fn is_key(key: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a write answers, in a form that can be kept.
pub struct Reply {
    status: StatusCode,
    location: Option<String>,
    body: String,
}

impl Reply {
    /// 201 with the new thing and where it is.
    pub fn created(location: String, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        Ok(Self { status: StatusCode::CREATED, location: Some(location), body })
    }

    /// 201 with what became of a request that nobody reads at an address of its own.
    pub fn received(body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        Ok(Self { status: StatusCode::CREATED, location: None, body })
    }

    /// An answer that says no more than its status.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, location: None, body: String::new() }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        if self.body.is_empty() {
            return self.status.into_response();
        }
        let mut response = (self.status, self.body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        let location = self.location.and_then(|location| HeaderValue::from_str(&location).ok());
        if let Some(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// Runs `write` in a transaction, once for each key that `subject` sends to `operation`.
/// The same key with another `request` is refused with 422. Of two that come at once with the
/// same key, one writes and the other is given its answer. `write` may run more than once, see
/// [`Database::transaction`].
///
/// The component's migrations make the table, which carries the component's name because
/// components may share a SQLite file: `{component}_idempotency (id TEXT PRIMARY KEY,
/// fingerprint TEXT, status BIGINT, location TEXT NULL, body TEXT, created_at BIGINT)`, with
/// an index on `created_at`.
pub async fn once(
    database: &Database,
    component: &str,
    subject: &str,
    operation: &str,
    key: Key,
    request: &impl Serialize,
    write: impl AsyncFn(&Database) -> Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    let Key(Some(key)) = key else {
        return database.transaction(write).await;
    };
    let id = digest(&[component, subject, operation, &key]);
    let request = serde_json::to_string(request).map_err(Problem::internal)?;
    let fingerprint = digest(&[&request]);
    let result = database
        .transaction(async |database: &Database| {
            if let Some(reply) = kept(database, component, &id, &fingerprint).await? {
                return Ok(reply);
            }
            let reply = write(database).await?;
            keep(database, component, &id, &fingerprint, &reply).await?;
            Ok(reply)
        })
        .await;
    // What refused this one may be what another request with its key wrote at the same time, such
    // as the row that only one may have.
    if result.is_err()
        && let Ok(Some(reply)) = kept(database, component, &id, &fingerprint).await
    {
        return Ok(reply);
    }
    result
}

/// Whether `subject` sends `request` for the first time, for a write whose answer can be made again
/// of what it wrote: only that there was one is kept, in the transaction of the caller. 422 where
/// the key was used for another request.
pub async fn is_first(
    database: &Database,
    component: &str,
    subject: &str,
    operation: &str,
    key: &Key,
    request: &impl Serialize,
) -> Result<bool, Problem> {
    let Key(Some(key)) = key else { return Ok(true) };
    let id = digest(&[component, subject, operation, key]);
    let request = serde_json::to_string(request).map_err(Problem::internal)?;
    // With the key, which only the client knows: nobody recognises a request that they know.
    let fingerprint = digest(&[key, &request]);
    if kept(database, component, &id, &fingerprint).await?.is_some() {
        return Ok(false);
    }
    keep(database, component, &id, &fingerprint, &Reply::empty(StatusCode::CREATED)).await?;
    Ok(true)
}

async fn kept(
    database: &Database,
    component: &str,
    id: &str,
    fingerprint: &str,
) -> Result<Option<Reply>, Problem> {
    let sql = format!(
        "SELECT fingerprint, status, location, body FROM {component}_idempotency WHERE id = ?1"
    );
    let Some(row) = database.query_one(&sql, [id.into()]).await? else {
        return Ok(None);
    };
    if row.text(0)? != fingerprint {
        return Err(Problem::invalid_field(
            "Idempotency-Key",
            "idempotency_key_reused",
            "was used for another request; use a new one",
        ));
    }
    let status =
        u16::try_from(row.integer(1)?).ok().and_then(|code| StatusCode::from_u16(code).ok());
    Ok(Some(Reply {
        status: status.unwrap_or(StatusCode::OK),
        location: row.optional_text(2)?,
        body: row.text(3)?,
    }))
}

async fn keep(
    database: &Database,
    component: &str,
    id: &str,
    fingerprint: &str,
    reply: &Reply,
) -> Result<(), Problem> {
    let today = now_millis() / DAY_MILLIS * DAY_MILLIS;
    let expired = format!("DELETE FROM {component}_idempotency WHERE created_at < ?1");
    database.execute(&expired, [Value::Integer(today - DAY_MILLIS)]).await?;
    let insert = format!(
        "INSERT INTO {component}_idempotency (id, fingerprint, status, location, body, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    );
    let values = [
        id.into(),
        fingerprint.into(),
        Value::Integer(i64::from(reply.status.as_u16())),
        reply.location.clone().into(),
        reply.body.clone().into(),
        Value::Integer(today),
    ];
    match database.execute(&insert, values).await {
        // Another request with this key was first; the next attempt finds its answer.
        Err(database::Error::Unique(_)) => {
            Err(database.conflict("the same Idempotency-Key").into())
        }
        result => Ok(result.map(drop)?),
    }
}

/// Forgets the answers whose location is `path` or below it, because what they say was deleted.
pub async fn forget(
    database: &Database,
    component: &str,
    path: &str,
) -> Result<(), database::Error> {
    let sql = format!("DELETE FROM {component}_idempotency WHERE location >= ?1 AND location < ?2");
    // "~" sorts after every character of our paths.
    database.execute(&sql, [path.into(), format!("{path}~").into()]).await?;
    Ok(())
}

/// Parts are hashed with their lengths, so that no two lists of parts look alike.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }
}
