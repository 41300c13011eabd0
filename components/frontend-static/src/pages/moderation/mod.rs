//! The moderators' queues, one file each, and what the public sees of moderation. Whether
//! someone is a moderator is for the APIs to say: where they refuse a list, so does its page.

pub(crate) mod about;
pub(crate) mod documents;
pub(crate) mod log;
pub(crate) mod mail_domains;
pub(crate) mod overview;
pub(crate) mod removals;
pub(crate) mod reply_tokens;
pub(crate) mod reports;
pub(crate) mod takedowns;

use std::collections::HashMap;

use api::Problem;
use axum::http::StatusCode;
use futures::future::join_all;

use super::rows::{self, HospitalRow};
use super::{Choice, Frame, Paging, Section, list_refusal};
use crate::form::FormView;
use crate::texts::Texts;
use crate::upstream::moderation::Subject;
use crate::upstream::review::{self, Selection};
use crate::upstream::{Failure, List, segment};
use crate::visitor::Visitor;

/// A text in the language of the page.
type Label = fn(&Texts) -> &'static str;

/// Where each queue is, in the order of the tabs.
const QUEUES: [(&str, Label); 7] = [
    ("/moderation", |t| t.moderation.desk.overview),
    (documents::PATH, |t| t.moderation.desk.documents),
    (mail_domains::PATH, |t| t.moderation.desk.mail_domains),
    (reports::PATH, |t| t.moderation.desk.reports),
    (takedowns::PATH, |t| t.moderation.desk.takedowns),
    (removals::PATH, |t| t.moderation.desk.removals),
    (reply_tokens::PATH, |t| t.moderation.desk.reply_tokens),
];

fn tabs(t: &'static Texts, current: &str) -> Vec<Choice> {
    let tab = |(path, label): (&str, fn(&Texts) -> &'static str)| Choice {
        label: label(t),
        path: path.to_owned(),
        current: path == current,
    };
    QUEUES.into_iter().map(tab).collect()
}

fn frame(visitor: &Visitor, title: &str) -> Frame {
    Frame::new(visitor, Section::Moderation, title).private()
}

/// The queue is shown again with why the decision was not taken. What is no longer there was
/// decided by another moderator meanwhile, or withdrawn by whom it came from.
fn refused(failure: Failure, visitor: &Visitor) -> Result<(StatusCode, FormView), Problem> {
    if failure.is(StatusCode::NOT_FOUND) {
        let gone = visitor.language.texts().moderation.desk.gone;
        return Ok((StatusCode::CONFLICT, FormView::noticed(gone)));
    }
    FormView::refused(Default::default(), failure, visitor)
}

fn hospital_path(id: &str) -> String {
    format!("/hospitals/{}", segment(id))
}

/// What the moderators' pages have in common: a list to decide on, and what it is for.
struct Desk<T> {
    lead: &'static str,
    tabs: Vec<Choice>,
    form: FormView,
    items: Vec<T>,
    first: Option<String>,
    next: Option<String>,
}

impl<T> Desk<T> {
    /// The page of the list at `path` that begins at `cursor`, each item as `view` shows it.
    fn of<I>(
        (path, lead): (&str, &'static str),
        cursor: &str,
        list: List<I>,
        form: FormView,
        t: &'static Texts,
        view: impl FnMut(I) -> T,
    ) -> Self {
        let Paging { first, next } = Paging::of(path, &[], cursor, list.next_cursor.as_deref());
        let items = list.items.into_iter().map(view).collect();
        Self { lead, tabs: tabs(t, path), form, items, first, next }
    }
}

/// A review that a decision is about.
struct Case {
    hospital: String,
    hospital_path: String,
    review_path: String,
    hospital_id: String,
    review_id: String,
    review: Option<SubjectView>,
}

struct SubjectView {
    title: String,
    body: String,
    month: String,
    machine_month: String,
}

impl Case {
    fn of(
        hospital_id: String,
        hospital: String,
        review_id: String,
        review: Option<Subject>,
        t: &Texts,
    ) -> Self {
        let hospital_path = hospital_path(&hospital_id);
        Self {
            review_path: format!("{hospital_path}#r-{}", segment(&review_id)),
            hospital_path,
            hospital,
            hospital_id,
            review_id,
            review: review.map(|review| SubjectView {
                title: review.title,
                body: review.body,
                month: (t.time.month)(&review.month),
                machine_month: review.month,
            }),
        }
    }
}

/// The names of hospitals by their ids, for what auth knows by id only. One whose name cannot
/// be had is missing.
async fn hospital_names(visitor: &Visitor, ids: &[&str]) -> HashMap<String, String> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let named = ids.into_iter().map(async |id| {
        let hospital = review::hospital(visitor, id).await;
        hospital.ok().map(|hospital| (id.to_owned(), hospital.name))
    });
    join_all(named).await.into_iter().flatten().collect()
}

/// A search for the hospital that something is to be done for.
#[derive(Default)]
struct Search {
    q: String,
    mistake: Option<String>,
    hospitals: Vec<HospitalRow>,
}

impl Search {
    async fn of(q: &str, visitor: &Visitor) -> Result<Self, Problem> {
        let q = q.trim().to_owned();
        if q.is_empty() {
            return Ok(Self::default());
        }
        let selection = Selection { q: &q, ..Selection::default() };
        match review::hospitals(visitor, &selection).await {
            Ok(list) => Ok(Self { hospitals: rows::hospitals(list.items), mistake: None, q }),
            Err(failure) => {
                let mistake = list_refusal(failure, visitor.language.texts())?;
                Ok(Self { mistake: Some(mistake), hospitals: Vec::new(), q })
            }
        }
    }
}
