//! `cargo xtask e2e`: shows on a real cluster what `k8s/` promises, and keeps what it saw.
//!
//! It wants a cluster that the site was released to (`k8s/release`), and kubectl. It disturbs that
//! site on purpose: it stops a process, deletes database pods, drains a node. So it is for a
//! cluster that nobody uses yet.

mod autoscaling;
mod backups;
mod cluster;
mod databases;
mod drain;
mod liveness;
mod load;
mod pods;
mod reasons;
mod report;
mod rollout;
mod routing;
mod scale;
mod site;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::workspace;
use cluster::Cluster;
use report::Report;
use site::Site;

/// The components, which are also the names of their SpinApps, Deployments and autoscalers.
const COMPONENTS: [&str; 4] = ["auth", "board", "frontend-static", "review"];

#[derive(Args)]
pub(crate) struct Options {
    /// Only the proofs whose name contains this
    filter: Option<String>,
    /// The cluster
    #[arg(long, env = "KUBECONFIG")]
    kubeconfig: PathBuf,
    /// The site as its people know it: https://jinmaek.example.org
    #[arg(long)]
    site: String,
    /// Address of the gateway [default: that of its Service]
    #[arg(long)]
    address: Option<IpAddr>,
    /// Take a certificate of nobody's
    #[arg(long)]
    insecure: bool,
    /// An image with sh, grep and kill, of which a pod stops a process on its node
    #[arg(long, default_value = "docker.io/library/busybox:1.37.0")]
    tools_image: String,
    /// Folder of the report; one that is there is replaced
    #[arg(long, default_value = "target/e2e")]
    report: PathBuf,
}

/// One thing that is shown.
struct Proof {
    name: &'static str,
    about: &'static str,
    run: fn(Tried<'_>) -> Result<()>,
}

/// What a proof works with.
struct Tried<'a> {
    cluster: &'a Cluster,
    site: &'a Site,
    report: &'a mut Report,
    options: &'a Options,
}

/// In this order, what disturbs most comes last.
const PROOFS: &[Proof] = &[
    Proof { name: "pods", about: "every pod is ready", run: pods::run },
    Proof {
        name: "routing",
        about: "the site answers at the gateway's address",
        run: routing::run,
    },
    Proof { name: "reasons", about: "what cannot start says why in one line", run: reasons::run },
    Proof {
        name: "rollout",
        about: "a rolling update under load fails no request",
        run: rollout::run,
    },
    Proof {
        name: "scale",
        about: "one component goes to ten replicas, the others stay",
        run: scale::run,
    },
    Proof {
        name: "liveness",
        about: "a host that hangs is killed, and comes back",
        run: liveness::run,
    },
    Proof {
        name: "databases",
        about: "each database's pod is deleted, its data stays",
        run: databases::run,
    },
    Proof {
        name: "backups",
        about: "what the CronJobs back up is restored from their files",
        run: backups::run,
    },
    Proof {
        name: "autoscaling",
        about: "replicas grow under 300 requests a second, and shrink after it",
        run: autoscaling::run,
    },
    Proof { name: "drain", about: "a node is drained, the site goes on", run: drain::run },
];

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let wanted = |proof: &&Proof| {
        options.filter.as_ref().is_none_or(|filter| proof.name.contains(filter.as_str()))
    };
    let proofs: Vec<_> = PROOFS.iter().filter(wanted).collect();
    if proofs.is_empty() {
        let names: Vec<_> = PROOFS.iter().map(|proof| proof.name).collect();
        bail!("no proof has such a name; there are {}", names.join(", "));
    }
    let cluster = Cluster::new(&options.kubeconfig);
    let address = match options.address {
        Some(address) => address,
        None => cluster.gateway()?,
    };
    let site = Site::new(&options.site, address, options.insecure)?;
    let mut report = Report::new(&workspace::path("").join(&options.report))?;
    report.say(&format!("{} at {address}", options.site))?;
    report.output("kubectl version", &cluster.run(&["version"])?)?;
    report.output("kubectl get nodes --output wide", &cluster.run(&NODES)?)?;
    let mut failed = Vec::new();
    for proof in proofs {
        report.heading(proof.name, proof.about)?;
        let begun = Instant::now();
        let tried = Tried { cluster: &cluster, site: &site, report: &mut report, options };
        match (proof.run)(tried) {
            Ok(()) => report.say(&format!("**Shown** in {} s.", begun.elapsed().as_secs()))?,
            Err(error) => {
                failed.push(proof.name);
                report.say(&format!("**Not shown**: {error:#}"))?;
            }
        }
    }
    report.end(&failed)?;
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const NODES: [&str; 4] = ["get", "nodes", "--output", "wide"];

/// Looks once a second until it is so, and says how long it took.
fn wait(limit: Duration, what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > limit {
            bail!("{what}: not within {} s", limit.as_secs());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(begun.elapsed())
}
