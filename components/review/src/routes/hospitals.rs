use api::{List, Page, Path, Problem, Query};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::domain::hospital::{Facts, Hospital, is_id};
use crate::domain::rating::{Rating, Tally};
use crate::store;
use crate::store::hospitals::Filter;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    q: Option<String>,
    region: Option<String>,
    kind: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Summary {
    id: String,
    name: String,
    kind: String,
    region: String,
    district: Option<String>,
    address: String,
    open: bool,
    review_count: i64,
    average: Option<f64>,
}

#[derive(Serialize)]
pub(crate) struct Detail {
    id: String,
    #[serde(flatten)]
    facts: Facts,
    open: bool,
    source: Source,
    #[serde(flatten)]
    rating: Rating,
}

#[derive(Serialize)]
struct Source {
    name: String,
    date: String,
}

#[derive(Serialize)]
pub(crate) struct Facets {
    regions: Vec<String>,
    kinds: Vec<String>,
}

pub(crate) async fn list(
    State(config): State<&'static Config>,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Summary>>> {
    let page = Page::new(query.limit, query.cursor.clone())?;
    let filter = query.filter()?;
    let name = format!("hospitals:{filter:?}");
    let after = page.after(&name)?;
    let db = store::open(config).await?;
    let hospitals = store::hospitals::list(&db, &filter, after, &page).await?;
    let list =
        page.list(&name, hospitals, |hospital| (hospital.facts.name.clone(), hospital.id.clone()));
    let ids: Vec<&str> = list.items.iter().map(|hospital| hospital.id.as_str()).collect();
    let tallies = store::ratings::of(&db, &ids).await?;
    Ok(Json(list.map(|hospital| {
        let tally = tallies.get(&hospital.id).copied().unwrap_or_default();
        Summary::of(hospital, tally)
    })))
}

pub(crate) async fn facets(State(config): State<&'static Config>) -> api::Result<Json<Facets>> {
    let db = store::open(config).await?;
    let store::hospitals::Facets { regions, kinds } = store::hospitals::facets(&db).await?;
    Ok(Json(Facets { regions, kinds }))
}

pub(crate) async fn show(
    State(config): State<&'static Config>,
    Path([id]): Path<[String; 1]>,
) -> api::Result<Json<Detail>> {
    if !is_id(&id) {
        return Err(Problem::not_found());
    }
    let db = store::open(config).await?;
    let found = store::hospitals::find_with_source(&db, &id).await?;
    let (hospital, source) = found.ok_or_else(Problem::not_found)?;
    let tally = store::ratings::of(&db, &[&id]).await?.remove(&id).unwrap_or_default();
    Ok(Json(Detail {
        id,
        facts: hospital.facts,
        open: hospital.open,
        source: Source { name: source.name, date: source.date },
        rating: tally.into(),
    }))
}

impl ListQuery {
    /// A form sends its empty fields too; they do not narrow anything.
    fn filter(self) -> api::Result<Filter> {
        let mut fields = api::Fields::default();
        let mut text = |field, value: Option<String>| {
            let value = value.filter(|value| !value.trim().is_empty())?;
            Some(fields.text(field, text::line(&value, 1..=50)))
        };
        let filter = Filter {
            query: text("q", self.q),
            region: text("region", self.region),
            kind: text("kind", self.kind),
        };
        fields.check()?;
        Ok(filter)
    }
}

impl Summary {
    fn of(Hospital { id, facts, open }: Hospital, tally: Tally) -> Self {
        Self {
            id,
            name: facts.name,
            kind: facts.kind,
            region: facts.region,
            district: facts.district,
            address: facts.address,
            open,
            review_count: tally.count(),
            average: tally.average(),
        }
    }
}
