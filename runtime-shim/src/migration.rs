//! `runtime-shim migrate`: schemas are the components' own, so they are asked to change them,
//! in process and before anything is served.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use wasmtime_wasi_http::WasiBody;

use crate::app::App;
use crate::body;
use crate::config::Config;
use crate::core::Core;
use crate::guest::RequestContext;
use crate::runtime_config::RuntimeConfig;

/// An index over millions of rows takes its time; nobody waits for an answer here.
const MIGRATION: Duration = Duration::from_secs(6 * 60 * 60);
/// What a component says of its migration is a line.
const ANSWER_BYTES: usize = 64 * 1024;

/// Gives requests and statements as long as a migration may take.
pub fn lift_limits(runtime: &mut RuntimeConfig) {
    let wait = u64::try_from(MIGRATION.as_millis()).ok();
    runtime.limits.request_ms = wait;
    runtime.limits.server_statement_ms = wait;
    runtime.limits.sqlite_statement_ms = wait;
    for component in runtime.component.values_mut() {
        component.limits.request_ms = None;
        component.limits.server_statement_ms = None;
    }
}

/// Asks one component after another, and ends at the first that cannot.
pub async fn run(app: &Arc<App>, config: &Config) -> Result<()> {
    let core = Core::new(Arc::clone(app), HeaderValue::from_static("localhost"));
    for (id, component) in config.retained() {
        if let Some(path) = &component.tool.runtime_shim.migrate {
            let said =
                migrate(&core, id, path).await.with_context(|| format!("component `{id}`"))?;
            println!("{id}: {said}");
        }
    }
    Ok(())
}

async fn migrate(core: &Arc<Core>, id: &str, path: &str) -> Result<String> {
    let index = core.app.component_index(id).context("is not part of the application")?;
    let request = request(id, path).with_context(|| format!("migrate = `{path}`"))?;
    let context = RequestContext::started(&HeaderMap::new(), false);
    let Ok(response) = core.call(index, request, context).await else {
        bail!("gave no answer; the log says why");
    };
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES)
        .collect()
        .await
        .map_err(|_| anyhow::anyhow!("the answer broke off"))?
        .to_bytes();
    let said = String::from_utf8_lossy(&body).into_owned();
    if status != StatusCode::OK {
        bail!("{}", detail(&said).unwrap_or_else(|| format!("{status}; the log says why")));
    }
    Ok(said)
}

fn request(id: &str, path: &str) -> Result<Request<WasiBody>, http::Error> {
    Request::post(format!("http://{id}.spin.internal{path}"))
        .header(http::header::HOST, format!("{id}.spin.internal"))
        .body(body::empty())
}

/// What a problem document (RFC 9457) says.
fn detail(said: &str) -> Option<String> {
    let problem: Value = serde_json::from_str(said).ok()?;
    problem["detail"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn a_migration_has_time_whatever_requests_have() {
        let text = "[limits]\nserver_statement_ms = 1\nsqlite_statement_ms = 1\n\
                    [component.a.limits]\nrequest_ms = 1\nserver_statement_ms = 1\n";
        let mut runtime: RuntimeConfig = toml::from_str(text).expect("a config");
        lift_limits(&mut runtime);
        let limits = Limits::default().with_host(&runtime.limits);
        let limits = limits.with_component(&runtime.component["a"].limits);
        let long = MIGRATION.as_millis() as u64;
        let waits = [limits.request_ms, limits.server_statement_ms, limits.sqlite_statement_ms];
        assert_eq!(waits, [long; 3]);
    }
}
