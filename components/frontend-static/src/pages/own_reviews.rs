//! The reviews of this device, which the script finds by their keys. The page knows nobody.

use askama::Template;

use super::rows::{self, HospitalRow};
use super::{Frame, Result, Section, messages, show};
use crate::form::Query;
use crate::texts::Texts;
use crate::upstream::review::{self, Selection};
use crate::visitor::Visitor;

/// Enough to find one by its name.
const ROWS: &str = "10";

#[derive(Template)]
#[template(path = "hospitals/own_reviews.html")]
struct OwnReviews<'a> {
    t: &'static Texts,
    frame: Frame,
    q: &'a str,
    /// That a review was written about and this device does not know of.
    hospitals: Vec<HospitalRow>,
    messages: String,
}

pub(crate) async fn read(visitor: Visitor, Query(fields): Query) -> Result {
    let t = visitor.language.texts();
    let q = fields.text("q").trim();
    let mut hospitals = Vec::new();
    if !q.is_empty() {
        let selection = Selection { q, limit: ROWS, ..Selection::default() };
        let found = review::hospitals(&visitor, &selection).await;
        let found = found.inspect_err(|failure| failure.log(&visitor));
        hospitals = found.map(|list| rows::hospitals(list.items)).unwrap_or_default();
    }
    show(&OwnReviews {
        t,
        frame: Frame::new(&visitor, Section::None, t.own_reviews.title).making_passes(),
        q,
        hospitals,
        messages: messages::json(t)?,
    })
}
