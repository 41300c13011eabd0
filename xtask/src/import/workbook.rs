//! XLSX, read cell by cell: only the texts that cells share are held in memory.

use std::path::Path;

use anyhow::{Context, Result};
use calamine::{DataRef, Reader, Xlsx, open_workbook};
use indicatif::ProgressBar;

use super::Line;

/// The sheet of HIRA's file; another file's first sheet is taken.
const SHEET: &str = "hospBasisList";

pub(super) fn for_each_line(
    path: &Path,
    bar: &ProgressBar,
    visit: &mut dyn FnMut(Line) -> Result<()>,
) -> Result<()> {
    let mut workbook: Xlsx<_> = open_workbook(path).context("is not an XLSX workbook")?;
    let sheets = workbook.sheet_names();
    let sheet = sheets
        .iter()
        .find(|name| *name == SHEET)
        .or(sheets.first())
        .context("has no sheet")?
        .clone();
    let mut reader = workbook.worksheet_cells_reader(&sheet)?;
    bar.set_length(u64::from(reader.dimensions().end.0) + 1);
    let mut line = Line { number: 1, cells: Vec::new() };
    while let Some(cell) = reader.next_cell()? {
        let (row, column) = cell.get_position();
        if row + 1 != line.number {
            bar.set_position(u64::from(row));
            let next = Line { number: row + 1, cells: Vec::with_capacity(line.cells.len()) };
            visit(std::mem::replace(&mut line, next))?;
        }
        // Empty cells are left out of the file.
        let column = usize::try_from(column)?;
        if line.cells.len() <= column {
            line.cells.resize(column + 1, String::new());
        }
        line.cells[column] = text(cell.get_value());
    }
    visit(line)
}

/// As the cell would read in a CSV. Whole numbers have no decimals.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(time) => {
            let (year, month, day, ..) = time.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressBar;
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

    use super::for_each_line;

    #[test]
    fn cells_read_as_in_a_csv_and_lines_as_in_the_sheet() {
        let file = tempfile::Builder::new().suffix(".xlsx").tempfile().unwrap();
        let mut workbook = Workbook::new();
        workbook.add_worksheet().write(0, 0, "of another sheet").unwrap();
        let sheet = workbook.add_worksheet().set_name("hospBasisList").unwrap();
        sheet.write(0, 0, "요양기관명").unwrap();
        sheet.write(2, 0, "가상의원").unwrap();
        sheet.write(2, 2, 12.0).unwrap();
        sheet.write(2, 3, 127.0276368).unwrap();
        let date = Format::new().set_num_format("yyyy-mm-dd");
        let day = ExcelDateTime::from_ymd(2010, 4, 5).unwrap();
        sheet.write_datetime_with_format(2, 4, &day, &date).unwrap();
        workbook.save(file.path()).unwrap();

        let mut lines = Vec::new();
        for_each_line(file.path(), &ProgressBar::hidden(), &mut |line| {
            lines.push((line.number, line.cells.join("|")));
            Ok(())
        })
        .unwrap();
        assert_eq!(
            lines,
            [(1, "요양기관명".into()), (3, "가상의원||12|127.0276368|2010-04-05".into())]
        );
    }

    #[test]
    fn what_is_no_workbook_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "a,b").unwrap();
        let error =
            for_each_line(file.path(), &ProgressBar::hidden(), &mut |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "is not an XLSX workbook");
    }
}
