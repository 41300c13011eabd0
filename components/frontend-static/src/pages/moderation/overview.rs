use api::Problem;
use askama::Template;

use super::super::{Choice, Frame, Result, Section, show};
use super::{documents, frame, mail_domains, removals, reports, tabs, takedowns};
use crate::texts::Texts;
use crate::upstream::{List, moderation};
use crate::visitor::SignedIn;

#[derive(Template)]
#[template(path = "moderation/overview.html")]
struct Overview {
    t: &'static Texts,
    frame: Frame,
    tabs: Vec<Choice>,
    queues: Vec<Queue>,
}

struct Queue {
    label: &'static str,
    path: &'static str,
    /// `None` while its API is away.
    waiting: Option<String>,
}

pub(crate) async fn read(SignedIn(visitor): SignedIn) -> Result {
    let t = visitor.language.texts();
    let desk = &t.moderation.desk;
    let (documents, domains, reports, takedowns, removals) = futures::join!(
        moderation::documents(&visitor, ""),
        moderation::mail_domains(&visitor, false, ""),
        moderation::reports(&visitor, ""),
        moderation::takedowns(&visitor, ""),
        moderation::removals(&visitor, "")
    );
    let queues = vec![
        queue(desk.documents, documents::PATH, documents, t)?,
        queue(desk.mail_domains, mail_domains::PATH, domains, t)?,
        queue(desk.reports, reports::PATH, reports, t)?,
        queue(desk.takedowns, takedowns::PATH, takedowns, t)?,
        queue(desk.removals, removals::PATH, removals, t)?,
    ];
    let frame = frame(&visitor, desk.title);
    show(&Overview { t, frame, tabs: tabs(t, "/moderation"), queues })
}

/// One API that is away leaves the other's queues to work on; one that refuses, as it does
/// whoever is no moderator, refuses the page.
fn queue<T>(
    label: &'static str,
    path: &'static str,
    list: crate::upstream::Result<List<T>>,
    t: &Texts,
) -> std::result::Result<Queue, Problem> {
    let waiting = match list {
        Ok(list) => {
            let count = list.items.len() as u64;
            Some((t.moderation.desk.waiting)(count, list.next_cursor.is_some()))
        }
        Err(crate::upstream::Failure::Unavailable(_)) => None,
        Err(failure) => return Err(failure.into()),
    };
    Ok(Queue { label, path, waiting })
}
