//! The search in which insiders find the hospital they work at.

use askama::Template;
use axum::http::StatusCode;

use super::rows::{self, HospitalRow};
use super::{Frame, Paging, Result, Section, list_refusal, show_as};
use crate::form::Query;
use crate::texts::Texts;
use crate::upstream::auth;
use crate::upstream::review::{self, Selection};
use crate::visitor::SignedIn;

#[derive(Template)]
#[template(path = "account/hospital.html")]
struct AccountHospital<'a> {
    t: &'static Texts,
    frame: Frame,
    q: &'a str,
    mistake: Option<String>,
    hospitals: Vec<HospitalRow>,
    first: Option<String>,
    next: Option<String>,
}

pub(crate) async fn list(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    let t = visitor.language.texts();
    let (q, cursor) = (fields.text("q").trim(), fields.text("cursor"));
    let selection = Selection { q, cursor, ..Selection::default() };
    let (account, list) =
        futures::join!(auth::account(&visitor), review::hospitals(&visitor, &selection));
    let mine = account?.hospital_id;
    let (status, hospitals, next_cursor, mistake) = match list {
        Ok(list) => (StatusCode::OK, list.items, list.next_cursor, None),
        Err(failure) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Vec::new(), None, Some(list_refusal(failure, t)?))
        }
    };
    // One that has closed takes no reviews, so there is no use in choosing it.
    let open = hospitals.into_iter().filter(|hospital| hospital.open).collect();
    let Paging { first, next } =
        Paging::of("/account/hospital", &[("q", q)], cursor, next_cursor.as_deref());
    show_as(
        status,
        &AccountHospital {
            t,
            frame: Frame::new(&visitor, Section::Account, t.account.pick_title).private(),
            q,
            mistake,
            hospitals: rows::hospitals(open, mine.as_deref()),
            first,
            next,
        },
    )
}
