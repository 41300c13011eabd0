//! The cluster, through kubectl.

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

pub(super) const NAMESPACE: &str = "jinmaek";
/// Where Istio's gateway is.
const GATEWAY: [&str; 4] = ["--namespace", "istio-system", "service", "istio-ingressgateway"];

pub(super) struct Cluster {
    kubeconfig: PathBuf,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) name: String,
    /// Another one for each pod, whatever its name.
    pub(super) uid: String,
    pub(super) node: String,
    /// Every container of it.
    pub(super) ready: bool,
    /// Of its first container, without the runtime's prefix.
    pub(super) container: String,
    pub(super) restarts: u64,
}

impl Cluster {
    pub(super) fn new(kubeconfig: &Path) -> Self {
        Self { kubeconfig: kubeconfig.to_owned() }
    }

    fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut kubectl = Command::new("kubectl");
        kubectl.env("KUBECONFIG", &self.kubeconfig).args(["--namespace", NAMESPACE]);
        kubectl.args(arguments);
        kubectl
    }

    /// What kubectl prints. What it complains of is the error.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.kubectl(arguments).output().context("kubectl cannot be run")?;
        text(arguments, &output)
    }

    pub(super) fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.run(&[arguments, &["--output", "json"]].concat())?;
        serde_json::from_str(&text).context("kubectl printed no JSON")
    }

    /// Makes an object, or changes it into this.
    pub(super) fn apply(&self, object: &Value) -> Result<()> {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(NAMESPACE);
        let arguments = ["apply", "--namespace", namespace, "--filename", "-"];
        let mut child = self
            .kubectl(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("kubectl cannot be run")?;
        child.stdin.take().context("no pipe")?.write_all(object.to_string().as_bytes())?;
        text(&arguments, &child.wait_with_output()?).map(drop)
    }

    /// Changes some fields of an object.
    pub(super) fn patch(&self, kind: &str, name: &str, patch: &Value) -> Result<()> {
        let patch = patch.to_string();
        self.run(&["patch", kind, name, "--type", "merge", "--patch", &patch]).map(drop)
    }

    /// Pods that run or are to run; those of finished Jobs and those on their way out are not.
    pub(super) fn pods(&self, selector: &str) -> Result<Vec<Pod>> {
        let found = self.json(&["get", "pods", "--selector", selector])?;
        let pods = found["items"].as_array().context("no list of pods")?;
        let lives = |pod: &&Value| {
            pod["status"]["phase"] != "Succeeded" && pod["metadata"]["deletionTimestamp"].is_null()
        };
        Ok(pods.iter().filter(lives).map(Pod::of).collect())
    }

    /// A number in an object, by its JSON pointer; 0 where there is none.
    pub(super) fn number(&self, kind: &str, name: &str, pointer: &str) -> Result<u64> {
        let object = self.json(&["get", kind, name])?;
        Ok(object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0))
    }

    /// The address that the load balancer gave to Istio's gateway.
    pub(super) fn gateway(&self) -> Result<IpAddr> {
        let service = self.json(&[&["get"], &GATEWAY[..]].concat())?;
        let address = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str();
        Ok(address.context("the gateway's Service has no address; give --address")?.parse()?)
    }
}

impl Pod {
    fn of(pod: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let container = &pod["status"]["containerStatuses"][0];
        let conditions = pod["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
        let ready =
            |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
        Self {
            name: text(&pod["metadata"]["name"]),
            uid: text(&pod["metadata"]["uid"]),
            node: text(&pod["spec"]["nodeName"]),
            ready: conditions.iter().any(ready),
            container: text(&container["containerID"]).rsplit('/').next().unwrap_or("").to_owned(),
            restarts: container["restartCount"].as_u64().unwrap_or(0),
        }
    }
}

fn text(arguments: &[&str], output: &Output) -> Result<String> {
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("kubectl {}: {}", arguments.join(" "), complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Without what the cluster wrote into it.
pub(super) fn made_anew(object: &mut Value) {
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| {
            matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations")
        });
    }
}
