//! A takedown request (임시조치), by anyone whose rights a review infringes.

use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, show_as};
use crate::answer::redirect;
use crate::form::{Form, FormView};
use crate::texts::Texts;
use crate::upstream::moderation::{self, Claim};
use crate::upstream::review::{self, Text};
use crate::upstream::segment;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "hospitals/takedown.html")]
struct TakedownForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    subject: Option<Text>,
    hospital: String,
    action: String,
    reply: String,
    back: String,
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
        Ok(()) => Ok(redirect(&format!(
            "/hospitals/{}?done=takedown_requested#r-{}",
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
    let path = format!("{page}/reviews/{}", segment(review));
    show_as(
        status,
        &TakedownForm {
            t,
            frame: Frame::new(visitor, Section::Hospitals, t.moderation.takedown.title).private(),
            form,
            subject: found.text,
            hospital: hospital.name,
            action: format!("{path}/takedown"),
            reply: format!("{path}/reply"),
            back: format!("{page}#r-{}", segment(review)),
        },
    )
}
