use std::collections::HashMap;

use api::Page;
use database::{Database, Error, Row, Statement, Value};

use super::texts;
use crate::domain::hospital::{Facts, Hospital, search_terms};

const COLUMNS: &str = "id, facts, closed_at";

/// A search reads so many hospitals in their order before it asks the index: a term that many
/// have fills its page from them, so that only terms which few have are left for the index.
const WINDOW: usize = 500;

const CONTAINS: &str = "search LIKE ? ESCAPE '!'";

/// What a list of hospitals is narrowed down to.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) query: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) kind: Option<String>,
}

/// Where the facts come from, and of which day they are.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) date: String,
}

/// The values that the filters offer.
#[derive(Debug, Default)]
pub(crate) struct Facets {
    pub(crate) regions: Vec<String>,
    pub(crate) kinds: Vec<String>,
}

/// The place of a hospital in its list: by name, then id.
pub(crate) type Place = (String, String);

/// By id.
pub(crate) async fn names(db: &Database, ids: &[&str]) -> Result<HashMap<String, String>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut select = Statement::new("SELECT id, name FROM hospitals");
    select.condition("id IN ", []);
    select.push_list(ids.iter().map(|id| Value::from(*id)));
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// `after` is the place of the last of the page before.
pub(crate) async fn list(
    db: &Database,
    filter: &Filter,
    after: Option<Place>,
    page: &Page,
) -> Result<Vec<Hospital>, Error> {
    let terms = search_terms(filter.query.as_deref().unwrap_or_default());
    if terms.is_empty() {
        let ordered = filter.ordered(db);
        let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM {ordered}"));
        filter.narrow(db, &mut select, after);
        select.push(" ORDER BY name, id LIMIT ?", [page.rows().into()]);
        return hospitals(&select.query(db).await?);
    }
    let mut found = next_of_window(db, filter, &terms, after.clone(), page.rows()).await?;
    let missing = page.rows() - i64::try_from(found.len()).unwrap_or(i64::MAX);
    if missing > 0
        && let Some(end) = end_of_window(db, filter, after).await?
    {
        found.extend(next_of_index(db, filter, &terms, end, missing).await?);
    }
    Ok(found)
}

/// Those of the next [`WINDOW`] hospitals that have all of `terms`.
async fn next_of_window(
    db: &Database,
    filter: &Filter,
    terms: &[String],
    after: Option<Place>,
    rows: i64,
) -> Result<Vec<Hospital>, Error> {
    let mut select = Statement::new(&format!(
        "SELECT {COLUMNS} FROM (SELECT {COLUMNS}, name, search FROM {}",
        filter.ordered(db)
    ));
    filter.narrow(db, &mut select, after);
    select.around(&format!(" ORDER BY name, id LIMIT {WINDOW}) AS next_hospitals"));
    for term in terms {
        select.condition(CONTAINS, [database::contains(term).into()]);
    }
    select.push(" ORDER BY name, id LIMIT ?", [rows.into()]);
    hospitals(&select.query(db).await?)
}

/// The place of the last of the next [`WINDOW`] hospitals, `None` where there are fewer.
async fn end_of_window(
    db: &Database,
    filter: &Filter,
    after: Option<Place>,
) -> Result<Option<Place>, Error> {
    let mut select = Statement::new(&format!("SELECT name, id FROM {}", filter.ordered(db)));
    filter.narrow(db, &mut select, after);
    select.push(&format!(" ORDER BY name, id LIMIT 1 OFFSET {}", WINDOW - 1), []);
    let rows = select.query(db).await?;
    rows.first().map(|row| Ok((row.text(0)?, row.text(1)?))).transpose()
}

/// Those behind `after` that have all of `terms`, by the index.
async fn next_of_index(
    db: &Database,
    filter: &Filter,
    terms: &[String],
    after: Place,
    rows: i64,
) -> Result<Vec<Hospital>, Error> {
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM hospitals"));
    texts::narrow(db, &mut select, terms);
    for term in terms {
        select.condition(CONTAINS, [database::contains(term).into()]);
    }
    filter.narrow(db, &mut select, Some(after));
    select.push(" ORDER BY name, id LIMIT ?", [rows.into()]);
    hospitals(&select.query(db).await?)
}

impl Filter {
    /// The table, to be read in the list's order.
    fn ordered(&self, db: &Database) -> String {
        let index = match (&self.region, &self.kind) {
            (None, None) => "hospitals_name",
            (Some(_), None) => "hospitals_region",
            (None, Some(_)) => "hospitals_kind",
            (Some(_), Some(_)) => "hospitals_region_kind",
        };
        format!("hospitals{}", db.dialect().in_order_of(index))
    }

    /// All but the search.
    fn narrow(&self, db: &Database, select: &mut Statement, after: Option<Place>) {
        if let Some(region) = &self.region {
            select.condition("region = ?", [region.as_str().into()]);
        }
        if let Some(kind) = &self.kind {
            select.condition("kind = ?", [kind.as_str().into()]);
        }
        if let Some((name, id)) = after {
            select.keyset(db, ["name", "id"], ">", [name.into(), id.into()]);
        }
    }
}

pub(crate) async fn find(db: &Database, id: &str) -> Result<Option<Hospital>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM hospitals WHERE id = ?1");
    db.query_one(&sql, [id.into()]).await?.as_ref().map(hospital).transpose()
}

pub(crate) async fn find_with_source(
    db: &Database,
    id: &str,
) -> Result<Option<(Hospital, Source)>, Error> {
    let sql = "SELECT h.id, h.facts, h.closed_at, i.source, i.date \
               FROM hospitals h JOIN hospital_imports i ON i.id = h.import_id WHERE h.id = ?1";
    let Some(row) = db.query_one(sql, [id.into()]).await? else {
        return Ok(None);
    };
    let source = Source { name: row.text(3)?, date: row.text(4)? };
    Ok(Some((hospital(&row)?, source)))
}

pub(crate) async fn facets(db: &Database) -> Result<Facets, Error> {
    let rows =
        db.query("SELECT facet, value FROM hospital_facets ORDER BY facet, value", []).await?;
    let mut facets = Facets::default();
    for row in rows {
        let values = if row.text(0)? == "region" { &mut facets.regions } else { &mut facets.kinds };
        values.push(row.text(1)?);
    }
    Ok(facets)
}

fn hospitals(rows: &[Row]) -> Result<Vec<Hospital>, Error> {
    rows.iter().map(hospital).collect()
}

fn hospital(row: &Row) -> Result<Hospital, Error> {
    let facts: Facts = serde_json::from_str(row.str(1)?).map_err(|_| Error::Column(1, "facts"))?;
    Ok(Hospital { id: row.text(0)?, facts, open: row.optional_integer(2)?.is_none() })
}
