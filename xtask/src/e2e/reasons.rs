use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::{Tried, wait};

/// Of each application and of the pod that cannot start, with a number behind it: what goes is not
/// gone at once.
const NAME: &str = "jinmaek-e2e-bad-input";
const LIMIT: Duration = Duration::from_secs(120);

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { cluster, report, options, .. } = tried;
    let image = cluster.json(&["get", "spinapp", "board"])?["spec"]["image"].clone();
    let cases = [
        ("an image without a Spin application", &json!(options.tools_image), "board", "no Spin"),
        ("a component that there is not", &image, "bord", "component `bord`"),
        ("a variable that is missing", &image, "auth", "SPIN_VARIABLE_SESSION_SIGNING_KEY"),
    ];
    for (number, (what, image, component, expected)) in cases.into_iter().enumerate() {
        let name = format!("{NAME}-{number}");
        let reason = not_started(cluster, &name, image, component);
        cluster.run(&["delete", "spinapp", &name, "--ignore-not-found"])?;
        let (message, log) = reason.with_context(|| what.to_owned())?;
        report.say(&format!("{what}: `{message}`"))?;
        ensure!(message.contains(expected), "its termination message does not say `{expected}`");
        ensure!(message.lines().count() == 1, "its termination message is not one line");
        ensure!(log.trim_end().ends_with(&message), "its log ends with something else: {log}");
    }
    let Some(node) = node_without_shim(cluster)? else {
        return report.say("every node has the shim, so none could show that it has not");
    };
    let message = not_scheduled(cluster, &node);
    cluster.run(&["delete", "pod", NAME, "--ignore-not-found"])?;
    let message = message?;
    report.say(&format!("a node without the shim: `{message}`"))?;
    ensure!(message.contains("node affinity/selector"), "the pod's status does not say why");
    Ok(())
}

/// Termination message and log of an application that ends as soon as it is started.
fn not_started(
    cluster: &Cluster,
    name: &str,
    image: &Value,
    component: &str,
) -> Result<(String, String)> {
    cluster.apply(&json!({
        "apiVersion": "core.spinkube.dev/v1alpha1",
        "kind": "SpinApp",
        "metadata": { "name": name },
        "spec": {
            "image": image,
            "executor": "spin",
            "replicas": 1,
            "components": [component],
            "resources": {
                "requests": { "cpu": "50m", "memory": "64Mi" },
                "limits": { "cpu": "1", "memory": "256Mi" },
            },
        },
    }))?;
    let mut ended = None;
    wait(LIMIT, "its container has ended", || {
        ended = ended_container(cluster, name)?;
        Ok(ended.is_some())
    })?;
    let (pod, message) = ended.context("no container of it")?;
    let log = cluster.run(&["logs", &pod])?;
    Ok((message, log))
}

/// The pod whose container has ended, with what it left as the reason.
fn ended_container(cluster: &Cluster, app: &str) -> Result<Option<(String, String)>> {
    let selector = format!("core.spinkube.dev/app-name={app}");
    let pods = cluster.json(&["get", "pods", "--selector", &selector])?;
    let Some(pod) = pods["items"].get(0) else { return Ok(None) };
    let container = &pod["status"]["containerStatuses"][0];
    let message = ["state", "lastState"]
        .into_iter()
        .find_map(|state| container[state]["terminated"]["message"].as_str());
    let name = pod["metadata"]["name"].as_str();
    Ok(name.zip(message).map(|(name, message)| (name.to_owned(), message.trim().to_owned())))
}

/// By the label that the runtime class asks for.
fn node_without_shim(cluster: &Cluster) -> Result<Option<String>> {
    let label = ["--selector", "jinmaek.dev/shim!=true", "--output", "name"];
    let nodes = cluster.run(&[&["get", "nodes"], &label[..]].concat())?;
    Ok(nodes.lines().next().and_then(|node| node.strip_prefix("node/")).map(str::to_owned))
}

/// What the status of a pod says that may run on this node only.
fn not_scheduled(cluster: &Cluster, node: &str) -> Result<String> {
    cluster.apply(&json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": NAME },
        "spec": {
            "runtimeClassName": "jinmaek",
            "nodeSelector": { "kubernetes.io/hostname": node },
            "tolerations": [{ "operator": "Exists" }],
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "app",
                "image": "registry.example.org/never-pulled",
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    }))?;
    let mut message = None;
    wait(LIMIT, "its status says why it is not scheduled", || {
        let pod = cluster.json(&["get", "pod", NAME])?;
        let conditions = pod["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
        let scheduled = conditions.iter().find(|condition| condition["type"] == "PodScheduled");
        message = scheduled.and_then(|condition| condition["message"].as_str()).map(str::to_owned);
        Ok(message.is_some())
    })?;
    message.context("no message")
}
