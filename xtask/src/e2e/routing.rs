use anyhow::{Result, ensure};
use serde_json::json;

use super::Tried;

/// A page of each kind and the description of each API.
const PATHS: [&str; 7] = [
    "/",
    "/board",
    "/hospitals",
    "/signin",
    "/api/auth/openapi.json",
    "/api/board/openapi.json",
    "/api/review/openapi.json",
];

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { site, report, .. } = tried;
    for path in PATHS {
        let answer = site.get(path)?;
        report.say(&format!("GET {path}: {}, {} bytes", answer.status, answer.text.len()))?;
        ensure!(answer.status == 200, "GET {path} is answered {}", answer.status);
    }
    // What components ask each other is nobody's else.
    for path in ["/internal/migrate", "/internal/auth/redemptions"] {
        let answer = site.post(path, None, &json!({}))?;
        report.say(&format!("POST {path}: {}", answer.status))?;
        ensure!(answer.status == 404, "POST {path} is answered {}", answer.status);
    }
    Ok(())
}
