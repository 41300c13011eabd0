use std::time::Duration;

use anyhow::Result;

use super::cluster::Cluster;
use super::{COMPONENTS, Tried, load, wait};

/// Requests a second.
const RATE: f64 = 300.0;
const GROW_LIMIT: Duration = Duration::from_secs(300);
/// How long the load goes on once something grew, to see where it ends.
const HOLD: Duration = Duration::from_secs(60);
/// Five minutes of calm, and half a minute for each of seven replicas, as the autoscalers say.
const SHRINK_LIMIT: Duration = Duration::from_secs(900);

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { cluster, site, report, .. } = tried;
    let before = replicas(cluster)?;
    report.say(&format!("before: {}", shown(&before)))?;
    let (visits, (took, most)) = load::during(site, RATE, || {
        let took = wait(GROW_LIMIT, "a component has more replicas", || {
            let now = replicas(cluster)?;
            Ok(now.iter().zip(&before).any(|(now, before)| now > before))
        })?;
        std::thread::sleep(HOLD);
        Ok((took, replicas(cluster)?))
    })?;
    report.say(&format!(
        "the first one grew after {} s; then: {}",
        took.as_secs(),
        shown(&most)
    ))?;
    let autoscalers = ["get", "horizontalpodautoscalers"];
    report.output("kubectl get horizontalpodautoscalers", &cluster.run(&autoscalers)?)?;
    report.say(&format!("meanwhile: {visits}"))?;
    let took = wait(SHRINK_LIMIT, "all are back at their number", || {
        let now = replicas(cluster)?;
        Ok(now.iter().zip(&before).all(|(now, before)| now <= before))
    })?;
    report.say(&format!("{} s after the load: {}", took.as_secs(), shown(&replicas(cluster)?)))?;
    let events = ["get", "events", "--field-selector", "reason=SuccessfulRescale"];
    report.output(
        "kubectl get events --field-selector reason=SuccessfulRescale",
        &cluster.run(&events)?,
    )
}

/// Ready ones, in the order of the components.
fn replicas(cluster: &Cluster) -> Result<Vec<u64>> {
    let ready = |name| cluster.number("deployment", name, "/status/readyReplicas");
    COMPONENTS.into_iter().map(ready).collect()
}

fn shown(replicas: &[u64]) -> String {
    let one = |(component, count): (&&str, &u64)| format!("{component} {count}");
    COMPONENTS.iter().zip(replicas).map(one).collect::<Vec<_>>().join(", ")
}
