//! The shim under containerd itself. Compiling it takes a quarter of an hour, so this only tests
//! one that somebody has compiled.

use anyhow::Result;
use rustix::process::geteuid;

use super::node::{run_files, unable};
use super::session::Session;
use super::{Outcome, Step};
use crate::{command, image, workspace};

/// As it is deployed, or compiled in less time.
const SHIMS: [&str; 2] =
    ["target/dist/containerd-shim-jinmaek-v1", "target/release/containerd-shim-jinmaek-v1"];

pub(crate) fn run(session: &mut Session, step: &Step) -> Result<Outcome> {
    let Some(shim) = SHIMS.map(workspace::path).into_iter().find(|shim| shim.exists()) else {
        let how = "cargo xtask dist --features containerd";
        return Ok(Outcome::NotRun(how.to_owned()));
    };
    if let Some(missing) = missing() {
        return Ok(Outcome::NotRun(missing.to_owned()));
    }
    if let Some(outcome) = unable()? {
        return Ok(outcome);
    }
    let layout = workspace::path(image::OUTPUT);
    image::write(&layout)?;
    let tally = run_files(&session.files(step)?, |suite| {
        suite.env("JINMAEK_SHIM", &shim).env("JINMAEK_IMAGE", &layout);
    })?;
    Ok(Outcome::Ran(tally))
}

fn missing() -> Option<&'static str> {
    for program in ["containerd", "ctr", "curl"] {
        if !command::exists(program) {
            return Some("apt-get install containerd curl iproute2");
        }
    }
    // Containers are made of namespaces and control groups.
    (!geteuid().is_root()).then_some("as root")
}
