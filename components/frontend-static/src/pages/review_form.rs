//! Writing a review, and later editing, withdrawing or appealing with the same key. The script
//! does it: it signs, and sends without a session, so that this page does not ask for one either.

use api::{Path, now_millis};
use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, messages, show_as};
use crate::form::{Fields, FormView, Query};
use crate::texts::Texts;
use crate::upstream::auth::{self, Crowd};
use crate::upstream::review::{self, ASPECTS, Hospital};
use crate::upstream::segment;
use crate::visitor::Visitor;

/// No review is older: there were none before.
const FIRST_YEAR: u16 = 2025;

#[derive(Template)]
#[template(path = "hospitals/review_form.html")]
struct ReviewForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    hospital: Hospital,
    year: u16,
    is_current: bool,
    /// `None` where auth cannot say.
    crowd: Option<Crowd>,
    /// As the API names them in its errors, and as they are shown.
    aspects: Vec<(String, &'static str)>,
    /// The name that the script keeps the draft under.
    draft: String,
    path: String,
    proof_path: String,
    messages: String,
}

pub(crate) async fn read(
    visitor: Visitor,
    Path([id]): Path<[String; 1]>,
    Query(fields): Query,
) -> Result {
    let t = visitor.language.texts();
    let this_year = korean_year();
    let year = asked_year(&fields, this_year);
    let (hospital, crowd) =
        futures::join!(review::hospital(&visitor, &id), auth::crowd(&visitor, &id, year));
    let hospital = hospital?;
    let path = format!("/hospitals/{}", segment(&hospital.id));
    let title = (t.review_form.title)(&hospital.name);
    show_as(
        StatusCode::OK,
        &ReviewForm {
            t,
            frame: Frame::new(&visitor, Section::Hospitals, title).making_passes(),
            form: FormView::blank(),
            year,
            is_current: year == this_year,
            crowd: crowd.inspect_err(|failure| failure.log(&visitor)).ok(),
            aspects: ASPECTS.map(|name| (format!("stars.{name}"), (t.aspect)(name))).into(),
            draft: format!("review-{}", hospital.id),
            proof_path: format!(
                "/account/proofs/new{}",
                crate::upstream::query(&[("hospital_id", &hospital.id)])
            ),
            messages: messages::json(t)?,
            path,
            hospital,
        },
    )
}

fn korean_year() -> u16 {
    u16::try_from(calendar::year(now_millis())).unwrap_or(FIRST_YEAR)
}

/// The year of the review, this one unless an earlier one is asked for.
fn asked_year(fields: &Fields, this_year: u16) -> u16 {
    let asked = fields.text("year").parse().ok();
    asked.filter(|year| (FIRST_YEAR..this_year).contains(year)).unwrap_or(this_year)
}

#[cfg(test)]
mod tests {
    use super::asked_year;
    use crate::form::Fields;

    #[test]
    fn a_year_to_come_or_before_the_first_is_this_year() {
        let year = |text: &str| {
            let mut fields = Fields::default();
            fields.push("year".into(), text.into());
            asked_year(&fields, 2027)
        };
        assert_eq!(
            ["2026", "2027", "2028", "1999", "x", ""].map(year),
            [2026, 2027, 2027, 2027, 2027, 2027]
        );
    }
}
