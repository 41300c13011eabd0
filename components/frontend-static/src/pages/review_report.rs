//! An insider tells the moderators about a review.

use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::about_review::{AboutReview, done};
use super::{Frame, Result, Section, show_as};
use crate::form::{Form, FormView};
use crate::texts::Texts;
use crate::upstream::moderation;
use crate::visitor::{SignedIn, Visitor};

#[derive(Template)]
#[template(path = "hospitals/report.html")]
struct ReportForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    about: AboutReview,
}

pub(crate) async fn form(
    SignedIn(visitor): SignedIn,
    Path([id, review]): Path<[String; 2]>,
) -> Result {
    render(&visitor, &id, &review, StatusCode::OK, FormView::blank()).await
}

/// Without `SignedIn`, so that a form which is sent after the session has ended keeps its text.
pub(crate) async fn send(
    visitor: Visitor,
    Path([id, review]): Path<[String; 2]>,
    Form(fields): Form,
) -> Result {
    let (reason, detail) = (fields.text("reason"), fields.text("detail"));
    match moderation::report(&visitor, &id, &review, reason, detail).await {
        Ok(()) => Ok(done(&id, &review, "reported")),
        Err(failure) => {
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render(&visitor, &id, &review, status, form).await
        }
    }
}

async fn render(
    visitor: &Visitor,
    id: &str,
    review: &str,
    status: StatusCode,
    form: FormView,
) -> Result {
    let t = visitor.language.texts();
    let report = &t.moderation.report;
    let about = AboutReview::load(visitor, (id, review), "report", report.lead).await?;
    let frame = Frame::new(visitor, Section::Hospitals, report.title).private();
    show_as(status, &ReportForm { t, frame, form, about })
}
