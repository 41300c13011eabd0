use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::super::{Frame, Result, Section, show_as};
use super::{Case, Desk, frame, refused};
use crate::answer::redirect;
use crate::form::{FormView, Query};
use crate::texts::Texts;
use crate::upstream::{moderation, segment};
use crate::visitor::{SignedIn, Visitor};

pub(crate) const PATH: &str = "/moderation/reports";

#[derive(Template)]
#[template(path = "moderation/reports.html")]
struct Reports {
    t: &'static Texts,
    frame: Frame,
    desk: Desk<ReportView>,
}

struct ReportView {
    path: String,
    case: Case,
    reason: String,
    detail: String,
    day: String,
}

pub(crate) async fn list(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    render(&visitor, fields.text("cursor"), StatusCode::OK, FormView::blank()).await
}

pub(crate) async fn dismiss(SignedIn(visitor): SignedIn, Path([id]): Path<[String; 1]>) -> Result {
    match moderation::dismiss_report(&visitor, &id).await {
        Ok(()) => Ok(redirect(&format!("{PATH}?done=refused"))),
        Err(failure) => {
            let (status, form) = refused(failure, &visitor)?;
            render(&visitor, "", status, form).await
        }
    }
}

async fn render(visitor: &Visitor, cursor: &str, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let list = moderation::reports(visitor, cursor).await?;
    let here = (PATH, t.moderation.desk.reports_lead);
    let desk = Desk::of(here, cursor, list, form, t, |report| ReportView::of(report, t));
    show_as(status, &Reports { t, frame: frame(visitor, t.moderation.desk.reports), desk })
}

impl ReportView {
    fn of(report: moderation::Report, t: &Texts) -> Self {
        let path = format!("{PATH}/{}", segment(&report.id));
        let (hospital, review) = (report.hospital_name, report.review);
        Self {
            path,
            case: Case::of(report.hospital_id, hospital, report.review_id, review, t),
            reason: report.reason,
            detail: report.detail,
            day: (t.time.date)(&report.day),
        }
    }
}
