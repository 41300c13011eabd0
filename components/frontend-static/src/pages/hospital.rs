use api::Path;
use askama::Template;

use super::{Choice, Frame, Paging, Result, Section, known, show};
use crate::display::{number, percent, stars};
use crate::form::Query;
use crate::texts::Texts;
use crate::upstream::review::{
    self, ASPECTS, Distribution, Doctors, Hospital, PerAspect, Review, Status, Text,
};
use crate::upstream::{query, segment};
use crate::visitor::Visitor;

const MOST_STARS: f64 = 5.0;

#[derive(Template)]
#[template(path = "hospitals/hospital.html")]
struct HospitalPage {
    t: &'static Texts,
    frame: Frame,
    path: String,
    homepage: Option<String>,
    opened: Option<String>,
    doctors: Option<u64>,
    specialists: Option<u64>,
    source: String,
    average: Option<String>,
    aspects: Vec<Bar>,
    distribution: Vec<Bar>,
    orders: Vec<Choice>,
    reviews: Vec<ReviewView>,
    first: Option<String>,
    next: Option<String>,
    hospital: Hospital,
}

struct Bar {
    label: String,
    percent: u8,
    value: String,
    spoken: String,
}

struct ReviewView {
    id: String,
    /// Where it can be reported, asked to be taken down, or answered.
    path: String,
    month: String,
    machine_month: String,
    content: Content,
    reply: Option<ReplyView>,
}

enum Content {
    Text(TextView),
    /// Until which day at most.
    Hidden(Option<String>),
    Removed,
}

struct TextView {
    title: String,
    body: String,
    average: String,
    /// Label, number and what a screen reader says of it, per aspect.
    stars: Vec<(&'static str, u8, String)>,
    edited: bool,
}

/// The hospital's own words.
struct ReplyView {
    body: String,
    month: String,
    machine_month: String,
}

pub(crate) async fn read(
    visitor: Visitor,
    Path([id]): Path<[String; 1]>,
    Query(fields): Query,
) -> Result {
    let t = visitor.language.texts();
    let sort = known(&fields, "sort", &["highest", "lowest"]);
    let cursor = fields.text("cursor");
    let (hospital, reviews) = futures::join!(
        review::hospital(&visitor, &id),
        review::reviews(&visitor, &id, sort, cursor)
    );
    let (hospital, list) = (hospital?, reviews?);
    let path = format!("/hospitals/{}", segment(&id));
    let Paging { first, next } =
        Paging::of(&path, &[("sort", sort)], cursor, list.next_cursor.as_deref());
    let frame = Frame::new(&visitor, Section::Hospitals, &hospital.name);
    show(&HospitalPage {
        t,
        frame: frame.described((t.hospital.description)(&hospital.name)),
        homepage: hospital
            .homepage
            .clone()
            .filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        opened: hospital.opened_on.as_deref().map(t.time.date),
        doctors: hospital.doctors.as_ref().and_then(|doctors| doctors.total),
        specialists: hospital.doctors.as_ref().and_then(Doctors::specialists),
        source: (t.hospital.source)(&hospital.source.name, &(t.time.date)(&hospital.source.date)),
        average: hospital.average.map(stars),
        aspects: aspect_bars(&hospital, t),
        distribution: distribution_bars(&hospital.distribution, t),
        orders: orders(t, &path, sort),
        reviews: list.items.into_iter().map(|review| view(review, &path, t)).collect(),
        first,
        next,
        hospital,
        path,
    })
}

fn aspect_bars(hospital: &Hospital, t: &Texts) -> Vec<Bar> {
    let averages = hospital.aspects.into_array().map(|aspect| aspect.average);
    let bars = ASPECTS.iter().zip(averages).filter_map(|(aspect, average)| {
        let average = average?;
        let value = stars(average);
        Some(Bar {
            label: (t.aspect)(aspect).to_owned(),
            percent: percent(average, MOST_STARS),
            spoken: t.spoken_stars(&value),
            value,
        })
    });
    bars.collect()
}

fn distribution_bars(distribution: &Distribution, t: &Texts) -> Vec<Bar> {
    let Distribution { one, two, three, four, five } = *distribution;
    let counts = [(5, five), (4, four), (3, three), (2, two), (1, one)];
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    // As a share of the longest bar; counts are far below what f64 holds exactly.
    let bar = |(stars, count): (u64, u64)| Bar {
        label: (t.hospital.stars)(stars),
        percent: percent(count as f64, most as f64),
        value: number(count),
        spoken: (t.hospital.distribution_count)(count),
    };
    counts.into_iter().map(bar).collect()
}

fn orders(t: &'static Texts, path: &str, sort: &str) -> Vec<Choice> {
    let order = |(name, label)| Choice {
        label,
        path: format!("{path}{}#reviews", query(&[("sort", name)])),
        current: name == sort,
    };
    let names =
        [("", t.hospital.newest), ("highest", t.hospital.highest), ("lowest", t.hospital.lowest)];
    names.into_iter().map(order).collect()
}

fn view(review: Review, hospital_path: &str, t: &Texts) -> ReviewView {
    ReviewView {
        path: format!("{hospital_path}/reviews/{}", segment(&review.id)),
        month: (t.time.month)(&review.month),
        content: content(review.text, review.status, review.hidden_until.as_deref(), t),
        reply: review.reply.map(|reply| ReplyView {
            body: reply.body,
            month: (t.time.month)(&reply.month),
            machine_month: reply.month,
        }),
        machine_month: review.month,
        id: review.id,
    }
}

fn content(text: Option<Text>, status: Status, hidden_until: Option<&str>, t: &Texts) -> Content {
    match text {
        Some(text) => Content::Text(TextView {
            title: text.title,
            body: text.body,
            average: stars(text.average),
            stars: scores(text.stars, t),
            edited: text.edited,
        }),
        None if status == Status::Hidden => Content::Hidden(hidden_until.map(t.time.date)),
        None => Content::Removed,
    }
}

fn scores(stars: PerAspect<u8>, t: &Texts) -> Vec<(&'static str, u8, String)> {
    let score = |(aspect, stars): (&&str, u8)| {
        ((t.aspect)(aspect), stars, t.spoken_stars(&stars.to_string()))
    };
    ASPECTS.iter().zip(stars.into_array()).map(score).collect()
}
