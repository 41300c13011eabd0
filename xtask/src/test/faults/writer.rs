//! Clients that write without a pause and remember what they were told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use crate::token;

/// How long a client may wait for an answer, whatever is broken.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Between two attempts at the same write.
const PAUSE: Duration = Duration::from_millis(100);
/// After the last fault a write has to succeed within this.
const GRACE: Duration = Duration::from_secs(20);

/// What a writer writes; each has a name in it that nothing else has.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Post,
    Review,
    Account,
}

/// What became of a writer's writes.
#[derive(Default)]
pub(super) struct Record {
    /// The names of what was acknowledged and should still be there.
    pub(super) kept: Vec<String>,
    /// The names of what was acknowledged as deleted.
    pub(super) gone: Vec<String>,
    /// When each acknowledgement came.
    pub(super) times: Vec<Instant>,
    pub(super) refused: u64,
    /// What should never happen, in words.
    pub(super) wrong: Vec<String>,
}

pub(super) struct Client {
    agent: Agent,
    base: String,
    access_token: Option<String>,
}

/// A write as it is sent, the same each time.
struct Write {
    method: &'static str,
    path: String,
    body: Value,
    key: String,
}

impl Client {
    pub(super) fn new(base: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_LIMIT * 4))
            .build();
        Self { agent: config.into(), base: base.to_owned(), access_token: None }
    }

    /// Of a new insider who works at `hospital`.
    pub(super) fn insider(base: &str, hospital: &str) -> Result<Self> {
        let mut client = Self::new(base);
        let login = format!("w{}", &token::random()?[..16]);
        let account = json!({ "login": login, "password": "a password of some length" });
        client.expect(201, "POST", "/api/auth/accounts", &account)?;
        let session = client.expect(201, "POST", "/api/auth/sessions", &account)?;
        client.access_token = session["access_token"].as_str().map(str::to_owned);
        let employment = json!({ "hospital_id": hospital });
        client.expect(200, "PATCH", "/api/auth/accounts/me", &employment)?;
        Ok(client)
    }

    fn expect(&self, status: u16, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut response = self.send(method, path, body, None)?;
        let answer = response.body_mut().read_to_string()?;
        if response.status() != status {
            bail!("{method} {path}: {} {answer}", response.status());
        }
        Ok(serde_json::from_str(&answer)?)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> Result<Response<ureq::Body>> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("content-type", "application/json");
        if let Some(token) = &self.access_token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.agent.run(request.body(body)?).with_context(|| format!("{method} {path}"))
    }

    /// Whether `path` can be read.
    pub(super) fn reads(&self, path: &str) -> bool {
        self.send("GET", path, &Value::Null, None)
            .is_ok_and(|response| response.status() == StatusCode::OK)
    }

    /// Writes until told to stop, and then until the last write is certain.
    pub(super) fn write(&self, kind: Kind, hospital: &str, stop: &AtomicBool) -> Record {
        let mut record = Record::default();
        while !stop.load(Ordering::Relaxed) && record.wrong.is_empty() {
            if let Err(error) = self.write_once(kind, hospital, stop, &mut record) {
                record.wrong.push(format!("{error:#}"));
            }
        }
        record
    }

    fn write_once(
        &self,
        kind: Kind,
        hospital: &str,
        stop: &AtomicBool,
        record: &mut Record,
    ) -> Result<()> {
        let name = format!("w{}", &token::random()?[..20]);
        let write = Write::of(kind, hospital, &name)?;
        let created = self.until_certain(&write, stop, record)?;
        if matches!(kind, Kind::Review) {
            // An insider has one review of a hospital, so the next one needs this one to go.
            let id = created["id"].as_str().context("a review without an id")?;
            let delete = Write::delete(format!("{}/{id}", write.path))?;
            self.until_certain(&delete, stop, record)?;
            record.gone.push(name);
        } else {
            record.kept.push(name);
        }
        Ok(())
    }

    /// Sends it again and again until it is answered by other than 503.
    fn until_certain(
        &self,
        write: &Write,
        stop: &AtomicBool,
        record: &mut Record,
    ) -> Result<Value> {
        let mut stopped: Option<Instant> = None;
        loop {
            let sent = Instant::now();
            let mut response =
                self.send(write.method, &write.path, &write.body, Some(&write.key))?;
            let took = sent.elapsed();
            let answer = response.body_mut().read_to_string()?;
            let status = response.status();
            if took > ANSWER_LIMIT {
                bail!("{} {}: {status} after {took:?}", write.method, write.path);
            }
            // A delete whose first answer was lost finds nothing any more.
            let is_gone = write.method == "DELETE" && status == StatusCode::NOT_FOUND;
            if status.is_success() || is_gone {
                record.times.push(Instant::now());
                return Ok(serde_json::from_str(&answer).unwrap_or_default());
            }
            if status != StatusCode::SERVICE_UNAVAILABLE {
                bail!("{} {}: {status} {answer}", write.method, write.path);
            }
            if !response.headers().contains_key("retry-after") {
                bail!("{} {}: 503 without Retry-After", write.method, write.path);
            }
            record.refused += 1;
            if stop.load(Ordering::Relaxed)
                && stopped.get_or_insert_with(Instant::now).elapsed() > GRACE
            {
                bail!("{} {}: still 503 after the faults", write.method, write.path);
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Write {
    fn of(kind: Kind, hospital: &str, name: &str) -> Result<Self> {
        let (path, body) = match kind {
            Kind::Post => (
                "/api/board/posts".to_owned(),
                json!({ "category": "free", "title": name, "body": "본문입니다." }),
            ),
            Kind::Review => (
                format!("/api/review/hospitals/{hospital}/reviews"),
                json!({ "title": name, "body": "설명이 자세하고 대기가 짧아요.", "stars": {
                    "treatment": 4, "explanation": 5, "kindness": 3,
                    "facilities": 4, "cost": 2, "honesty": 5,
                } }),
            ),
            Kind::Account => (
                "/api/auth/accounts".to_owned(),
                json!({ "login": name, "password": "a password of some length" }),
            ),
        };
        Ok(Self { method: "POST", path, body, key: token::random()? })
    }

    fn delete(path: String) -> Result<Self> {
        Ok(Self { method: "DELETE", path, body: Value::Null, key: token::random()? })
    }
}
