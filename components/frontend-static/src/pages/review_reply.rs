//! The hospital's right of reply, with the token that a moderator gave it.

use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, show_as};
use crate::answer::redirect;
use crate::form::{Fields, Form, FormView};
use crate::texts::Texts;
use crate::upstream::review::{self, Text};
use crate::upstream::{Failure, moderation, segment};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "hospitals/reply.html")]
struct ReplyForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    subject: Option<Text>,
    hospital: String,
    has_reply: bool,
    action: String,
    back: String,
}

pub(crate) async fn form(visitor: Visitor, Path([id, review]): Path<[String; 2]>) -> Result {
    render(&visitor, &id, &review, StatusCode::OK, None).await
}

/// The token comes in the form's body and goes on in a header: no address ever holds it.
pub(crate) async fn send(
    visitor: Visitor,
    Path([id, review]): Path<[String; 2]>,
    Form(fields): Form,
) -> Result {
    let token = fields.text("token").trim();
    if token.is_empty() {
        let form = FormView::mistaken(fields, "token", "required", &visitor);
        return render(&visitor, &id, &review, StatusCode::UNPROCESSABLE_ENTITY, Some(form)).await;
    }
    let (outcome, done) = if fields.text("withdraw") == "true" {
        (moderation::withdraw_reply(&visitor, &id, &review, token).await, "reply_withdrawn")
    } else {
        let body = fields.text("body");
        (moderation::reply(&visitor, &id, &review, token, body).await, "replied")
    };
    match outcome {
        Ok(()) => {
            Ok(redirect(&format!("/hospitals/{}?done={done}#r-{}", segment(&id), segment(&review))))
        }
        Err(failure) => {
            let (status, form) = refused(fields, failure, &visitor)?;
            render(&visitor, &id, &review, status, Some(form)).await
        }
    }
}

/// 401 and 403 are about the token of the form, not about the visitor's session.
fn refused(
    fields: Fields,
    failure: Failure,
    visitor: &Visitor,
) -> std::result::Result<(StatusCode, FormView), api::Problem> {
    if failure.is(StatusCode::UNAUTHORIZED) || failure.is(StatusCode::FORBIDDEN) {
        let form = FormView::mistaken(fields, "token", "wrong", visitor);
        return Ok((StatusCode::FORBIDDEN, form));
    }
    FormView::refused(fields, failure, visitor)
}

/// `form` is what was refused; `None` shows the reply that is there, to be replaced.
async fn render(
    visitor: &Visitor,
    id: &str,
    review: &str,
    status: StatusCode,
    form: Option<FormView>,
) -> Result {
    let t = visitor.language.texts();
    let (hospital, found) =
        futures::join!(review::hospital(visitor, id), review::review(visitor, id, review));
    let (hospital, found) = (hospital?, found?);
    let reply = found.reply.as_ref().map_or("", |reply| reply.body.as_str());
    let page = format!("/hospitals/{}", segment(id));
    show_as(
        status,
        &ReplyForm {
            t,
            frame: Frame::new(visitor, Section::Hospitals, t.moderation.reply.title).private(),
            form: form.unwrap_or_else(|| FormView::of(&[("body", reply)])),
            has_reply: !reply.is_empty(),
            subject: found.text,
            hospital: hospital.name,
            action: format!("{page}/reviews/{}/reply", segment(review)),
            back: format!("{page}#r-{}", segment(review)),
        },
    )
}
