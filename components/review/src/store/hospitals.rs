use api::Page;
use database::{Database, Error, Row};

use super::Statement;
use crate::domain::hospital::{Facts, Hospital, search_terms};

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

/// By name, then id; `after` is the last of the page before.
pub(crate) async fn list(
    db: &Database,
    filter: &Filter,
    after: Option<(String, String)>,
    page: &Page,
) -> Result<Vec<Hospital>, Error> {
    let mut select = Statement::new("SELECT id, facts, closed_at FROM hospitals");
    if let Some(region) = &filter.region {
        select.condition("region = ?", [region.as_str().into()]);
    }
    if let Some(kind) = &filter.kind {
        select.condition("kind = ?", [kind.as_str().into()]);
    }
    for term in search_terms(filter.query.as_deref().unwrap_or_default()) {
        select.condition(r"search LIKE ? ESCAPE '\'", [database::contains(&term).into()]);
    }
    if let Some((name, id)) = after {
        select.condition("(name, id) > (?, ?)", [name.into(), id.into()]);
    }
    select.push(" ORDER BY name, id LIMIT ?", [page.rows().into()]);
    select.query(db).await?.iter().map(hospital).collect()
}

pub(crate) async fn find(db: &Database, id: &str) -> Result<Option<Hospital>, Error> {
    let sql = "SELECT id, facts, closed_at FROM hospitals WHERE id = ?1";
    db.query_one(sql, [id.into()]).await?.as_ref().map(hospital).transpose()
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

fn hospital(row: &Row) -> Result<Hospital, Error> {
    let facts: Facts =
        serde_json::from_str(&row.text(1)?).map_err(|_| Error::Column(1, "facts"))?;
    Ok(Hospital { id: row.text(0)?, facts, open: row.optional_integer(2)?.is_none() })
}
