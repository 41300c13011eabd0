//! One file per page: load → view model → template.

mod about_review;
pub(crate) mod account;
pub(crate) mod board;
pub(crate) mod comment;
pub(crate) mod error;
pub(crate) mod home;
pub(crate) mod hospital;
pub(crate) mod hospitals;
pub(crate) mod knowledge;
pub(crate) mod language;
mod messages;
pub(crate) mod moderation;
pub(crate) mod own_reviews;
pub(crate) mod post_form;
pub(crate) mod proofs;
pub(crate) mod review_form;
pub(crate) mod review_reply;
pub(crate) mod review_report;
pub(crate) mod review_takedown;
pub(crate) mod robots;
pub(crate) mod rows;
pub(crate) mod secret;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod thread;

use api::Problem;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::form::Fields;
use crate::texts::Texts;
use crate::upstream;
use crate::visitor::Visitor;

pub(crate) type Result = std::result::Result<Response, Problem>;

/// Which part of the site a page belongs to; the header marks it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Home,
    Hospitals,
    Board,
    Knowledge,
    Account,
    Moderation,
    SignIn,
    SignUp,
    None,
}

/// What surrounds the content of every page.
pub(crate) struct Frame {
    pub title: String,
    pub description: String,
    pub section: Section,
    pub signed_in: bool,
    pub moderator: bool,
    /// Nothing for a search engine to list.
    pub private: bool,
    /// The page has a form that a script helps with: it keeps a draft, counts, shrinks a photo.
    pub helps_writing: bool,
    /// The page needs the script that makes passes and signs reviews.
    pub makes_passes: bool,
    /// What has just been done, to be said once at the top.
    pub done: Option<&'static str>,
    pub done_name: String,
    pub sign_in_path: String,
    pub language_path: String,
}

impl Frame {
    pub(crate) fn new(visitor: &Visitor, section: Section, title: impl Into<String>) -> Self {
        let t = visitor.language.texts();
        let query = visitor.here.split_once('?').map_or("", |(_, query)| query);
        let done_name = form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == "done")
            .map(|(_, value)| value.into_owned());
        let done_name = done_name.unwrap_or_default();
        let next = [("next", visitor.here.as_str())];
        let language = [("to", t.site.other_language_tag), ("next", visitor.here.as_str())];
        Self {
            title: title.into(),
            description: t.site.description.to_owned(),
            section,
            signed_in: visitor.is_signed_in(),
            moderator: visitor.is_moderator(),
            private: false,
            helps_writing: false,
            makes_passes: false,
            done: (t.done)(&done_name),
            done_name,
            sign_in_path: match section {
                // From these one does not want to come back to where one was.
                Section::Home | Section::SignIn | Section::SignUp | Section::None => {
                    "/signin".to_owned()
                }
                _ => format!("/signin{}", upstream::query(&next)),
            },
            language_path: format!("/lang{}", upstream::query(&language)),
        }
    }

    pub(crate) fn described(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// For pages of one person, and for forms.
    pub(crate) fn private(self) -> Self {
        Self { private: true, ..self }
    }

    pub(crate) fn making_passes(self) -> Self {
        Self { makes_passes: true, private: true, ..self }
    }

    pub(crate) fn helping_to_write(self) -> Self {
        Self { helps_writing: true, private: true, ..self }
    }
}

fn show(page: &impl Template) -> Result {
    show_as(StatusCode::OK, page)
}

fn show_as(status: StatusCode, page: &impl Template) -> Result {
    let html = page.render().map_err(Problem::internal)?;
    Ok((status, Html(html)).into_response())
}

/// A link that narrows or orders a list, or leads through it.
struct Choice {
    label: &'static str,
    path: String,
    current: bool,
}

/// Where the next page of a list is, and the first where this is not it. `kept` is what
/// narrows and orders the list.
struct Paging {
    first: Option<String>,
    next: Option<String>,
}

impl Paging {
    fn of(path: &str, kept: &[(&str, &str)], cursor: &str, next_cursor: Option<&str>) -> Self {
        let with = |cursor: &str| {
            let pairs: Vec<(&str, &str)> =
                kept.iter().copied().chain([("cursor", cursor)]).collect();
            format!("{path}{}", upstream::query(&pairs))
        };
        Self { first: (!cursor.is_empty()).then(|| with("")), next: next_cursor.map(with) }
    }
}

/// What to say above a list whose parameters the API refused, with the page's status; other
/// failures are the error instead.
fn list_refusal(failure: upstream::Failure, t: &Texts) -> std::result::Result<String, Problem> {
    match &failure {
        upstream::Failure::Refused(refusal)
            if refusal.status == StatusCode::UNPROCESSABLE_ENTITY =>
        {
            let error = refusal.errors.first();
            Ok(error.map_or_else(
                || t.errors.list.to_owned(),
                |error| (t.field_error)(&error.field, &error.code),
            ))
        }
        _ => Err(failure.into()),
    }
}

/// A parameter of a list that has to be one of `known`; others count as not given.
fn known<'a>(fields: &'a Fields, name: &str, known: &[&str]) -> &'a str {
    let value = fields.text(name);
    if known.contains(&value) { value } else { "" }
}
