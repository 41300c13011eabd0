use askama::Template;
use axum::http::StatusCode;

use super::rows::{self, HospitalRow};
use super::{Frame, Paging, Result, Section, list_refusal, show_as};
use crate::form::Query;
use crate::texts::Texts;
use crate::upstream::review::{self, Facets, Selection};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "hospitals/list.html")]
struct Hospitals<'a> {
    t: &'static Texts,
    frame: Frame,
    q: &'a str,
    region: &'a str,
    kind: &'a str,
    regions: Vec<String>,
    kinds: Vec<String>,
    /// Something narrows the list, which can be taken away.
    narrowed: bool,
    mistake: Option<String>,
    hospitals: Vec<HospitalRow>,
    first: Option<String>,
    next: Option<String>,
}

pub(crate) async fn list(visitor: Visitor, Query(fields): Query) -> Result {
    let t = visitor.language.texts();
    let (q, region, kind) = (fields.text("q").trim(), fields.text("region"), fields.text("kind"));
    let cursor = fields.text("cursor");
    let selection = Selection { q, region, kind, cursor, limit: "" };
    let (list, facets) =
        futures::join!(review::hospitals(&visitor, &selection), review::facets(&visitor));
    // Without its filters the search is still of use.
    let Facets { regions, kinds } =
        facets.inspect_err(|failure| failure.log(&visitor)).unwrap_or_default();
    let (status, hospitals, next_cursor, mistake) = match list {
        Ok(list) => (StatusCode::OK, rows::hospitals(list.items), list.next_cursor, None),
        Err(failure) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Vec::new(), None, Some(list_refusal(failure, t)?))
        }
    };
    let kept = [("q", q), ("region", region), ("kind", kind)];
    let Paging { first, next } = Paging::of("/hospitals", &kept, cursor, next_cursor.as_deref());
    show_as(
        status,
        &Hospitals {
            t,
            frame: Frame::new(&visitor, Section::Hospitals, t.hospitals.title)
                .described(t.hospitals.description),
            q,
            region,
            kind,
            regions: regions.into_iter().filter(|region| !region.is_empty()).collect(),
            kinds: kinds.into_iter().filter(|kind| !kind.is_empty()).collect(),
            narrowed: kept.iter().any(|(_, value)| !value.is_empty()),
            mistake,
            hospitals,
            first,
            next,
        },
    )
}
