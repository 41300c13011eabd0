//! The operator's routes of the component review, as its OpenAPI document describes them.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use ureq::Agent;

/// A commit of the national file takes seconds; on a slow disk it may take many.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);

/// Everything here may be sent again: a batch replaces itself, a second commit answers as the
/// first. So what fails for a moment is tried again.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Operator {
    agent: Agent,
    routes: String,
    token: String,
}

/// An import that has been started.
pub(super) struct Import {
    operator: Operator,
    id: String,
}

/// Something wrong with one cell.
pub(super) struct Finding {
    pub(super) line: u64,
    pub(super) field: String,
    pub(super) detail: String,
}

/// What became of a batch.
pub(super) struct Verdict {
    pub(super) accepted: usize,
    pub(super) rejected: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

impl Operator {
    pub(super) fn new(base: &str, token: &str) -> Result<Self> {
        if token.is_empty() {
            bail!("the operator's token is empty");
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_LIMIT))
            .build()
            .new_agent();
        let routes = format!("{}/api/review/operator/hospital-imports", base.trim_end_matches('/'));
        Ok(Self { agent, routes, token: token.to_owned() })
    }

    pub(super) fn start(self, source: &str, date: &str) -> Result<Import> {
        let started = self.send("POST", "", &json!({ "source": source, "date": date }))?;
        let id = started["id"].as_str().context("the site answered without an id")?.to_owned();
        Ok(Import { operator: self, id })
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut tries = 1;
        loop {
            match self.try_send(method, path, body) {
                Ok((503 | 504, _)) | Err(_) if tries < TRIES => {}
                Ok((200..=299, answer)) => return Ok(answer),
                Ok((status, problem)) => return Err(refusal(status, &problem)),
                Err(error) => {
                    return Err(error).with_context(|| format!("no answer from {}", self.routes));
                }
            }
            tries += 1;
            thread::sleep(PAUSE);
        }
    }

    fn try_send(&self, method: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
        let url = format!("{}{path}", self.routes);
        let request = if method == "PUT" { self.agent.put(&url) } else { self.agent.post(&url) };
        let mut response =
            request.header("authorization", format!("Bearer {}", self.token)).send_json(body)?;
        let answer = response.body_mut().read_json().unwrap_or_default();
        Ok((response.status().as_u16(), answer))
    }
}

impl Import {
    /// Sends a batch of rows. They wait on the site for the commit.
    pub(super) fn stage(&self, batch: &Value) -> Result<Verdict> {
        let verdict = self.operator.send("PUT", &format!("/{}/rows", self.id), batch)?;
        Ok(Verdict {
            accepted: verdict["accepted"]
                .as_u64()
                .and_then(|count| usize::try_from(count).ok())
                .unwrap_or(0),
            rejected: findings(&verdict["rejected"]),
            warnings: findings(&verdict["warnings"]),
        })
    }

    /// Makes hospitals of what was sent, and says what changed.
    pub(super) fn commit(&self, force: bool) -> Result<String> {
        let changes = self.operator.send(
            "POST",
            &format!("/{}/commit", self.id),
            &json!({ "force": force }),
        )?;
        let count = |field: &str| changes[field].as_u64().unwrap_or(0);
        Ok(format!(
            "{} new, {} updated, {} reopened, {} closed, {} unchanged",
            count("inserted"),
            count("updated"),
            count("reopened"),
            count("closed"),
            count("unchanged"),
        ))
    }
}

fn findings(list: &Value) -> Vec<Finding> {
    let finding = |finding: &Value| Finding {
        line: finding["line"].as_u64().unwrap_or(0),
        field: finding["field"].as_str().unwrap_or_default().to_owned(),
        detail: finding["detail"].as_str().unwrap_or_default().to_owned(),
    };
    list.as_array().map(|list| list.iter().map(finding).collect()).unwrap_or_default()
}

/// The site says what to do; where it may not say, we know.
fn refusal(status: u16, problem: &Value) -> anyhow::Error {
    let detail = problem["detail"].as_str().unwrap_or("the site gave no reason");
    match status {
        401 => anyhow!("the operator's token is not the one the site was started with"),
        404 => anyhow!("the site takes no imports: start it with the variable operator_token"),
        _ => match problem["errors"][0]["field"].as_str() {
            Some(field) => anyhow!(
                "{status}: {field} {}",
                problem["errors"][0]["detail"].as_str().unwrap_or(detail)
            ),
            None => anyhow!("{status}: {detail}"),
        },
    }
}
