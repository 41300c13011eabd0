use std::time::Duration;

use anyhow::Result;

use super::cluster::Cluster;
use super::{COMPONENTS, Tried, wait};

/// Images are loaded, components compiled and databases prepared in this time.
pub(super) const START_LIMIT: Duration = Duration::from_secs(600);
pub(super) const PODS: [&str; 4] = ["get", "pods", "--output", "wide"];

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { cluster, report, .. } = tried;
    let took = wait(START_LIMIT, "every pod is ready", || all_ready(cluster))?;
    report.say(&format!("every pod was ready after {} s", took.as_secs()))?;
    report.output("kubectl get pods --output wide", &cluster.run(&PODS)?)?;
    let objects = "spinapps,deployments,horizontalpodautoscalers,poddisruptionbudgets,jobs";
    report.output(&format!("kubectl get {objects}"), &cluster.run(&["get", objects])?)
}

/// Every pod that should run is ready, and each component has as many as it asks for.
pub(super) fn all_ready(cluster: &Cluster) -> Result<bool> {
    for component in COMPONENTS {
        let wanted = cluster.number("deployment", component, "/spec/replicas")?;
        let updated = cluster.number("deployment", component, "/status/updatedReplicas")?;
        let ready = cluster.number("deployment", component, "/status/readyReplicas")?;
        if wanted == 0 || updated != wanted || ready != wanted {
            return Ok(false);
        }
    }
    let pods = cluster.pods("app.kubernetes.io/component in (app, database)")?;
    Ok(pods.iter().all(|pod| pod.ready))
}
