//! Documents that prove employment: two moderators see each, then it is gone.

use api::{Path, Problem};
use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::super::{Frame, Result, Section, show_as};
use super::{Desk, frame, hospital_names, hospital_path, refused};
use crate::answer::redirect;
use crate::form::{Form, FormView, Query};
use crate::texts::Texts;
use crate::upstream::{moderation, segment};
use crate::visitor::{SignedIn, Visitor};

pub(crate) const PATH: &str = "/moderation/documents";

#[derive(Template)]
#[template(path = "moderation/documents.html")]
struct Documents {
    t: &'static Texts,
    frame: Frame,
    desk: Desk<DocumentView>,
}

struct DocumentView {
    path: String,
    hospital: String,
    hospital_path: String,
    day: String,
    approvals: String,
    mine: bool,
    is_image: bool,
}

pub(crate) async fn list(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    render(&visitor, fields.text("cursor"), StatusCode::OK, FormView::blank()).await
}

pub(crate) async fn decide(
    SignedIn(visitor): SignedIn,
    Path([id]): Path<[String; 1]>,
    Form(fields): Form,
) -> Result {
    let approve = fields.text("approve") == "true";
    match moderation::decide_document(&visitor, &id, approve).await {
        Ok(()) => {
            Ok(redirect(&format!("{PATH}?done={}", if approve { "approved" } else { "refused" })))
        }
        Err(failure) => {
            let (status, form) = refused(failure, &visitor)?;
            render(&visitor, "", status, form).await
        }
    }
}

/// The document itself, for a moderator only and for no cache. Types that a browser might run
/// something of are not among those that auth takes, and would be downloaded.
pub(crate) async fn file(SignedIn(visitor): SignedIn, Path([id]): Path<[String; 1]>) -> Result {
    let file = moderation::document(&visitor, &id).await?;
    let (media_type, disposition) = match file.media_type.as_str() {
        "image/jpeg" => ("image/jpeg", "inline"),
        "image/png" => ("image/png", "inline"),
        "application/pdf" => ("application/pdf", "attachment; filename=\"document.pdf\""),
        _ => ("application/octet-stream", "attachment"),
    };
    let length = HeaderValue::from(file.bytes.len());
    Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_DISPOSITION, disposition)
        .header(header::CONTENT_LENGTH, length)
        .body(Body::from(file.bytes))
        .map_err(Problem::internal)
}

async fn render(visitor: &Visitor, cursor: &str, status: StatusCode, form: FormView) -> Result {
    let t = visitor.language.texts();
    let list = moderation::documents(visitor, cursor).await?;
    let ids: Vec<&str> = list.items.iter().map(|item| item.hospital_id.as_str()).collect();
    let names = hospital_names(visitor, &ids).await;
    let view = |document: moderation::Document| DocumentView {
        path: format!("{PATH}/{}", segment(&document.id)),
        hospital: names
            .get(&document.hospital_id)
            .map_or(t.moderation.desk.unknown_hospital, String::as_str)
            .to_owned(),
        hospital_path: hospital_path(&document.hospital_id),
        day: (t.time.date)(&document.day),
        approvals: (t.moderation.desk.approvals)(document.approvals),
        mine: document.mine,
        is_image: document.media_type.starts_with("image/"),
    };
    let here = (PATH, t.moderation.desk.documents_lead);
    let desk = Desk::of(here, cursor, list, form, t, view);
    show_as(status, &Documents { t, frame: frame(visitor, t.moderation.desk.documents), desk })
}
