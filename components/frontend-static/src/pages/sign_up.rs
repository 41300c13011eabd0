use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, show_as};
use crate::answer::redirect;
use crate::form::{Form, FormView, Query};
use crate::local_path;
use crate::texts::Texts;
use crate::upstream::{auth, query};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUp {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    next: String,
}

pub(crate) async fn form(visitor: Visitor, Query(fields): Query) -> Result {
    render(&visitor, StatusCode::OK, FormView::filled_with(fields))
}

pub(crate) async fn create(visitor: Visitor, Form(fields): Form) -> Result {
    match auth::sign_up(&visitor, fields.text("login"), fields.text("password"), fields.key()).await
    {
        Ok(()) => {
            let next = local_path::or_home(fields.text("next"));
            Ok(redirect(&format!("/signin{}", query(&[("done", "signed_up"), ("next", next)]))))
        }
        Err(failure) => {
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render(&visitor, status, form)
        }
    }
}

fn render(visitor: &Visitor, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let next = local_path::or_home(form.value("next")).to_owned();
    show_as(
        status,
        &SignUp {
            t,
            frame: Frame::new(visitor, Section::SignUp, t.sign_up.title).private(),
            form,
            next,
        },
    )
}
