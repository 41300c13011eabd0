//! Permanent removals: one moderator proposes, another one confirms.

use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::super::{Frame, Result, Section, show_as};
use super::{Case, Desk, frame, refused};
use crate::answer::redirect;
use crate::form::{Form, FormView, Query};
use crate::texts::Texts;
use crate::upstream::{self, moderation, segment};
use crate::visitor::{SignedIn, Visitor};

pub(crate) const PATH: &str = "/moderation/removals";

#[derive(Template)]
#[template(path = "moderation/removals.html")]
struct Removals {
    t: &'static Texts,
    frame: Frame,
    desk: Desk<RemovalView>,
}

struct RemovalView {
    path: String,
    case: Case,
    reason: String,
    ban_key: bool,
    day: String,
    mine: bool,
}

pub(crate) async fn list(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    render(&visitor, fields.text("cursor"), StatusCode::OK, FormView::blank()).await
}

pub(crate) async fn propose(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    let proposed = moderation::propose_removal(
        &visitor,
        fields.text("hospital_id"),
        fields.text("review_id"),
        fields.text("reason"),
        fields.text("ban_key") == "true",
    );
    decided(&visitor, proposed.await, "proposed").await
}

pub(crate) async fn confirm(SignedIn(visitor): SignedIn, Path([id]): Path<[String; 1]>) -> Result {
    decided(&visitor, moderation::confirm_removal(&visitor, &id).await, "removed").await
}

pub(crate) async fn drop_proposal(
    SignedIn(visitor): SignedIn,
    Path([id]): Path<[String; 1]>,
) -> Result {
    decided(&visitor, moderation::drop_removal(&visitor, &id).await, "dropped").await
}

async fn decided(visitor: &Visitor, outcome: upstream::Result<()>, done: &str) -> Result {
    match outcome {
        Ok(()) => Ok(redirect(&format!("{PATH}?done={done}"))),
        Err(failure) => {
            let (status, form) = refused(failure, visitor)?;
            render(visitor, "", status, form).await
        }
    }
}

async fn render(visitor: &Visitor, cursor: &str, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let list = moderation::removals(visitor, cursor).await?;
    let here = (PATH, t.moderation.desk.removals_lead);
    let desk = Desk::of(here, cursor, list, form, t, |removal| RemovalView::of(removal, t));
    show_as(status, &Removals { t, frame: frame(visitor, t.moderation.desk.removals), desk })
}

impl RemovalView {
    fn of(removal: moderation::Removal, t: &Texts) -> Self {
        let path = format!("{PATH}/{}", segment(&removal.id));
        let (hospital, review) = (removal.hospital_name, removal.review);
        Self {
            path,
            case: Case::of(removal.hospital_id, hospital, removal.review_id, review, t),
            reason: removal.reason,
            ban_key: removal.ban_key,
            day: (t.time.date)(&removal.day),
            mine: removal.mine,
        }
    }
}
