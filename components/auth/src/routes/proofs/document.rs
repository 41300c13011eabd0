//! Proof by a document that two moderators see, and nobody keeps.

use api::{Fields, Problem, Query, now_millis};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use database::Database;
use serde::Deserialize;
use session::Insider;
use uuid::Uuid;

use super::check_may_prove;
use crate::config::{Auth, random};
use crate::domain::document::{MediaType, WAITING_MILLIS};
use crate::domain::hospital::HospitalId;
use crate::domain::throttle::DOCUMENTS_OF_ACCOUNT;
use crate::guess::too_many;
use crate::routes::{accept, lock_own_account, own_account};
use crate::store::documents::{self, Document};
use crate::store::throttles::{self, Bucket};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadQuery {
    hospital_id: String,
}

/// Takes the file itself as the body.
pub(crate) async fn upload(
    State(auth): State<Auth>,
    insider: Insider,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> api::Result<StatusCode> {
    let mut fields = Fields::default();
    let hospital_id = accept(&mut fields, "hospital_id", HospitalId::new(&query.hospital_id));
    fields.check()?;
    let media_type = media_type(&request)?;
    let content = api::collect(request.into_body()).await?;
    let content = media_type.bare(&content).ok_or_else(|| {
        let detail = format!("must be a file of the type {}", media_type.name());
        Problem::invalid_field("body", "not_that_type", detail)
    })?;

    let now = now_millis();
    let database = auth.database().await?;
    let account = own_account(&database, &insider).await?;
    check_may_prove(&database, &account.id, &hospital_id, now).await?;
    let name = auth.pseudonyms().bucket(&["documents", &account.id]);
    let bucket = Bucket { name, limit: &DOCUMENTS_OF_ACCOUNT };
    let document = Document {
        id: Uuid::new_v4().to_string(),
        account_id: account.id,
        hospital_id: hospital_id.as_str().to_owned(),
        media_type: media_type.name().to_owned(),
        bytes: i64::try_from(content.len()).unwrap_or(i64::MAX),
        approved_by: None,
        uploaded_at: now,
    };
    let sealed = auth.secrets().seal(&place(&document.id), random()?, &content);
    let sealed = sealed.map_err(Problem::internal)?;
    documents::prune(&database, now - WAITING_MILLIS).await?;
    database
        .transaction(async |database: &Database| {
            let account = lock_own_account(database, &insider).await?;
            check_may_prove(database, &account.id, &hospital_id, now).await?;
            throttles::charge_within(database, &bucket).await?.map_err(too_many)?;
            Ok::<_, Problem>(documents::replace(database, &document, &sealed).await?)
        })
        .await?;
    Ok(StatusCode::ACCEPTED)
}

fn media_type(request: &Request) -> Result<MediaType, Problem> {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    MediaType::named(essence).ok_or_else(|| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the file as application/pdf, image/jpeg or image/png.",
        )
    })
}

/// What a document is sealed for.
pub(crate) fn place(document_id: &str) -> String {
    format!("document {document_id}")
}
