//! Posts, comments, votes.

use axum::http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Call, List, Result, Service, query, segment};
use crate::visitor::Facts;

/// In the order of the tabs.
pub(crate) const CATEGORIES: [&str; 4] = ["free", "question", "work", "news"];

/// More are on the next page; the limit of an answer's size counts on this number.
const COMMENTS_PER_PAGE: &str = "50";

#[derive(Debug, Deserialize)]
pub(crate) struct PostSummary {
    pub id: String,
    pub category: String,
    pub title: String,
    pub comment_count: u64,
    pub vote_count: u64,
    #[serde(default)]
    pub answered: bool,
    pub created_at: String,
}

#[derive(Deserialize)]
pub(crate) struct Post {
    pub id: String,
    pub category: String,
    pub title: String,
    /// Markdown, as it was written.
    pub body: String,
    /// Sanitised by board.
    pub body_html: String,
    pub mine: bool,
    pub voted: bool,
    pub vote_count: u64,
    pub comment_count: u64,
    pub accepted_comment_id: Option<String>,
    pub created_at: String,
    pub edited_at: Option<String>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Comment {
    pub id: String,
    pub parent_id: Option<String>,
    pub body: String,
    /// Sanitised by board.
    pub body_html: String,
    /// 0 for the author of the post, then by first comment in this thread.
    pub label_number: Option<u64>,
    pub mine: bool,
    pub voted: bool,
    pub vote_count: u64,
    pub accepted: bool,
    pub deleted: bool,
    pub created_at: String,
    pub edited_at: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

/// What a list is narrowed to and ordered by; empty where it is not.
#[derive(Default)]
pub(crate) struct Selection<'a> {
    pub category: &'a str,
    pub sort: &'a str,
    pub q: &'a str,
    pub cursor: &'a str,
    pub limit: &'a str,
}

pub(crate) async fn posts(visitor: &Facts, selection: &Selection<'_>) -> Result<List<PostSummary>> {
    let query = query(&[
        ("category", selection.category),
        ("sort", selection.sort),
        ("q", selection.q),
        ("cursor", selection.cursor),
        ("limit", selection.limit),
    ]);
    Call::get(Service::Board, format!("/api/board/posts{query}")).send(visitor).await?.json()
}

/// The post, and the tag that an edit of it is based on.
pub(crate) async fn post(visitor: &Facts, id: &str) -> Result<(Post, String)> {
    Call::get(Service::Board, post_path(id)).send(visitor).await?.tagged()
}

pub(crate) async fn comments(visitor: &Facts, id: &str, cursor: &str) -> Result<List<Comment>> {
    let query = query(&[("cursor", cursor), ("limit", COMMENTS_PER_PAGE)]);
    Call::get(Service::Board, format!("{}/comments{query}", post_path(id)))
        .send(visitor)
        .await?
        .json()
}

/// The new post's id.
pub(crate) async fn create_post(
    visitor: &Facts,
    category: &str,
    title: &str,
    body: &str,
    key: Option<&str>,
) -> Result<String> {
    let call = Call::new(Service::Board, Method::POST, "/api/board/posts");
    let call = call.json(&json!({"category": category, "title": title, "body": body}));
    let created: Created = call.header("idempotency-key", key).send(visitor).await?.json()?;
    Ok(created.id)
}

/// `tag` is what [`post`] gave when the editing began.
pub(crate) async fn edit_post(
    visitor: &Facts,
    id: &str,
    category: &str,
    title: &str,
    body: &str,
    tag: Option<&str>,
) -> Result<()> {
    let call = Call::new(Service::Board, Method::PATCH, post_path(id));
    let call = call.json(&json!({"category": category, "title": title, "body": body}));
    call.header("if-match", tag).send(visitor).await.map(drop)
}

pub(crate) async fn delete_post(visitor: &Facts, id: &str) -> Result<()> {
    Call::new(Service::Board, Method::DELETE, post_path(id)).send(visitor).await.map(drop)
}

/// The new comment's id.
pub(crate) async fn create_comment(
    visitor: &Facts,
    post: &str,
    body: &str,
    parent: Option<&str>,
    key: Option<&str>,
) -> Result<String> {
    let mut json = json!({"body": body});
    if let Some(parent) = parent {
        json["parent_id"] = parent.into();
    }
    let call = Call::new(Service::Board, Method::POST, format!("{}/comments", post_path(post)))
        .json(&json);
    let created: Created = call.header("idempotency-key", key).send(visitor).await?.json()?;
    Ok(created.id)
}

/// The comment, and the tag that an edit of it is based on.
pub(crate) async fn comment(
    visitor: &Facts,
    post: &str,
    comment: &str,
) -> Result<(Comment, String)> {
    Call::get(Service::Board, comment_path(post, comment)).send(visitor).await?.tagged()
}

/// `tag` is what [`comment`] gave when the editing began.
pub(crate) async fn edit_comment(
    visitor: &Facts,
    post: &str,
    comment: &str,
    body: &str,
    tag: Option<&str>,
) -> Result<()> {
    let call = Call::new(Service::Board, Method::PATCH, comment_path(post, comment));
    call.json(&json!({"body": body})).header("if-match", tag).send(visitor).await.map(drop)
}

pub(crate) async fn delete_comment(visitor: &Facts, post: &str, comment: &str) -> Result<()> {
    Call::new(Service::Board, Method::DELETE, comment_path(post, comment))
        .send(visitor)
        .await
        .map(drop)
}

/// For the post, or for `comment` of it; `up` or no longer.
pub(crate) async fn vote(
    visitor: &Facts,
    post: &str,
    comment: Option<&str>,
    up: bool,
) -> Result<()> {
    let voted = comment.map_or_else(|| post_path(post), |comment| comment_path(post, comment));
    let method = if up { Method::PUT } else { Method::DELETE };
    Call::new(Service::Board, method, format!("{voted}/vote")).send(visitor).await.map(drop)
}

/// `None` takes the acceptance back.
pub(crate) async fn accept(visitor: &Facts, post: &str, comment: Option<&str>) -> Result<()> {
    let path = format!("{}/accepted-answer", post_path(post));
    let call = match comment {
        Some(id) => Call::new(Service::Board, Method::PUT, path).json(&json!({"comment_id": id})),
        None => Call::new(Service::Board, Method::DELETE, path),
    };
    call.send(visitor).await.map(drop)
}

fn post_path(id: &str) -> String {
    format!("/api/board/posts/{}", segment(id))
}

fn comment_path(post: &str, comment: &str) -> String {
    format!("{}/comments/{}", post_path(post), segment(comment))
}
