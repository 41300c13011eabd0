//! Loading open data through the operator's routes.

mod archive;
mod delimited;
mod layout;
mod operator;
mod workbook;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use layout::Layout;
use operator::{Finding, Import, Operator};

/// The most rows that the site takes at once.
const ROWS_PER_BATCH: usize = 500;

/// A batch has to stay below the site's limit of 1 MiB for a body, its punctuation included.
const BYTES_PER_BATCH: usize = 700 * 1024;

/// A longer cell is wrong in any column; the site says so of what is left of it.
const MAX_CELL_CHARS: usize = 1000;

/// Rejected rows that are named one by one, and cells that were left out. Beyond these it is
/// the file that is wrong, and the total says that.
const MAX_REJECTED_SHOWN: usize = 200;
const MAX_WARNINGS_SHOWN: usize = 20;

#[derive(Args)]
pub(crate) struct Hospitals {
    /// HIRA's file of hospitals: XLSX, CSV in UTF-8 or cp949, or the ZIP it comes in
    pub(crate) file: PathBuf,
    /// The site
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub(crate) base: String,
    /// Name of the source, shown beside the facts
    #[arg(long, default_value = "건강보험심사평가원")]
    pub(crate) source: String,
    /// Day that the data describes, YYYY-MM-DD [default: the end of the month in the file's name]
    #[arg(long)]
    pub(crate) date: Option<String>,
    /// Take it even if it changes more than 5 % of the hospitals
    #[arg(long)]
    pub(crate) force: bool,
    /// File that holds the operator's token
    #[arg(long, default_value = ".jinmaek/operator-token")]
    pub(crate) token_file: PathBuf,
}

/// One line of a file. The first is the header.
pub(super) struct Line {
    /// Counted from 1; in a workbook it is the row of the sheet.
    pub(super) number: u32,
    pub(super) cells: Vec<String>,
}

/// Imports a file. Nothing changes on the site before the last row has been sent and the
/// import is committed, so that it may be interrupted, and run again, at any point.
pub(crate) fn hospitals(options: &Hospitals) -> Result<()> {
    let date = match &options.date {
        Some(date) => date.clone(),
        None => layout::date_in_name(&options.file).context(
            "the file's name does not say which month it describes: add --date YYYY-MM-DD",
        )?,
    };
    let token = std::fs::read_to_string(&options.token_file).with_context(|| {
        format!("cannot read the operator's token from {}", options.token_file.display())
    })?;
    let operator = Operator::new(&options.base, token.trim())?;
    let bar = progress_bar();
    let mut upload = Upload::new(operator.start(&options.source, &date)?, bar.clone());
    let read = for_each_line(&options.file, &bar, &mut |line| upload.take(line));
    bar.finish_and_clear();
    read.with_context(|| format!("{}", options.file.display()))?;
    let summary = upload.finish()?;
    let changes = upload.import.commit(options.force)?;
    eprintln!("{summary}");
    eprintln!("{changes}");
    Ok(())
}

/// Reads a file of any of the forms it comes in, without ever holding all of its lines.
fn for_each_line(
    file: &Path,
    bar: &ProgressBar,
    visit: &mut dyn FnMut(Line) -> Result<()>,
) -> Result<()> {
    let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("csv" | "txt") => delimited::for_each_line(file, bar, visit),
        Some("xlsx") => workbook::for_each_line(file, bar, visit),
        Some("zip") => workbook::for_each_line(archive::extract(file)?.path(), bar, visit),
        _ => bail!("is not a .xlsx, .csv or .zip file"),
    }
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {eta} left");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Collects lines to batches and sends them.
struct Upload {
    import: Import,
    bar: ProgressBar,
    layout: Option<Layout>,
    batch: Vec<Value>,
    batch_bytes: usize,
    accepted: usize,
    rejected: usize,
    warnings: usize,
}

impl Upload {
    fn new(import: Import, bar: ProgressBar) -> Self {
        Self {
            import,
            bar,
            layout: None,
            batch: Vec::new(),
            batch_bytes: 0,
            accepted: 0,
            rejected: 0,
            warnings: 0,
        }
    }

    fn take(&mut self, line: Line) -> Result<()> {
        if line.cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        let Some(layout) = &self.layout else {
            let layout = Layout::of(&line.cells)?;
            for header in &layout.missing {
                self.say(&format!("There is no column {header}: it is left empty."));
            }
            self.layout = Some(layout);
            return Ok(());
        };
        let row = layout.row(line);
        self.batch_bytes += bytes(&row);
        self.batch.push(Value::Object(row));
        if self.batch.len() == ROWS_PER_BATCH || self.batch_bytes >= BYTES_PER_BATCH {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let verdict = self.import.stage(&json!({ "rows": rows }))?;
        self.accepted += verdict.accepted;
        for finding in verdict.rejected {
            self.rejected += 1;
            self.report(self.rejected, MAX_REJECTED_SHOWN, "rejected", &finding);
        }
        for finding in verdict.warnings {
            self.warnings += 1;
            self.report(self.warnings, MAX_WARNINGS_SHOWN, "left out", &finding);
        }
        self.bar.set_message(format!("{} rows", self.accepted + self.rejected));
        Ok(())
    }

    fn report(&self, count: usize, limit: usize, verdict: &str, finding: &Finding) {
        let column = layout::header_of(&finding.field);
        match count {
            _ if count <= limit => {
                self.say(&format!("line {}: {column} {}: {verdict}", finding.line, finding.detail));
            }
            _ if count == limit + 1 => self.say(&format!("… and more that are {verdict}")),
            _ => {}
        }
    }

    /// Above the bar, and also where there is none to see.
    fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    fn finish(&mut self) -> Result<String> {
        if self.layout.is_none() {
            bail!("the file is empty");
        }
        if !self.batch.is_empty() {
            self.send()?;
        }
        let Self { accepted, rejected, warnings, .. } = self;
        Ok(format!("{accepted} rows accepted, {rejected} rejected, {warnings} cells left out"))
    }
}

fn bytes(row: &Map<String, Value>) -> usize {
    /// Quotes, colon and comma around a cell, and what escaping adds to an ordinary text.
    const PUNCTUATION: usize = 8;
    row.iter()
        .map(|(field, cell)| field.len() + cell.as_str().map_or(0, str::len) + PUNCTUATION)
        .sum()
}
