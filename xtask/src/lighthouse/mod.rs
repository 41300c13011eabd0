//! `cargo xtask lighthouse`: what Google's Lighthouse says of the pages that people read, in real
//! Chromium, against the goals.

mod figures;
mod page;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::load::Crowd;
use crate::server::{self, Host, Server, Settings};
use crate::{command, components, scripts, seed, workspace};
use figures::FIGURES;
use page::Page;

/// The npm package that brings Lighthouse, and the Node that it needs.
const PACKAGE: &str = "loadtest/lighthouse";

/// Holds a report of each run, and the table as JSON.
/// How often a page is tried that gives no report.
const TRIES: usize = 4;
const OUTPUT: &str = "target/lighthouse";

const CHROMIUM: &str = "/usr/bin/chromium";

/// 5,000 posts, 4,000 hospitals and 10,000 reviews: every list is full.
const SCALE: f64 = 0.005;

#[derive(Args)]
pub(crate) struct Options {
    /// A site that is running; one with synthetic data is started where none is named
    #[arg(long, value_name = "URL")]
    base: Option<String>,
    /// How often each page is measured; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=50))]
    runs: u64,
    /// People who visit the site meanwhile, as with `cargo xtask load`
    #[arg(long, default_value_t = 0)]
    users: u64,
    /// Only pages whose name contains this
    #[arg(long)]
    only: Option<String>,
}

/// What Lighthouse takes the reader's device for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Preset {
    Desktop,
    Mobile,
}

impl Preset {
    fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
        }
    }
}

/// What came of one page on one preset.
struct Line {
    page: &'static str,
    /// Medians, in the order of [`FIGURES`].
    figures: Vec<f64>,
    failures: BTreeSet<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let lighthouse = Lighthouse::install()?;
    let site = match &options.base {
        Some(base) => Site::running(base),
        None => Site::start()?,
    };
    let mut pages = page::all(&site.base)?;
    let crowd =
        (options.users > 0).then(|| Crowd::gather(&site.base, options.users)).transpose()?;
    pages.retain(|page| options.only.as_ref().is_none_or(|only| page.name.contains(only)));
    let mut summary = serde_json::Map::new();
    for preset in [Preset::Desktop, Preset::Mobile] {
        let lines = pages
            .iter()
            .map(|page| lighthouse.measure(&site.base, page, preset, options.runs))
            .collect::<Result<Vec<_>>>()?;
        print(preset, &lines);
        summary.insert(preset.name().to_owned(), lines.iter().map(Line::json).collect());
    }
    if let Some(crowd) = crowd {
        let (answered, failed) = crowd.leave()?;
        println!(
            "\n{} people meanwhile: {answered} steps answered, {failed} failed",
            options.users
        );
    }
    let file = workspace::path(OUTPUT).join("summary.json");
    fs::write(&file, serde_json::to_vec_pretty(&summary)?)?;
    println!("\nThe reports are in {OUTPUT}");
    site.stop()
}

/// The program, with what it runs in.
struct Lighthouse {
    program: PathBuf,
    /// Its own Node before the machine's, which may be older than it takes.
    path: OsString,
    chromium: PathBuf,
}

impl Lighthouse {
    fn install() -> Result<Self> {
        if !scripts::has_node() {
            bail!("{}", scripts::NODE_IS_MISSING);
        }
        let chromium: PathBuf =
            env::var_os("CHROME_PATH").unwrap_or_else(|| CHROMIUM.into()).into();
        if !chromium.exists() {
            bail!(
                "{} is not here: apt-get install chromium, or set CHROME_PATH",
                chromium.display()
            );
        }
        let package = workspace::path(PACKAGE);
        scripts::install_packages(&package)?;
        fs::create_dir_all(workspace::path(OUTPUT))?;
        let programs = package.join("node_modules/.bin");
        let others = env::var_os("PATH").unwrap_or_default();
        let path =
            env::join_paths([programs.clone()].into_iter().chain(env::split_paths(&others)))?;
        Ok(Self { program: programs.join("lighthouse"), path, chromium })
    }

    fn measure(&self, base: &str, page: &Page, preset: Preset, runs: u64) -> Result<Line> {
        let (mut figures, mut failures) = (Vec::new(), BTreeSet::new());
        for run in 1..=runs {
            eprintln!("{} {}: {run} of {runs}", preset.name(), page.name);
            let name = format!("{}-{}-{run}.json", preset.name(), page.name);
            let file = workspace::path(OUTPUT).join(name);
            let url = format!("{base}{}", page.path);
            let report = self.report_at_last(&url, preset, &file)?;
            figures.push(figures::all(&report)?);
            failures.extend(figures::failures(&report));
        }
        let medians = (0..FIGURES.len()).map(|at| median(figures.iter().map(|run| run[at])));
        Ok(Line { page: page.name, figures: medians.collect(), failures })
    }

    /// Chromium loses a trace now and then (NO_NAVSTART), and Lighthouse asks to run it again.
    fn report_at_last(&self, url: &str, preset: Preset, file: &Path) -> Result<Value> {
        for _ in 1..TRIES {
            match self.report(url, preset, file) {
                Err(error) => eprintln!("once more: {error:#}"),
                report => return report,
            }
        }
        self.report(url, preset, file)
    }

    fn report(&self, url: &str, preset: Preset, file: &Path) -> Result<Value> {
        let mut lighthouse = Command::new(&self.program);
        lighthouse.arg(url).args([
            "--quiet",
            "--no-enable-error-reporting",
            "--output=json",
            "--only-categories=performance,accessibility,best-practices,seo",
            // The page as most people get it.
            "--extra-headers={\"accept-language\":\"ko\"}",
            // Chromium's sandbox does not work for root in a container; the pages are ours.
            "--chrome-flags=--headless=new --no-sandbox",
        ]);
        if preset == Preset::Desktop {
            lighthouse.arg("--preset=desktop");
        }
        lighthouse.arg("--output-path").arg(file);
        command::run(lighthouse.env("PATH", &self.path).env("CHROME_PATH", &self.chromium))?;
        let report = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        Ok(serde_json::from_slice(&report)?)
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

impl Line {
    fn json(&self) -> Value {
        let named = FIGURES.iter().zip(&self.figures);
        let figures: serde_json::Map<_, _> =
            named.map(|(figure, value)| (figure.name.to_owned(), json!(value))).collect();
        json!({ "page": self.page, "median": figures, "not_passed": self.failures })
    }
}

/// The table, in Markdown, as `docs/performance.md` holds it.
fn print(preset: Preset, lines: &[Line]) {
    let desktop = preset == Preset::Desktop;
    let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
    println!("\n{}\n\n| | {} |", preset.name(), names.join(" | "));
    println!("|---|{}", "--:|".repeat(names.len()));
    let row = |name: &str, cells: Vec<String>| println!("| {name} | {} |", cells.join(" | "));
    for line in lines {
        let cells = FIGURES.iter().zip(&line.figures);
        row(line.page, cells.map(|(figure, value)| figure.shown(*value)).collect());
    }
    let absent = || "–".to_owned();
    let goals = FIGURES.iter().map(|figure| figure.goal(desktop).unwrap_or_else(absent));
    row("goal", goals.collect());
    for (at, name) in ["the seed's goal", "the seed's result"].into_iter().enumerate() {
        let shown = |figure: &figures::Figure| figure.seed[at].map(|value| figure.shown(value));
        row(name, FIGURES.iter().map(|figure| shown(figure).unwrap_or_else(absent)).collect());
    }
    println!();
    for line in lines {
        for (figure, value) in FIGURES.iter().zip(&line.figures) {
            if figure.is_missed(*value, desktop) {
                println!("missed: {}, {} {}", line.page, figure.name, figure.shown(*value));
            }
        }
        if !line.failures.is_empty() {
            let ids: Vec<&str> = line.failures.iter().map(String::as_str).collect();
            println!("not passed in a run: {}, {}", line.page, ids.join(", "));
        }
    }
}

/// What is measured.
struct Site {
    base: String,
    /// Where it was started here.
    own: Option<(Server, TempDir)>,
}

impl Site {
    fn running(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), own: None }
    }

    /// On SQLite, full of synthetic data.
    fn start() -> Result<Self> {
        components::build(&components::all()?)?;
        let program = Host::Shim.program()?.context("our host was just built")?;
        let folder = tempfile::tempdir()?;
        let settings = Settings {
            application: server::SITE,
            listen: server::available(([127, 0, 0, 1], 0).into())?,
            folder: folder.path().to_owned(),
            // The site of a developer may hold the port of the admin listener.
            arguments: vec!["--admin".to_owned(), "off".to_owned()],
            variables: Vec::new(),
            log_filter: None,
            log: Some(workspace::path(OUTPUT).join("site.log")),
        };
        let mut server = Server::start(Host::Shim, &program, &settings)?;
        server.wait_until_healthy()?;
        server.import_samples().with_context(|| server.logged())?;
        // Has board make its tables.
        ureq::get(format!("{}/api/board/posts", server.base)).call()?;
        let state_dir = Some(folder.path().to_owned());
        seed::run(&seed::Options { state_dir, ..seed::Options::new(SCALE) })?;
        Ok(Self { base: server.base.clone(), own: Some((server, folder)) })
    }

    fn stop(self) -> Result<()> {
        self.own.map_or(Ok(()), |(mut server, _folder)| server.stop())
    }
}
