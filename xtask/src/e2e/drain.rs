use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::cluster::Cluster;
use super::databases::Facts;
use super::pods::{self, PODS, START_LIMIT};
use super::{Tried, load, wait};

/// Visitors meanwhile. Those who need a database that moves are told to come back.
const RATE: f64 = 20.0;
/// Disruption budgets let one pod of each component go at a time.
const LIMIT: &str = "--timeout=600s";
const NOTICE_LIMIT: Duration = Duration::from_secs(60);

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { cluster, site, report, .. } = tried;
    let facts = Facts::write(site)?;
    let node = node(cluster)?;
    let drain = ["drain", &node, "--ignore-daemonsets", "--delete-emptydir-data", LIMIT];
    let (visits, drained) = load::during(site, RATE, || {
        let drained = cluster.run(&drain)?;
        wait(START_LIMIT, "every pod is ready elsewhere", || pods::all_ready(cluster))?;
        Ok(drained)
    })
    .inspect_err(|_| drop(cluster.run(&["uncordon", &node])))?;
    let here = cluster.pods("app.kubernetes.io/component in (app, database)")?;
    let left = here.iter().filter(|pod| pod.node == node).count();
    report.output(&format!("kubectl {}", drain.join(" ")), &drained)?;
    report.output("kubectl get pods --output wide", &cluster.run(&PODS)?)?;
    report.say(&format!("meanwhile: {visits}"))?;
    let served = wait(NOTICE_LIMIT, "the data is there", || Ok(facts.read(site).is_ok()));
    cluster.run(&["uncordon", &node])?;
    ensure!(left == 0, "{left} pods are still on {node}");
    served?;
    report
        .say(&format!("without {node} the site served what it had before; {node} takes pods again"))
}

/// One with pods of the site, and rather one without the gateway: the address moves with it.
fn node(cluster: &Cluster) -> Result<String> {
    let mut nodes: Vec<_> =
        cluster.pods("app.kubernetes.io/component=app")?.into_iter().map(|pod| pod.node).collect();
    nodes.sort();
    nodes.dedup();
    ensure!(nodes.len() > 1, "all of the site is on one node; nothing could take its place");
    let gateways = cluster.json(&[
        "get",
        "pods",
        "--namespace",
        "istio-system",
        "--selector",
        "istio=ingressgateway",
    ])?;
    let gateways = gateways["items"].as_array().context("no list of pods")?;
    let has_gateway =
        |node: &String| gateways.iter().any(|pod| pod["spec"]["nodeName"] == node.as_str());
    nodes.sort_by_key(has_gateway);
    nodes.into_iter().next().context("no node")
}
