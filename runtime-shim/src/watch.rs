//! `up --watch`: builds what was edited, and serves what was built in place of the version
//! before. A version that does not start changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use tokio::sync::watch;

use crate::app::App;
use crate::composition::Source;
use crate::config::{Config, Environment, Up};
use crate::files;
use crate::manifest::{Build, Component};

/// Twice a second is soon for a person and little work for the file system. Looking works on
/// every file system; being told of changes does not.
const LOOK: Duration = Duration::from_millis(500);

/// Files with their times and sizes.
type Seen = BTreeMap<PathBuf, (SystemTime, u64)>;

/// What an application was made of when it was read.
pub struct Looked {
    sources: BTreeMap<String, Seen>,
    parts: Seen,
}

impl Looked {
    pub fn at(config: &Config) -> Self {
        Self { sources: sources(config), parts: parts(config) }
    }
}

/// Looks until the process ends. `looked`: at `config`, when it was read.
pub fn run(
    up: &Up,
    environment: &Environment,
    mut config: Config,
    Looked { mut sources, mut parts }: Looked,
    build: &dyn Fn(&Config) -> Result<App>,
    apps: &watch::Sender<Arc<App>>,
) {
    loop {
        std::thread::sleep(LOOK);
        for (id, commands) in config.builds() {
            let now = settled(|| source_files(&config.directory, commands));
            if sources.insert(id.to_owned(), now.clone()).is_some_and(|before| before != now) {
                report(&format!("Built {id}"), make(&config.directory, commands));
            }
        }
        let now = settled(|| self::parts(&config));
        if now == parts {
            continue;
        }
        parts = now;
        let renewed = Config::read(&up.application, environment).and_then(|renewed| {
            up.check_secrets(&renewed)?;
            // Before it is built: what is edited meanwhile is seen by the next look.
            let looked = Looked::at(&renewed);
            apps.send_replace(Arc::new(build(&renewed)?));
            config = renewed;
            Ok(looked)
        });
        match renewed {
            Ok(looked) => {
                Looked { sources, parts } = looked;
                report("Serving the new version", Ok(()));
            }
            Err(error) => report("", Err(error)),
        }
    }
}

fn report(done: &str, result: Result<()>) {
    match result {
        Ok(()) => eprintln!("{done}"),
        Err(error) => eprintln!("The version before goes on serving: {error:#}"),
    }
}

/// What `look` sees once it sees the same twice: a file may be in the middle of being written.
fn settled(look: impl Fn() -> Seen) -> Seen {
    let mut seen = look();
    loop {
        std::thread::sleep(LOOK / 10);
        let again = look();
        if again == seen {
            return seen;
        }
        seen = again;
    }
}

fn sources(config: &Config) -> BTreeMap<String, Seen> {
    let seen = |(id, build): (&str, _)| (id.to_owned(), source_files(&config.directory, build));
    config.builds().into_iter().map(seen).collect()
}

fn source_files(directory: &Path, build: &Build) -> Seen {
    let directory = directory.join(build.workdir.as_deref().unwrap_or(""));
    build.watch.iter().flat_map(|pattern| matching(&directory, pattern)).collect()
}

/// What the host itself reads to serve the application.
fn parts(config: &Config) -> Seen {
    let mut seen: Seen = config.files.iter().filter_map(|file| entry(file.clone())).collect();
    for (_, component) in config.retained() {
        let source = config.source(component);
        seen.extend(
            source.iter().flat_map(Source::files).filter_map(|file| entry(file.to_owned())),
        );
        seen.extend(mounted(&config.directory, component));
    }
    seen
}

/// Nothing where its `files` name what is not there; then the host that starts anew says so.
fn mounted(directory: &Path, component: &Component) -> Seen {
    let files = files::placed(directory, component).unwrap_or_default();
    files.into_iter().filter_map(|file| entry(file.source)).collect()
}

fn matching(directory: &Path, pattern: &str) -> Seen {
    let found = files::glob(directory, pattern).into_iter().flatten();
    found.filter_map(|file| entry(file.ok()?)).collect()
}

fn entry(file: PathBuf) -> Option<(PathBuf, (SystemTime, u64))> {
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((file, (metadata.modified().ok()?, metadata.len())))
}

/// Builds all that is served, one after the other.
pub(crate) fn build(config: &Config) -> Result<()> {
    for (id, build) in config.builds() {
        make(&config.directory, build).with_context(|| format!("component `{id}`"))?;
    }
    Ok(())
}

fn make(directory: &Path, build: &Build) -> Result<()> {
    for line in build.command.lines() {
        let status = Command::new("sh")
            .args(["-c", line])
            .current_dir(directory.join(build.workdir.as_deref().unwrap_or("")))
            .status()
            .with_context(|| format!("`{line}`"))?;
        if !status.success() {
            bail!("`{line}` failed: {status}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_component_sees_is_looked_at() {
        let directory = tempfile::tempdir().expect("a directory");
        let directory = directory.path().join("[a]");
        std::fs::create_dir_all(directory.join("b")).expect("a directory");
        let file = directory.join("b/c.txt");
        std::fs::write(&file, "x").expect("a file");
        for files in [
            "['b']",
            "['b/*']",
            "['b/c.txt']",
            "[{ source = '/b', destination = '/' }]",
            "[{ source = 'b/c.txt', destination = '/d' }]",
        ] {
            let text = format!("source = \"x.wasm\"\nfiles = {files}");
            let component: Component = toml::from_str(&text).expect("a component");
            let seen = mounted(&directory, &component);
            assert_eq!(seen.keys().collect::<Vec<_>>(), [&file], "{files}");
        }
        assert_eq!(matching(&directory, "**/*.txt").len(), 1);
    }
}
