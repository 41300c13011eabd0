use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Tried, load, wait};

const COMPONENT: &str = "frontend-static";
/// Visitors while it hangs: they should not notice after the first probe.
const RATE: f64 = 20.0;
/// Three probes, 15 s apart, then the time that it is given to end by itself, then a new start.
const LIMIT: Duration = Duration::from_secs(300);
/// A namespace that admits a pod which sees the node's processes.
const NODE_NAMESPACE: &str = "kube-system";
const STOPPER: &str = "jinmaek-e2e-stop";

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { cluster, site, report, options } = tried;
    let selector = format!("core.spinkube.dev/app-name={COMPONENT}");
    let victim = cluster.pods(&selector)?.into_iter().next().context("no pod of it")?;
    let stopper = ["--namespace", NODE_NAMESPACE, "delete", "pod", STOPPER, "--ignore-not-found"];
    let (visits, took) = load::during(site, RATE, || {
        cluster.run(&stopper)?;
        cluster.apply(&stop(&victim.node, &victim.container, &options.tools_image))?;
        wait(LIMIT, "the hanging host is restarted and ready", || {
            let pods = cluster.pods(&selector)?;
            let now = pods.iter().find(|pod| pod.uid == victim.uid).context("its pod is gone")?;
            Ok(now.restarts > victim.restarts && now.ready)
        })
    })?;
    cluster.run(&[&stopper[..], &["--wait=false"]].concat())?;
    report.say(&format!(
        "{} on {} was stopped (SIGSTOP), killed, and ready again after {} s",
        victim.name,
        victim.node,
        took.as_secs()
    ))?;
    report.say(&format!("meanwhile: {visits}"))?;
    let field = format!("involvedObject.uid={}", victim.uid);
    let events = ["get", "events", "--field-selector", &field, "--sort-by=.lastTimestamp"];
    let events = cluster.run(&events)?;
    report.output(&format!("kubectl get events --field-selector {field}"), &events)?;
    ensure!(events.contains("Liveness probe failed"), "no liveness probe of it failed");
    Ok(())
}

/// A pod that stops the first process of a container on its node. Nothing in the container itself
/// could: it has one program, and nobody may enter.
fn stop(node: &str, container: &str, image: &str) -> Value {
    let script = format!(
        "for process in $(grep -l {container} /proc/[0-9]*/cgroup | cut -d / -f 3); do kill -STOP $process; done"
    );
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": STOPPER, "namespace": NODE_NAMESPACE },
        "spec": {
            "nodeName": node,
            "hostPID": true,
            "restartPolicy": "Never",
            "tolerations": [{ "operator": "Exists" }],
            "containers": [{
                "name": "stop",
                "image": image,
                "command": ["sh", "-c", script],
                "securityContext": { "privileged": true, "runAsUser": 0 },
            }],
        },
    })
}
