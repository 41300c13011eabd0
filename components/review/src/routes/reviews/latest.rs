//! Reviews of all hospitals, as the home page shows them.

use api::{List, Page, Query};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::domain::rating::mean;
use crate::domain::review::Review;
use crate::store;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    limit: Option<u64>,
    cursor: Option<String>,
}

/// A review beside the name of its hospital. It is the same for everybody, so any cache may
/// keep it.
#[derive(Serialize)]
pub(crate) struct Latest {
    id: String,
    hospital_id: String,
    hospital_name: String,
    title: String,
    body: String,
    average: f64,
    month: String,
}

pub(crate) async fn list(
    State(config): State<&'static Config>,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Latest>>> {
    let page = Page::new(query.limit, query.cursor)?;
    let after = page.after("reviews:latest")?;
    let db = store::open(config).await?;
    let reviews = store::reviews::latest(&db, after, &page).await?;
    let list = page
        .list("reviews:latest", reviews, |(_, review)| (review.month.clone(), review.id.clone()));
    Ok(Json(list.map(|(hospital_name, review)| Latest::new(hospital_name, review))))
}

impl Latest {
    fn new(hospital_name: String, review: Review) -> Self {
        Self {
            id: review.id,
            hospital_id: review.hospital_id,
            hospital_name,
            title: review.text.draft.title,
            body: review.text.draft.body,
            average: mean(review.text.draft.stars.total(), 6),
            month: review.month,
        }
    }
}
