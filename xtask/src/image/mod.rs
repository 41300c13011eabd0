//! The application as a container image: `spin.toml` and the components, one layer on nothing.
//!
//! It is a folder in the OCI image layout, so neither Docker nor a registry is needed to make one.
//! Our shim takes it as well as SpinKube's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use layout::{Layout, Revision};

use crate::{command, components, workspace};

mod layout;

pub(crate) use layout::hexadecimal;

/// Where the image is written.
pub(crate) const OUTPUT: &str = "target/image";

#[derive(Args)]
pub(crate) struct Options {
    /// Folder of the image, in the OCI image layout; what is there is replaced
    #[arg(long, default_value = OUTPUT)]
    output: PathBuf,
    /// Also push it, as REGISTRY/NAME:TAG; with the credentials of `skopeo login`
    #[arg(long, value_name = "REFERENCE")]
    push: Option<String>,
    /// The registry speaks plain HTTP, or has a certificate of nobody's
    #[arg(long, requires = "push")]
    insecure: bool,
}

/// Writes the image and prints its digest, by which a cluster should be told of it.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.push.is_some() && !command::exists("skopeo") {
        bail!("skopeo pushes the image: apt-get install skopeo");
    }
    let digest = write(&options.output)?;
    eprintln!("{} holds {digest}", options.output.display());
    if let Some(reference) = &options.push {
        push(&options.output, reference, options.insecure)?;
    }
    println!("{digest}");
    Ok(())
}

/// Builds what is stale, and writes the image into `folder`. Returns its digest.
pub(crate) fn write(folder: &Path) -> Result<String> {
    components::build(&components::all()?)?;
    Layout::new(&files()?, &revision()?)?.write(folder)
}

/// What is in the image, by its path there, which is the same as in the checkout: so `spin.toml`
/// needs no change.
fn files() -> Result<Vec<(String, PathBuf)>> {
    let mut names = vec!["spin.toml".to_owned()];
    names.extend(
        components::all()?.iter().map(|name| format!("{}/{name}.wasm", components::OUTPUT)),
    );
    Ok(names.into_iter().map(|name| (name.clone(), workspace::path(&name))).collect())
}

/// The commit that is checked out. What is not committed would be in no other build of it.
fn revision() -> Result<Revision> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(workspace::root()).env("TZ", "UTC");
        command::output(&mut git).with_context(|| format!("git {} failed", arguments.join(" ")))
    };
    let changed = !git(&["status", "--porcelain"])?.is_empty();
    let suffix = if changed { "-changed" } else { "" };
    Ok(Revision {
        commit: format!("{}{suffix}", git(&["rev-parse", "HEAD"])?),
        time: git(&["log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ"])?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn push(layout: &Path, reference: &str, insecure: bool) -> Result<()> {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["copy", "--preserve-digests"]);
    if insecure {
        skopeo.arg("--dest-tls-verify=false");
    }
    skopeo.arg(format!("oci:{}", layout.display())).arg(format!("docker://{reference}"));
    // Its progress is not our result.
    skopeo.stdout(std::io::stderr());
    command::run(&mut skopeo)
}
