//! Hospitals and their reviews.

use serde::Deserialize;

use super::{Call, List, Result, Service, query, segment};
use crate::visitor::Facts;

/// What a review gives stars for, in the order of the form.
pub(crate) const ASPECTS: [&str; 6] =
    ["treatment", "explanation", "kindness", "facilities", "cost", "honesty"];

/// One value for each of [`ASPECTS`].
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct PerAspect<T> {
    treatment: T,
    explanation: T,
    kindness: T,
    facilities: T,
    cost: T,
    honesty: T,
}

impl<T> PerAspect<T> {
    /// In the order of [`ASPECTS`].
    pub(crate) fn into_array(self) -> [T; 6] {
        [self.treatment, self.explanation, self.kindness, self.facilities, self.cost, self.honesty]
    }
}

#[derive(Deserialize)]
pub(crate) struct HospitalSummary {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub address: String,
    pub open: bool,
    pub review_count: u64,
    /// `None` below five reviews.
    pub average: Option<f64>,
}

/// What the filters offer.
#[derive(Default, Deserialize)]
pub(crate) struct Facets {
    pub regions: Vec<String>,
    pub kinds: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Hospital {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub region: String,
    pub district: Option<String>,
    pub address: String,
    pub phone: Option<String>,
    /// Starts with `http://` or `https://`.
    pub homepage: Option<String>,
    /// `YYYY-MM-DD`.
    pub opened_on: Option<String>,
    pub doctors: Option<Doctors>,
    pub open: bool,
    pub source: Source,
    pub review_count: u64,
    /// `None` below five reviews.
    pub average: Option<f64>,
    pub aspects: PerAspect<AspectRating>,
    pub distribution: Distribution,
}

#[derive(Deserialize)]
pub(crate) struct Doctors {
    pub total: Option<u64>,
    pub medicine: Option<Grades>,
    pub dentistry: Option<Grades>,
    pub korean_medicine: Option<Grades>,
}

#[derive(Deserialize)]
pub(crate) struct Grades {
    pub specialists: Option<u64>,
}

impl Doctors {
    /// Specialists of all three fields; `None` where the data says nothing of any.
    pub(crate) fn specialists(&self) -> Option<u64> {
        let fields = [&self.medicine, &self.dentistry, &self.korean_medicine];
        fields
            .into_iter()
            .flatten()
            .filter_map(|grades| grades.specialists)
            .reduce(u64::saturating_add)
    }
}

/// Where the facts come from, and of which day they are.
#[derive(Deserialize)]
pub(crate) struct Source {
    pub name: String,
    /// `YYYY-MM-DD`.
    pub date: String,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct AspectRating {
    /// `None` below five reviews.
    pub average: Option<f64>,
}

/// How many reviews round to each number of stars.
#[derive(Deserialize)]
pub(crate) struct Distribution {
    #[serde(rename = "1")]
    pub one: u64,
    #[serde(rename = "2")]
    pub two: u64,
    #[serde(rename = "3")]
    pub three: u64,
    #[serde(rename = "4")]
    pub four: u64,
    #[serde(rename = "5")]
    pub five: u64,
}

#[derive(Deserialize)]
pub(crate) struct Review {
    pub id: String,
    pub status: Status,
    /// Until when it is hidden at most, `YYYY-MM-DD`.
    pub hidden_until: Option<String>,
    /// `YYYY-MM`.
    pub month: String,
    #[serde(flatten)]
    pub text: Option<Text>,
    /// The hospital's.
    pub reply: Option<Reply>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Waiting,
    Published,
    Hidden,
    Removed,
}

/// What a review says. None of it is answered while the review is hidden, nor once it is removed.
#[derive(Deserialize)]
pub(crate) struct Text {
    pub title: String,
    pub body: String,
    pub stars: PerAspect<u8>,
    pub average: f64,
    pub edited: bool,
}

#[derive(Deserialize)]
pub(crate) struct Reply {
    pub body: String,
    /// `YYYY-MM`.
    pub month: String,
}

/// A review beside the name of its hospital.
#[derive(Deserialize)]
pub(crate) struct LatestReview {
    pub hospital_id: String,
    pub hospital_name: String,
    pub title: String,
    pub average: f64,
    /// `YYYY-MM`.
    pub month: String,
}

/// What a list of hospitals is narrowed to; empty where it is not.
#[derive(Default)]
pub(crate) struct Selection<'a> {
    pub q: &'a str,
    pub region: &'a str,
    pub kind: &'a str,
    pub cursor: &'a str,
    pub limit: &'a str,
}

pub(crate) async fn hospitals(
    visitor: &Facts,
    selection: &Selection<'_>,
) -> Result<List<HospitalSummary>> {
    let query = query(&[
        ("q", selection.q),
        ("region", selection.region),
        ("kind", selection.kind),
        ("cursor", selection.cursor),
        ("limit", selection.limit),
    ]);
    Call::get(Service::Review, format!("/api/review/hospitals{query}")).send(visitor).await?.json()
}

pub(crate) async fn facets(visitor: &Facts) -> Result<Facets> {
    Call::get(Service::Review, "/api/review/hospital-facets").send(visitor).await?.json()
}

pub(crate) async fn hospital(visitor: &Facts, id: &str) -> Result<Hospital> {
    Call::get(Service::Review, hospital_path(id)).send(visitor).await?.json()
}

pub(crate) async fn reviews(
    visitor: &Facts,
    hospital: &str,
    sort: &str,
    cursor: &str,
) -> Result<List<Review>> {
    let query = query(&[("sort", sort), ("cursor", cursor)]);
    Call::get(Service::Review, format!("{}/reviews{query}", hospital_path(hospital)))
        .send(visitor)
        .await?
        .json()
}

/// Of all hospitals.
pub(crate) async fn latest_reviews(visitor: &Facts, limit: &str) -> Result<List<LatestReview>> {
    let query = query(&[("limit", limit)]);
    Call::get(Service::Review, format!("/api/review/reviews{query}")).send(visitor).await?.json()
}

pub(crate) async fn review(visitor: &Facts, hospital: &str, review: &str) -> Result<Review> {
    Call::get(Service::Review, review_path(hospital, review)).send(visitor).await?.json()
}

fn hospital_path(id: &str) -> String {
    format!("/api/review/hospitals/{}", segment(id))
}

pub(super) fn review_path(hospital: &str, review: &str) -> String {
    format!("{}/reviews/{}", hospital_path(hospital), segment(review))
}
