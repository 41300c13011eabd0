use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, show_as};
use crate::answer::{redirect, redirect_with};
use crate::form::{Form, FormView, Query};
use crate::local_path;
use crate::texts::Texts;
use crate::upstream::auth;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    next: String,
}

pub(crate) async fn form(visitor: Visitor, Query(fields): Query) -> Result {
    if visitor.is_signed_in() {
        return Ok(redirect(local_path::or_home(fields.text("next"))));
    }
    render(&visitor, StatusCode::OK, FormView::filled_with(fields))
}

pub(crate) async fn create(visitor: Visitor, Form(fields): Form) -> Result {
    match auth::sign_in(&visitor, fields.text("login"), fields.text("password")).await {
        Ok(cookies) => Ok(redirect_with(local_path::or_home(fields.text("next")), cookies)),
        Err(failure) => {
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render(&visitor, status, form)
        }
    }
}

/// Also where nobody is signed in: then the cookies that are left go.
pub(crate) async fn sign_out(visitor: Visitor) -> Result {
    let cookies = auth::sign_out(&visitor).await?;
    Ok(redirect_with("/?done=signed_out", cookies))
}

fn render(visitor: &Visitor, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let next = local_path::or_home(form.value("next")).to_owned();
    show_as(
        status,
        &SignIn {
            t,
            frame: Frame::new(visitor, Section::SignIn, t.sign_in.title).private(),
            form,
            next,
        },
    )
}
