use api::{Problem, now_millis};
use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, show_as};
use crate::answer::{redirect, redirect_with};
use crate::display::{Moment, moment};
use crate::form::{Form, FormView};
use crate::texts::Texts;
use crate::upstream::auth::{self, Account};
use crate::upstream::{Failure, review, segment};
use crate::visitor::{SignedIn, Visitor};

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountPage {
    t: &'static Texts,
    frame: Frame,
    account: Account,
    created: Moment,
    hospital: Employer,
    form: FormView,
}

/// The hospital on the account.
enum Employer {
    None,
    Known {
        name: String,
        path: String,
    },
    /// Review is away, or does not have it.
    Unknown,
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

pub(crate) async fn choose_hospital(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    auth::choose_hospital(&visitor, fields.filled("hospital_id")).await?;
    Ok(redirect("/account?done=hospital"))
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
    let account = auth::account(visitor).await?;
    show_as(
        status,
        &AccountPage {
            t,
            frame: Frame::new(visitor, Section::Account, t.account.title).private(),
            created: moment(&account.created_at, now_millis(), t),
            hospital: employer(visitor, &account).await,
            account,
            form,
        },
    )
}

async fn employer(visitor: &Visitor, account: &Account) -> Employer {
    let Some(id) = &account.hospital_id else { return Employer::None };
    match review::hospital(visitor, id).await.inspect_err(|failure| failure.log(visitor)) {
        Ok(hospital) => {
            Employer::Known { name: hospital.name, path: format!("/hospitals/{}", segment(id)) }
        }
        Err(_) => Employer::Unknown,
    }
}
