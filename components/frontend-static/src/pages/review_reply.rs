//! The hospital's right of reply, with the token that a moderator gave it.

use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::about_review::{self, AboutReview};
use super::{Frame, Result, Section, show_as};
use crate::form::{Fields, Form, FormView};
use crate::texts::Texts;
use crate::upstream::{Failure, moderation};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "hospitals/reply.html")]
struct ReplyForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    about: AboutReview,
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
        Ok(()) => Ok(about_review::done(&id, &review, done)),
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
    let texts = &t.moderation.reply;
    let about = AboutReview::load(visitor, (id, review), "reply", texts.lead).await?;
    let reply = about.review.reply.as_ref().map_or("", |reply| reply.body.as_str());
    let form = form.unwrap_or_else(|| FormView::of(&[("body", reply)]));
    let frame = Frame::new(visitor, Section::Hospitals, texts.title).private();
    show_as(status, &ReplyForm { t, frame, form, about })
}
