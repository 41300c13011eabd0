//! What moderators decide. Every act stands in the public log; who did it does not.

pub(crate) mod log;
pub(crate) mod removals;
pub(crate) mod reply_tokens;
pub(crate) mod reports;
pub(crate) mod takedowns;

use std::collections::HashMap;

use api::{Page, Problem};
use database::Database;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::review::{Review, Status};
use crate::store;

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
