//! A post that is being written or edited.

use api::{Path, Problem};
use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, known, show_as};
use crate::answer::redirect;
use crate::form::{Form, FormView, Query};
use crate::texts::Texts;
use crate::upstream::board::{self, CATEGORIES};
use crate::upstream::segment;
use crate::visitor::{SignedIn, Visitor};

#[derive(Template)]
#[template(path = "board/post_form.html")]
struct PostForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    is_new: bool,
    /// The name that the script keeps the draft under.
    draft: String,
    action: String,
    back: String,
}

pub(crate) async fn new_form(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    let category = match known(&fields, "category", &CATEGORIES) {
        "" => CATEGORIES[0],
        category => category,
    };
    render(&visitor, None, StatusCode::OK, FormView::of(&[("category", category)]))
}

/// A form that is sent after the session has ended comes back with its text, hence no
/// `SignedIn` here and below: the API says 401, the form says what to do.
pub(crate) async fn create(visitor: Visitor, Form(fields): Form) -> Result {
    let (category, title, body) =
        (fields.text("category"), fields.text("title"), fields.text("body"));
    match board::create_post(&visitor, category, title, body, fields.key()).await {
        Ok(id) => Ok(redirect(&format!("/board/{}?done=posted", segment(&id)))),
        Err(failure) => {
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render(&visitor, None, status, form)
        }
    }
}

pub(crate) async fn edit_form(
    SignedIn(visitor): SignedIn,
    Path([id]): Path<[String; 1]>,
) -> Result {
    let (post, tag) = board::post(&visitor, &id).await?;
    if !post.mine {
        return Err(Problem::forbidden("not_author", "Only its author may edit it."));
    }
    let form = FormView::of(&[
        ("category", &post.category),
        ("title", &post.title),
        ("body", &post.body),
        ("tag", &tag),
    ]);
    render(&visitor, Some(&id), StatusCode::OK, form)
}

pub(crate) async fn edit(
    visitor: Visitor,
    Path([id]): Path<[String; 1]>,
    Form(fields): Form,
) -> Result {
    let (category, title, body) =
        (fields.text("category"), fields.text("title"), fields.text("body"));
    match board::edit_post(&visitor, &id, category, title, body, fields.tag()).await {
        Ok(()) => Ok(redirect(&format!("/board/{}?done=saved", segment(&id)))),
        Err(failure) => {
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render(&visitor, Some(&id), status, form)
        }
    }
}

/// `id` of the post that is edited; `None` for a new one.
fn render(visitor: &Visitor, id: Option<&str>, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let thread = id.map(|id| format!("/board/{}", segment(id)));
    let title = if id.is_none() { t.post_form.new_title } else { t.post_form.edit_title };
    show_as(
        status,
        &PostForm {
            t,
            frame: Frame::new(visitor, Section::Board, title).helping_to_write(),
            form,
            is_new: id.is_none(),
            draft: id.map_or_else(|| "post".to_owned(), |id| format!("post-{id}")),
            action: thread
                .as_ref()
                .map_or_else(|| "/board/new".to_owned(), |thread| format!("{thread}/edit")),
            back: thread.unwrap_or_else(|| "/board".to_owned()),
        },
    )
}
