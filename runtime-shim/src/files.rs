//! The files that a component sees: copies of what its `files` name, in a
//! directory of its own that is mounted read-only as `/`.

use std::collections::BTreeSet;
use std::path::{Component as PathPart, Path, PathBuf};

use anyhow::{Context, Result, bail};
use glob::Pattern;
use tempfile::TempDir;

use crate::manifest::{Component, StringOr};

const SCRATCH: &str = "runtime-shim-files-";
const SHARED_MEMORY: &str = "/dev/shm";

/// Copies the files of `component`; `None` if it names none. The copy is
/// removed when the value is dropped.
pub(crate) fn mount(directory: &Path, component: &Component) -> Result<Option<TempDir>> {
    if component.files.is_empty() {
        return Ok(None);
    }
    let target = scratch()?;
    let excluded = component
        .exclude_files
        .iter()
        .map(|pattern| Pattern::new(pattern).with_context(|| format!("exclude_files: `{pattern}`")))
        .collect::<Result<Vec<_>>>()?;
    let sources = Sources { directory, excluded };
    for entry in &component.files {
        match entry {
            StringOr::String(pattern) => sources.copy_matching(pattern, target.path())?,
            StringOr::Table(placement) => {
                let source = inside(directory, &placement.source)?;
                let destination = inside(target.path(), &placement.destination)?;
                sources
                    .copy_placed(&source, &destination)
                    .with_context(|| format!("files: `{}`", placement.source))?;
            }
        }
    }
    Ok(Some(target))
}

/// A directory for as long as the value lives. Where a container's root is read-only there may be
/// no place for temporary files; then it is in shared memory, and counts as the host's memory.
pub fn scratch() -> Result<TempDir> {
    let new = || tempfile::Builder::new();
    new()
        .prefix(SCRATCH)
        .tempdir()
        .or_else(|_| new().prefix(SCRATCH).tempdir_in(SHARED_MEMORY))
        .with_context(|| {
            let usual = std::env::temp_dir();
            format!("nowhere to write files to: neither {} nor {SHARED_MEMORY}", usual.display())
        })
}

struct Sources<'a> {
    /// The manifest's; patterns are relative to it.
    directory: &'a Path,
    excluded: Vec<Pattern>,
}

impl Sources<'_> {
    fn is_excluded(&self, file: &Path) -> bool {
        let relative = file.strip_prefix(self.directory).unwrap_or(file);
        self.excluded.iter().any(|pattern| pattern.matches_path(relative))
    }

    /// Copies what a glob names to the same place below `target`.
    fn copy_matching(&self, pattern: &str, target: &Path) -> Result<()> {
        let absolute = self.directory.join(pattern);
        let absolute = absolute.to_str().context("files: the path is not UTF-8")?;
        let found: BTreeSet<PathBuf> = glob::glob(absolute)
            .with_context(|| format!("files: `{pattern}`"))?
            .collect::<Result<_, _>>()?;
        for file in found.iter().filter(|path| path.is_file() && !self.is_excluded(path)) {
            let relative = file
                .strip_prefix(self.directory)
                .context("files lie below the manifest's directory")?;
            copy_file(file, &inside(target, &relative.to_string_lossy())?)?;
        }
        Ok(())
    }

    /// Copies a file, or a directory with all that is in it.
    fn copy_placed(&self, source: &Path, destination: &Path) -> Result<()> {
        if source.is_file() {
            return if self.is_excluded(source) { Ok(()) } else { copy_file(source, destination) };
        }
        if !source.is_dir() {
            bail!("no such file or directory");
        }
        for entry in std::fs::read_dir(source)? {
            let entry = entry?;
            self.copy_placed(&entry.path(), &destination.join(entry.file_name()))?;
        }
        Ok(())
    }
}

fn copy_file(source: &Path, destination: &Path) -> Result<()> {
    if let Some(parent) = destination.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::copy(source, destination)
        .with_context(|| format!("files: cannot copy {}", source.display()))?;
    Ok(())
}

/// `path` below `root`; a path that would leave it is refused.
fn inside(root: &Path, path: &str) -> Result<PathBuf> {
    let mut joined = root.to_path_buf();
    for part in Path::new(path).components() {
        match part {
            PathPart::Normal(name) => joined.push(name),
            PathPart::RootDir | PathPart::CurDir => {}
            PathPart::ParentDir | PathPart::Prefix(_) => {
                bail!("files: `{path}` leaves the component's directory")
            }
        }
    }
    Ok(joined)
}
