//! The columns of HIRA's file, and what the site calls them.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use super::{Line, MAX_CELL_CHARS};

struct Column {
    field: &'static str,
    header: &'static str,
    /// Without it there is nothing to import.
    required: bool,
}

const fn required(field: &'static str, header: &'static str) -> Column {
    Column { field, header, required: true }
}

const fn optional(field: &'static str, header: &'static str) -> Column {
    Column { field, header, required: false }
}

/// The codes beside the names of kind, region and district are left: nothing shows them.
const COLUMNS: [Column; 27] = [
    required("id", "암호화요양기호"),
    required("name", "요양기관명"),
    required("kind", "종별코드명"),
    required("region", "시도코드명"),
    optional("district", "시군구코드명"),
    optional("neighbourhood", "읍면동"),
    optional("postcode", "우편번호"),
    required("address", "주소"),
    optional("phone", "전화번호"),
    optional("homepage", "병원홈페이지"),
    optional("opened_on", "개설일자"),
    optional("doctors", "총의사수"),
    optional("medicine_general", "의과일반의 인원수"),
    optional("medicine_interns", "의과인턴 인원수"),
    optional("medicine_residents", "의과레지던트 인원수"),
    optional("medicine_specialists", "의과전문의 인원수"),
    optional("dentistry_general", "치과일반의 인원수"),
    optional("dentistry_interns", "치과인턴 인원수"),
    optional("dentistry_residents", "치과레지던트 인원수"),
    optional("dentistry_specialists", "치과전문의 인원수"),
    optional("korean_medicine_general", "한방일반의 인원수"),
    optional("korean_medicine_interns", "한방인턴 인원수"),
    optional("korean_medicine_residents", "한방레지던트 인원수"),
    optional("korean_medicine_specialists", "한방전문의 인원수"),
    optional("midwives", "조산사 인원수"),
    optional("longitude", "좌표(X)"),
    optional("latitude", "좌표(Y)"),
];

/// Where the columns stand in one file.
pub(super) struct Layout {
    width: usize,
    places: Vec<(&'static str, usize)>,
    /// Headers of columns that the file lacks, and that it can do without.
    pub(super) missing: Vec<&'static str>,
}

impl Layout {
    /// The order does not matter, nor do further columns.
    pub(super) fn of(headers: &[String]) -> Result<Self> {
        let headers: Vec<String> = headers.iter().map(|header| plain(header)).collect();
        let mut layout = Self { width: headers.len(), places: Vec::new(), missing: Vec::new() };
        let mut lacking = Vec::new();
        for column in &COLUMNS {
            match headers.iter().position(|header| *header == plain(column.header)) {
                Some(place) => layout.places.push((column.field, place)),
                None if column.required => lacking.push(column.header),
                None => layout.missing.push(column.header),
            }
        }
        if !lacking.is_empty() {
            bail!("the first line has no column {}", lacking.join(", "));
        }
        Ok(layout)
    }

    /// The row as the site takes it, empty cells left out.
    pub(super) fn row(&self, line: Line) -> Map<String, Value> {
        let mut row = Map::new();
        row.insert("line".into(), line.number.into());
        for (field, place) in &self.places {
            if let Some(cell) =
                line.cells.get(*place).map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
            {
                let cell: String = cell.chars().take(MAX_CELL_CHARS).collect();
                row.insert((*field).into(), cell.into());
            }
        }
        if let Some(defect) = self.defect(&line) {
            row.insert("defect".into(), defect.into());
        }
        row
    }

    /// A line with more cells than the header has a comma too many somewhere, and all that
    /// follows it is in the wrong column.
    fn defect(&self, line: &Line) -> Option<String> {
        let surplus = line.cells.iter().skip(self.width).any(|cell| !cell.trim().is_empty());
        surplus.then(|| format!("has {} cells instead of {}", line.cells.len(), self.width))
    }
}

/// A header as it is compared: some files have spaces in it, or decomposed Hangul.
fn plain(header: &str) -> String {
    header.nfc().filter(|c| !c.is_whitespace() && *c != '\u{FEFF}').collect()
}

/// What a person looks for in the file.
pub(super) fn header_of(field: &str) -> &str {
    COLUMNS.iter().find(|column| column.field == field).map_or("it", |column| column.header)
}

/// The last day of the month in a name such as `1.병원정보서비스(2026.9.).xlsx`.
pub(super) fn date_in_name(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    let (year, rest) = name.split_once('(')?.1.split_once('.')?;
    let month = rest.split(['.', ')']).next()?;
    let (year, month): (u16, u8) = (year.trim().parse().ok()?, month.trim().parse().ok()?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    Some(format!("{year:04}-{month:02}-{days:02}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{COLUMNS, Layout, Line, date_in_name};

    fn headers() -> Vec<String> {
        COLUMNS.iter().map(|column| column.header.to_owned()).collect()
    }

    fn cells(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let headers = cells(&[
            "\u{FEFF}주 소",
            "뭔가",
            "암호화요양기호",
            "요양기관명",
            "시도코드명",
            "종별코드명",
        ]);
        let layout = Layout::of(&headers).unwrap();
        let row = layout.row(Line {
            number: 7,
            cells: cells(&["어딘가 1", "x", "SYN-1", "이름", "서울", "의원"]),
        });
        assert_eq!(row["address"], "어딘가 1");
        assert_eq!(row["line"], 7);
        assert_eq!(row.len(), 6);
        assert!(layout.missing.contains(&"전화번호"));
    }

    #[test]
    fn every_missing_column_is_named_at_once() {
        let error = Layout::of(&cells(&["요양기관명", "종별코드명", "시도코드명"])).err().unwrap();
        assert_eq!(error.to_string(), "the first line has no column 암호화요양기호, 주소");
    }

    #[test]
    fn a_comma_too_many_is_a_defect_and_a_trailing_one_is_not() {
        let layout = Layout::of(&headers()).unwrap();
        let mut line = headers();
        line.push(" ".into());
        assert!(!layout.row(Line { number: 2, cells: line.clone() }).contains_key("defect"));
        line.push("surplus".into());
        assert_eq!(
            layout.row(Line { number: 2, cells: line })["defect"],
            "has 29 cells instead of 27"
        );
    }

    #[test]
    fn the_name_of_a_file_tells_its_date() {
        let date = |name| date_in_name(Path::new(name));
        assert_eq!(date("1.병원정보서비스(2026.9.).xlsx").as_deref(), Some("2026-09-30"));
        assert_eq!(date("hospitals (2024.2).csv").as_deref(), Some("2024-02-29"));
        assert_eq!(date("병원정보서비스(2026.13.).xlsx"), None);
        assert_eq!(date("hospitals.csv"), None);
    }
}
