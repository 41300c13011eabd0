//! Bars, as an SVG that a page shows.

use std::fmt::Write;

use anyhow::Result;

/// In the units of the picture, which are pixels where nobody scales it.
const WIDTH: f64 = 840.0;
const NAMES: f64 = 170.0;
const FIGURES: f64 = 70.0;
const BAR: f64 = 12.0;
const GAP: f64 = 10.0;
const TOP: f64 = 56.0;

/// Told apart also without colours: by their order and their lightness. On light and dark alike.
const COLOURS: [&str; 5] = ["#0f8a7e", "#8c8c8c", "#d0742b", "#5b6ee1", "#b0567f"];

/// A bar for each column; none where there is no figure.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) figures: Vec<Option<f64>>,
}

/// The chart. `title` says what it shows, in which unit, and which is better; figures are shown
/// with so many `decimals`.
pub(crate) fn draw(title: &str, columns: &[&str], rows: &[Row], decimals: usize) -> Result<String> {
    let longest = rows.iter().flat_map(|row| row.figures.iter().flatten());
    let longest = longest.copied().fold(f64::MIN_POSITIVE, f64::max);
    let group = BAR * columns.len() as f64 + GAP;
    let height = TOP + group * rows.len() as f64;
    let mut svg = String::new();
    begin(&mut svg, title, columns, height)?;
    for (index, row) in rows.iter().enumerate() {
        let top = TOP + group * index as f64;
        let middle = top + BAR * columns.len() as f64 / 2.0 + 4.0;
        let (x, name) = (NAMES - 10.0, &row.name);
        writeln!(svg, r#"<text x="{x}" y="{middle:.1}" text-anchor="end">{name}</text>"#)?;
        for (column, figure) in row.figures.iter().enumerate() {
            let y = top + BAR * column as f64;
            let width = figure.map_or(0.0, |figure| figure / longest * (WIDTH - NAMES - FIGURES));
            let label = figure.map_or("–".to_owned(), |figure| format!("{figure:.decimals$}"));
            bar(&mut svg, y, width, COLOURS[column % COLOURS.len()], &label)?;
        }
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn begin(svg: &mut String, title: &str, columns: &[&str], height: f64) -> Result<()> {
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{title}">
<style>text{{font:12px system-ui,sans-serif;fill:#444}}@media(prefers-color-scheme:dark){{text{{fill:#ccc}}}}</style>
<text x="{NAMES}" y="18">{title}</text>"#
    )?;
    let mut x = NAMES;
    for (name, colour) in columns.iter().zip(COLOURS.iter().cycle()) {
        writeln!(svg, r#"<rect x="{x}" y="30" width="10" height="10" fill="{colour}"/>"#)?;
        writeln!(svg, r#"<text x="{}" y="39">{name}</text>"#, x + 15.0)?;
        x += 30.0 + 8.0 * name.len() as f64;
    }
    Ok(())
}

fn bar(svg: &mut String, y: f64, width: f64, colour: &str, label: &str) -> Result<()> {
    let (height, text, base) = (BAR - 2.0, NAMES + width + 6.0, y + BAR - 3.0);
    writeln!(
        svg,
        r#"<rect x="{NAMES}" y="{y:.1}" width="{width:.1}" height="{height}" fill="{colour}"/>"#
    )?;
    writeln!(svg, r#"<text x="{text:.1}" y="{base:.1}" style="font-size:10px">{label}</text>"#)?;
    Ok(())
}
