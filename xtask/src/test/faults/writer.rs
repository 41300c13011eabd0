//! Clients that write without a pause and remember what they were told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canonical::{Action, Statement};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Response, StatusCode};
use uuid::Uuid;

use crate::token;

/// How long a client may wait for an answer, whatever is broken.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Between two attempts at the same write.
const PAUSE: Duration = Duration::from_millis(100);
/// After the last fault a write has to succeed within this.
const GRACE: Duration = Duration::from_secs(20);

/// The year of all reviews here; a review is edited in any later one too.
const YEAR: i64 = 2026;
const BODY: &str = "설명이 자세하고 대기가 짧아요.";
const STARS: [i64; 6] = [4, 5, 3, 4, 2, 5];

/// What a writer writes; each has a name in it that nothing else has.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Post,
    /// One review for each writer, edited again and again.
    Review,
    Account,
}

/// Who has the key of a review.
pub(super) struct Author {
    key: SigningKey,
    review_id: String,
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
    author: Option<Author>,
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
        Self { agent: config.into(), base: base.to_owned(), access_token: None, author: None }
    }

    /// Without a session, as a review has to be written.
    pub(super) fn author(base: &str, author: Author) -> Self {
        Self { author: Some(author), ..Self::new(base) }
    }

    /// Of a new insider.
    pub(super) fn insider(base: &str) -> Result<Self> {
        let mut client = Self::new(base);
        let login = format!("w{}", &token::random()?[..16]);
        let account = json!({ "login": login, "password": "a password of some length" });
        client.expect(201, "POST", "/api/auth/accounts", &account)?;
        let session = client.expect(201, "POST", "/api/auth/sessions", &account)?;
        client.access_token = session["access_token"].as_str().map(str::to_owned);
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
        let Some(author) = &self.author else {
            self.until_certain(&Write::of(kind, &name)?, stop, record)?;
            record.kept.push(name);
            return Ok(());
        };
        // The row has the first revision, and each text takes the place of the one before.
        let revision = i64::try_from(record.gone.len() + record.kept.len())? + 2;
        let edit = Write::edit(author, hospital, &name, revision)?;
        self.until_certain(&edit, stop, record)?;
        record.gone.append(&mut record.kept);
        record.kept.push(name);
        Ok(())
    }

    /// Sends it again and again until it is answered by other than 503.
    fn until_certain(&self, write: &Write, stop: &AtomicBool, record: &mut Record) -> Result<()> {
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
            // An edit whose first answer was lost finds its own revision there.
            let is_there = write.method == "PUT" && status == StatusCode::CONFLICT;
            if status.is_success() || is_there {
                record.times.push(Instant::now());
                return Ok(());
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
    fn of(kind: Kind, name: &str) -> Result<Self> {
        let (path, body) = match kind {
            Kind::Post => (
                "/api/board/posts",
                json!({ "category": "free", "title": name, "body": "본문입니다." }),
            ),
            Kind::Account => (
                "/api/auth/accounts",
                json!({ "login": name, "password": "a password of some length" }),
            ),
            Kind::Review => bail!("a review is written by its author"),
        };
        Ok(Self { method: "POST", path: path.to_owned(), body, key: token::random()? })
    }

    fn edit(author: &Author, hospital: &str, title: &str, revision: i64) -> Result<Self> {
        let action = Action::Publish { title, body: BODY, stars: STARS };
        let message = Statement { hospital_id: hospital, year: YEAR, revision, action }.message();
        let [treatment, explanation, kindness, facilities, cost, honesty] = STARS;
        let body = json!({
            "revision": revision, "title": title, "body": BODY,
            "signature": URL_SAFE_NO_PAD.encode(author.key.sign(&message).to_bytes()),
            "stars": {
                "treatment": treatment, "explanation": explanation, "kindness": kindness,
                "facilities": facilities, "cost": cost, "honesty": honesty,
            },
        });
        let path = format!("/api/review/hospitals/{hospital}/reviews/{}", author.review_id);
        Ok(Self { method: "PUT", path, body, key: token::random()? })
    }
}

impl Author {
    pub(super) fn new() -> Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self { key: SigningKey::from_bytes(&seed), review_id: Uuid::new_v4().to_string() })
    }

    /// SQL that writes the review, which waits: how a pass becomes a review is another test's.
    pub(super) fn insert(&self, hospital: &str) -> String {
        let public_key = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        let digits: String = STARS.iter().map(i64::to_string).collect();
        format!(
            "INSERT INTO signed_reviews (id, public_key, hospital_id, year, status, month, title, body, stars, \
             revision, signature, total, statement, hidden_until, hidden_revision, touched, queued) VALUES \
             ('{}', '{public_key}', '{hospital}', {YEAR}, 'waiting', '', '{}', '{BODY}', '{digits}', \
             1, '', 0, 1, NULL, 0, '', 0);\n",
            self.review_id, self.review_id
        )
    }
}
