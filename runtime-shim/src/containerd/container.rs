//! One container: where its application is, how it is to be run, and how it ended.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use caps::{CapSet, Capability, CapsHashSet};
use clap::Parser;
use containerd_shim_wasm::sandbox::context::{RuntimeContext, Source, WasmLayer};
use runtime_shim::config::{Command, CommandLine, Environment};
use runtime_shim::locked_app::{self, Layer};
use runtime_shim::{files, host};
use tempfile::TempDir;

use crate::node_cache;

/// Where SpinKube mounts a runtime config.
const RUNTIME_CONFIG: &str = "/runtime-config.toml";
const PORT_80: Capability = Capability::CAP_NET_BIND_SERVICE;
/// What the kubelet shows as the reason why a container ended.
const TERMINATION_MESSAGE: &str = "/dev/termination-log";
/// Every address of the pod, unless SpinKube says otherwise.
const LISTEN: &str = "0.0.0.0:80";
/// Where Prometheus finds the pod; a network policy says who may ask.
const ADMIN: &str = "0.0.0.0:9464";

/// Runs what the container is for until it ends; the exit code says how.
pub(crate) fn run(context: &impl RuntimeContext) -> i32 {
    let variables = context.envs().iter().filter_map(|entry| entry.split_once('='));
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    match start(context, environment) {
        Ok(()) => 0,
        Err(error) => {
            let reason = format!("error: {}", host::one_line(&error));
            eprintln!("{reason}");
            // There is none outside of Kubernetes.
            if Path::new(TERMINATION_MESSAGE).exists() {
                let _ = fs::write(TERMINATION_MESSAGE, reason);
            }
            1
        }
    }
}

fn start(context: &impl RuntimeContext, environment: Environment) -> Result<()> {
    drop_capabilities().context("the container's capabilities")?;
    let unpacked = unpacked(&context.entrypoint().source)?;
    let application = unpacked.as_ref().map_or(Path::new("/"), TempDir::path);
    let arguments = arguments(task(context.args())?, application, &environment)?;
    let command = CommandLine::try_parse_from(arguments).map_err(complaint)?.command;
    host::start_log(command.log_format(), &environment);
    // This thread belongs to a runtime already, and a runtime cannot be started inside of another.
    std::thread::scope(|scope| {
        let running = scope.spawn(move || match command {
            Command::Up(up) => host::serve(*up, environment, node_cache::close),
            Command::Migrate(application) => {
                host::migrate(&application, &environment, node_cache::close)
            }
            Command::Limits | Command::Compile(_) => Ok(()),
        });
        running.join().unwrap_or_else(|_| bail!("the host panicked; the log says where"))
    })
}

/// Leaves this thread, and those that it starts, what the host needs: root may take port 80.
///
/// Where a pod drops all of them, the library around us is told of empty sets and leaves them as
/// they are; and as nothing is executed, another user than root keeps them too.
fn drop_capabilities() -> Result<()> {
    let needed = CapsHashSet::from_iter(rustix::process::getuid().is_root().then_some(PORT_80));
    let kept = &caps::read(None, CapSet::Permitted)? & &needed;
    for capability in caps::all().difference(&kept) {
        if caps::has_cap(None, CapSet::Bounding, *capability)? {
            caps::drop(None, CapSet::Bounding, *capability)?;
        }
    }
    caps::clear(None, CapSet::Ambient)?;
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &kept)?;
    Ok(caps::set(None, CapSet::Permitted, &kept)?)
}

/// What follows the path of the image's root, with which the operator starts a container.
fn task(arguments: &[String]) -> Result<&str> {
    match arguments {
        [] | [_] => Ok("up"),
        [_, task] if task == "up" || task == "migrate" => Ok(task),
        [_, others @ ..] => {
            bail!("`{}`: the arguments are none, `up`, or `migrate`", others.join(" "))
        }
    }
}

/// Its first line: the others are about `--help`.
fn complaint(error: clap::Error) -> anyhow::Error {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    anyhow::anyhow!("the container's environment: {}", line.trim_start_matches("error: "))
}

/// The command line that means the same outside of a container. All of it is written out: the
/// process has an environment of its own, containerd's, in which nothing is meant for us.
fn arguments(task: &str, application: &Path, environment: &Environment) -> Result<Vec<String>> {
    let folder = application.to_str().context("the image's folder is not UTF-8")?;
    let mut arguments: Vec<String> =
        ["runtime-shim", task, "--from", folder].map(str::to_owned).into();
    let mut add = |flag: &str, value: Option<&str>| {
        arguments.extend(value.map(|value| format!("--{flag}={value}")));
    };
    let variable = |name: &str| environment.get(name).map(String::as_str);
    if task == "up" {
        add("listen", Some(variable("SPIN_HTTP_LISTEN_ADDR").unwrap_or(LISTEN)));
        add("admin", Some(ADMIN));
    }
    add("component-id", variable("SPIN_COMPONENTS_TO_RETAIN"));
    add("log-format", variable("RUNTIME_SHIM_LOG_FORMAT"));
    add("log-dir", variable("SPIN_LOG_DIR"));
    add("cache-dir", node_cache::of_this_user().as_deref());
    add("runtime-config-file", Some(RUNTIME_CONFIG).filter(|file| Path::new(file).exists()));
    Ok(arguments)
}

/// Where `spin.toml` is: in the image itself, or else written out of the layers of one that
/// `spin registry push` made.
fn unpacked(source: &Source<'_>) -> Result<Option<TempDir>> {
    match source {
        Source::Oci(layers) => unpack(layers).map(Some),
        Source::File(_) if Path::new("/spin.toml").is_file() => Ok(None),
        Source::File(_) => bail!(
            "the image has no Spin application: neither the layers that `spin registry push` makes nor a file /spin.toml"
        ),
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
    let folder = files::scratch()?;
    locked_app::unpack(&layers, folder.path())?;
    Ok(folder)
}
