//! One container: where its application is, how it is to be run, and how it ended.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Parser;
use containerd_shim_wasm::sandbox::context::{RuntimeContext, Source, WasmLayer};
use runtime_shim::config::{Command, CommandLine};
use runtime_shim::host;
use runtime_shim::locked_app::{self, Layer};
use tempfile::TempDir;

/// Where SpinKube mounts a runtime config.
const RUNTIME_CONFIG: &str = "/runtime-config.toml";
/// What the kubelet shows as the reason why a container ended.
const TERMINATION_MESSAGE: &str = "/dev/termination-log";
/// Every address of the pod, unless SpinKube says otherwise.
const LISTEN: &str = "0.0.0.0:80";
/// Where Prometheus finds the pod; a network policy says who may ask.
const ADMIN: &str = "0.0.0.0:9464";
/// Places that may be written to, where the image's own folder is read-only.
const SCRATCH: [&str; 3] = ["/tmp", "/dev/shm", "/"];

/// Runs what the container is for until it ends; the exit code says how.
pub(crate) fn run(context: &impl RuntimeContext) -> i32 {
    let variables: HashMap<&str, &str> =
        context.envs().iter().filter_map(|entry| entry.split_once('=')).collect();
    let environment = |name: &str| variables.get(name).map(|&value| value.to_owned());
    host::start_log(&environment);
    match start(context, &environment) {
        Ok(()) => 0,
        Err(error) => {
            let reason = format!("error: {}", host::one_line(&error));
            eprintln!("{reason}");
            // There is none outside of Kubernetes.
            let _ = fs::write(TERMINATION_MESSAGE, reason);
            1
        }
    }
}

fn start(
    context: &impl RuntimeContext,
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<()> {
    let application = Folder::of(&context.entrypoint().source)?;
    // What follows the path of the image's root, which is how the operator starts a container.
    let task = match context.args() {
        [] | [_] => "up",
        [_, task] if task == "up" || task == "migrate" => task.as_str(),
        [_, others @ ..] => {
            bail!("`{}`: the arguments are none, `up`, or `migrate`", others.join(" "))
        }
    };
    let command = CommandLine::try_parse_from(arguments(task, application.path(), environment)?)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("the container's environment")?
        .command;
    // This thread belongs to a runtime already, and a runtime cannot be started inside of another.
    std::thread::scope(|scope| {
        let running = scope.spawn(|| match command {
            Command::Up(up) => host::serve(&up, environment),
            Command::Migrate(application) => host::migrate(&application, environment),
            Command::Limits => Ok(()),
        });
        running.join().unwrap_or_else(|_| bail!("the host panicked; the log says where"))
    })
}

/// The command line that means the same outside of a container. All of it is written out: the
/// process has an environment of its own, containerd's, in which nothing is meant for us.
fn arguments(
    task: &str,
    application: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<String>> {
    let folder = application.to_str().context("the image's folder is not UTF-8")?;
    let mut arguments: Vec<String> =
        ["runtime-shim", task, "--from", folder].map(str::to_owned).into();
    if task == "up" {
        let listen = environment("SPIN_HTTP_LISTEN_ADDR").unwrap_or_else(|| LISTEN.to_owned());
        arguments.extend([format!("--listen={listen}"), format!("--admin={ADMIN}")]);
    }
    if let Some(components) = environment("SPIN_COMPONENTS_TO_RETAIN") {
        arguments.push(format!("--component-id={components}"));
    }
    if Path::new(RUNTIME_CONFIG).exists() {
        arguments.push(format!("--runtime-config-file={RUNTIME_CONFIG}"));
    }
    Ok(arguments)
}

/// Where `spin.toml` is.
enum Folder {
    /// In the image itself.
    Root,
    /// Written out of the layers of an image that `spin registry push` made.
    Unpacked(TempDir),
}

impl Folder {
    fn of(source: &Source<'_>) -> Result<Self> {
        match source {
            Source::Oci(layers) => unpack(layers).map(Self::Unpacked),
            Source::File(_) if Path::new("/spin.toml").is_file() => Ok(Self::Root),
            Source::File(_) => bail!(
                "the image has no Spin application: neither the layers that `spin registry push` makes nor a file /spin.toml"
            ),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Root => Path::new("/"),
            Self::Unpacked(folder) => folder.path(),
        }
    }
}

fn unpack(layers: &[WasmLayer]) -> Result<TempDir> {
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| Layer {
            media_type: layer.config.media_type().to_string(),
            digest: layer.config.digest().to_string(),
            content: &layer.layer,
        })
        .collect();
    let folder = scratch()?;
    locked_app::unpack(&layers, folder.path())?;
    Ok(folder)
}

fn scratch() -> Result<TempDir> {
    let prefix = "jinmaek-";
    SCRATCH
        .iter()
        .find_map(|place| {
            tempfile::Builder::new().prefix(prefix).tempdir_in(PathBuf::from(place)).ok()
        })
        .with_context(|| format!("nowhere to unpack the image: not in {}", SCRATCH.join(", ")))
}
