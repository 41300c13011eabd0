//! `containerd-shim-jinmaek-v1`: containerd starts it for a pod, and this host serves the
//! application in the pod's image, inside the container that the library around it has made. What
//! is not ours in the pod (pause, a sidecar) is run by that library as usual.
//!
//! No thread and no engine before `run_wasi`: the container is a fork of this process.

mod container;
mod node_cache;

use anyhow::Result;
use containerd_shim_wasm::sandbox::Sandbox;
use containerd_shim_wasm::sandbox::context::RuntimeContext;
use containerd_shim_wasm::shim::{Cli, Shim, Version};
use runtime_shim::locked_app;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct JinmaekShim;

impl Shim for JinmaekShim {
    type Sandbox = SpinApplication;

    fn name() -> &'static str {
        "jinmaek"
    }

    fn version() -> Version {
        Version { version: env!("CARGO_PKG_VERSION"), revision: "" }
    }

    fn supported_layers_types() -> &'static [&'static str] {
        &[locked_app::APPLICATION, locked_app::COMPONENT, locked_app::FILE]
    }
}

#[derive(Default)]
struct SpinApplication;

impl Sandbox for SpinApplication {
    /// Everything: what is wrong with an image is then said in the container's own log, rather
    /// than in an event of containerd.
    async fn can_handle(&self, _: &impl RuntimeContext) -> Result<()> {
        Ok(())
    }

    async fn run_wasi(&self, context: &impl RuntimeContext) -> Result<i32> {
        Ok(container::run(context))
    }
}

fn main() {
    node_cache::open();
    JinmaekShim::run(None);
}
