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
    for Placed { source, place } in placed(directory, component)? {
        copy(&source, &target.path().join(place))?;
    }
    Ok(Some(target))
}

/// A file that a component sees.
pub(crate) struct Placed {
    pub(crate) source: PathBuf,
    /// Below the component's `/`.
    place: PathBuf,
}

/// What the `files` of `component` name, in their order: of two in one place it sees the later.
pub(crate) fn placed(directory: &Path, component: &Component) -> Result<Vec<Placed>> {
    // What a pattern finds does not begin with `./`, even if the pattern does.
    let directory = &std::path::absolute(directory).context("files")?;
    let excluded = component
        .exclude_files
        .iter()
        .map(|pattern| Pattern::new(pattern).with_context(|| format!("exclude_files: `{pattern}`")))
        .collect::<Result<Vec<_>>>()?;
    let mut search = Search { directory, excluded, found: Vec::new() };
    for entry in &component.files {
        match entry {
            StringOr::String(pattern) => search.matching(pattern)?,
            StringOr::Table(placement) => {
                let source = directory.join(placement.source.trim_start_matches('/'));
                let place = inside(&placement.destination)?;
                search
                    .below(source, place)
                    .with_context(|| format!("files: `{}`", placement.source))?;
            }
        }
    }
    Ok(search.found)
}

/// A directory for as long as the value lives. Where a container's root is read-only there may be
/// no place for temporary files; then it is in shared memory, and counts as the host's memory.
pub fn scratch() -> Result<TempDir> {
    TempDir::with_prefix(SCRATCH)
        .or_else(|_| TempDir::with_prefix_in(SCRATCH, SHARED_MEMORY))
        .with_context(|| {
            let usual = std::env::temp_dir();
            format!("nowhere to write files to: neither {} nor {SHARED_MEMORY}", usual.display())
        })
}

struct Search<'a> {
    /// The manifest's; patterns are relative to it.
    directory: &'a Path,
    excluded: Vec<Pattern>,
    found: Vec<Placed>,
}

impl Search<'_> {
    fn is_excluded(&self, file: &Path) -> bool {
        let relative = file.strip_prefix(self.directory).unwrap_or(file);
        self.excluded.iter().any(|pattern| pattern.matches_path(relative))
    }

    /// What a path or a glob names, placed where Spin does.
    fn matching(&mut self, pattern: &str) -> Result<()> {
        if matches!(pattern.rsplit('/').next(), Some("." | "..")) {
            bail!(
                "files: `{pattern}`: write {{ source, destination }}, or a pattern that ends in **/*"
            );
        }
        let source = self.directory.join(pattern);
        if source.is_file() {
            self.found.push(Placed { source, place: inside(pattern)? });
            return Ok(());
        }
        if source.is_dir() {
            // Below its own name twice.
            let all = format!("{}/**/*", Pattern::escape(pattern));
            return self.glob(&all, &inside(pattern)?);
        }
        if !pattern.contains(['*', '?', '[']) {
            bail!("files: `{pattern}`: no such file or directory");
        }
        self.glob(pattern, Path::new(""))
    }

    /// Each file keeps, below `root`, the place that it has in the manifest's directory.
    fn glob(&mut self, pattern: &str, root: &Path) -> Result<()> {
        let found = glob(self.directory, pattern).with_context(|| format!("files: `{pattern}`"))?;
        let found: BTreeSet<PathBuf> = found.collect::<Result<_, _>>()?;
        for source in found {
            if !source.is_file() || self.is_excluded(&source) {
                continue;
            }
            let relative = source
                .strip_prefix(self.directory)
                .context("files lie below the manifest's directory")?;
            let place = root.join(inside(&relative.to_string_lossy())?);
            self.found.push(Placed { source, place });
        }
        Ok(())
    }

    /// A file, or all that is in a directory and is not excluded.
    fn below(&mut self, source: PathBuf, place: PathBuf) -> Result<()> {
        if source.is_file() {
            self.found.push(Placed { source, place });
            return Ok(());
        }
        if !source.is_dir() {
            bail!("no such file or directory");
        }
        for entry in std::fs::read_dir(source)? {
            let (found, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
            if !self.is_excluded(&found) && !leads_nowhere(&found) {
                self.below(found, place.join(name))?;
            }
        }
        Ok(())
    }
}

/// Editors and package managers leave such links.
fn leads_nowhere(path: &Path) -> bool {
    let is_absent = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    path.is_symlink() && std::fs::metadata(path).err().is_some_and(is_absent)
}

/// What `pattern` finds in `directory`, whose own name is no pattern.
pub(crate) fn glob(directory: &Path, pattern: &str) -> Result<glob::Paths> {
    let directory = directory.to_str().context("the path is not UTF-8")?;
    let pattern = Path::new(&Pattern::escape(directory)).join(pattern);
    Ok(glob::glob(&pattern.to_string_lossy())?)
}

fn copy(source: &Path, destination: &Path) -> Result<()> {
    if let Some(parent) = destination.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::copy(source, destination)
        .with_context(|| format!("files: cannot copy {}", source.display()))?;
    Ok(())
}

fn inside(path: &str) -> Result<PathBuf> {
    below(Path::new(""), path)
        .with_context(|| format!("files: `{path}` leaves the component's directory"))
}

/// `path` below `root`, unless it would leave it.
pub(crate) fn below(root: &Path, path: &str) -> Option<PathBuf> {
    let mut joined = root.to_path_buf();
    for part in Path::new(path).components() {
        match part {
            PathPart::Normal(name) => joined.push(name),
            PathPart::RootDir | PathPart::CurDir => {}
            PathPart::ParentDir | PathPart::Prefix(_) => return None,
        }
    }
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a component sees of `a/b.txt`, `a/c/d.txt` and `[e].txt`, or why there is nothing.
    fn seen(files: &str, excluded: &str) -> Result<Vec<String>, String> {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(directory.path().join("a/c")).expect("a directory");
        std::fs::create_dir(directory.path().join("[f]")).expect("a directory");
        for file in ["a/b.txt", "a/c/d.txt", "[e].txt", "[f]/g.txt"] {
            std::fs::write(directory.path().join(file), "x").expect("a file");
        }
        let text = format!("source = \"x.wasm\"\nfiles = {files}\nexclude_files = {excluded}");
        let component: Component = toml::from_str(&text).expect("a component");
        let mounted = mount(directory.path(), &component).map_err(|error| format!("{error:#}"))?;
        let mounted = mounted.expect("files");
        let pattern = mounted.path().join("**/*");
        let found = glob::glob(pattern.to_str().expect("text")).expect("a pattern");
        let files = found.map_while(Result::ok).filter(|path| path.is_file());
        let relative = |path: PathBuf| path.strip_prefix(mounted.path()).map(Path::to_path_buf);
        let files = files.map(|path| relative(path).expect("below").display().to_string());
        Ok(files.collect())
    }

    #[test]
    fn a_manifest_in_the_working_directory_has_its_files_there() {
        for (files, expected) in [
            ("['tests/app/assets/*']", "tests/app/assets/note.txt"),
            ("['./tests/app/assets']", "tests/app/assets/tests/app/assets/note.txt"),
            ("[{ source = '../runtime-shim/tests/app/assets', destination = '/' }]", "note.txt"),
        ] {
            let text = format!("source = \"x.wasm\"\nfiles = {files}");
            let component: Component = toml::from_str(&text).expect("a component");
            let mounted = mount(Path::new("."), &component).expect("mounted").expect("files");
            assert!(mounted.path().join(expected).is_file(), "{files}");
        }
    }

    /// Each of these is what Spin 4.1 does.
    #[test]
    fn paths_patterns_and_mounts_lead_where_spin_has_them() {
        for (files, excluded, expected) in [
            ("['a/*']", "[]", &["a/b.txt"][..]),
            ("['a/**/*']", "['a/c/*']", &["a/b.txt"]),
            ("['a']", "[]", &["a/a/b.txt", "a/a/c/d.txt"]),
            ("['a']", "['a/b.txt']", &["a/a/c/d.txt"]),
            ("['a/b.txt']", "['a/b.txt']", &["a/b.txt"]),
            ("['[e].txt']", "[]", &["[e].txt"]),
            ("['[f]']", "[]", &["[f]/[f]/g.txt"]),
            ("['nothing/*']", "[]", &[]),
            ("[{ source = 'a', destination = '/' }]", "['a/b.txt']", &["c/d.txt"]),
            ("[{ source = 'a/b.txt', destination = '/z' }]", "[]", &["z"]),
        ] {
            assert_eq!(seen(files, excluded).expect(files), expected, "{files}");
        }
        for (files, why) in [
            ("['.']", "destination"),
            ("['a/..']", "destination"),
            ("['nothing.txt']", "no such file"),
            ("[{ source = 'nothing', destination = '/' }]", "no such file"),
        ] {
            let error = seen(files, "[]").expect_err(files);
            assert!(error.contains(why), "{files}: {error}");
        }
    }
}
