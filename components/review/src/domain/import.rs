//! What a line of the national file has to be before it becomes a hospital.
//!
//! What names and places a hospital has to be right, or the row is rejected. Of the rest, what
//! is not usable is left out with a warning: a telephone number that is not one is no reason to
//! hide a hospital.

use serde::{Deserialize, Serialize};

use super::hospital::{Doctors, Facts, Grades, Location, is_id};

/// The most rows taken at once, so that a batch fits into a body and a short transaction.
pub(crate) const MAX_ROWS: usize = 500;

/// A run that changes a larger part of the hospitals is more likely a wrong file than news.
const MAX_CHANGED_PERCENT: i64 = 5;

/// No hospital has more doctors; a larger number is another column's.
const MAX_PEOPLE: u32 = 100_000;

/// South Korea with its islands, in degrees: what lies outside has its coordinates swapped,
/// in another system, or mistyped.
const LONGITUDES: std::ops::RangeInclusive<f64> = 124.0..=132.0;
const LATITUDES: std::ops::RangeInclusive<f64> = 33.0..=39.0;

/// One line of a file, its cells as they stand there. An empty text is an empty cell.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Row {
    /// Counted from 1, the header included.
    pub(crate) line: u32,
    /// What the reader of the file found wrong with the line as a whole.
    pub(crate) defect: Option<String>,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) region: String,
    pub(crate) district: String,
    pub(crate) neighbourhood: String,
    pub(crate) address: String,
    pub(crate) postcode: String,
    pub(crate) phone: String,
    pub(crate) homepage: String,
    pub(crate) opened_on: String,
    pub(crate) doctors: String,
    pub(crate) medicine_general: String,
    pub(crate) medicine_interns: String,
    pub(crate) medicine_residents: String,
    pub(crate) medicine_specialists: String,
    pub(crate) dentistry_general: String,
    pub(crate) dentistry_interns: String,
    pub(crate) dentistry_residents: String,
    pub(crate) dentistry_specialists: String,
    pub(crate) korean_medicine_general: String,
    pub(crate) korean_medicine_interns: String,
    pub(crate) korean_medicine_residents: String,
    pub(crate) korean_medicine_specialists: String,
    pub(crate) midwives: String,
    pub(crate) longitude: String,
    pub(crate) latitude: String,
}

/// Something wrong with one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) line: u32,
    pub(crate) field: &'static str,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

/// What becomes of a row.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) line: u32,
    /// Known even of many rejected rows: such a hospital is not missing from the file.
    pub(crate) id: Option<String>,
    pub(crate) facts: Result<Facts, Finding>,
    pub(crate) warnings: Vec<Finding>,
}

/// What a commit does, in hospitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    pub(crate) inserted: i64,
    pub(crate) updated: i64,
    pub(crate) reopened: i64,
    pub(crate) unchanged: i64,
    pub(crate) closed: i64,
    /// Rows, which leave their hospitals as they were.
    pub(crate) rejected: i64,
}

impl Changes {
    pub(crate) fn changed(&self) -> i64 {
        self.updated + self.reopened + self.closed
    }

    /// Whether this changes so many of the `existing` hospitals that a person has to confirm it.
    pub(crate) fn too_many(&self, existing: i64) -> bool {
        self.changed() * 100 > existing * MAX_CHANGED_PERCENT
    }

    pub(crate) fn describe(&self, existing: i64) -> String {
        let tenths = (self.changed() * 1000).checked_div(existing).unwrap_or(0);
        format!(
            "would change {} of {existing} hospitals ({}.{} %; the limit is {MAX_CHANGED_PERCENT} %): \
             {} updated, {} reopened, {} closed; {} new, {} unchanged, {} rows rejected",
            self.changed(),
            tenths / 10,
            tenths % 10,
            self.updated,
            self.reopened,
            self.closed,
            self.inserted,
            self.unchanged,
            self.rejected,
        )
    }
}

impl Row {
    pub(crate) fn judge(self) -> Judged {
        let mut cells = Cells { line: self.line, warnings: Vec::new() };
        let facts = self.facts(&mut cells);
        let id = Some(self.id).filter(|id| is_id(id));
        Judged { line: self.line, id, facts, warnings: cells.warnings }
    }

    fn facts(&self, cells: &mut Cells) -> Result<Facts, Finding> {
        if let Some(defect) = &self.defect {
            return Err(cells.finding("line", "malformed", defect.clone()));
        }
        if !is_id(&self.id) {
            return Err(cells.finding(
                "id",
                "invalid_id",
                "must be 1 to 100 letters and digits, or + / = - _",
            ));
        }
        Ok(Facts {
            name: cells.required("name", &self.name, 150)?,
            kind: cells.required("kind", &self.kind, 50)?,
            region: cells.required("region", &self.region, 50)?,
            address: cells.required("address", &self.address, 300)?,
            district: cells.optional("district", &self.district, line(50)),
            neighbourhood: cells.optional("neighbourhood", &self.neighbourhood, line(50)),
            postcode: cells.optional("postcode", &self.postcode, postcode),
            phone: cells.optional("phone", &self.phone, phone),
            homepage: cells.optional("homepage", &self.homepage, homepage),
            opened_on: cells.optional("opened_on", &self.opened_on, date),
            doctors: self.doctors(cells),
            midwives: cells.optional("midwives", &self.midwives, people),
            location: self.location(cells),
        })
    }

    fn doctors(&self, cells: &mut Cells) -> Doctors {
        let mut count = |field, cell: &str| cells.optional(field, cell, people);
        Doctors {
            total: count("doctors", &self.doctors),
            medicine: Grades {
                general: count("medicine_general", &self.medicine_general),
                interns: count("medicine_interns", &self.medicine_interns),
                residents: count("medicine_residents", &self.medicine_residents),
                specialists: count("medicine_specialists", &self.medicine_specialists),
            },
            dentistry: Grades {
                general: count("dentistry_general", &self.dentistry_general),
                interns: count("dentistry_interns", &self.dentistry_interns),
                residents: count("dentistry_residents", &self.dentistry_residents),
                specialists: count("dentistry_specialists", &self.dentistry_specialists),
            },
            korean_medicine: Grades {
                general: count("korean_medicine_general", &self.korean_medicine_general),
                interns: count("korean_medicine_interns", &self.korean_medicine_interns),
                residents: count("korean_medicine_residents", &self.korean_medicine_residents),
                specialists: count(
                    "korean_medicine_specialists",
                    &self.korean_medicine_specialists,
                ),
            },
        }
    }

    /// Half a location is none.
    fn location(&self, cells: &mut Cells) -> Option<Location> {
        let longitude =
            cells.optional("longitude", &self.longitude, |cell| degrees(cell, LONGITUDES));
        let latitude = cells.optional("latitude", &self.latitude, |cell| degrees(cell, LATITUDES));
        Some(Location { longitude: longitude?, latitude: latitude? })
    }
}

/// Why a cell is not usable: a code, and what it has to be.
type Unusable = (&'static str, String);

/// Reads the cells of one line and collects what is left out.
struct Cells {
    line: u32,
    warnings: Vec<Finding>,
}

impl Cells {
    fn finding(
        &self,
        field: &'static str,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Finding {
        Finding { line: self.line, field, code, detail: detail.into() }
    }

    fn required(&self, field: &'static str, cell: &str, length: usize) -> Result<String, Finding> {
        line(length)(cell).map_err(|(code, detail)| self.finding(field, code, detail))
    }

    fn optional<T>(
        &mut self,
        field: &'static str,
        cell: &str,
        read: impl FnOnce(&str) -> Result<T, Unusable>,
    ) -> Option<T> {
        let cell = cell.trim();
        if cell.is_empty() {
            return None;
        }
        read(cell)
            .map_err(|(code, detail)| self.warnings.push(self.finding(field, code, detail)))
            .ok()
    }
}

fn line(length: usize) -> impl FnOnce(&str) -> Result<String, Unusable> {
    move |cell| {
        // What a decoder puts for bytes that are no character.
        if cell.contains(char::REPLACEMENT_CHARACTER) {
            return Err(("undecodable", "has bytes that are not of the file's encoding".into()));
        }
        text::line(cell, 1..=length).map_err(|refusal| (refusal.code(), refusal.detail()))
    }
}

/// Five digits, or six with or without a hyphen as before 2015.
fn postcode(cell: &str) -> Result<String, Unusable> {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let allowed = cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if allowed && matches!(digits, 5 | 6) && cell.len() <= 7 {
        return Ok(cell.to_owned());
    }
    Err(("invalid_postcode", "must be five or six digits".into()))
}

fn phone(cell: &str) -> Result<String, Unusable> {
    let allowed = |byte: u8| {
        byte.is_ascii_digit() || matches!(byte, b'-' | b'(' | b')' | b' ' | b'+' | b'~' | b',')
    };
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    if cell.bytes().all(allowed) && digits >= 4 && cell.len() <= 40 {
        return Ok(cell.to_owned());
    }
    Err(("invalid_phone", "must be a telephone number of at most 40 characters".into()))
}

/// Many stand in the file without a scheme. Only http and https may become a link.
fn homepage(cell: &str) -> Result<String, Unusable> {
    let invalid =
        || ("invalid_url", "must be an http or https address of at most 200 characters".to_owned());
    let lower = cell.to_ascii_lowercase();
    let has_scheme = lower.starts_with("http://") || lower.starts_with("https://");
    let url = if has_scheme { cell.to_owned() } else { format!("http://{cell}") };
    let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let printable = url.chars().all(|c| {
        c.is_alphanumeric()
            || (c.is_ascii_graphic()
                && !matches!(c, '"' | '<' | '>' | '\\' | '`' | '{' | '}' | '|' | '^'))
    });
    let named = host.split('.').count() >= 2
        && host.split('.').all(|label| !label.is_empty())
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':'));
    if !printable || !named || url.len() > 200 {
        return Err(invalid());
    }
    Ok(format!("{}://{rest}", scheme.to_ascii_lowercase()))
}

/// Whether this is a day of the calendar in the form `YYYY-MM-DD`.
pub(crate) fn is_day(text: &str) -> bool {
    date(text).is_ok_and(|day| day == text)
}

/// `YYYY-MM-DD`, `YYYYMMDD`, or either with a time of day, which is left out.
fn date(cell: &str) -> Result<String, Unusable> {
    let invalid = || ("invalid_date", "must be a date such as 2010-04-05".to_owned());
    let day = cell.split([' ', 'T']).next().unwrap_or_default();
    let digits: String = day.chars().filter(|c| !matches!(c, '-' | '.' | '/')).collect();
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    let number = |range: std::ops::Range<usize>| digits[range].parse::<u16>().unwrap_or_default();
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    u8::try_from(month)
        .ok()
        .and_then(|month| time::Month::try_from(month).ok())
        .zip(u8::try_from(day).ok())
        .and_then(|(month, day)| time::Date::from_calendar_date(i32::from(year), month, day).ok())
        .filter(|date| date.year() >= 1800)
        .map(|_| format!("{year:04}-{month:02}-{day:02}"))
        .ok_or_else(invalid)
}

fn people(cell: &str) -> Result<u32, Unusable> {
    cell.parse()
        .ok()
        .filter(|count| *count <= MAX_PEOPLE)
        .ok_or_else(|| ("invalid_number", format!("must be a whole number up to {MAX_PEOPLE}")))
}

/// To seven decimals, about a centimetre: more of them are noise that would look like a change.
fn degrees(cell: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, Unusable> {
    cell.parse::<f64>()
        .ok()
        .filter(|degrees| range.contains(degrees))
        .map(|degrees| (degrees * 1e7).round() / 1e7)
        .ok_or_else(|| {
            let (from, to) = range.into_inner();
            ("out_of_range", format!("must be between {from} and {to} degrees"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            line: 2,
            id: "SYN-0001".into(),
            name: "가온별빛의원(가상)".into(),
            kind: "의원".into(),
            region: "서울".into(),
            address: "서울특별시 가상구 없는길 1".into(),
            ..Row::default()
        }
    }

    fn rejected(row: Row) -> (&'static str, &'static str) {
        let finding = row.judge().facts.unwrap_err();
        assert_eq!(finding.line, 2);
        (finding.field, finding.code)
    }

    fn warned(row: Row) -> (&'static str, &'static str) {
        let judged = row.judge();
        assert!(judged.facts.is_ok());
        (judged.warnings[0].field, judged.warnings[0].code)
    }

    #[test]
    fn empty_cells_say_nothing_and_are_no_reason_to_warn() {
        let judged = row().judge();
        let facts = judged.facts.unwrap();
        assert!(judged.warnings.is_empty());
        assert_eq!((facts.district, facts.doctors.total, facts.location), (None, None, None));
    }

    #[test]
    fn what_names_or_places_a_hospital_has_to_be_right() {
        assert_eq!(rejected(Row { id: "a b".into(), ..row() }), ("id", "invalid_id"));
        assert_eq!(rejected(Row { name: " ".into(), ..row() }), ("name", "required"));
        assert_eq!(
            rejected(Row { name: "가\u{0}".into(), ..row() }),
            ("name", "control_character")
        );
        assert_eq!(
            rejected(Row { address: "서울 \u{FFFD}".into(), ..row() }),
            ("address", "undecodable")
        );
        assert_eq!(rejected(Row { region: "가".repeat(51), ..row() }), ("region", "too_long"));
        assert_eq!(
            rejected(Row { defect: Some("28 cells instead of 30".into()), ..row() }),
            ("line", "malformed")
        );
    }

    #[test]
    fn a_rejected_row_still_says_which_hospital_it_is() {
        assert_eq!(Row { name: String::new(), ..row() }.judge().id.as_deref(), Some("SYN-0001"));
        assert_eq!(Row { id: "a b".into(), ..row() }.judge().id, None);
    }

    #[test]
    fn the_rest_is_left_out_with_a_warning() {
        assert_eq!(warned(Row { phone: "없음".into(), ..row() }), ("phone", "invalid_phone"));
        assert_eq!(warned(Row { doctors: "-1".into(), ..row() }), ("doctors", "invalid_number"));
        assert_eq!(warned(Row { postcode: "1".into(), ..row() }), ("postcode", "invalid_postcode"));
        assert_eq!(
            warned(Row { opened_on: "2010-02-30".into(), ..row() }),
            ("opened_on", "invalid_date")
        );
        assert_eq!(
            warned(Row { longitude: "37.5".into(), ..row() }),
            ("longitude", "out_of_range")
        );
        assert_eq!(warned(Row { latitude: "NaN".into(), ..row() }), ("latitude", "out_of_range"));
    }

    #[test]
    fn combining_hangul_of_a_file_is_joined() {
        let judged = Row { name: "\u{1112}\u{1161}\u{11AB}".into(), ..row() }.judge();
        assert_eq!(judged.facts.unwrap().name, "한");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(homepage("www.example.kr").unwrap(), "http://www.example.kr");
        assert_eq!(homepage("HTTPS://Example.kr/a?b=c#d").unwrap(), "https://Example.kr/a?b=c#d");
        assert_eq!(homepage("http://예시.한국").unwrap(), "http://예시.한국");
        for cell in [
            "javascript:alert(1)",
            "없음",
            "http://",
            "http://a@b.kr",
            "http://a b.kr",
            "a..kr",
            "http://a.kr/\"><script>",
        ] {
            assert!(homepage(cell).is_err(), "{cell}");
        }
    }

    #[test]
    fn dates_come_in_the_forms_that_spreadsheets_write() {
        for cell in
            ["2010-04-05", "20100405", "2010-04-05 00:00:00", "2010.04.05", "2010-04-05T00:00:00"]
        {
            assert_eq!(date(cell).unwrap(), "2010-04-05");
        }
        for cell in ["2010", "00000000", "2010-13-01", "어제", "４０１２0405"] {
            assert!(date(cell).is_err(), "{cell}");
        }
    }

    #[test]
    fn more_than_five_percent_is_too_many() {
        let changes = Changes {
            inserted: 1000,
            updated: 2,
            reopened: 1,
            unchanged: 0,
            closed: 2,
            rejected: 9,
        };
        assert!(!changes.too_many(100));
        assert!(changes.too_many(99));
        assert!(changes.describe(99).contains("5 of 99 hospitals (5.0 %"));
    }
}
