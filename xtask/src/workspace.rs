//! Where things are in the checkout.

use std::fs;
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

/// Whether `file` is there and not older than `than`.
pub(crate) fn is_fresh(file: &Path, than: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    matches!((modified(file), modified(than)), (Some(file), Some(than)) if file >= than)
}
