//! What was seen, in Markdown: on the screen as it comes, and in a file to be kept.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

pub(super) struct Report {
    file: File,
    begun: Instant,
}

impl Report {
    pub(super) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join("report.md");
        let file = File::create(&path).with_context(|| format!("writing {}", path.display()))?;
        eprintln!("The report goes to {}", path.display());
        let mut report = Self { file, begun: Instant::now() };
        report.write("# What the cluster showed\n")?;
        Ok(report)
    }

    pub(super) fn heading(&mut self, name: &str, about: &str) -> Result<()> {
        self.write(&format!("\n## {name}: {about}\n"))
    }

    /// A sentence, with the seconds since the beginning.
    pub(super) fn say(&mut self, sentence: &str) -> Result<()> {
        self.write(&format!("- {:>4} s: {sentence}", self.begun.elapsed().as_secs()))
    }

    /// What a command printed.
    pub(super) fn output(&mut self, command: &str, output: &str) -> Result<()> {
        self.write(&format!("\n```\n$ {command}\n{}\n```\n", output.trim_end()))
    }

    pub(super) fn end(&mut self, failed: &[&str]) -> Result<()> {
        let verdict = match failed {
            [] => "Everything was shown.".to_owned(),
            failed => format!("Not shown: {}.", failed.join(", ")),
        };
        self.write(&format!("\n{verdict}"))
    }

    fn write(&mut self, text: &str) -> Result<()> {
        eprintln!("{text}");
        writeln!(self.file, "{text}").context("writing the report")
    }
}
