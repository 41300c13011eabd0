//! Rows of lists, as the home page and the lists themselves show them.

use api::now_millis;

use crate::display::{Moment, moment, number, stars};
use crate::texts::Texts;
use crate::upstream::board::PostSummary;
use crate::upstream::review::{HospitalSummary, LatestReview};
use crate::upstream::segment;

pub(crate) struct PostRow {
    pub id: String,
    pub category: String,
    pub title: String,
    pub answered: bool,
    pub votes: String,
    pub comments: String,
    pub created: Moment,
}

pub(crate) fn posts(posts: Vec<PostSummary>, t: &Texts) -> Vec<PostRow> {
    let now = now_millis();
    let row = |post: PostSummary| PostRow {
        votes: number(post.vote_count),
        comments: number(post.comment_count),
        created: moment(&post.created_at, now, t),
        id: segment(&post.id),
        category: post.category,
        title: post.title,
        answered: post.answered,
    };
    posts.into_iter().map(row).collect()
}

pub(crate) struct ReviewRow {
    pub hospital_path: String,
    pub hospital: String,
    pub title: String,
    pub average: String,
    pub month: String,
    pub machine_month: String,
}

pub(crate) fn reviews(reviews: Vec<LatestReview>, t: &Texts) -> Vec<ReviewRow> {
    let row = |review: LatestReview| ReviewRow {
        hospital_path: format!("/hospitals/{}", segment(&review.hospital_id)),
        hospital: review.hospital_name,
        title: review.title,
        average: stars(review.average),
        month: (t.time.month)(&review.month),
        machine_month: review.month,
    };
    reviews.into_iter().map(row).collect()
}

pub(crate) struct HospitalRow {
    pub id: String,
    pub path: String,
    pub name: String,
    pub kind: String,
    pub address: String,
    pub open: bool,
    pub review_count: u64,
    pub average: Option<String>,
}

pub(crate) fn hospitals(hospitals: Vec<HospitalSummary>) -> Vec<HospitalRow> {
    let row = |hospital: HospitalSummary| HospitalRow {
        path: format!("/hospitals/{}", segment(&hospital.id)),
        average: hospital.average.map(stars),
        id: hospital.id,
        name: hospital.name,
        kind: hospital.kind,
        address: hospital.address,
        open: hospital.open,
        review_count: hospital.review_count,
    };
    hospitals.into_iter().map(row).collect()
}
