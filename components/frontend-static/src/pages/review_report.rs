//! An insider tells the moderators about a review.

use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, show_as};
use crate::answer::redirect;
use crate::form::{Form, FormView};
use crate::texts::Texts;
use crate::upstream::review::{self, Text};
use crate::upstream::{moderation, segment};
use crate::visitor::{SignedIn, Visitor};

#[derive(Template)]
#[template(path = "hospitals/report.html")]
struct ReportForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    subject: Option<Text>,
    hospital: String,
    action: String,
    back: String,
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
        Ok(()) => Ok(redirect(&format!(
            "/hospitals/{}?done=reported#r-{}",
            segment(&id),
            segment(&review)
        ))),
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
    let (hospital, found) =
        futures::join!(review::hospital(visitor, id), review::review(visitor, id, review));
    let (hospital, found) = (hospital?, found?);
    let page = format!("/hospitals/{}", segment(id));
    show_as(
        status,
        &ReportForm {
            t,
            frame: Frame::new(visitor, Section::Hospitals, t.moderation.report.title).private(),
            form,
            subject: found.text,
            hospital: hospital.name,
            action: format!("{page}/reviews/{}/report", segment(review)),
            back: format!("{page}#r-{}", segment(review)),
        },
    )
}
