//! What moderators decide. Every act stands in the public log; who did it does not.

pub(crate) mod log;
pub(crate) mod removals;
pub(crate) mod reply_tokens;
pub(crate) mod reports;
pub(crate) mod takedowns;

use std::collections::HashMap;

use api::{Page, Problem};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use database::Database;
use serde::{Deserialize, Serialize};
use session::Insider;
use uuid::Uuid;

use crate::auth;
use crate::config::Config;
use crate::domain::review::{Review, Status};
use crate::store;

/// A moderator who is one now. The token alone says who was one when it was made, up to ten minutes
/// ago; few enough is moderated that auth can be asked each time.
pub(crate) struct Moderator(pub(crate) Insider);

impl FromRequestParts<&'static Config> for Moderator {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        config: &&'static Config,
    ) -> Result<Self, Problem> {
        let session::Moderator(insider) =
            session::Moderator::from_request_parts(parts, config).await?;
        if auth::is_moderator(config, &insider).await? {
            Ok(Self(insider))
        } else {
            Err(session::Moderator::required())
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    limit: Option<u64>,
    cursor: Option<String>,
}

/// A review as a moderator reads it: the text whatever the status.
#[derive(Serialize)]
struct Read {
    status: Status,
    title: String,
    body: String,
    month: String,
}

/// What items of a list are about, by id.
struct Subjects {
    reviews: HashMap<String, Review>,
    hospitals: HashMap<String, String>,
}

impl ListQuery {
    fn page(self) -> api::Result<Page> {
        Page::new(self.limit, self.cursor)
    }
}

impl Subjects {
    async fn of<'a>(
        db: &Database,
        ids: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> api::Result<Self> {
        let (hospitals, reviews): (Vec<&str>, Vec<&str>) = ids.unzip();
        let reviews = store::reviews::of_ids(db, &reviews).await?;
        Ok(Self {
            reviews: reviews.into_iter().map(|review| (review.id.clone(), review)).collect(),
            hospitals: store::hospitals::names(db, &hospitals).await?,
        })
    }

    fn review(&self, id: &str) -> Option<Read> {
        self.reviews.get(id).map(|review| Read {
            status: review.status,
            title: review.text.draft.title.clone(),
            body: review.text.draft.body.clone(),
            month: review.month.clone(),
        })
    }

    fn hospital(&self, id: &str) -> String {
        self.hospitals.get(id).cloned().unwrap_or_default()
    }
}

fn check_id(id: &str) -> api::Result<()> {
    Uuid::parse_str(id).map(drop).map_err(|_| Problem::not_found())
}

fn decided_already() -> Problem {
    Problem::conflict("decided_already", "This was decided already. Load the list again.")
}
