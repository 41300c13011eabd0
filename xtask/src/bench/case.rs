//! The list of what is measured.

use http::Method;

/// Of the servers of a column, the one that a case asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// With the component of `loadtest/component`.
    Work,
    /// The same for what asks MySQL or MariaDB, where Spin needs a flag of its own.
    Mysql,
    /// The whole site.
    Site,
}

pub(super) struct Case {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) method: Method,
    /// On the site, what is followed by the id of a hospital.
    pub(super) path: String,
    /// Whether the chart shows it.
    pub(super) is_shown: bool,
}

/// The databases with the names that people know them by.
pub(super) const DATABASES: [(&str, &str); 3] =
    [("sqlite", "SQLite"), ("postgres", "PostgreSQL"), ("mariadb", "MariaDB")];

/// Variables of the case that tells what one costs.
pub(super) const VARIABLES: u32 = 100;
/// Rows of a page; the next figure tells what a further row costs.
pub(super) const PAGE: u32 = 20;
pub(super) const MANY: u32 = 200;

pub(super) fn all() -> Vec<Case> {
    let mut cases = vec![
        Case::get("hello", Place::Work, "/hello".to_owned()),
        Case::get("1 variable", Place::Work, "/variable/1".to_owned()),
        Case::get(&variables(), Place::Work, format!("/variable/{VARIABLES}")).hidden(),
    ];
    for (database, name) in DATABASES {
        let place = if database == "mariadb" { Place::Mysql } else { Place::Work };
        for count in [1, PAGE, MANY] {
            let case = Case::get(&rows(count, name), place, format!("/rows/{database}/{count}"));
            cases.push(if count == MANY { case.hidden() } else { case });
        }
        let insert = Case::get(&format!("insert, {name}"), place, format!("/insert/{database}"));
        cases.push(Case { method: Method::POST, ..insert });
    }
    cases.push(Case::get("hospital page", Place::Site, "/hospitals/".to_owned()));
    cases
}

pub(super) fn rows(count: u32, database: &str) -> String {
    format!("{count} {}, {database}", if count == 1 { "row" } else { "rows" })
}

pub(super) fn variables() -> String {
    format!("{VARIABLES} variables")
}

impl Case {
    fn get(name: &str, place: Place, path: String) -> Self {
        Self { name: name.to_owned(), place, method: Method::GET, path, is_shown: true }
    }

    fn hidden(self) -> Self {
        Self { is_shown: false, ..self }
    }
}
