use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::super::{Choice, Frame, Paging, Result, Section, show_as};
use super::{Case, frame, refused, tabs};
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
    tabs: Vec<Choice>,
    form: FormView,
    reports: Vec<ReportView>,
    first: Option<String>,
    next: Option<String>,
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
    let view = |report: moderation::Report| ReportView {
        path: format!("{PATH}/{}", segment(&report.id)),
        case: Case::of(
            report.hospital_id,
            report.hospital_name,
            report.review_id,
            report.review,
            t,
        ),
        reason: report.reason,
        detail: report.detail,
        day: (t.time.date)(&report.day),
    };
    let Paging { first, next } = Paging::of(PATH, &[], cursor, list.next_cursor.as_deref());
    show_as(
        status,
        &Reports {
            t,
            frame: frame(visitor, t.moderation.desk.reports),
            tabs: tabs(t, PATH),
            form,
            reports: list.items.into_iter().map(view).collect(),
            first,
            next,
        },
    )
}
