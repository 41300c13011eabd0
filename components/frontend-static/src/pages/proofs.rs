//! Proving where one works: what is proven, what is being proven, and the ways to do it.

use api::{Problem, now_millis};
use askama::Template;
use axum::http::StatusCode;

use super::rows::{self, HospitalRow};
use super::{Frame, Paging, Result, Section, list_refusal, show_as};
use crate::answer::redirect;
use crate::form::{Fields, Form, FormView, Query};
use crate::texts::Texts;
use crate::upload::Upload;
use crate::upstream::auth::{self, Pending, Proof};
use crate::upstream::review::{self, Hospital, Selection};
use crate::upstream::{Failure, segment};
use crate::visitor::{SignedIn, Visitor};

#[derive(Template)]
#[template(path = "account/proofs.html")]
struct ProofsPage {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    proof: Option<ProofView>,
    pending: Vec<PendingView>,
    may_ask: bool,
}

/// A proof as it is shown, and what its pass is made for.
pub(crate) struct ProofView {
    pub hospital: Workplace,
    pub valid: bool,
    /// In Seoul, of which passes are made now.
    pub year: String,
    method: &'static str,
    since: String,
    until: String,
    /// The day from which another hospital may be proven, where that is not yet.
    changeable_on: Option<String>,
    /// The day from which colleagues may be vouched for, where that is not yet.
    may_vouch_on: Option<String>,
}

pub(crate) struct Workplace {
    pub id: String,
    pub name: String,
    pub path: String,
}

struct PendingView {
    method: String,
    hospital: Workplace,
    until: String,
    approvals: u64,
    code: Option<String>,
}

pub(crate) async fn read(SignedIn(visitor): SignedIn) -> Result {
    render(&visitor, StatusCode::OK, FormView::blank()).await
}

/// The number that came by mail.
pub(crate) async fn confirm_mail(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    match auth::confirm_mail(&visitor, fields.text("code").trim()).await {
        Ok(()) => Ok(redirect("/account/proofs?done=proven")),
        Err(failure) => {
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render(&visitor, status, form).await
        }
    }
}

pub(crate) async fn take_back(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    auth::take_back_proof(&visitor, fields.text("method")).await?;
    Ok(redirect("/account/proofs?done=taken_back"))
}

async fn render(visitor: &Visitor, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let proofs = auth::proofs(visitor).await?;
    let proof = match proofs.proof {
        Some(proof) => Some(view(visitor, proof).await),
        None => None,
    };
    let pending = proofs.pending.into_iter().map(|pending| pending_view(visitor, pending));
    show_as(
        status,
        &ProofsPage {
            t,
            frame: Frame::new(visitor, Section::Account, t.proofs.title).making_passes(),
            form,
            may_ask: proof.as_ref().is_none_or(|proof| !proof.valid),
            proof,
            pending: futures::future::join_all(pending).await,
        },
    )
}

/// The proof of the visitor's account, for a page that makes its pass. A page that can do without
/// is shown without.
pub(crate) async fn current(visitor: &Visitor) -> Option<ProofView> {
    if !visitor.is_signed_in() {
        return None;
    }
    let proofs = auth::proofs(visitor).await.inspect_err(|failure| failure.log(visitor)).ok()?;
    Some(view(visitor, proofs.proof?).await)
}

async fn view(visitor: &Visitor, proof: Proof) -> ProofView {
    let t = visitor.language.texts();
    let today = calendar::day(now_millis());
    let ahead = |day: Option<String>| day.filter(|day| *day > today).map(|day| (t.time.date)(&day));
    ProofView {
        hospital: workplace(visitor, proof.hospital_id).await,
        valid: proof.valid,
        year: today.chars().take(4).collect(),
        method: (t.proofs.method)(&proof.method),
        since: (t.time.date)(&proof.since),
        until: (t.time.date)(&proof.until),
        changeable_on: ahead(proof.changeable_on),
        may_vouch_on: ahead(proof.may_vouch_on),
    }
}

async fn pending_view(visitor: &Visitor, pending: Pending) -> PendingView {
    let t = visitor.language.texts();
    PendingView {
        hospital: workplace(visitor, pending.hospital_id).await,
        until: pending.expires_on.as_deref().map(t.time.date).unwrap_or_default(),
        method: pending.method,
        approvals: pending.approvals.unwrap_or_default(),
        code: pending.code,
    }
}

/// A hospital that review does not have, or that it cannot name now, is shown by its id.
async fn workplace(visitor: &Visitor, id: String) -> Workplace {
    let path = format!("/hospitals/{}", segment(&id));
    match review::hospital(visitor, &id).await.inspect_err(|failure| failure.log(visitor)) {
        Ok(hospital) => Workplace { id, name: hospital.name, path },
        Err(_) => Workplace { name: id.clone(), id, path },
    }
}

/// The search in which insiders find the hospital they work at.
#[derive(Template)]
#[template(path = "account/proof_hospital.html")]
struct HospitalSearch<'a> {
    t: &'static Texts,
    frame: Frame,
    q: &'a str,
    mistake: Option<String>,
    hospitals: Vec<HospitalRow>,
    first: Option<String>,
    next: Option<String>,
}

pub(crate) async fn find_hospital(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    let t = visitor.language.texts();
    let (q, cursor) = (fields.text("q").trim(), fields.text("cursor"));
    let selection = Selection { q, cursor, ..Selection::default() };
    let (status, hospitals, next_cursor, mistake) =
        match review::hospitals(&visitor, &selection).await {
            Ok(list) => (StatusCode::OK, list.items, list.next_cursor, None),
            Err(failure) => {
                let mistake = list_refusal(failure, t)?;
                (StatusCode::UNPROCESSABLE_ENTITY, Vec::new(), None, Some(mistake))
            }
        };
    // One that has closed takes no reviews, so there is no use in proving it.
    let open = hospitals.into_iter().filter(|hospital| hospital.open).collect();
    let Paging { first, next } =
        Paging::of("/account/proofs/hospital", &[("q", q)], cursor, next_cursor.as_deref());
    show_as(
        status,
        &HospitalSearch {
            t,
            frame: Frame::new(&visitor, Section::Account, t.proofs.find_title).private(),
            q,
            mistake,
            hospitals: rows::hospitals(open),
            first,
            next,
        },
    )
}

/// The three ways to prove that one works at this hospital.
#[derive(Template)]
#[template(path = "account/proof_form.html")]
struct ProofForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    hospital: Hospital,
    /// Of mail addresses that prove it.
    domains: Vec<String>,
}

/// Who has a proof of this hospital is led to it, and to its pass.
pub(crate) async fn new_form(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    let id = fields.text("hospital_id").to_owned();
    let proof = current(&visitor).await;
    if proof.is_some_and(|proof| proof.valid && proof.hospital.id == id) {
        return Ok(redirect("/account/proofs"));
    }
    render_form(&visitor, &id, StatusCode::OK, FormView::filled_with(fields)).await
}

pub(crate) async fn by_mail(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    let (hospital, address) = (fields.text("hospital_id"), fields.text("address").trim());
    match auth::prove_by_mail(&visitor, hospital, address).await {
        Ok(()) => Ok(redirect("/account/proofs?done=mail_sent#pending-mail")),
        Err(failure) => refused(&visitor, fields, failure).await,
    }
}

pub(crate) async fn by_document(SignedIn(visitor): SignedIn, upload: Upload) -> Result {
    let Upload { fields, file, media_type } = upload;
    if file.is_empty() {
        return refused(&visitor, fields, Failure::invalid("document", "required")).await;
    }
    let hospital = fields.text("hospital_id");
    match auth::prove_by_document(&visitor, hospital, &media_type, file).await {
        Ok(()) => Ok(redirect("/account/proofs?done=document_sent#pending-document")),
        // The file is the whole body to the API, and a field of the form here.
        Err(failure) if failure.names("body") => {
            refused(&visitor, fields, Failure::invalid("document", "not_that_type")).await
        }
        Err(failure) => refused(&visitor, fields, failure).await,
    }
}

pub(crate) async fn by_vouching(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    match auth::ask_for_vouching(&visitor, fields.text("hospital_id")).await {
        Ok(()) => Ok(redirect("/account/proofs?done=code_made#pending-vouch")),
        Err(failure) => refused(&visitor, fields, failure).await,
    }
}

async fn refused(visitor: &Visitor, fields: Fields, failure: Failure) -> Result {
    let id = fields.text("hospital_id").to_owned();
    let (status, form) = FormView::refused(fields, failure, visitor)?;
    render_form(visitor, &id, status, form).await
}

async fn render_form(visitor: &Visitor, id: &str, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    if id.is_empty() {
        return Err(Problem::not_found());
    }
    let (hospital, domains) =
        futures::join!(review::hospital(visitor, id), auth::mail_domains(visitor, id));
    let hospital = hospital?;
    let title = (t.proofs.form_title)(&hospital.name);
    show_as(
        status,
        &ProofForm {
            t,
            frame: Frame::new(visitor, Section::Account, title).helping_to_write(),
            form,
            hospital,
            domains: domains.inspect_err(|failure| failure.log(visitor)).unwrap_or_default(),
        },
    )
}

/// Vouching for a colleague.
#[derive(Template)]
#[template(path = "account/vouch.html")]
struct VouchForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
}

pub(crate) async fn vouch_form(SignedIn(visitor): SignedIn) -> Result {
    render_vouch(&visitor, StatusCode::OK, FormView::blank())
}

pub(crate) async fn vouch(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    match auth::vouch(&visitor, fields.text("code").trim()).await {
        Ok(()) => Ok(redirect("/account/proofs?done=vouched")),
        Err(failure) => {
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render_vouch(&visitor, status, form)
        }
    }
}

fn render_vouch(visitor: &Visitor, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let frame = Frame::new(visitor, Section::Account, t.proofs.vouch_title).private();
    show_as(status, &VouchForm { t, frame, form })
}
