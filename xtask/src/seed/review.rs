//! Hospitals that do not exist, and what nobody wrote about them.

use anyhow::Result;
use fastrand::Rng;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use uuid::Builder;

use super::loader::{Cell, Loader, Table};
use super::{Part, scaled, words};

const HOSPITALS: u64 = 80_000;
/// Hospitals are there before their reviews: a tenth of the scale brings all of them.
const HOSPITALS_AHEAD: f64 = 10.0;
const REVIEWS: u64 = 2_000_000;

/// The first hospitals share a fifth of all reviews.
const LARGE: u64 = 4;
const ONE_IN_LARGE: u64 = 20;
/// A hospital replies to one of so many.
const REVIEWS_PER_REPLY: u64 = 8;
/// Reviews of ten hospitals that follow one another, as many as are left for each.
const USUAL: [u64; 10] = [0, 0, 2, 4, 6, 10, 15, 25, 48, 90];

const IMPORT: &str = "5e3d0000-0000-4000-8000-000000000001";

const HOSPITAL: u64 = 3;
const REVIEW: u64 = 4;
const KEY: u64 = 5;

/// A cell of every file, in the order of how many hospitals have it.
const KINDS: [&str; 10] = [
    "의원",
    "의원",
    "의원",
    "의원",
    "치과의원",
    "치과의원",
    "한의원",
    "병원",
    "요양병원",
    "종합병원",
];
const REGIONS: [&str; 17] = [
    "서울",
    "경기",
    "부산",
    "대구",
    "인천",
    "광주",
    "대전",
    "울산",
    "세종시",
    "강원",
    "충북",
    "충남",
    "전북",
    "전남",
    "경북",
    "경남",
    "제주",
];
const NAMES: [&str; 24] = [
    "가온",
    "누리",
    "은하수",
    "달맞이",
    "별빛",
    "푸른",
    "하얀",
    "솔향기",
    "오름",
    "미리내",
    "한울",
    "다솜",
    "새봄",
    "해오름",
    "아라",
    "마루",
    "온새미",
    "라온",
    "단비",
    "시나브로",
    "윤슬",
    "도담",
    "노을",
    "바른",
];
const FIELDS: [&str; 10] =
    ["", "", "내과", "외과", "소아과", "정형외과", "안과", "이비인후과", "피부과", "가정의학과"];

const HOSPITALS_TABLE: Table = Table {
    name: "hospitals",
    columns: "id, name, kind, region, search, facts, import_id, closed_at",
};
const TEXTS_TABLE: Table = Table { name: "hospital_texts", columns: "hospital_id, search, tokens" };
const REVIEWS_TABLE: Table = Table {
    name: "signed_reviews",
    columns: "id, public_key, hospital_id, year, status, month, title, body, stars, revision, signature, total, \
              statement, hidden_until, hidden_revision, touched, queued",
};
const RATINGS_TABLE: Table = Table {
    name: "signed_ratings",
    columns: "hospital_id, treatment, explanation, kindness, facilities, cost, honesty, one, two, three, four, five",
};
const REPLIES_TABLE: Table = Table { name: "review_replies", columns: "review_id, body, month" };
const IMPORTS_TABLE: Table =
    Table { name: "hospital_imports", columns: "id, source, date, created_at, result" };

/// What the filters offer, see the component's store/imports.rs.
const FACETS: &str = "\
    INSERT INTO hospital_facets (facet, value) SELECT DISTINCT 'region', region FROM hospitals \
    WHERE region NOT IN (SELECT value FROM hospital_facets WHERE facet = 'region');\n\
    INSERT INTO hospital_facets (facet, value) SELECT DISTINCT 'kind', kind FROM hospitals \
    WHERE kind NOT IN (SELECT value FROM hospital_facets WHERE facet = 'kind');\n";

pub(super) fn part(scale: f64) -> Part {
    Part {
        component: "review",
        tables: &[
            &REVIEWS_TABLE,
            &HOSPITALS_TABLE,
            &TEXTS_TABLE,
            &RATINGS_TABLE,
            &REPLIES_TABLE,
            &IMPORTS_TABLE,
        ],
        marker: format!("SELECT 1 FROM hospital_imports WHERE id = '{IMPORT}'"),
        length: scaled(REVIEWS, scale),
        fill,
        finish: FACETS,
    }
}

fn fill(loader: &mut Loader, scale: f64, bar: &ProgressBar) -> Result<()> {
    let ahead = (scale * HOSPITALS_AHEAD).min(scale.max(1.0));
    let (hospitals, reviews) = (scaled(HOSPITALS, ahead), scaled(REVIEWS, scale));
    write_import(loader, hospitals)?;
    let mut left = reviews;
    for number in 0..hospitals {
        let id = format!("SYN-{:06}", number + 1);
        write_hospital(loader, number, &id)?;
        // The last one gets what rounding leaves.
        let count =
            if number + 1 == hospitals { left } else { reviews_of(number, reviews).min(left) };
        left -= count;
        write_reviews(loader, &id, number, count)?;
        bar.inc(count);
    }
    Ok(())
}

fn reviews_of(number: u64, reviews: u64) -> u64 {
    let usual = USUAL[(number % 10) as usize];
    if number < LARGE { reviews / ONE_IN_LARGE } else { usual }
}

fn write_import(loader: &mut Loader, hospitals: u64) -> Result<()> {
    let result = json!({
        "inserted": hospitals, "updated": 0, "reopened": 0, "unchanged": 0, "closed": 0, "rejected": 0,
    })
    .to_string();
    let cells = [
        IMPORT.into(),
        "지어낸 자료".into(),
        "2026-09-30".into(),
        1_793_458_800_000.into(),
        (&result).into(),
    ];
    loader.row(&IMPORTS_TABLE, cells)
}

fn write_hospital(loader: &mut Loader, number: u64, id: &str) -> Result<()> {
    let facts = facts(&mut words::random(HOSPITAL, number), number);
    let search = search_text(&facts);
    let field = |name: &str| facts[name].as_str().unwrap_or_default();
    loader.row(
        &HOSPITALS_TABLE,
        [
            id.into(),
            field("name").into(),
            field("kind").into(),
            field("region").into(),
            (&search).into(),
            (&facts.to_string()).into(),
            IMPORT.into(),
            Cell::Null,
        ],
    )?;
    loader.row(&TEXTS_TABLE, [id.into(), (&search).into(), (&text::tokens(&search)).into()])
}

/// In the form of the component's domain/hospital.rs.
fn facts(random: &mut Rng, number: u64) -> Value {
    let kind = words::choose(random, &KINDS);
    let region = words::choose(random, &REGIONS);
    let first = words::choose(random, &NAMES);
    let second = words::choose(random, &NAMES);
    let field = if kind == "의원" { words::choose(random, &FIELDS) } else { "" };
    let doctors = random.u32(1..20);
    let none = json!({ "general": 0, "interns": 0, "residents": 0, "specialists": 0 });
    json!({
        "name": format!("{first}{second}{field}{kind}(가상)"),
        "kind": kind,
        "region": region,
        "district": "가상구",
        "neighbourhood": "없는동",
        "address": format!("{region} 가상구 없는길 {} (없는동, 지어낸 주소)", number + 1),
        "postcode": format!("{:05}", number % 100_000),
        "phone": null,
        "homepage": null,
        "opened_on": format!("{}-0{}-1{}", random.u32(1980..2026), random.u32(1..10), random.u32(..10)),
        "doctors": {
            "total": doctors,
            "medicine": { "general": 0, "interns": 0, "residents": 0, "specialists": doctors },
            "dentistry": none,
            "korean_medicine": none,
        },
        "midwives": 0,
        "location": { "longitude": 126.5 + random.f64(), "latitude": 35.0 + random.f64() * 2.5 },
    })
}

/// As the component makes it of its facts.
fn search_text(facts: &Value) -> String {
    let name = facts["name"].as_str().unwrap_or_default();
    let initials: String = text::initial_consonants(name).split_whitespace().collect();
    let parts =
        ["name", "region", "district", "neighbourhood", "address"].map(|part| facts[part].as_str());
    let parts: Vec<&str> = parts.into_iter().flatten().chain([initials.as_str()]).collect();
    parts.join(" ").to_lowercase()
}

fn write_reviews(loader: &mut Loader, hospital_id: &str, hospital: u64, count: u64) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let mut random = words::random(REVIEW, hospital);
    // Hospitals differ, or all averages would be the same.
    let lowest = random.i64(1..=4);
    let (mut aspects, mut distribution) = ([0; 6], [0; 5]);
    for number in 0..count {
        let stars = [(); 6].map(|()| random.i64(lowest..=5));
        aspects.iter_mut().zip(stars).for_each(|(sum, stars)| *sum += stars);
        distribution[rounded(stars.iter().sum())] += 1;
        write_review(loader, &mut random, hospital_id, hospital << 32 | number, stars)?;
    }
    let [treatment, explanation, kindness, facilities, cost, honesty] = aspects.map(Cell::from);
    let [one, two, three, four, five] = distribution.map(Cell::from);
    let id = hospital_id.into();
    let cells = [
        id,
        treatment,
        explanation,
        kindness,
        facilities,
        cost,
        honesty,
        one,
        two,
        three,
        four,
        five,
    ];
    loader.row(&RATINGS_TABLE, cells)
}

/// `number` is that of the review among all.
fn write_review(
    loader: &mut Loader,
    random: &mut Rng,
    hospital_id: &str,
    number: u64,
    stars: [i64; 6],
) -> Result<()> {
    let id = Builder::from_random_bytes(random.u128(..).to_be_bytes())
        .into_uuid()
        .hyphenated()
        .to_string();
    let month = random.u32(..36) + 10;
    let (year, month) = (2023 + month / 12, month % 12 + 1);
    let month = format!("{year}-{month:02}");
    if number.is_multiple_of(REVIEWS_PER_REPLY) {
        let reply = words::body(random);
        loader.row(&REPLIES_TABLE, [(&id).into(), (&reply).into(), (&month).into()])?;
    }
    let (title, body) = (words::title(random, number), words::body(random));
    // Nobody has the private half: such reviews can be read, and no export of them holds.
    let public_key = words::pseudonym(KEY, number);
    let digits: String = stars.iter().map(i64::to_string).collect();
    loader.row(
        &REVIEWS_TABLE,
        [
            (&id).into(),
            (&public_key).into(),
            hospital_id.into(),
            i64::from(year).into(),
            "published".into(),
            (&month).into(),
            (&title).into(),
            (&body).into(),
            (&digits).into(),
            1.into(),
            "".into(),
            stars.iter().sum::<i64>().into(),
            1.into(),
            Cell::Null,
            0.into(),
            "".into(),
            0.into(),
        ],
    )
}

/// Where a review stands in the distribution, by the sum of its stars: its mean, rounded.
fn rounded(total: i64) -> usize {
    match total {
        ..9 => 0,
        9..15 => 1,
        15..21 => 2,
        21..27 => 3,
        27.. => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::{HOSPITALS, LARGE, REVIEWS, reviews_of};

    #[test]
    fn the_reviews_suffice_for_all_hospitals_but_leave_few_to_the_last() {
        let all: u64 = (0..HOSPITALS).map(|number| reviews_of(number, REVIEWS)).sum();
        assert!(all.abs_diff(REVIEWS) < 100, "{all}");
        assert!(reviews_of(LARGE, REVIEWS) < 100 && reviews_of(0, REVIEWS) == 100_000);
    }
}
