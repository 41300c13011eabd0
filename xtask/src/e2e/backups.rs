use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::cluster::{Cluster, made_anew};
use super::databases::Facts;
use super::pods::{self, START_LIMIT};
use super::{Tried, wait};

/// Those that keep something, each with a CronJob that backs it up and one that restores it.
const COMPONENTS: [&str; 3] = ["auth", "board", "review"];
const JOB_LIMIT: Duration = Duration::from_secs(600);
/// A component has the time to finish what is under way.
const END_LIMIT: Duration = Duration::from_secs(120);

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { cluster, site, report, .. } = tried;
    let kept = Facts::write(site)?;
    for component in COMPONENTS {
        report.say(&format!("{component}-backup: {}", job(cluster, component, "backup")?))?;
    }
    let lost = Facts::write(site)?;
    report.say("a second account and a second post are younger than the backups")?;
    for component in COMPONENTS {
        report.say(&format!("{component}-restore: {}", restored(cluster, component)?))?;
    }
    wait(START_LIMIT, "every pod is ready", || pods::all_ready(cluster))?;
    kept.read(site)?;
    lost.are_gone(site)?;
    report.say("what was there before the backups is served, what came after them is gone")
}

/// Nobody writes meanwhile: the component goes and comes again.
fn restored(cluster: &Cluster, component: &str) -> Result<String> {
    let mut app = cluster.json(&["get", "spinapp", component])?;
    cluster.run(&["delete", "spinapp", component])?;
    let selector = format!("core.spinkube.dev/app-name={component}");
    let restored = wait(END_LIMIT, "its pods have ended", || {
        Ok(cluster.run(&["get", "pods", "--selector", &selector, "--output", "name"])?.is_empty())
    })
    .and_then(|_| job(cluster, component, "restore"));
    made_anew(&mut app);
    cluster.apply(&app)?;
    restored
}

/// What the CronJob's script says when it is run now.
fn job(cluster: &Cluster, component: &str, task: &str) -> Result<String> {
    let name = format!("e2e-{component}-{task}");
    let (job, source) = (format!("job/{name}"), format!("--from=cronjob/{component}-{task}"));
    cluster.run(&["delete", &job, "--ignore-not-found"])?;
    cluster.run(&["create", "job", &source, &name])?;
    let mut complete = false;
    wait(JOB_LIMIT, &name, || {
        let ended = cluster.json(&["get", "job", &name])?;
        let conditions = ended["status"]["conditions"].as_array().into_iter().flatten();
        let is = |kind| {
            move |condition: &Value| condition["type"] == kind && condition["status"] == "True"
        };
        complete = conditions.clone().any(is("Complete"));
        Ok(complete || conditions.clone().any(is("Failed")))
    })?;
    let log = cluster.run(&["logs", &job])?;
    ensure!(complete, "{name} failed: {}", log.trim());
    Ok(log.trim().to_owned())
}
