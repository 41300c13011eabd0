//! The public log of what moderators did.

use askama::Template;
use axum::http::StatusCode;

use super::super::{Frame, Paging, Result, Section, list_refusal, show_as};
use super::hospital_path;
use crate::form::Query;
use crate::texts::Texts;
use crate::upstream::moderation::{self, Entry};
use crate::upstream::segment;
use crate::visitor::Visitor;

const PATH: &str = "/moderation/log";

#[derive(Template)]
#[template(path = "moderation/log.html")]
struct Log {
    t: &'static Texts,
    frame: Frame,
    mistake: Option<String>,
    entries: Vec<EntryView>,
    first: Option<String>,
    next: Option<String>,
}

struct EntryView {
    index: u64,
    day: String,
    machine_day: String,
    act: &'static str,
    reason: &'static str,
    hospital: String,
    path: String,
    previous: String,
    hash: String,
}

pub(crate) async fn read(visitor: Visitor, Query(fields): Query) -> Result {
    let t = visitor.language.texts();
    let cursor = fields.text("cursor");
    let (status, entries, next_cursor, mistake) = match moderation::log(&visitor, cursor).await {
        Ok(list) => (StatusCode::OK, list.items, list.next_cursor, None),
        Err(failure) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Vec::new(), None, Some(list_refusal(failure, t)?))
        }
    };
    let Paging { first, next } = Paging::of(PATH, &[], cursor, next_cursor.as_deref());
    let log = &t.moderation.log;
    let frame = Frame::new(&visitor, Section::Moderation, log.title).described(log.lead);
    let entries = entries.into_iter().map(|entry| view(entry, t)).collect();
    show_as(status, &Log { t, frame, mistake, entries, first, next })
}

fn view(entry: Entry, t: &Texts) -> EntryView {
    let hospital = hospital_path(&entry.hospital_id);
    EntryView {
        index: entry.index,
        day: (t.time.date)(&entry.day),
        machine_day: entry.day,
        act: (t.moderation.act)(&entry.act),
        reason: (t.moderation.reason)(&entry.reason),
        path: if entry.review_id.is_empty() {
            hospital
        } else {
            format!("{hospital}#r-{}", segment(&entry.review_id))
        },
        hospital: entry.hospital_name,
        previous: entry.previous,
        hash: entry.hash,
    }
}
