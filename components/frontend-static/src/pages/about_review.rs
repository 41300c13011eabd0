//! What the forms about one review have in common: a report, a takedown request, a reply.

use api::Problem;
use axum::response::Response;

use crate::answer::redirect;
use crate::upstream::review::{self, Review};
use crate::upstream::segment;
use crate::visitor::Visitor;

/// The review, and where its form leads.
pub(super) struct AboutReview {
    pub(super) lead: &'static str,
    pub(super) hospital: String,
    pub(super) review: Review,
    /// Below which its forms are.
    pub(super) path: String,
    pub(super) action: String,
    pub(super) back: String,
}

impl AboutReview {
    /// For the form `name`.
    pub(super) async fn load(
        visitor: &Visitor,
        (hospital_id, review_id): (&str, &str),
        name: &str,
        lead: &'static str,
    ) -> Result<Self, Problem> {
        let (hospital, review) = futures::join!(
            review::hospital(visitor, hospital_id),
            review::review(visitor, hospital_id, review_id)
        );
        let (hospital, review) = (hospital?, review?);
        let page = format!("/hospitals/{}", segment(hospital_id));
        let path = format!("{page}/reviews/{}", segment(review_id));
        Ok(Self {
            lead,
            hospital: hospital.name,
            review,
            action: format!("{path}/{name}"),
            back: format!("{page}#r-{}", segment(review_id)),
            path,
        })
    }
}

/// To the review, with what has been done about it.
pub(super) fn done(hospital_id: &str, review_id: &str, done: &str) -> Response {
    let (hospital, review) = (segment(hospital_id), segment(review_id));
    redirect(&format!("/hospitals/{hospital}?done={done}#r-{review}"))
}
