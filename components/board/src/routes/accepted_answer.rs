use api::{Body, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use database::Database;
use serde::Deserialize;
use session::Insider;

use super::{Ids, check_top_level, lock_thread, own_post};
use crate::config::Config;
use crate::domain::{Category, Id};
use crate::store::{self, posts};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    comment_id: Id,
}

pub(crate) async fn accept(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id]): Ids<1>,
    Body(Answer { comment_id }): Body<Answer>,
) -> api::Result<StatusCode> {
    let db = store::open(&config).await?;
    db.transaction(async |db: &Database| {
        lock_thread(db, &post_id).await?;
        let post = own_post(db, &post_id, &insider).await?;
        if post.category != Category::Question {
            return Err(Problem::conflict(
                "not_a_question",
                "Only a question has an accepted answer.",
            ));
        }
        check_top_level(db, &post_id, &comment_id, "comment_id").await?;
        posts::accept(db, &post_id, Some(&comment_id)).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

pub(crate) async fn clear(
    insider: Insider,
    State(config): State<Config>,
    Ids([post_id]): Ids<1>,
) -> api::Result<StatusCode> {
    let db = store::open(&config).await?;
    db.transaction(async |db: &Database| {
        lock_thread(db, &post_id).await?;
        own_post(db, &post_id, &insider).await?;
        posts::accept(db, &post_id, None).await?;
        Ok::<_, Problem>(StatusCode::NO_CONTENT)
    })
    .await
}
