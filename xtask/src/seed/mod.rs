//! Synthetic data, as much as a large site has after years: for plans, load and looks.

mod board;
mod client;
mod indexes;
mod loader;
mod review;
mod words;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::workspace;
use client::Client;
use indexes::Indexes;
use loader::{Loader, Table};

/// The default of both URLs, and that of the components.
const LOCAL: &str = "sqlite:default";

#[derive(Args)]
pub(crate) struct Options {
    /// 1 is 1,000,000 posts, 5,000,000 comments, 80,000 hospitals and 2,000,000 reviews; all
    /// hospitals are there from 0.1 on
    #[arg(long, default_value = "0.01", value_parser = scale)]
    pub(crate) scale: f64,
    /// Database of board, with the account that migrates it
    #[arg(long, value_name = "URL", env = "SPIN_VARIABLE_BOARD_DATABASE_URL", hide_env_values = true, default_value = LOCAL)]
    pub(crate) board: String,
    /// Database of review, with the account that migrates it
    #[arg(long, value_name = "URL", env = "SPIN_VARIABLE_REVIEW_DATABASE_URL", hide_env_values = true, default_value = LOCAL)]
    pub(crate) review: String,
    /// Folder of the local site, for sqlite:default [default: .jinmaek]
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Only one of the two
    #[arg(long, value_name = "COMPONENT", value_parser = ["board", "review"])]
    pub(crate) only: Option<String>,
    /// Add to a database that has posts or reviews already, though never to one that was seeded
    #[arg(long)]
    pub(crate) force: bool,
}

impl Options {
    /// Of the local site, at this scale.
    pub(crate) fn new(scale: f64) -> Self {
        let (board, review) = (LOCAL.to_owned(), LOCAL.to_owned());
        Self { scale, board, review, state_dir: None, only: None, force: false }
    }
}

/// More than 100 would fill the disk before anybody notices the mistyped number.
fn scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if (0.001..=100.0).contains(&scale) => Ok(scale),
        _ => Err("must be a number from 0.001 to 100".to_owned()),
    }
}

/// What is made for one component.
struct Part {
    component: &'static str,
    /// Every table that gets rows. The first tells whether anybody uses the database.
    tables: &'static [&'static Table],
    /// Has a row only where this was seeded before.
    marker: String,
    /// How far the bar goes.
    length: u64,
    fill: fn(&mut Loader, f64, &ProgressBar) -> Result<()>,
    /// SQL that ends it.
    finish: &'static str,
}

/// Fills both databases, or the one that is asked for.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = options.state_dir.clone().unwrap_or_else(workspace::local_state);
    let local = folder.join("state/sqlite_db.db");
    let parts = [
        (board::part(options.scale), &options.board),
        (review::part(options.scale), &options.review),
    ];
    for (part, url) in parts {
        if options.only.as_ref().is_some_and(|only| only != part.component) {
            continue;
        }
        let client = Client::new(url, &local)?;
        check(&client, &part, options.force)?;
        seed(&client, &part, options.scale)?;
    }
    Ok(())
}

fn check(client: &Client, part: &Part, force: bool) -> Result<()> {
    let (component, table) = (part.component, part.tables[0].name);
    client.query("SELECT 1")?;
    let used = match client.query(&format!("SELECT 1 FROM {table} LIMIT 1")) {
        Ok(rows) => !rows.trim().is_empty(),
        Err(error) => bail!(
            "the database of {component} has no table {table} that can be read; open a page of the site once (SQLite) or run \
             `runtime-shim migrate` first: {error:#}"
        ),
    };
    if !client.query(&part.marker)?.trim().is_empty() {
        bail!("the database of {component} was seeded before");
    }
    if used && !force {
        bail!("the database of {component} has {table} already; --force adds to them");
    }
    Ok(())
}

fn seed(client: &Client, part: &Part, scale: f64) -> Result<()> {
    let started = Instant::now();
    let bar = progress_bar(part.length);
    bar.set_message(format!("{} ", part.component));
    let names: Vec<&str> = part.tables.iter().map(|table| table.name).collect();
    let indexes = Indexes::of(client, &names)?;
    let mut loader = Loader::start(client, part.tables)?;
    let result = write(&mut loader, &indexes, part, scale, &bar);
    bar.finish_and_clear();
    // What the client says of a failure is nearer to the cause than that it is gone.
    let rows = loader.finish().and_then(|rows| result.map(|()| rows));
    let rows = rows.map_err(|error| indexes.explain(error))?;
    for table in &names {
        client.query(&client.engine().analyze(table))?;
    }
    let (sum, seconds) =
        (rows.iter().map(|(_, rows)| rows).sum::<u64>(), started.elapsed().as_secs_f64());
    let each: Vec<String> = rows.iter().map(|(table, rows)| format!("{rows} {table}")).collect();
    eprintln!("{}: {sum} rows in {seconds:.1} s: {}", part.component, each.join(", "));
    Ok(())
}

fn write(
    loader: &mut Loader,
    indexes: &Indexes,
    part: &Part,
    scale: f64,
    bar: &ProgressBar,
) -> Result<()> {
    loader.sql(&indexes.set_aside)?;
    (part.fill)(loader, scale, bar)?;
    loader.flush()?;
    bar.set_message(format!("{}: indexes ", part.component));
    loader.sql(part.finish)?;
    loader.sql(&indexes.make)
}

fn progress_bar(length: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg:>16} {bar:40} {percent:>3} %  {per_sec}  {eta} left");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// So many of what there are `at_one` of at scale 1; at least one.
fn scaled(at_one: u64, scale: f64) -> u64 {
    let scaled = (at_one as f64 * scale).round() as u64;
    scaled.max(1)
}
