//! Review passes: issued to accounts blindly, redeemed without them. See docs/passes.md.

use api::{Body, Fields, List, Page, Problem, Query, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use calendar::year;
use database::Database;
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use session::Insider;

use super::proofs::lacking;
use super::{accept, lock_own_account};
use crate::config::Auth;
use crate::domain::employment::works_at;
use crate::domain::hospital::HospitalId;
use crate::domain::pass::{self, Blinded, PassKey};
use crate::store::pass_keys::{self, Entry};
use crate::store::passes::{self, Pass};
use crate::store::proofs;

/// Passes are of this century; a year beyond would make keys that nobody ever needs.
const YEARS: std::ops::RangeInclusive<i64> = 2000..=2099;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    hospital_id: String,
    year: i64,
    blinded_element: String,
}

#[derive(Serialize)]
pub(crate) struct Issued {
    hospital_id: String,
    year: i64,
    evaluated_element: String,
    proof: String,
    public_key: String,
    key_index: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeysQuery {
    hospital_id: Option<String>,
    year: Option<i64>,
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct ShownKey {
    index: i64,
    hospital_id: String,
    year: i64,
    public_key: String,
    previous: String,
    hash: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrowdQuery {
    hospital_id: String,
    year: i64,
}

#[derive(Serialize)]
pub(crate) struct Crowd {
    hospital_id: String,
    year: i64,
    issued: i64,
    required: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redemption {
    hospital_id: String,
    year: i64,
    public_key: String,
    pass: String,
}

#[derive(Serialize)]
pub(crate) struct Redeemed {
    valid: bool,
}

impl From<Entry> for ShownKey {
    fn from(entry: Entry) -> Self {
        let Entry { index, hospital_id, year, public_key, previous, hash } = entry;
        Self { index, hospital_id, year, public_key, previous, hash }
    }
}

/// Evaluates once for each account, hospital and year, and gives the same answer to the same
/// question as long as the account lives.
pub(crate) async fn issue(
    State(auth): State<Auth>,
    insider: Insider,
    Body(wanted): Body<Wanted>,
) -> api::Result<(StatusCode, Json<Issued>)> {
    let now = now_millis();
    let mut fields = Fields::default();
    let hospital_id = accept(&mut fields, "hospital_id", HospitalId::new(&wanted.hospital_id));
    if wanted.year != year(now) {
        fields.refuse("year", "not_this_year", format!("must be {}", year(now)));
    }
    let blinded = Blinded::decode(&wanted.blinded_element);
    if blinded.is_none() {
        fields.refuse("blinded_element", "not_an_element", "must be an element of ristretto255");
    }
    fields.check()?;
    let Some(blinded) = blinded else { return Err(Problem::internal("fields were checked")) };

    let key = PassKey::derive(auth.secrets().seed(), hospital_id.as_str(), wanted.year);
    let key = key.map_err(Problem::internal)?;
    let new = Pass {
        evaluation: key.evaluate(&blinded, &mut OsRng),
        blinded_element: wanted.blinded_element,
    };
    let database = auth.database().await?;
    let (status, pass, entry) = database
        .transaction(async |database: &Database| {
            let account = lock_own_account(database, &insider).await?;
            let (id, hospital_id) = (&account.id, hospital_id.as_str());
            let before = passes::find(database, id, hospital_id, wanted.year).await?;
            let (status, pass) = match before {
                Some(pass) if pass.blinded_element == new.blinded_element => (StatusCode::OK, pass),
                Some(_) => return Err(already_issued()),
                None => {
                    let proof = proofs::find(database, id).await?;
                    works_at(proof.as_ref(), hospital_id, now).map_err(lacking)?;
                    passes::insert(database, id, hospital_id, wanted.year, &new).await?;
                    (StatusCode::CREATED, new.clone())
                }
            };
            let public_key = key.public();
            let entry =
                pass_keys::find_or_append(database, hospital_id, wanted.year, &public_key).await?;
            Ok((status, pass, entry))
        })
        .await?;
    let issued = Issued {
        hospital_id: entry.hospital_id,
        year: entry.year,
        evaluated_element: pass.evaluation.evaluated_element,
        proof: pass.evaluation.proof,
        public_key: entry.public_key,
        key_index: entry.index,
    };
    Ok((status, Json(issued)))
}

fn already_issued() -> Problem {
    Problem::conflict(
        "pass_already_issued",
        "You have been given a pass of this hospital and year. Only the recovery secret that asked for it gets it again.",
    )
}

/// The log of public keys, or the entry of one hospital and year.
pub(crate) async fn keys(
    State(auth): State<Auth>,
    Query(query): Query<KeysQuery>,
) -> api::Result<Json<List<ShownKey>>> {
    let page = Page::new(query.limit, query.cursor)?;
    let name = "pass keys";
    let after = page.after(name)?;
    let one = match (query.hospital_id, query.year) {
        (None, None) => None,
        (Some(hospital_id), Some(year)) => Some(hospital_and_year(&hospital_id, year)?),
        (hospital_id, _) => {
            let missing = if hospital_id.is_some() { "year" } else { "hospital_id" };
            return Err(Problem::invalid_field(
                missing,
                "required",
                "must be given with the other",
            ));
        }
    };
    let database = auth.database().await?;
    if let Some((hospital_id, year)) = one {
        let entry = pass_keys::find(&database, hospital_id.as_str(), year).await?;
        let items = entry.map(ShownKey::from).into_iter().collect();
        return Ok(Json(List { items, next_cursor: None }));
    }
    let entries = pass_keys::list(&database, after, &page).await?;
    Ok(Json(page.list(name, entries, |entry| entry.index).map(ShownKey::from)))
}

/// How many passes there are for a hospital and year, and how many there have to be.
pub(crate) async fn crowd(
    State(auth): State<Auth>,
    Query(query): Query<CrowdQuery>,
) -> api::Result<Json<Crowd>> {
    let (hospital_id, year) = hospital_and_year(&query.hospital_id, query.year)?;
    let database = auth.database().await?;
    let issued = passes::count(&database, hospital_id.as_str(), year).await?;
    let hospital_id = hospital_id.as_str().to_owned();
    Ok(Json(Crowd { hospital_id, year, issued, required: auth.min_passes() }))
}

/// Whether a pass is right, for the component review. Nothing is remembered, and nothing read but
/// the key.
pub(crate) async fn redeem(
    State(auth): State<Auth>,
    Body(redemption): Body<Redemption>,
) -> api::Result<Json<Redeemed>> {
    let (hospital_id, year) = hospital_and_year(&redemption.hospital_id, redemption.year)?;
    let public_key = pass::decode(&redemption.public_key);
    let pass = pass::decode(&redemption.pass);
    let (Some(public_key), Some(pass)) = (public_key, pass) else {
        let mut fields = Fields::default();
        if public_key.is_none() {
            fields.refuse("public_key", "invalid_length", "must be 32 bytes in base64url");
        }
        if pass.is_none() {
            fields.refuse("pass", "invalid_length", "must be 64 bytes in base64url");
        }
        fields.check()?;
        return Err(Problem::internal("fields were checked"));
    };
    let key = PassKey::derive(auth.secrets().seed(), hospital_id.as_str(), year);
    let key = key.map_err(Problem::internal)?;
    Ok(Json(Redeemed { valid: key.redeems(&public_key, &pass) }))
}

fn hospital_and_year(hospital_id: &str, year: i64) -> Result<(HospitalId, i64), Problem> {
    let mut fields = Fields::default();
    let hospital_id = accept(&mut fields, "hospital_id", HospitalId::new(hospital_id));
    if !YEARS.contains(&year) {
        fields.refuse("year", "out_of_range", "must be 2000 to 2099");
    }
    fields.check()?;
    Ok((hospital_id, year))
}
