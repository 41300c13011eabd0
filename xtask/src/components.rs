//! Compiling components to WebAssembly.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::toolchain::{TARGET, Toolchain};
use crate::{command, scripts, workspace};

/// Where `spin.toml` expects the components.
pub(crate) const OUTPUT: &str = "target/components";

/// The cargo profile of every component, see the root's `Cargo.toml`.
const PROFILE: &str = "component";

#[derive(Args)]
pub(crate) struct Options {
    /// Folders of components/, all of them where none is named
    names: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let all = all()?;
    if let Some(unknown) = options.names.iter().find(|name| !all.contains(name)) {
        bail!("there is no component {unknown}; there are {}", all.join(", "));
    }
    build(if options.names.is_empty() { &all } else { &options.names })
}

/// The folders of components/, each a package of the same name.
pub(crate) fn all() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace::path("components"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Compiles what is stale in one call of cargo, so that it can use every core.
pub(crate) fn build(names: &[String]) -> Result<()> {
    if names.iter().any(|name| name == "frontend-static") {
        scripts::bundle()?;
    }
    compile(names)?;
    let output = workspace::path(OUTPUT);
    fs::create_dir_all(&output)?;
    for name in names {
        let compiled = workspace::path("target").join(TARGET).join(PROFILE);
        let compiled = compiled.join(format!("{}.wasm", name.replace('-', "_")));
        copy_if_changed(&compiled, &output.join(format!("{name}.wasm")))?;
    }
    Ok(())
}

/// Compiles components, or guests that are none of the site: those of the host's tests and of
/// `bench`.
///
/// Not both in one call: cargo would then choose features for all of them at once, and the
/// components would be compiled twice, once for `up` and once for `test`.
pub(crate) fn compile(packages: &[impl AsRef<str>]) -> Result<()> {
    let packages: Vec<_> = packages.iter().map(AsRef::as_ref).collect();
    let mut cargo = Toolchain::find()?.cargo_build()?;
    cargo.args(["--profile", PROFILE]);
    for package in &packages {
        cargo.args(["--package", package]);
    }
    command::run(&mut cargo).with_context(|| format!("compiling {}", packages.join(", ")))
}

/// The host compiles a component to native code when its file changes, so an equal one stays.
fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let new = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    // By rename, so that a host that starts at this moment never sees half a file.
    let half = to.with_extension("wasm.new");
    fs::write(&half, new)?;
    fs::rename(&half, to).with_context(|| format!("writing {}", to.display()))
}
