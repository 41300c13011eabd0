//! A comment that is there already.

use api::{Path, Problem};
use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, show_as};
use crate::answer::redirect;
use crate::form::{Form, FormView};
use crate::texts::Texts;
use crate::upstream::{board, segment};
use crate::visitor::{SignedIn, Visitor};

#[derive(Template)]
#[template(path = "board/comment_form.html")]
struct CommentForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    action: String,
    back: String,
}

pub(crate) async fn edit_form(
    SignedIn(visitor): SignedIn,
    Path([post, id]): Path<[String; 2]>,
) -> Result {
    let (comment, tag) = board::comment(&visitor, &post, &id).await?;
    if !comment.mine {
        return Err(Problem::forbidden("not_author", "Only its author may edit it."));
    }
    render(
        &visitor,
        &post,
        &id,
        StatusCode::OK,
        FormView::of(&[("body", &comment.body), ("tag", &tag)]),
    )
}

pub(crate) async fn edit(
    visitor: Visitor,
    Path([post, id]): Path<[String; 2]>,
    Form(fields): Form,
) -> Result {
    match board::edit_comment(&visitor, &post, &id, fields.text("body"), fields.tag()).await {
        Ok(()) => Ok(redirect(&format!("/board/{}?done=saved#c-{}", segment(&post), segment(&id)))),
        Err(failure) => {
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render(&visitor, &post, &id, status, form)
        }
    }
}

pub(crate) async fn delete(
    SignedIn(visitor): SignedIn,
    Path([post, id]): Path<[String; 2]>,
) -> Result {
    board::delete_comment(&visitor, &post, &id).await?;
    Ok(redirect(&format!("/board/{}?done=deleted#comments", segment(&post))))
}

pub(crate) async fn vote(
    SignedIn(visitor): SignedIn,
    Path([post, id]): Path<[String; 2]>,
    Form(fields): Form,
) -> Result {
    board::vote(&visitor, &post, Some(&id), fields.text("up") == "true").await?;
    Ok(redirect(&format!("/board/{}#c-{}", segment(&post), segment(&id))))
}

fn render(visitor: &Visitor, post: &str, id: &str, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let back = format!("/board/{}", segment(post));
    show_as(
        status,
        &CommentForm {
            t,
            frame: Frame::new(visitor, Section::Board, t.thread.edit_comment).private(),
            form,
            action: format!("{back}/comments/{}/edit", segment(id)),
            back,
        },
    )
}
