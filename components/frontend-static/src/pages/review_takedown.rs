//! A takedown request (임시조치), by anyone whose rights a review infringes.

use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::about_review::{AboutReview, done};
use super::{Frame, Result, Section, show_as};
use crate::form::{Form, FormView};
use crate::texts::Texts;
use crate::upstream::moderation::{self, Claim};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "hospitals/takedown.html")]
struct TakedownForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    about: AboutReview,
}

pub(crate) async fn form(visitor: Visitor, Path([id, review]): Path<[String; 2]>) -> Result {
    render(&visitor, &id, &review, StatusCode::OK, FormView::blank()).await
}

pub(crate) async fn send(
    visitor: Visitor,
    Path([id, review]): Path<[String; 2]>,
    Form(fields): Form,
) -> Result {
    let claim = Claim {
        claimant: fields.text("claimant"),
        contact: fields.text("contact"),
        reason: fields.text("reason"),
        detail: fields.text("detail"),
    };
    match moderation::request_takedown(&visitor, &id, &review, &claim, fields.key()).await {
        Ok(()) => Ok(done(&id, &review, "takedown_requested")),
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
    let takedown = &t.moderation.takedown;
    let about = AboutReview::load(visitor, (id, review), "takedown", takedown.lead).await?;
    let frame = Frame::new(visitor, Section::Hospitals, takedown.title).private();
    show_as(status, &TakedownForm { t, frame, form, about })
}
