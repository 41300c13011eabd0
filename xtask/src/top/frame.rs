//! One picture of all hosts: a line for each, and one for each component.

use std::collections::{BTreeMap, VecDeque};

use console::{Alignment, Style, measure_text_width, pad_str, style};

use super::figures::{Component, Figures};

const ABSENT: &str = "–";

/// How far back the line of a component shows its requests: two minutes, on a wide terminal.
const HISTORY: usize = 120;

/// Eighths of a line's height.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Heading and width of each column; the first one's is that of the longest name.
const COLUMNS: [(&str, usize); 9] = [
    ("busy", 7),
    ("memory", 10),
    ("requests", 11),
    ("p50", 9),
    ("p99", 9),
    ("5xx", 9),
    ("refused", 9),
    ("in flight", 10),
    ("instances", 10),
];

/// Requests per second of each component of each host, the newest first.
#[derive(Default)]
pub(super) struct History(BTreeMap<(String, String), VecDeque<f64>>);

impl History {
    fn add(&mut self, host: &str, component: &str, requests: f64) -> &VecDeque<f64> {
        let seen = self.0.entry((host.to_owned(), component.to_owned())).or_default();
        seen.truncate(HISTORY - 1);
        seen.push_front(requests);
        seen
    }
}

/// A host's address with what it told, or why it did not.
pub(super) type Told = (String, Result<Figures, String>);

/// `width`: columns of the terminal, which no line exceeds.
pub(super) fn draw(hosts: &[Told], history: &mut History, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (host, told) in hosts {
        match told {
            Ok(figures) => {
                lines.push(headline(host, figures));
                lines.extend(table(host, figures, history, width));
            }
            Err(why) => lines.push(format!("{}  {}", style(host).bold(), style(why).red())),
        }
        lines.push(String::new());
    }
    lines.iter().map(|line| pad_str(line, width, Alignment::Left, Some("")).into_owned()).collect()
}

fn headline(host: &str, figures: &Figures) -> String {
    format!(
        "{}  CPU {}   memory {}   connections {:.0}",
        style(host).bold(),
        percent(figures.cpu),
        mebibytes(figures.memory),
        figures.connections
    )
}

fn table(host: &str, figures: &Figures, history: &mut History, width: usize) -> Vec<String> {
    let longest = figures.components.keys().map(String::len).max().unwrap_or_default();
    let names: Vec<String> = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut lines = vec![format!("{}", style(row("", longest, &names)).dim())];
    for (id, component) in &figures.components {
        let line = row(id, longest, &cells(component));
        let room = width.saturating_sub(measure_text_width(&line) + 2);
        let past = history.add(host, id, component.requests);
        lines.push(format!("{line}  {}", style(chart(past, room)).cyan()));
    }
    lines
}

fn row(name: &str, longest: usize, cells: &[String]) -> String {
    let mut line = pad_str(name, longest, Alignment::Left, None).into_owned();
    for (cell, (_, width)) in cells.iter().zip(COLUMNS) {
        line.push_str(&pad_str(cell, width, Alignment::Right, None));
    }
    line
}

fn cells(of: &Component) -> [String; 9] {
    [
        percent(of.busy),
        mebibytes(of.memory),
        per_second(of.requests),
        milliseconds(of.p50),
        milliseconds(of.p99),
        warning(of.errors),
        warning(of.refused),
        format!("{:.0}", of.in_flight),
        format!("{:.0}", of.instances),
    ]
}

/// Of one processor.
fn percent(processors: f64) -> String {
    format!("{:.0} %", processors * 100.0)
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

fn per_second(rate: f64) -> String {
    format!("{rate:.1} /s")
}

fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or(ABSENT.to_owned(), |seconds| format!("{:.2} ms", seconds * 1e3))
}

fn warning(rate: f64) -> String {
    let colour = if rate > 0.0 { Style::new().red().bold() } else { Style::new() };
    colour.apply_to(per_second(rate)).to_string()
}

/// The newest at the right end; the highest is full height.
fn chart(past: &VecDeque<f64>, room: usize) -> String {
    let highest = past.iter().copied().fold(0.0, f64::max);
    let height = |value: &f64| {
        let eighths = if highest > 0.0 { value / highest * 8.0 } else { 0.0 };
        HEIGHTS[(eighths.ceil() as usize).clamp(1, 8) - 1]
    };
    past.iter().take(room).rev().map(height).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use console::measure_text_width;

    use super::super::figures::{Component, Figures};
    use super::{History, draw};

    fn told(requests: f64) -> Vec<super::Told> {
        let component = Component { requests, p99: Some(0.0125), ..Component::default() };
        let components = BTreeMap::from([("board".to_owned(), component)]);
        let figures = Figures { cpu: 1.5, memory: 3e7, connections: 2.0, components };
        vec![("one".to_owned(), Ok(figures)), ("two".to_owned(), Err("no answer".to_owned()))]
    }

    #[test]
    fn every_figure_stands_in_its_place_and_no_line_is_too_wide() {
        let mut history = History::default();
        draw(&told(1.0), &mut history, 200);
        let lines = draw(&told(8.0), &mut history, 200);
        assert!(lines[0].contains("CPU 150 %") && lines[0].contains("28.6 MiB"), "{lines:?}");
        assert!(lines[2].starts_with("board"), "{lines:?}");
        for part in ["8.0 /s", "12.50 ms", "–", "▁█"] {
            assert!(lines[2].contains(part), "{part} in {lines:?}");
        }
        assert!(lines[4].contains("no answer"), "{lines:?}");
        for width in [1, 40, 80] {
            let lines = draw(&told(8.0), &mut history, width);
            assert!(lines.iter().all(|line| measure_text_width(line) <= width), "{lines:?}");
        }
    }
}
