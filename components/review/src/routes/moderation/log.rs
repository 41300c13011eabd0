//! The public log.

use api::{List, Query};
use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::ListQuery;
use crate::config::Config;
use crate::store;
use crate::store::moderation_log::Entry;

#[derive(Serialize)]
pub(crate) struct Item {
    index: i64,
    day: String,
    act: String,
    hospital_id: String,
    /// No part of the hash.
    hospital_name: String,
    review_id: String,
    reason: String,
    previous: String,
    hash: String,
}

pub(crate) async fn list(
    State(config): State<&'static Config>,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Item>>> {
    let page = query.page()?;
    let before = page.after("moderation:log")?;
    let db = store::open(config).await?;
    let entries = store::moderation_log::newest(&db, before, &page).await?;
    let list = page.list("moderation:log", entries, |(entry, _)| entry.index);
    Ok(Json(list.map(|(entry, hospital)| Item::of(entry, hospital))))
}

impl Item {
    fn of(entry: Entry, hospital: Option<String>) -> Self {
        Self {
            index: entry.index,
            day: entry.day,
            act: entry.act,
            hospital_id: entry.hospital_id,
            hospital_name: hospital.unwrap_or_default(),
            review_id: entry.review_id,
            reason: entry.reason,
            previous: entry.previous,
            hash: entry.hash,
        }
    }
}
