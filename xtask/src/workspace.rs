//! Where things are in the checkout.

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// A path from the root.
pub(crate) fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// What the site on this machine keeps between two starts. Ignored by git.
pub(crate) fn local_state() -> PathBuf {
    path(".jinmaek")
}
