use api::{Path, now_millis};
use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Paging, Result, Section, show_as};
use crate::answer::redirect;
use crate::display::{Moment, moment};
use crate::form::{Form, FormView, Query};
use crate::texts::Texts;
use crate::upstream::board::{self, Comment, Post};
use crate::upstream::segment;
use crate::visitor::{SignedIn, Visitor};

#[derive(Template)]
#[template(path = "board/thread.html")]
struct Thread {
    t: &'static Texts,
    frame: Frame,
    post: Post,
    created: Moment,
    is_question: bool,
    accepted: Option<CommentView>,
    comments: Vec<CommentView>,
    first: Option<String>,
    next: Option<String>,
    /// Of a new comment or reply; `None` for the public.
    form: Option<FormView>,
    /// Whom the form replies to.
    reply_label: Option<String>,
}

struct CommentView {
    id: String,
    label: String,
    is_author: bool,
    is_reply: bool,
    body_html: String,
    mine: bool,
    voted: bool,
    vote_count: u64,
    accepted: bool,
    deleted: bool,
    edited: bool,
    created: Moment,
}

impl CommentView {
    fn new(comment: Comment, now: i64, t: &Texts) -> Self {
        Self {
            created: moment(&comment.created_at, now, t),
            label: (t.label)(comment.label_number),
            is_author: comment.label_number == Some(0),
            is_reply: comment.parent_id.is_some(),
            id: comment.id,
            body_html: comment.body_html,
            mine: comment.mine,
            voted: comment.voted,
            vote_count: comment.vote_count,
            accepted: comment.accepted,
            deleted: comment.deleted,
            edited: comment.edited_at.is_some(),
        }
    }
}

pub(crate) async fn read(
    visitor: Visitor,
    Path([id]): Path<[String; 1]>,
    Query(fields): Query,
) -> Result {
    let form = FormView::of(&[("parent_id", fields.text("reply"))]);
    render(&visitor, &id, fields.text("cursor"), StatusCode::OK, form).await
}

/// A new comment, or a reply.
pub(crate) async fn comment(
    visitor: Visitor,
    Path([id]): Path<[String; 1]>,
    Form(fields): Form,
) -> Result {
    let (body, parent) = (fields.text("body"), fields.filled("parent_id"));
    match board::create_comment(&visitor, &id, body, parent, fields.key()).await {
        Ok(comment) => {
            Ok(redirect(&format!("/board/{}?done=commented#c-{}", segment(&id), segment(&comment))))
        }
        Err(failure) => {
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render(&visitor, &id, "", status, form).await
        }
    }
}

pub(crate) async fn vote(
    SignedIn(visitor): SignedIn,
    Path([id]): Path<[String; 1]>,
    Form(fields): Form,
) -> Result {
    board::vote(&visitor, &id, None, fields.text("up") == "true").await?;
    Ok(redirect(&format!("/board/{}#votes", segment(&id))))
}

pub(crate) async fn accept(
    SignedIn(visitor): SignedIn,
    Path([id]): Path<[String; 1]>,
    Form(fields): Form,
) -> Result {
    board::accept(&visitor, &id, fields.filled("comment_id")).await?;
    Ok(redirect(&format!("/board/{}#comments", segment(&id))))
}

pub(crate) async fn delete(SignedIn(visitor): SignedIn, Path([id]): Path<[String; 1]>) -> Result {
    board::delete_post(&visitor, &id).await?;
    Ok(redirect("/board?done=deleted"))
}

async fn render(
    visitor: &Visitor,
    id: &str,
    cursor: &str,
    status: StatusCode,
    form: FormView,
) -> Result {
    let t = visitor.language.texts();
    let (post, comments) =
        futures::join!(board::post(visitor, id), board::comments(visitor, id, cursor));
    let ((post, _), list) = (post?, comments?);
    let now = now_millis();
    let accepted = accepted(visitor, &post, &list.items).await;
    let reply_label = label_of(&list.items, form.value("parent_id"), t);
    let path = format!("/board/{}", segment(id));
    let Paging { first, next } = Paging::of(&path, &[], cursor, list.next_cursor.as_deref());
    let frame = Frame::new(visitor, Section::Board, &post.title).described(excerpt(&post.body));
    show_as(
        status,
        &Thread {
            t,
            frame: if visitor.is_signed_in() { frame.helping_to_write() } else { frame },
            created: moment(&post.created_at, now, t),
            is_question: post.category == "question",
            accepted: accepted.map(|comment| CommentView::new(comment, now, t)),
            comments: list
                .items
                .into_iter()
                .map(|comment| CommentView::new(comment, now, t))
                .collect(),
            first,
            next,
            form: (visitor.is_signed_in() || form.has_failed()).then_some(form),
            reply_label,
            post,
        },
    )
}

/// The accepted answer, which stands above the others. It is asked for only where it is on
/// another page; without it the thread is still worth reading.
async fn accepted(visitor: &Visitor, post: &Post, here: &[Comment]) -> Option<Comment> {
    let id = post.accepted_comment_id.as_ref()?;
    if let Some(comment) = here.iter().find(|comment| comment.id == *id) {
        return Some(comment.clone());
    }
    board::comment(visitor, &post.id, id)
        .await
        .map(|(comment, _)| comment)
        .inspect_err(|failure| failure.log(visitor))
        .ok()
}

fn label_of(comments: &[Comment], id: &str, t: &Texts) -> Option<String> {
    let comment = comments.iter().find(|comment| comment.id == id)?;
    Some((t.label)(comment.label_number))
}

/// The beginning of the text, for search engines.
fn excerpt(body: &str) -> String {
    const CHARACTERS: usize = 120;
    body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(CHARACTERS).collect()
}
