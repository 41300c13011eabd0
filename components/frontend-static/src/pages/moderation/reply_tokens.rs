//! What a hospital answers reviews with.

use api::Path;
use askama::Template;
use axum::http::StatusCode;

use super::super::{Frame, Result, Section, show_as};
use super::{Desk, Search, frame, hospital_path, refused};
use crate::answer::redirect;
use crate::form::{Form, FormView, Query};
use crate::texts::Texts;
use crate::upstream::{moderation, review};
use crate::visitor::{SignedIn, Visitor};

pub(crate) const PATH: &str = "/moderation/reply-tokens";

#[derive(Template)]
#[template(path = "moderation/reply_tokens.html")]
struct ReplyTokens {
    t: &'static Texts,
    frame: Frame,
    desk: Desk<TokenView>,
    search: Search,
}

struct TokenView {
    id: String,
    hospital: String,
    hospital_path: String,
    day: String,
}

/// The one page that shows a token.
#[derive(Template)]
#[template(path = "moderation/reply_token.html")]
struct Issued {
    t: &'static Texts,
    frame: Frame,
    hospital: String,
    token: String,
}

pub(crate) async fn list(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    let search = Search::of(fields.text("q"), &visitor).await?;
    render(&visitor, fields.text("cursor"), search, StatusCode::OK, FormView::blank()).await
}

/// Answers with the token itself rather than leading to it: an address is kept in too many
/// places, and the token can be read nowhere later.
pub(crate) async fn issue(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    let hospital = fields.text("hospital_id");
    let (name, issued) = futures::join!(
        review::hospital(&visitor, hospital),
        moderation::issue_reply_token(&visitor, hospital)
    );
    let t = visitor.language.texts();
    match issued {
        Ok(token) => show_as(
            StatusCode::CREATED,
            &Issued {
                t,
                frame: frame(&visitor, t.moderation.desk.issued_title),
                hospital: name
                    .map(|hospital| hospital.name)
                    .unwrap_or_else(|_| t.moderation.desk.unknown_hospital.to_owned()),
                token,
            },
        ),
        Err(failure) => {
            let (status, form) = refused(failure, &visitor)?;
            render(&visitor, "", Search::default(), status, form).await
        }
    }
}

pub(crate) async fn revoke(SignedIn(visitor): SignedIn, Path([id]): Path<[String; 1]>) -> Result {
    match moderation::revoke_reply_token(&visitor, &id).await {
        Ok(()) => Ok(redirect(&format!("{PATH}?done=revoked"))),
        Err(failure) => {
            let (status, form) = refused(failure, &visitor)?;
            render(&visitor, "", Search::default(), status, form).await
        }
    }
}

async fn render(
    visitor: &Visitor,
    cursor: &str,
    search: Search,
    status: StatusCode,
    form: FormView,
) -> Result {
    let t = visitor.language.texts();
    let list = moderation::reply_tokens(visitor, cursor).await?;
    let view = |token: moderation::ReplyToken| TokenView {
        id: token.id,
        hospital_path: hospital_path(&token.hospital_id),
        hospital: token.hospital_name,
        day: (t.time.date)(&token.day),
    };
    let here = (PATH, t.moderation.desk.tokens_lead);
    let desk = Desk::of(here, cursor, list, form, t, view);
    let frame = frame(visitor, t.moderation.desk.reply_tokens);
    show_as(status, &ReplyTokens { t, frame, desk, search })
}
