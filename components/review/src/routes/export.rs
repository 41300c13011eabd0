//! All that can be checked, as one file: both logs and every published review with its
//! signature. It is made page by page while it is sent, so that it takes the memory of a page.

use api::Problem;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream};
use send_wrapper::SendWrapper;
use serde::Serialize;

use crate::auth::{self, PassKey};
use crate::config::Config;
use crate::domain::review::{Review, Stars};
use crate::store;
use crate::store::moderation_log::Entry;

/// Rows read at once, each in a request of its own to the database, so that none is held open
/// for a slow reader.
const ROWS: i64 = 100;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Key(PassKey),
    Act {
        index: i64,
        day: String,
        act: String,
        hospital_id: String,
        review_id: String,
        reason: String,
        previous: String,
        hash: String,
    },
    Review {
        id: String,
        hospital_id: String,
        year: i64,
        revision: i64,
        title: String,
        body: String,
        stars: Stars,
        public_key: String,
        signature: String,
        month: String,
    },
    End {
        keys: u64,
        acts: u64,
        reviews: u64,
    },
}

/// What comes next.
enum Next {
    Keys(Option<String>),
    Acts(i64),
    Reviews(Option<(String, String)>),
    End,
}

struct Export {
    config: &'static Config,
    /// `None` once all is sent.
    next: Option<Next>,
    keys: u64,
    acts: u64,
    reviews: u64,
}

pub(crate) async fn show(State(config): State<&'static Config>) -> api::Result<Response> {
    let mut export = Export { config, next: Some(Next::Keys(None)), keys: 0, acts: 0, reviews: 0 };
    // The first page before the head of the answer, which then tells what is away.
    let first = export.page().await?;
    let mut response = Body::from_stream(SendWrapper::new(export.rest(first))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/x-ndjson"));
    Ok(api::streamed(response))
}

impl Export {
    fn rest(self, first: String) -> impl Stream<Item = Result<String, std::io::Error>> {
        stream::try_unfold((self, Some(first)), async |(mut export, first)| {
            if let Some(page) = first {
                return Ok(Some((page, (export, None))));
            }
            if export.next.is_none() {
                return Ok(None);
            }
            match export.page().await {
                Ok(page) => Ok(Some((page, (export, None)))),
                Err(problem) => {
                    problem.log("the export");
                    // It breaks off, and without its end nobody takes it for whole.
                    Err(std::io::Error::other("the export broke off"))
                }
            }
        })
    }

    async fn page(&mut self) -> api::Result<String> {
        let (lines, next) = match self.next.take() {
            Some(Next::Keys(cursor)) => self.pass_keys(cursor.as_deref()).await?,
            Some(Next::Acts(after)) => self.acts(after).await?,
            Some(Next::Reviews(after)) => self.reviews(after).await?,
            Some(Next::End) => {
                let Self { keys, acts, reviews, .. } = *self;
                (vec![Line::End { keys, acts, reviews }], None)
            }
            None => (Vec::new(), None),
        };
        self.next = next;
        let mut page = String::new();
        for line in lines {
            page.push_str(&serde_json::to_string(&line).map_err(Problem::internal)?);
            page.push('\n');
        }
        Ok(page)
    }

    async fn pass_keys(&mut self, cursor: Option<&str>) -> api::Result<(Vec<Line>, Option<Next>)> {
        let page = auth::pass_keys(self.config, cursor).await?;
        self.keys += page.items.len() as u64;
        let next = page.next_cursor.map_or(Next::Acts(0), |cursor| Next::Keys(Some(cursor)));
        Ok((page.items.into_iter().map(Line::Key).collect(), Some(next)))
    }

    async fn acts(&mut self, after: i64) -> api::Result<(Vec<Line>, Option<Next>)> {
        let db = store::open(self.config).await?;
        let entries = store::moderation_log::oldest(&db, after, ROWS).await?;
        self.acts += entries.len() as u64;
        let next = match entries.last() {
            Some(last) if is_full(&entries) => Next::Acts(last.index),
            _ => Next::Reviews(None),
        };
        Ok((entries.into_iter().map(Line::act).collect(), Some(next)))
    }

    async fn reviews(
        &mut self,
        after: Option<(String, String)>,
    ) -> api::Result<(Vec<Line>, Option<Next>)> {
        let db = store::open(self.config).await?;
        let reviews = store::reviews::published(&db, after, ROWS).await?;
        self.reviews += reviews.len() as u64;
        let next = match reviews.last() {
            Some(last) if is_full(&reviews) => {
                Next::Reviews(Some((last.month.clone(), last.id.clone())))
            }
            _ => Next::End,
        };
        Ok((reviews.into_iter().map(Line::review).collect(), Some(next)))
    }
}

fn is_full<T>(rows: &[T]) -> bool {
    i64::try_from(rows.len()) == Ok(ROWS)
}

impl Line {
    fn act(entry: Entry) -> Self {
        Self::Act {
            index: entry.index,
            day: entry.day,
            act: entry.act,
            hospital_id: entry.hospital_id,
            review_id: entry.review_id,
            reason: entry.reason,
            previous: entry.previous,
            hash: entry.hash,
        }
    }

    fn review(review: Review) -> Self {
        Self::Review {
            id: review.id,
            hospital_id: review.hospital_id,
            year: review.year,
            revision: review.text.revision,
            title: review.text.draft.title,
            body: review.text.draft.body,
            stars: review.text.draft.stars,
            public_key: review.public_key,
            signature: review.text.signature,
            month: review.month,
        }
    }
}
