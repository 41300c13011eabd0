use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::super::{Frame, Result, Section, show_as};
use super::{Case, Desk, frame, refused};
use crate::answer::redirect;
use crate::form::{Form, FormView, Query};
use crate::texts::Texts;
use crate::upstream::{moderation, segment};
use crate::visitor::{SignedIn, Visitor};

pub(crate) const PATH: &str = "/moderation/takedowns";

#[derive(Template)]
#[template(path = "moderation/takedowns.html")]
struct Takedowns {
    t: &'static Texts,
    frame: Frame,
    desk: Desk<TakedownView>,
}

struct TakedownView {
    path: String,
    case: Case,
    claimant: String,
    contact: String,
    reason: String,
    detail: String,
    day: String,
    /// Until which day the review is hidden; `None` where nothing is decided yet.
    hidden_until: Option<String>,
    appeal: Option<String>,
}

pub(crate) async fn list(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    render(&visitor, fields.text("cursor"), StatusCode::OK, FormView::blank()).await
}

pub(crate) async fn decide(
    SignedIn(visitor): SignedIn,
    Path([id]): Path<[String; 1]>,
    Form(fields): Form,
) -> Result {
    let decision = fields.text("decision");
    let done = match decision {
        "hide" => "hidden",
        "restore" => "restored",
        _ => "refused",
    };
    match moderation::decide_takedown(&visitor, &id, decision).await {
        Ok(()) => Ok(redirect(&format!("{PATH}?done={done}"))),
        Err(failure) => {
            let (status, form) = refused(failure, &visitor)?;
            render(&visitor, "", status, form).await
        }
    }
}

async fn render(visitor: &Visitor, cursor: &str, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let list = moderation::takedowns(visitor, cursor).await?;
    let here = (PATH, t.moderation.desk.takedowns_lead);
    let desk = Desk::of(here, cursor, list, form, t, |takedown| TakedownView::of(takedown, t));
    show_as(status, &Takedowns { t, frame: frame(visitor, t.moderation.desk.takedowns), desk })
}

impl TakedownView {
    fn of(takedown: moderation::Takedown, t: &Texts) -> Self {
        let path = format!("{PATH}/{}", segment(&takedown.id));
        let (hospital, review) = (takedown.hospital_name, takedown.review);
        Self {
            path,
            case: Case::of(takedown.hospital_id, hospital, takedown.review_id, review, t),
            claimant: takedown.claimant,
            contact: takedown.contact,
            reason: takedown.reason,
            detail: takedown.detail,
            day: (t.time.date)(&takedown.day),
            hidden_until: takedown.hidden_until.as_deref().map(t.time.date),
            appeal: takedown.appeal,
        }
    }
}
