//! One file per resource, one function per endpoint: parse → authorise → store → answer.

pub(crate) mod accepted_answer;
pub(crate) mod comments;
pub(crate) mod posts;
pub(crate) mod votes;

use api::{Path, Problem};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use database::Database;
use serde::{Deserialize, Deserializer};
use session::Insider;

use crate::domain::{Comment, Id, Post, Thread};
use crate::store;

/// The ids in the path, in order. 404 where one is none, as for an id that nothing has.
pub(crate) struct Ids<const N: usize>(pub [Id; N]);

impl<const N: usize, S: Send + Sync> FromRequestParts<S> for Ids<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(segments) = Path::<[String; N]>::from_request_parts(parts, state).await?;
        let ids: Result<Vec<Id>, _> = segments.into_iter().map(Id::try_from).collect();
        let ids = ids.ok().and_then(|ids| ids.try_into().ok());
        ids.map(Self).ok_or_else(Problem::not_found)
    }
}

/// A field that may be left out but not be null.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

async fn post(db: &Database, post_id: &Id, reader: Option<&str>) -> api::Result<Post> {
    store::posts::find(db, post_id, reader).await?.ok_or_else(Problem::not_found)
}

async fn thread(db: &Database, post_id: &Id) -> api::Result<Thread> {
    store::posts::find_thread(db, post_id).await?.ok_or_else(Problem::not_found)
}

/// The thread, which from here to the end of the transaction nobody else changes.
async fn lock_thread(db: &Database, post_id: &Id) -> api::Result<Thread> {
    store::posts::lock_thread(db, post_id).await?.ok_or_else(Problem::not_found)
}

async fn comment(
    db: &Database,
    post_id: &Id,
    comment_id: &Id,
    reader: Option<&str>,
) -> api::Result<Comment> {
    store::comments::find(db, post_id, comment_id, reader).await?.ok_or_else(Problem::not_found)
}

/// The post, where the insider wrote it. Lock its thread first to change it.
async fn own_post(db: &Database, post_id: &Id, insider: &Insider) -> api::Result<Post> {
    let post = post(db, post_id, Some(&insider.subject)).await?;
    authorise(&post.author, insider)?;
    Ok(post)
}

/// The comment, where the insider wrote it. Lock its thread first to change it.
async fn own_comment(
    db: &Database,
    post_id: &Id,
    comment_id: &Id,
    insider: &Insider,
) -> api::Result<Comment> {
    let comment = comment(db, post_id, comment_id, Some(&insider.subject)).await?;
    authorise(&comment.author, insider)?;
    Ok(comment)
}

/// 422 on `field` unless it names a comment of the post that is there and is no reply itself:
/// threads are two levels deep, and an answer is on the first.
async fn check_top_level(
    db: &Database,
    post_id: &Id,
    comment_id: &Id,
    field: &str,
) -> api::Result<()> {
    match store::comments::find(db, post_id, comment_id, None).await? {
        Some(Comment { parent_id: None, .. }) => Ok(()),
        _ => {
            let detail = "must be a comment of this post that is no reply itself";
            Err(Problem::invalid_field(field, "not_a_top_level_comment", detail))
        }
    }
}

fn authorise(author: &str, insider: &Insider) -> api::Result<()> {
    if author == insider.subject {
        return Ok(());
    }
    Err(Problem::forbidden("not_author", "Only its author may do this."))
}
