//! Proof by two colleagues who vouch.

use api::{Body, Fields, Problem, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use database::{Database, Error};
use serde::{Deserialize, Serialize};
use session::Insider;

use super::{check_may_prove, lacking};
use crate::config::{Auth, random};
use crate::domain::employment::{APPROVALS_NEEDED, Method, may_vouch};
use crate::domain::hospital::HospitalId;
use crate::domain::throttle::VOUCHES_OF_ACCOUNT;
use crate::domain::vouching::{self, CODE_MILLIS};
use crate::guess::too_many;
use crate::routes::{accept, lock_own_account, own_account};
use crate::store::throttles::{self, Bucket};
use crate::store::vouch_codes::{self, VouchCode};
use crate::store::{accounts, proofs};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    hospital_id: String,
}

#[derive(Serialize)]
pub(crate) struct Code {
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vouch {
    code: String,
}

/// A code for colleagues; the same one as long as it is good.
pub(crate) async fn request(
    State(auth): State<Auth>,
    insider: Insider,
    Body(wanted): Body<Wanted>,
) -> api::Result<(StatusCode, Json<Code>)> {
    let mut fields = Fields::default();
    let hospital_id = accept(&mut fields, "hospital_id", HospitalId::new(&wanted.hospital_id));
    fields.check()?;
    let now = now_millis();
    let random = random()?;
    let database = auth.database().await?;
    let code = database
        .transaction(async |database: &Database| {
            let account = lock_own_account(database, &insider).await?;
            check_may_prove(database, &account.id, &hospital_id, now).await?;
            if let Some(open) = vouch_codes::of(database, &account.id).await?
                && open.hospital_id == hospital_id.as_str()
                && now < open.expires_at
            {
                return Ok::<_, Problem>(open.code);
            }
            let new = VouchCode {
                account_id: account.id,
                hospital_id: hospital_id.as_str().to_owned(),
                code: vouching::code(random),
                expires_at: now + CODE_MILLIS,
            };
            vouch_codes::replace(database, &new).await?;
            Ok(new.code)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(Code { code })))
}

/// A colleague's word for whoever handed over the code. The second one makes the proof.
pub(crate) async fn vouch(
    State(auth): State<Auth>,
    insider: Insider,
    Body(vouch): Body<Vouch>,
) -> api::Result<StatusCode> {
    let now = now_millis();
    let database = auth.database().await?;
    let colleague = own_account(&database, &insider).await?;
    let name = auth.pseudonyms().bucket(&["vouches", &colleague.id]);
    let bucket = Bucket { name, limit: &VOUCHES_OF_ACCOUNT };
    throttles::charge(&database, &[&bucket]).await?.map_err(too_many)?;
    let code = vouching::typed(&vouch.code).ok_or_else(wrong_code)?;
    let open = vouch_codes::by_code(&database, &code).await?.ok_or_else(wrong_code)?;
    database
        .transaction(async |database: &Database| {
            // The newcomer's account before their code, which is the order of everyone else.
            accounts::lock_by_id(database, &open.account_id).await?.ok_or_else(wrong_code)?;
            let open = vouch_codes::lock(database, &code).await?;
            let open = open.filter(|open| now < open.expires_at).ok_or_else(wrong_code)?;
            if open.account_id == colleague.id {
                return Err(Problem::conflict("own_code", "Hand the code to two colleagues."));
            }
            let proof = proofs::find(database, &colleague.id).await?;
            may_vouch(proof.as_ref(), &open.hospital_id, now).map_err(lacking)?;
            let vouched = vouch_codes::vouch(database, &open.account_id, &colleague.id).await;
            vouched.map_err(vouched_already)?;
            if vouch_codes::vouches(database, &open.account_id).await? >= APPROVALS_NEEDED {
                let (id, hospital_id) = (&open.account_id, &open.hospital_id);
                proofs::grant(database, id, hospital_id, Method::Vouch, now).await?;
            }
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The same for a code that never was and one that has expired.
fn wrong_code() -> Problem {
    Problem::invalid_field("code", "wrong", "is not a code that is open; ask your colleague for it")
}

fn vouched_already(error: Error) -> Problem {
    match error {
        Error::Unique(_) => Problem::conflict(
            "vouched_already",
            "You have vouched. Another colleague has to as well.",
        ),
        error => error.into(),
    }
}
