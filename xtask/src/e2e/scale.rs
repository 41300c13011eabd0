use anyhow::{Result, ensure};
use serde_json::json;

use super::cluster::{Cluster, made_anew};
use super::pods::START_LIMIT;
use super::{COMPONENTS, Tried, wait};

const SCALED: &str = "board";
const REPLICAS: u64 = 10;

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { cluster, report, .. } = tried;
    let others = others(cluster)?;
    // A fixed number and an autoscaler would work against each other.
    let mut autoscaler = cluster.json(&["get", "hpa", SCALED])?;
    cluster.run(&["delete", "hpa", SCALED])?;
    let fixed = json!({ "spec": { "enableAutoscaling": false, "replicas": REPLICAS } });
    cluster.patch("spinapp", SCALED, &fixed)?;
    let scaled = wait(START_LIMIT, "ten replicas are ready", || {
        Ok(cluster.number("deployment", SCALED, "/status/readyReplicas")? == REPLICAS)
    });
    let pods = cluster.run(&["get", "spinapps,deployments"])?;
    let now = self::others(cluster)?;
    let free = json!({ "spec": { "enableAutoscaling": true, "replicas": null } });
    cluster.patch("spinapp", SCALED, &free)?;
    made_anew(&mut autoscaler);
    cluster.apply(&autoscaler)?;
    report.say(&format!("{SCALED} had {REPLICAS} replicas after {} s", scaled?.as_secs()))?;
    report.output("kubectl get spinapps,deployments", &pods)?;
    ensure!(others == now, "other components changed: {others:?} became {now:?}");
    report.say("the others have the same pods as before; its autoscaler is there again")?;
    Ok(())
}

/// The pods of all other components.
fn others(cluster: &Cluster) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for component in COMPONENTS.into_iter().filter(|component| *component != SCALED) {
        let pods = cluster.pods(&format!("core.spinkube.dev/app-name={component}"))?;
        names.extend(pods.into_iter().map(|pod| pod.name));
    }
    names.sort();
    Ok(names)
}
