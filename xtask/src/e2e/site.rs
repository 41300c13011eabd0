//! The site as its people reach it: by its name, at the gateway's address.

use std::fmt::{self, Debug};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// Longer than any time-out of the gateway's routes.
const ANSWER_LIMIT: Duration = Duration::from_secs(40);

pub(super) struct Site {
    base: String,
    address: IpAddr,
    insecure: bool,
    agent: Agent,
}

/// An answer as far as a proof looks at it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Site {
    pub(super) fn new(base: &str, address: IpAddr, insecure: bool) -> Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().with_context(|| format!("--site `{base}`"))?;
        uri.scheme().with_context(|| format!("--site `{base}`: http://… or https://…"))?;
        Ok(Self { base, address, insecure, agent: agent(address, insecure) })
    }

    /// One that shares no connection with this one.
    pub(super) fn another(&self) -> Self {
        let (address, insecure) = (self.address, self.insecure);
        Self { base: self.base.clone(), address, insecure, agent: agent(address, insecure) }
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer> {
        Answer::of(self.agent.get(format!("{}{path}", self.base)).call())
    }

    /// With a session where there is one.
    pub(super) fn post(&self, path: &str, session: Option<&str>, body: &Value) -> Result<Answer> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        if let Some(session) = session {
            request = request.header("authorization", format!("Bearer {session}"));
        }
        Answer::of(request.send_json(body))
    }
}

impl Answer {
    fn of(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Self> {
        let mut answer = answer?;
        let text = answer.body_mut().read_to_string()?;
        Ok(Self { status: answer.status().as_u16(), text })
    }

    /// The field of a JSON object.
    pub(super) fn field(&self, name: &str) -> Result<String> {
        let value: Value = serde_json::from_str(&self.text).context("an answer is no JSON")?;
        let field = value[name].as_str();
        Ok(field.with_context(|| format!("an answer ({}) has no {name}", self.status))?.to_owned())
    }
}

fn agent(address: IpAddr, insecure: bool) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(ANSWER_LIMIT))
        .tls_config(TlsConfig::builder().disable_verification(insecure).build())
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Gateway(address))
}

/// Every name is at the gateway.
struct Gateway(IpAddr);

impl Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Resolver for Gateway {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let mut addresses = self.empty();
        addresses.push(SocketAddr::new(self.0, uri.port_u16().unwrap_or(usual)));
        Ok(addresses)
    }
}
