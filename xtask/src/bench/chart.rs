//! Bars of CPU time per request, as an SVG that a page of the repository shows.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Figures;
use super::case::Case;

/// In the units of the picture, which are pixels where nobody scales it.
const WIDTH: f64 = 840.0;
const NAMES: f64 = 150.0;
const FIGURES: f64 = 70.0;
const BAR: f64 = 12.0;
const GAP: f64 = 10.0;
const TOP: f64 = 56.0;

/// Told apart also without colours: by their order and their lightness. On light and dark alike.
const COLOURS: [&str; 5] = ["#0f8a7e", "#8c8c8c", "#d0742b", "#5b6ee1", "#b0567f"];

/// Replaces the chart in `file`.
pub(super) fn write(
    file: &Path,
    columns: &[&str],
    cases: &[Case],
    figures: &[Vec<Option<Figures>>],
) -> Result<()> {
    let shown: Vec<_> = cases.iter().zip(figures).filter(|(case, _)| case.is_shown).collect();
    let longest = shown.iter().flat_map(|(_, row)| row.iter().flatten().filter_map(Figures::cpu));
    let longest = longest.fold(1.0, f64::max);
    let group = BAR * columns.len() as f64 + GAP;
    let height = TOP + group * shown.len() as f64;
    let mut svg = String::new();
    begin(&mut svg, columns, height)?;
    for (index, (case, row)) in shown.iter().enumerate() {
        let top = TOP + group * index as f64;
        let middle = top + BAR * columns.len() as f64 / 2.0 + 4.0;
        let name = NAMES - 10.0;
        writeln!(
            svg,
            r#"<text x="{name}" y="{middle:.1}" text-anchor="end">{}</text>"#,
            case.name
        )?;
        for (column, figures) in row.iter().enumerate() {
            let y = top + BAR * column as f64;
            bar(&mut svg, y, COLOURS[column % COLOURS.len()], figures.as_ref(), longest)?;
        }
    }
    svg.push_str("</svg>\n");
    fs::write(file, svg).with_context(|| format!("cannot write {}", file.display()))
}

fn begin(svg: &mut String, columns: &[&str], height: f64) -> Result<()> {
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="CPU time per request">
<style>text{{font:12px system-ui,sans-serif;fill:#444}}@media(prefers-color-scheme:dark){{text{{fill:#ccc}}}}</style>
<text x="{NAMES}" y="18">CPU time of the server per request, µs; shorter is better</text>"#
    )?;
    let mut x = NAMES;
    for (name, colour) in columns.iter().zip(COLOURS.iter().cycle()) {
        writeln!(svg, r#"<rect x="{x}" y="30" width="10" height="10" fill="{colour}"/>"#)?;
        writeln!(svg, r#"<text x="{}" y="39">{name}</text>"#, x + 15.0)?;
        x += 30.0 + 8.0 * name.len() as f64;
    }
    Ok(())
}

fn bar(
    svg: &mut String,
    y: f64,
    colour: &str,
    figures: Option<&Figures>,
    longest: f64,
) -> Result<()> {
    let cpu = figures.and_then(Figures::cpu);
    let width = cpu.map_or(0.0, |cpu| cpu / longest * (WIDTH - NAMES - FIGURES));
    let (height, text, base) = (BAR - 2.0, NAMES + width + 6.0, y + BAR - 3.0);
    let label = cpu.map_or("–".to_owned(), |cpu| format!("{cpu:.0}"));
    writeln!(
        svg,
        r#"<rect x="{NAMES}" y="{y:.1}" width="{width:.1}" height="{height}" fill="{colour}"/>"#
    )?;
    writeln!(svg, r#"<text x="{text:.1}" y="{base:.1}" style="font-size:10px">{label}</text>"#)?;
    Ok(())
}
