//! Programs in Go that read manifests, compiled once into target/.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{command, workspace};

/// The newest versions that Go 1.24 compiles, which is what Debian 13 has.
const KUSTOMIZE: &str = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1";
const KUBECONFORM: &str = "github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0";

pub(super) struct Tools {
    pub(super) kustomize: PathBuf,
    pub(super) kubeconform: PathBuf,
}

impl Tools {
    /// The error says how to get what is missing.
    pub(super) fn install() -> Result<Self, String> {
        if command::output(Command::new("go").arg("version")).is_none() {
            return Err("Go 1.24 or newer is not here: https://go.dev, or apt-get install golang"
                .to_owned());
        }
        Ok(Self {
            kustomize: install(KUSTOMIZE, "kustomize")?,
            kubeconform: install(KUBECONFORM, "kubeconform")?,
        })
    }
}

/// Each version has a folder of its own, so that a new one is compiled and an old one is not used.
fn install(package: &str, program: &str) -> Result<PathBuf, String> {
    let version = package.rsplit('@').next().unwrap_or(package);
    let folder = workspace::path("target/tools").join(format!("{program}-{version}"));
    let file = folder.join(program);
    if !file.exists() {
        eprintln!("Compiling {program} {version}");
        go_install(package, &folder).map_err(|error| format!("{program}: {error:#}"))?;
    }
    Ok(file)
}

fn go_install(package: &str, folder: &Path) -> anyhow::Result<()> {
    let mut go = Command::new("go");
    go.args(["install", package]).env("GOBIN", folder).env("CGO_ENABLED", "0");
    // A cross-compiled program would go elsewhere.
    go.env_remove("GOOS").env_remove("GOARCH");
    command::run(&mut go)
}
