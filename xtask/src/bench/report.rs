//! The tables, in Markdown, as `docs/performance.md` holds them.

use super::Figures;
use super::case::{self, Case};

const ABSENT: &str = "–";

pub(super) fn print(columns: &[&str], cases: &[Case], figures: &[Vec<Option<Figures>>]) {
    println!(
        "\nCPU time of the server per request, µs (user and system; the least of the rounds)\n"
    );
    head(columns);
    each(cases, figures, |figures| figures.cpu().map(|cpu| format!("{cpu:.1}")));
    derived(columns, cases, figures);
    println!("\nRequests per second (median of the rounds)\n");
    head(columns);
    each(cases, figures, |figures| figures.rate().map(|rate| format!("{rate:.0}")));
    println!("\nLatency, ms: p50 / p99 / p99.9 (all rounds together)\n");
    head(columns);
    each(cases, figures, |figures| {
        let of = |percentile| figures.percentile(percentile);
        Some(format!("{:.2} / {:.2} / {:.2}", of(50.0), of(99.0), of(99.9)))
    });
    for (case, row) in cases.iter().zip(figures) {
        for (column, figures) in columns.iter().zip(row) {
            let Some(Figures { answers, .. }) = figures else { continue };
            let refused = answers.refused.len();
            if answers.failed + refused > 0 {
                println!(
                    "\n{} on {column}: {} of {} failed, {refused} were told to come back",
                    case.name,
                    answers.failed,
                    answers.requests()
                );
            }
        }
    }
}

pub(super) fn head(columns: &[&str]) {
    println!("| | {} |", columns.join(" | "));
    println!("|---|{}", "--:|".repeat(columns.len()));
}

pub(super) fn row(name: &str, cells: impl Iterator<Item = Option<String>>) {
    let cells: Vec<String> = cells.map(|cell| cell.unwrap_or(ABSENT.to_owned())).collect();
    println!("| {name} | {} |", cells.join(" | "));
}

fn each(
    cases: &[Case],
    figures: &[Vec<Option<Figures>>],
    cell: impl Fn(&Figures) -> Option<String>,
) {
    for (case, figures) in cases.iter().zip(figures) {
        row(&case.name, figures.iter().map(|figures| figures.as_ref().and_then(&cell)));
    }
}

/// What one more of something costs: the difference of two cases, divided.
fn derived(columns: &[&str], cases: &[Case], figures: &[Vec<Option<Figures>>]) {
    let cpu = |name: &str, column: usize| {
        let case = cases.iter().position(|case| case.name == name)?;
        figures[case][column].as_ref()?.cpu()
    };
    let further = |less: &str, more: &str, count: u32, column: usize| {
        let cost = (cpu(more, column)? - cpu(less, column)?) / f64::from(count);
        Some(format!("{cost:.2}"))
    };
    let columns = 0..columns.len();
    let count = case::VARIABLES;
    row(
        "a further variable",
        columns.clone().map(|column| further("hello", &case::variables(), count, column)),
    );
    for (_, name) in case::DATABASES {
        let (less, more) = (case::rows(case::PAGE, name), case::rows(case::MANY, name));
        let count = case::MANY - case::PAGE;
        row(
            &format!("a further row, {name}"),
            columns.clone().map(|column| further(&less, &more, count, column)),
        );
    }
}

pub(super) fn print_memory(columns: &[&str], before: &[Option<u64>], after: &[Option<u64>]) {
    println!("\nMemory, MiB\n");
    head(columns);
    let cells = |bytes: &[Option<u64>]| {
        bytes.iter().map(|bytes| bytes.map(mebibytes)).collect::<Vec<_>>().into_iter()
    };
    row("before", cells(before));
    row("after", cells(after));
}

pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}
