use api::{Problem, now_millis};
use askama::Template;
use axum::http::StatusCode;

use super::proofs::{self, ProofView};
use super::{Frame, Result, Section, show_as};
use crate::answer::redirect_with;
use crate::display::{Moment, moment};
use crate::form::{Form, FormView};
use crate::texts::Texts;
use crate::upstream::Failure;
use crate::upstream::auth::{self, Account};
use crate::visitor::{SignedIn, Visitor};

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountPage {
    t: &'static Texts,
    frame: Frame,
    account: Account,
    created: Moment,
    proof: Option<ProofView>,
    form: FormView,
}

impl AccountPage {
    fn valid_proof(&self) -> Option<&ProofView> {
        self.proof.as_ref().filter(|proof| proof.valid)
    }
}

pub(crate) async fn read(SignedIn(visitor): SignedIn) -> Result {
    render(&visitor, StatusCode::OK, FormView::blank()).await
}

pub(crate) async fn change_password(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    match auth::change_password(
        &visitor,
        fields.text("current_password"),
        fields.text("new_password"),
    )
    .await
    {
        Ok(cookies) => Ok(redirect_with("/account?done=password", cookies)),
        Err(failure) => again(&visitor, failure).await,
    }
}

pub(crate) async fn sign_out_everywhere(SignedIn(visitor): SignedIn) -> Result {
    let cookies = auth::sign_out_everywhere(&visitor).await?;
    Ok(redirect_with("/?done=signed_out", cookies))
}

pub(crate) async fn delete(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    match auth::delete_account(&visitor, fields.text("password")).await {
        Ok(cookies) => Ok(redirect_with("/?done=account_deleted", cookies)),
        Err(failure) => again(&visitor, failure).await,
    }
}

/// The page with what is wrong, and with none of the passwords.
async fn again(visitor: &Visitor, failure: Failure) -> Result {
    if failure.is(StatusCode::UNAUTHORIZED) {
        return Err(Problem::unauthorized());
    }
    let (status, form) = FormView::refused(Default::default(), failure, visitor)?;
    render(visitor, status, form).await
}

async fn render(visitor: &Visitor, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let (account, proof) = futures::join!(auth::account(visitor), proofs::current(visitor));
    let account = account?;
    show_as(
        status,
        &AccountPage {
            t,
            // A proof that others decided on is met here first, and its pass made at once.
            frame: Frame::new(visitor, Section::Account, t.account.title).making_passes(),
            created: moment(&account.created_at, now_millis(), t),
            proof,
            account,
            form,
        },
    )
}
