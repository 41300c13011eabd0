use api::{List, Path, Problem, Query, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use database::Database;
use serde::Serialize;

use super::{ListQuery, Moderator, Read, Subjects, check_id};
use crate::config::Config;
use crate::domain::moderation::{Act, Reason};
use crate::store;
use crate::store::moderation_log::{self, About};
use crate::store::reports::Report;

#[derive(Serialize)]
pub(crate) struct Item {
    id: String,
    hospital_id: String,
    hospital_name: String,
    review_id: String,
    reason: Reason,
    detail: String,
    day: String,
    review: Option<Read>,
}

pub(crate) async fn list(
    State(config): State<&'static Config>,
    _: Moderator,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Item>>> {
    let page = query.page()?;
    let after = page.after("moderation:reports")?;
    let db = store::open(config).await?;
    let reports = store::reports::open(&db, after, &page).await?;
    let list =
        page.list("moderation:reports", reports, |report| (report.day.clone(), report.id.clone()));
    let ids = list.items.iter().map(|it| (it.hospital_id.as_str(), it.review_id.as_str()));
    let subjects = Subjects::of(&db, ids).await?;
    Ok(Json(list.map(|report| Item::of(report, &subjects))))
}

pub(crate) async fn dismiss(
    State(config): State<&'static Config>,
    _: Moderator,
    Path([id]): Path<[String; 1]>,
) -> api::Result<StatusCode> {
    check_id(&id)?;
    let today = calendar::day(now_millis());
    let db = store::open(config).await?;
    db.transaction(async |db: &Database| -> api::Result<StatusCode> {
        let report = store::reports::find_open(db, &id).await?.ok_or_else(Problem::not_found)?;
        store::reports::close(db, &id).await?;
        let about = About {
            hospital_id: &report.hospital_id,
            review_id: Some(&report.review_id),
            reason: Some(report.reason),
        };
        moderation_log::append(db, &today, Act::ReportDismissed, about).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

impl Item {
    fn of(report: Report, subjects: &Subjects) -> Self {
        Self {
            hospital_name: subjects.hospital(&report.hospital_id),
            review: subjects.review(&report.review_id),
            id: report.id,
            hospital_id: report.hospital_id,
            review_id: report.review_id,
            reason: report.reason,
            detail: report.detail,
            day: report.day,
        }
    }
}
