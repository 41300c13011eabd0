//! Who may review, and who wrote a review. All of it is in this file, because review passes
//! will replace it: until then auth is asked, with the insider's own token, for the hospital
//! on the account and for the pseudonym under which reviews are kept.

use api::Problem;
use axum::http::{Request, StatusCode, header};
use serde::Deserialize;
use session::Insider;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{EmptyBody, send};
use spin_sdk::wasip3::http::types::RequestOptions;
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;

use crate::config::Config;
use crate::domain::hospital::Hospital;

/// The answer is two short strings.
const MAX_ANSWER_BYTES: usize = 4096;

/// Auth reads one row for it. Whoever waits longer is better told to try again.
const ANSWER_LIMIT_NANOS: u64 = 5_000_000_000;

/// A pseudonym for reviews, which shares nothing with the session's.
pub(crate) struct Author(pub(crate) String);

/// What auth says of the insider; unknown fields are auth's to add.
#[derive(Deserialize)]
struct Employment {
    hospital_id: Option<String>,
    review_pseudonym: String,
}

/// The insider as the author of a new review of `hospital`: it is open, and it is the one on
/// the account. That there is only one review is for the database to say.
pub(crate) async fn reviewer(
    config: &Config,
    insider: &Insider,
    hospital: &Hospital,
) -> api::Result<Author> {
    if !hospital.open {
        return Err(Problem::conflict(
            "hospital_closed",
            "This hospital is closed and takes no more reviews.",
        ));
    }
    let employment = employment(config, insider).await?;
    if employment.hospital_id.as_deref() != Some(&hospital.id) {
        return Err(Problem::forbidden(
            "not_your_hospital",
            "Only who works at this hospital may review it. Set it as your hospital on your account first.",
        ));
    }
    Ok(Author(employment.review_pseudonym))
}

/// The insider as the author of reviews that exist. Whoever has changed hospitals since may
/// still correct or withdraw them.
pub(crate) async fn author(config: &Config, insider: &Insider) -> api::Result<Author> {
    employment(config, insider).await.map(|employment| Author(employment.review_pseudonym))
}

async fn employment(config: &Config, insider: &Insider) -> api::Result<Employment> {
    let url = format!("{}/api/auth/employment", config.auth_url);
    let request = Request::get(&url)
        .header(header::AUTHORIZATION, format!("Bearer {}", insider.token))
        .extension(RequestOptionsExtension(limits()?))
        .body(EmptyBody::new())
        .map_err(Problem::internal)?;
    let response =
        send(request).await.map_err(|error| Problem::unavailable(format!("{url}: {error}")))?;
    match response.status() {
        StatusCode::OK => {}
        // The account is gone, though its token has not expired yet.
        StatusCode::UNAUTHORIZED => return Err(Problem::unauthorized()),
        status => return Err(Problem::unavailable(format!("{url}: {status}"))),
    }
    let body = response.into_body().bytes().await;
    let body = body.map_err(|error| Problem::unavailable(format!("{url}: {error}")))?;
    if body.len() > MAX_ANSWER_BYTES {
        return Err(Problem::unavailable(format!("{url}: {} bytes", body.len())));
    }
    serde_json::from_slice(&body).map_err(|error| Problem::unavailable(format!("{url}: {error}")))
}

fn limits() -> api::Result<RequestOptions> {
    let options = RequestOptions::new();
    let limit = Some(ANSWER_LIMIT_NANOS);
    options
        .set_first_byte_timeout(limit)
        .and_then(|()| options.set_between_bytes_timeout(limit))
        .map_err(|error| Problem::internal(format!("{error:?}")))?;
    Ok(options)
}
