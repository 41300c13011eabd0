//! What was measured, as a page, as JSON, and in the terminal as `docs/performance.md` holds it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::FULL_P99;
use super::crowd::{Figures, Level};
use crate::chart::{self, Row};

/// Milliseconds, for every page, with the users that were asked for.
const GOAL_P99: f64 = 50.0;
const GOAL_P999: f64 = 150.0;
/// How many times that load the site carries before it is full.
const GOAL_FACTOR: f64 = 10.0;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}\
    table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #8884}\
    th:first-child,td:first-child{text-align:left}svg{width:100%;height:auto}";

pub(super) fn write(folder: &Path, base: &str, levels: &[Level]) -> Result<()> {
    let Some(steady) = levels.first() else { return Ok(()) };
    let tables = tables(steady, levels);
    for (title, table) in &tables {
        println!("\n### {title}\n");
        print!("{}", table.markdown());
    }
    let goals = goals(steady, levels);
    println!();
    for goal in &goals {
        println!("- {goal}");
    }
    fs::write(folder.join("report.html"), page(steady, &tables, &goals)?)?;
    let report = json!({ "base": base, "levels": levels, "goals": goals });
    fs::write(folder.join("report.json"), serde_json::to_string_pretty(&report)?)?;
    println!("\nThe report is in {0}/report.html and {0}/report.json", super::FOLDER);
    Ok(())
}

struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn markdown(&self) -> String {
        let mut text = format!("| {} |\n|---|", self.head.join(" | "));
        text += &"--:|".repeat(self.head.len() - 1);
        text.push('\n');
        for row in &self.rows {
            text += &format!("| {} |\n", row.join(" | "));
        }
        text
    }

    fn html(&self) -> String {
        let row = |cells: &mut dyn Iterator<Item = &str>, tag: &str| {
            let cells: String =
                cells.map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let head = row(&mut self.head.iter().copied(), "th");
        let rows = self.rows.iter().map(|cells| row(&mut cells.iter().map(String::as_str), "td"));
        format!("<table>\n{head}{}</table>\n", rows.collect::<String>())
    }
}

fn tables(steady: &Level, levels: &[Level]) -> Vec<(String, Table)> {
    let outcome = &steady.outcome;
    let pages = outcome.pages.iter().chain([&outcome.all]).map(latencies);
    let usage = steady.usage.iter().map(|usage| {
        vec![usage.name.clone(), format!("{:.3}", usage.cores), format!("{:.1}", usage.mebibytes)]
    });
    let machine =
        vec!["the machine".to_owned(), format!("{:.3}", steady.machine_cores), String::new()];
    vec![
        (
            format!("{} users for {:.0} s, latency in ms", outcome.users, outcome.seconds),
            Table {
                head: vec!["", "answered", "failed", "p50", "p95", "p99", "p99.9", "longest"],
                rows: pages.collect(),
            },
        ),
        (
            "What took part, with these users".to_owned(),
            Table { head: vec!["", "cores", "MiB"], rows: usage.chain([machine]).collect() },
        ),
        (
            "More and more users".to_owned(),
            Table {
                head: vec![
                    "users",
                    "requests/s",
                    "failed",
                    "left behind",
                    "p50",
                    "p99",
                    "p99.9",
                    "cores",
                ],
                rows: levels.iter().map(ramp).collect(),
            },
        ),
    ]
}

fn latencies(figures: &Figures) -> Vec<String> {
    let Figures { page, answered, failed, p50, p95, p99, p999, longest, .. } = figures;
    let times = [p50, p95, p99, p999, longest].map(|ms| format!("{ms:.1}"));
    [page.clone(), answered.to_string(), failed.to_string()].into_iter().chain(times).collect()
}

fn ramp(level: &Level) -> Vec<String> {
    let all = &level.outcome.all;
    let counts = [all.failed, level.outcome.left_behind].map(|count| count.to_string());
    let times = [all.p50, all.p99, all.p999].map(|ms| format!("{ms:.1}"));
    let first = [level.outcome.users.to_string(), format!("{:.0}", level.rate())];
    let cores = format!("{:.2}", level.machine_cores);
    first.into_iter().chain(counts).chain(times).chain([cores]).collect()
}

/// Each with what was measured, kept or not.
fn goals(steady: &Level, levels: &[Level]) -> Vec<String> {
    let worst = |of: fn(&Figures) -> f64| steady.outcome.pages.iter().map(of).fold(0.0, f64::max);
    let (p99, p999) = (worst(|page| page.p99), worst(|page| page.p999));
    let lost = steady.outcome.all.failed + steady.outcome.left_behind;
    let kept = |is_kept: bool| if is_kept { "kept" } else { "missed" };
    let mut goals = vec![
        format!("{}: no failure ({lost} failed or left behind)", kept(lost == 0)),
        format!("{}: p99 of every page ≤ {GOAL_P99} ms ({p99:.1})", kept(p99 <= GOAL_P99)),
        format!("{}: p99.9 of every page ≤ {GOAL_P999} ms ({p999:.1})", kept(p999 <= GOAL_P999)),
    ];
    if levels.len() > 1 {
        let carried = levels.iter().filter(|level| {
            let outcome = &level.outcome;
            outcome.all.failed + outcome.left_behind == 0 && outcome.all.p99 <= FULL_P99
        });
        let most = carried.map(|level| level.outcome.users).max().unwrap_or_default();
        let factor = most as f64 / steady.outcome.users as f64;
        goals.push(format!(
            "{}: {GOAL_FACTOR} times the users with p99 ≤ {FULL_P99} ms ({factor} times, {most} users)",
            kept(factor >= GOAL_FACTOR)
        ));
    }
    goals
}

fn page(steady: &Level, tables: &[(String, Table)], goals: &[String]) -> Result<String> {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Load</title><style>{STYLE}</style>\n<h1>Load</h1>\n<ul>\n"
    );
    for goal in goals {
        writeln!(html, "<li>{}", escaped(goal))?;
    }
    html += "</ul>\n";
    let rows: Vec<Row> = steady.outcome.pages.iter().map(bars).collect();
    let title = "Latency of each page, ms; shorter is better";
    html += &chart::draw(title, &["p50", "p99", "p99.9"], &rows, 1)?;
    for (title, table) in tables {
        writeln!(html, "<h2>{}</h2>\n{}", escaped(title), table.html())?;
    }
    if !steady.outcome.reasons.is_empty() {
        html += "<h2>Why requests failed</h2>\n<ul>\n";
        for reason in &steady.outcome.reasons {
            writeln!(html, "<li>{}", escaped(reason))?;
        }
        html += "</ul>\n";
    }
    html += "<p><a href=\"goose.html\">goose's own report</a> counts from when a request was sent, until its head came.\n";
    Ok(html)
}

fn bars(figures: &Figures) -> Row {
    let figure = |ms| Some(ms);
    Row {
        name: figures.page.clone(),
        figures: [figures.p50, figures.p99, figures.p999].map(figure).into(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
