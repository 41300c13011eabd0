use api::Problem;
use axum::extract::State;
use axum::http::StatusCode;
use database::Database;
use session::Insider;

use super::{Ids, lock_thread};
use crate::config::Config;
use crate::store;
use crate::store::votes::{self, Target};

pub(crate) async fn vote_for_post(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id]): Ids<1>,
) -> api::Result<StatusCode> {
    let db = store::open(&config).await?;
    db.transaction(async |db: &Database| {
        lock_thread(db, &post_id).await?;
        let post = super::post(db, &post_id, Some(&insider.subject)).await?;
        if post.author == insider.subject {
            return Err(Problem::forbidden("own_post", "Nobody votes for their own post."));
        }
        if !post.voted {
            votes::add(db, &Target::Post(&post), &insider.subject).await?;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

pub(crate) async fn withdraw_from_post(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id]): Ids<1>,
) -> api::Result<StatusCode> {
    let db = store::open(&config).await?;
    db.transaction(async |db: &Database| {
        lock_thread(db, &post_id).await?;
        let post = super::post(db, &post_id, Some(&insider.subject)).await?;
        if post.voted {
            votes::withdraw(db, &Target::Post(&post), &insider.subject).await?;
        }
        Ok::<_, Problem>(StatusCode::NO_CONTENT)
    })
    .await
}

pub(crate) async fn vote_for_comment(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id, comment_id]): Ids<2>,
) -> api::Result<StatusCode> {
    let db = store::open(&config).await?;
    db.transaction(async |db: &Database| {
        lock_thread(db, &post_id).await?;
        let comment = super::comment(db, &post_id, &comment_id, Some(&insider.subject)).await?;
        if comment.author == insider.subject {
            return Err(Problem::forbidden("own_comment", "Nobody votes for their own comment."));
        }
        if !comment.voted {
            votes::add(db, &Target::Comment(&comment), &insider.subject).await?;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

pub(crate) async fn withdraw_from_comment(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id, comment_id]): Ids<2>,
) -> api::Result<StatusCode> {
    let db = store::open(&config).await?;
    db.transaction(async |db: &Database| {
        lock_thread(db, &post_id).await?;
        let comment = super::comment(db, &post_id, &comment_id, Some(&insider.subject)).await?;
        if comment.voted {
            votes::withdraw(db, &Target::Comment(&comment), &insider.subject).await?;
        }
        Ok::<_, Problem>(StatusCode::NO_CONTENT)
    })
    .await
}
