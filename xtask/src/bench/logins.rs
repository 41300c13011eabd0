//! What others notice while people sign in: a password hash takes as long as hundreds of requests.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use serde_json::json;

use super::column::Running;
use super::load::{self, Answers, Call};
use crate::server::Host;
use crate::token;

const TIME: Duration = Duration::from_secs(15);
const LOGINS_PER_SECOND: f64 = 20.0;
const ACCOUNTS: usize = 20;
/// Of each of the other routes.
const OTHERS_PER_SECOND: f64 = 100.0;
const CONNECTIONS: usize = 20;

pub(super) fn run(shim: &Path) -> Result<()> {
    let site = Running::site(Host::Shim, shim)?;
    let accounts = accounts()?;
    let runtime = load::runtime()?;
    for account in &accounts {
        let sign_up = Call::post(site.address, "/api/auth/accounts", vec![account.clone()]);
        runtime.block_on(load::once(&sign_up))?;
    }
    let others =
        ["/robots.txt", "/api/board/posts", "/hospitals"].map(|path| Call::get(site.address, path));
    let sign_in = Call::post(site.address, "/api/auth/sessions", accounts);
    let ask = |call| load::scheduled(call, CONNECTIONS, OTHERS_PER_SECOND, TIME);
    let quiet = runtime.block_on(futures::future::join_all(others.iter().map(ask)));
    let (logins, busy) = runtime.block_on(async {
        let logins = load::scheduled(&sign_in, CONNECTIONS, LOGINS_PER_SECOND, TIME);
        tokio::join!(logins, futures::future::join_all(others.iter().map(ask)))
    });
    println!("\n{LOGINS_PER_SECOND} logins a second: latency of others, ms: p50 / p99 / p99.9\n");
    println!("| | without | with |\n|---|--:|--:|");
    for ((call, quiet), busy) in others.iter().zip(quiet).zip(busy) {
        println!("| {} | {} | {} |", call.path, shown(&quiet?), shown(&busy?));
    }
    println!("| signing in | – | {} |", shown(&logins?));
    site.stop()
}

/// Fictional people, each with a password of its own.
fn accounts() -> Result<Vec<Bytes>> {
    (1..=ACCOUNTS)
        .map(|number| {
            let password = token::random()?;
            let account = json!({ "login": format!("bench-{number}"), "password": password });
            Ok(Bytes::from(account.to_string()))
        })
        .collect()
}

fn shown(answers: &Answers) -> String {
    let ms = |quantile| answers.answered.value_at_quantile(quantile) as f64 / 1e3;
    let unanswered = answers.failed + answers.refused.len();
    let lost = if unanswered > 0 { format!(" ({unanswered} not answered)") } else { String::new() };
    format!("{:.1} / {:.1} / {:.1}{lost}", ms(0.5), ms(0.99), ms(0.999))
}
