//! Which domains' addresses prove that one works at a hospital.

use api::{Fields, List, Page, Path, Problem, Query, now_millis};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use database::Database;
use serde::{Deserialize, Serialize};
use session::{Moderator, Operator};

use super::own_moderator;
use crate::config::Auth;
use crate::domain::hospital::HospitalId;
use crate::domain::mail::Domain;
use crate::routes::accept;
use crate::store::mail_domains::{self, MailDomain};
use crate::store::moderators::{self, Act, OPERATOR};

/// A moderator; or the operator, who names the moderators and so could be one, and who gives a new
/// site its first domains.
pub(crate) enum Approver {
    Operator,
    Moderator(Moderator),
}

impl FromRequestParts<Auth> for Approver {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Problem> {
        match Operator::from_request_parts(parts, auth).await {
            Ok(Operator) => Ok(Self::Operator),
            Err(_) => Moderator::from_request_parts(parts, auth).await.map(Self::Moderator),
        }
    }
}

impl Approver {
    /// The name that the decision is recorded under.
    async fn name(&self, database: &Database) -> Result<String, Problem> {
        match self {
            Self::Operator => Ok(OPERATOR.to_owned()),
            Self::Moderator(moderator) => Ok(own_moderator(database, moderator).await?.id),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    approved: Option<bool>,
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Shown {
    hospital_id: String,
    domain: String,
    approved: bool,
}

impl From<MailDomain> for Shown {
    fn from(it: MailDomain) -> Self {
        Self { hospital_id: it.hospital_id, domain: it.domain, approved: it.approved }
    }
}

/// Those that are approved, and those that insiders have asked for.
pub(crate) async fn list(
    State(auth): State<Auth>,
    moderator: Moderator,
    Query(query): Query<ListQuery>,
) -> api::Result<Json<List<Shown>>> {
    let page = Page::new(query.limit, query.cursor)?;
    let name = format!("mail domains:{:?}", query.approved);
    let after = page.after(&name)?;
    let database = auth.database().await?;
    own_moderator(&database, &moderator).await?;
    let domains = mail_domains::list(&database, query.approved, after, &page).await?;
    let list = page.list(&name, domains, |it| (it.hospital_id.clone(), it.domain.clone()));
    Ok(Json(list.map(Shown::from)))
}

pub(crate) async fn approve(
    State(auth): State<Auth>,
    approver: Approver,
    Path(path): Path<[String; 2]>,
) -> api::Result<StatusCode> {
    let (hospital_id, domain) = check(&path)?;
    let (hospital_id, domain) = (hospital_id.as_str(), domain.as_str());
    let now = now_millis();
    let database = auth.database().await?;
    let name = approver.name(&database).await?;
    database
        .transaction(async |database: &Database| {
            mail_domains::approve(database, hospital_id, domain).await?;
            moderators::record(database, &name, Act::DomainApproved, hospital_id, domain, now).await
        })
        .await
        .map_err(|error: database::Error| Problem::from(error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an approval back, or refuses what was asked for. Proofs that were made stay good.
pub(crate) async fn remove(
    State(auth): State<Auth>,
    approver: Approver,
    Path(path): Path<[String; 2]>,
) -> api::Result<StatusCode> {
    let (hospital_id, domain) = check(&path)?;
    let (hospital_id, domain) = (hospital_id.as_str(), domain.as_str());
    let now = now_millis();
    let database = auth.database().await?;
    let name = approver.name(&database).await?;
    database
        .transaction(async |database: &Database| {
            if !mail_domains::remove(database, hospital_id, domain).await? {
                return Ok(());
            }
            moderators::record(database, &name, Act::DomainRemoved, hospital_id, domain, now).await
        })
        .await
        .map_err(|error: database::Error| Problem::from(error))?;
    Ok(StatusCode::NO_CONTENT)
}

fn check([hospital_id, domain]: &[String; 2]) -> Result<(HospitalId, Domain), Problem> {
    let mut fields = Fields::default();
    let hospital_id = accept(&mut fields, "hospital_id", HospitalId::new(hospital_id));
    let domain = accept(&mut fields, "domain", Domain::new(domain));
    fields.check()?;
    Ok((hospital_id, domain))
}
