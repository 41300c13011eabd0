use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use serde_json::json;

use super::cluster::Cluster;
use super::pods::{self, START_LIMIT};
use super::{COMPONENTS, Tried, load, wait};

/// Requests a second: enough to meet every moment of a rollout, and no test of capacity.
const RATE: f64 = 50.0;

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { cluster, site, report, .. } = tried;
    let before = uids(cluster)?;
    let stamp = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().to_string();
    let (visits, took) = load::during(site, RATE, || {
        for component in COMPONENTS {
            // As a new image would: another template of the pod.
            let annotations = json!({ "spec": { "podAnnotations": { "jinmaek.dev/e2e": stamp } } });
            cluster.patch("spinapp", component, &annotations)?;
        }
        wait(START_LIMIT, "every pod is a new one", || {
            let now = uids(cluster)?;
            Ok(pods::all_ready(cluster)? && now.iter().all(|uid| !before.contains(uid)))
        })
    })?;
    report.say(&format!("{} pods were replaced in {} s", before.len(), took.as_secs()))?;
    report.say(&format!("meanwhile: {visits}"))?;
    ensure!(visits.failures() == 0, "{} requests failed", visits.failures());
    Ok(())
}

fn uids(cluster: &Cluster) -> Result<Vec<String>> {
    let pods = cluster.pods("app.kubernetes.io/component=app")?;
    Ok(pods.into_iter().map(|pod| pod.uid).collect())
}
