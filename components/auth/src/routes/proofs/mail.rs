//! Proof by a code that is sent to a work-mail address.

use api::{Body, Fields, Problem, Query, client_address, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use database::Database;
use idempotency::{Key, Reply};
use serde::{Deserialize, Serialize};
use session::Insider;
use uuid::Uuid;

use super::{ShownProof, check_may_prove};
use crate::config::{Auth, random};
use crate::domain::employment::{Method, Proof};
use crate::domain::hospital::HospitalId;
use crate::domain::mail::{self, Address, CODE_MILLIS, Domain, SentCode, Verdict};
use crate::domain::throttle::{
    self, CODES_AT_NETWORK, CODES_OF_DOMAIN, DOMAINS_OF_ACCOUNT, MAILS_OF_ACCOUNT, MAILS_TO_MAILBOX,
};
use crate::guess::too_many;
use crate::mailer;
use crate::routes::{accept, lock_own_account, own_account};
use crate::store::accounts::Account;
use crate::store::mail_codes::MailCode;
use crate::store::throttles::{self, Bucket};
use crate::store::{COMPONENT, mail_codes, mail_domains, proofs, proven_addresses};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    hospital_id: String,
    address: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmation {
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DomainsQuery {
    hospital_id: String,
}

#[derive(Serialize)]
pub(crate) struct Domains {
    items: Vec<ShownDomain>,
}

#[derive(Serialize)]
struct ShownDomain {
    domain: String,
}

/// The domains that are approved for a hospital.
pub(crate) async fn domains(
    State(auth): State<Auth>,
    _: Insider,
    Query(query): Query<DomainsQuery>,
) -> api::Result<Json<Domains>> {
    let mut fields = Fields::default();
    let hospital_id = accept(&mut fields, "hospital_id", HospitalId::new(&query.hospital_id));
    fields.check()?;
    let database = auth.database().await?;
    let domains = mail_domains::approved(&database, hospital_id.as_str()).await?;
    let items = domains.into_iter().map(|domain| ShownDomain { domain }).collect();
    Ok(Json(Domains { items }))
}

/// Sends a code, whether or not the address is known: who asks is told nothing but that a code
/// was sent, and it takes the same steps.
pub(crate) async fn request(
    State(auth): State<Auth>,
    insider: Insider,
    key: Key,
    Body(wanted): Body<Wanted>,
) -> api::Result<Reply> {
    let mut fields = Fields::default();
    let hospital_id = accept(&mut fields, "hospital_id", HospitalId::new(&wanted.hospital_id));
    let address = accept(&mut fields, "address", Address::new(&wanted.address));
    fields.check()?;

    let now = now_millis();
    let database = auth.database().await?;
    let account = own_account(&database, &insider).await?;
    check_may_prove(&database, &account.id, &hospital_id, now).await?;
    if !mail_domains::is_approved(&database, hospital_id.as_str(), address.domain().as_str())
        .await?
    {
        return Err(ask_for(&auth, &database, &account, &hospital_id, address.domain()).await?);
    }
    mail_codes::prune(&database, now).await?;
    let new = new_code(&auth, &account, &hospital_id, &address, now)?;
    if !count(&auth, &database, &account, &new.address_hash).await? {
        return Ok(Reply::empty(StatusCode::ACCEPTED));
    }
    let request = (hospital_id.as_str(), &new.address_hash);
    let write = async |database: &Database| {
        let account = lock_own_account(database, &insider).await?;
        check_may_prove(database, &account.id, &hospital_id, now).await?;
        mail_codes::replace(database, &account.id, &new).await?;
        Ok(Reply::empty(StatusCode::ACCEPTED))
    };
    let subject = &insider.subject;
    let reply =
        idempotency::once(&database, COMPONENT, subject, "mail code", key, &request, write).await?;
    drop(database);
    mailer::deliver_patiently(&auth, &account.id).await?;
    Ok(reply)
}

/// Puts the domain before the moderators, and says so.
async fn ask_for(
    auth: &Auth,
    database: &Database,
    account: &Account,
    hospital_id: &HospitalId,
    domain: &Domain,
) -> api::Result<Problem> {
    let name = auth.pseudonyms().bucket(&["domains", &account.id]);
    let bucket = Bucket { name, limit: &DOMAINS_OF_ACCOUNT };
    database
        .transaction(async |database: &Database| {
            throttles::charge_within(database, &bucket).await?.map_err(too_many)?;
            Ok::<_, Problem>(
                mail_domains::ask_for(database, hospital_id.as_str(), domain.as_str()).await?,
            )
        })
        .await?;
    Ok(Problem::conflict(
        "domain_not_approved",
        "Nobody has approved this domain for the hospital yet. The moderators were asked to; try again later, or prove it another way.",
    ))
}

fn new_code(
    auth: &Auth,
    account: &Account,
    hospital_id: &HospitalId,
    address: &Address,
    now: i64,
) -> api::Result<MailCode> {
    let code = mail::code(random()?);
    let address_hash = auth.secrets().address_hash(&address.mailbox());
    Ok(MailCode {
        id: Uuid::new_v4().to_string(),
        hospital_id: hospital_id.as_str().to_owned(),
        domain: address.domain().as_str().to_owned(),
        code: SentCode {
            hash: auth.secrets().code_hash(&account.id, &address_hash, &code),
            tries: 0,
            expires_at: now + CODE_MILLIS,
        },
        message: mailer::seal(auth, &account.id, &address.to_text(), &code)?,
        address_hash,
    })
}

/// 429 where the account has asked too often. False where the mailbox has got too many mails
/// already: who asks is not told, since it may have been others who asked.
async fn count(
    auth: &Auth,
    database: &Database,
    account: &Account,
    address_hash: &str,
) -> api::Result<bool> {
    let name = |parts: &[&str]| auth.pseudonyms().bucket(parts);
    let of_account =
        Bucket { name: name(&["mails of account", &account.id]), limit: &MAILS_OF_ACCOUNT };
    let to_mailbox =
        Bucket { name: name(&["mails to mailbox", address_hash]), limit: &MAILS_TO_MAILBOX };
    throttles::charge(database, &[&of_account]).await?.map_err(too_many)?;
    Ok(throttles::charge(database, &[&to_mailbox]).await?.is_ok())
}

/// Makes the proof of a code.
pub(crate) async fn confirm(
    State(auth): State<Auth>,
    insider: Insider,
    headers: HeaderMap,
    Body(confirmation): Body<Confirmation>,
) -> api::Result<(StatusCode, Json<ShownProof>)> {
    let code = confirmation.code.trim();
    if !mail::is_code(code) {
        return Err(refused(&Verdict::Wrong));
    }
    let now = now_millis();
    let database = auth.database().await?;
    let account = own_account(&database, &insider).await?;
    let sent = mail_codes::find(&database, &account.id).await?;
    let sent = sent.ok_or_else(|| refused(&Verdict::Expired))?;
    let buckets = guess_buckets(&auth, &headers, &sent.domain);
    throttles::charge(&database, &buckets.each_ref()).await?.map_err(too_many)?;
    let result = database
        .transaction(async |database: &Database| {
            let account = lock_own_account(database, &insider).await?;
            let result = judge(&auth, database, &account, code, now).await?;
            if result.is_ok() {
                for bucket in &buckets {
                    throttles::refund(database, bucket).await?;
                }
            }
            Ok::<_, Problem>(result)
        })
        .await?;
    let proof = result.map_err(|verdict| refused(&verdict))?;
    Ok((StatusCode::CREATED, Json(ShownProof::of(&proof, now))))
}

fn guess_buckets(auth: &Auth, headers: &HeaderMap, domain: &str) -> [Bucket; 2] {
    let network = throttle::network(&client_address(headers));
    let name = |parts: &[&str]| auth.pseudonyms().bucket(parts);
    [
        Bucket { name: name(&["codes at network", &network]), limit: &CODES_AT_NETWORK },
        Bucket { name: name(&["codes of domain", domain]), limit: &CODES_OF_DOMAIN },
    ]
}

/// The proof if the code is right; a wrong one is counted, so the transaction has to be kept.
async fn judge(
    auth: &Auth,
    database: &Database,
    account: &Account,
    code: &str,
    now: i64,
) -> api::Result<Result<Proof, Verdict>> {
    let Some(sent) = mail_codes::find(database, &account.id).await? else {
        return Ok(Err(Verdict::Expired));
    };
    let hash = auth.secrets().code_hash(&account.id, &sent.address_hash, code);
    match sent.code.judge(&hash, now) {
        Verdict::Right => {}
        verdict => {
            if verdict == Verdict::Wrong {
                mail_codes::count_try(database, &account.id).await?;
            }
            return Ok(Err(verdict));
        }
    }
    proven_addresses::prune(database, now).await?;
    if !proven_addresses::bind(database, &account.id, &sent.address_hash, now).await? {
        return Err(Problem::conflict(
            "address_used",
            "This address proves another account. Delete that one first, or wait until its proof has expired.",
        ));
    }
    let (id, hospital_id) = (&account.id, &sent.hospital_id);
    Ok(Ok(proofs::grant(database, id, hospital_id, Method::Mail, now).await?))
}

fn refused(verdict: &Verdict) -> Problem {
    let (code, detail) = match verdict {
        Verdict::Right | Verdict::Wrong => ("wrong", "is not the code that was sent"),
        Verdict::Expired => ("expired", "is too old, or was never asked for; ask for a new one"),
        Verdict::NoTriesLeft => ("no_tries_left", "was tried five times; ask for a new one"),
    };
    Problem::invalid_field("code", code, detail)
}
