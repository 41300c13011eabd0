//! The files that a component sees: copies of what its `files` name, in a
//! directory of its own that is mounted read-only as `/`.

use std::collections::BTreeSet;
use std::path::{Component as PathPart, Path, PathBuf};

use anyhow::{Context, Result, bail};
use glob::Pattern;
use tempfile::TempDir;

use crate::manifest::{Component, StringOr};

/// Copies the files of `component`; `None` if it names none. The copy is
/// removed when the value is dropped.
pub(crate) fn mount(directory: &Path, component: &Component) -> Result<Option<TempDir>> {
    if component.files.is_empty() {
        return Ok(None);
    }
    let target = tempfile::Builder::new().prefix("runtime-shim-files-").tempdir()?;
    let excluded = component
        .exclude_files
        .iter()
        .map(|pattern| Pattern::new(pattern).with_context(|| format!("exclude_files: `{pattern}`")))
        .collect::<Result<Vec<_>>>()?;
    for entry in &component.files {
        match entry {
            StringOr::String(pattern) => copy_matching(directory, pattern, &excluded, target.path())?,
            StringOr::Table(placement) => {
                let source = directory.join(&placement.source);
                let destination = inside(target.path(), &placement.destination)?;
                copy_placed(&source, &destination)
                    .with_context(|| format!("files: `{}`", placement.source))?;
            }
        }
    }
    Ok(Some(target))
}

fn copy_matching(directory: &Path, pattern: &str, excluded: &[Pattern], target: &Path) -> Result<()> {
    let absolute = directory.join(pattern);
    let absolute = absolute.to_str().context("files: the path is not UTF-8")?;
    let found: BTreeSet<PathBuf> = glob::glob(absolute)
        .with_context(|| format!("files: `{pattern}`"))?
        .collect::<Result<_, _>>()?;
    for file in found.iter().filter(|path| path.is_file()) {
        let relative = file.strip_prefix(directory).context("files lie below the manifest's directory")?;
        if excluded.iter().any(|pattern| pattern.matches_path(relative)) {
            continue;
        }
        copy_file(file, &inside(target, &relative.to_string_lossy())?)?;
    }
    Ok(())
}

fn copy_placed(source: &Path, destination: &Path) -> Result<()> {
    if source.is_file() {
        return copy_file(source, destination);
    }
    if !source.is_dir() {
        bail!("no such file or directory");
    }
    for entry in std::fs::read_dir(source)? {
        let entry = entry?;
        copy_placed(&entry.path(), &destination.join(entry.file_name()))?;
    }
    Ok(())
}

fn copy_file(source: &Path, destination: &Path) -> Result<()> {
    if let Some(parent) = destination.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::copy(source, destination).with_context(|| format!("files: cannot copy {}", source.display()))?;
    Ok(())
}

/// `path` below `root`; a path that would leave it is refused.
fn inside(root: &Path, path: &str) -> Result<PathBuf> {
    let mut joined = root.to_path_buf();
    for part in Path::new(path).components() {
        match part {
            PathPart::Normal(name) => joined.push(name),
            PathPart::RootDir | PathPart::CurDir => {}
            PathPart::ParentDir | PathPart::Prefix(_) => bail!("files: `{path}` leaves the component's directory"),
        }
    }
    Ok(joined)
}
