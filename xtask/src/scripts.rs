//! What runs in browsers: npm packages, and the bundles that the frontend's build script embeds.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, workspace};

/// The package that the scripts belong to.
pub(crate) const PACKAGE: &str = "components/frontend-static";

/// Where the build script of [`PACKAGE`] finds the bundles.
const OUTPUT: &str = "target/scripts";

/// A file of the package's `scripts/` for each bundle.
const ENTRIES: [&str; 2] = ["passes.js", "writing.js"];

/// What browsers have to understand: those of the last four years.
const ECMASCRIPT: &str = "--target=es2022";

pub(crate) const NODE_IS_MISSING: &str = "Node 20.19 or newer is not here: https://nodejs.org";

/// Bundles the scripts if one of them, or a package, has changed since. By content, as times
/// change with every checkout.
pub(crate) fn bundle() -> Result<()> {
    let package = workspace::path(PACKAGE);
    let output = workspace::path(OUTPUT);
    let (sources, bundled) = (sources(&package)?, output.join("sources"));
    let complete = ENTRIES.iter().all(|entry| output.join(entry).exists());
    if complete && fs::read(&bundled).is_ok_and(|old| old == sources) {
        return Ok(());
    }
    if !has_node() {
        bail!("the scripts of {PACKAGE} are to be bundled, and {NODE_IS_MISSING}");
    }
    install_packages(&package)?;
    let mut esbuild = Command::new(package.join("node_modules/.bin/esbuild"));
    esbuild.current_dir(package.join("scripts")).args(ENTRIES);
    esbuild.args(["--bundle", "--minify", "--format=esm", ECMASCRIPT, "--log-level=warning"]);
    let mut outdir = std::ffi::OsString::from("--outdir=");
    outdir.push(&output);
    command::run(esbuild.arg(outdir)).context("bundling scripts")?;
    fs::write(bundled, sources)?;
    Ok(())
}

/// All that a bundle is made of, one after the other: not much more than a hundred kilobytes.
fn sources(package: &Path) -> Result<Vec<u8>> {
    let mut files = vec![package.join("package-lock.json")];
    for entry in fs::read_dir(package.join("scripts"))? {
        files.push(entry?.path());
    }
    files.sort();
    let mut all = format!("{ECMASCRIPT} {ENTRIES:?}\n").into_bytes();
    for file in files {
        let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        all.extend_from_slice(format!("{name} {}\n", content.len()).as_bytes());
        all.extend_from_slice(&content);
    }
    Ok(all)
}

pub(crate) fn has_node() -> bool {
    command::exists("node") && command::exists("npm")
}

/// Installs what the lockfile of `folder` says, unless that was done before.
pub(crate) fn install_packages(folder: &Path) -> Result<()> {
    let wanted = fs::read(folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|old| old == wanted) {
        return Ok(());
    }
    let name = folder.strip_prefix(workspace::root()).unwrap_or(folder);
    eprintln!("Installing the npm packages of {}", name.display());
    let mut npm = Command::new("npm");
    // No package of ours needs a script of its own to be installed.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    command::run(&mut npm)?;
    fs::write(installed, wanted)?;
    Ok(())
}
