//! Texts in the manner of the site's, and the names of people who do not exist.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fastrand::Rng;

/// Every tenth text or so has one of these, so each fills a page of a search by itself.
const WORDS: [&str; 60] = [
    "근무",
    "간호사",
    "환자",
    "수술실",
    "응급실",
    "병동",
    "교대",
    "야간",
    "휴가",
    "연봉",
    "면접",
    "이직",
    "신규",
    "선배",
    "인수인계",
    "투약",
    "기록",
    "차트",
    "EMR",
    "CT",
    "MRI",
    "검사",
    "채혈",
    "주사",
    "처방",
    "약국",
    "원장",
    "의사",
    "전공의",
    "교수",
    "행정",
    "원무과",
    "물리치료",
    "재활",
    "소아과",
    "내과",
    "외과",
    "정형외과",
    "치과",
    "한의원",
    "요양병원",
    "대학병원",
    "의원",
    "직원",
    "식당",
    "기숙사",
    "주차",
    "출퇴근",
    "당직",
    "회의",
    "교육",
    "자격증",
    "국가고시",
    "실습",
    "보호자",
    "민원",
    "감염",
    "마스크",
    "예방접종",
    "건강검진",
];

const ENDINGS: [&str; 12] =
    ["은", "이", "을", "에서", "때문에", "보다", "에 대해", "하고", "까지", "만", "처럼", "부터"];

const CLOSINGS: [&str; 10] = [
    "어떻게 하시나요",
    "많이 힘드네요",
    "정말 좋았어요",
    "알려 주세요",
    "궁금합니다",
    "생각보다 괜찮아요",
    "조심하세요",
    "추천합니다",
    "고민이에요",
    "바뀌었으면 해요",
];

/// In about one text of a hundred: too rare for a search to find a page of them among the newest,
/// and too frequent to be cheap.
const SELDOM: &str = "뷔페";
const ONE_SELDOM_IN: u64 = 97;

/// In one text of 5,000.
const RARE: &str = "꿩밭";
const ONE_RARE_IN: u64 = 5_000;

/// The same for the same `number`, different for each `salt`.
pub(super) fn random(salt: u64, number: u64) -> Rng {
    // fastrand's seeds are mixed well, but neighbours share their first numbers' high bits.
    Rng::with_seed(Rng::with_seed(number ^ salt.rotate_left(32)).u64(..))
}

/// A heading; `number` is that of the text in its table.
pub(super) fn title(random: &mut Rng, number: u64) -> String {
    let mut title = phrase(random, 1);
    if number % ONE_SELDOM_IN == 1 {
        title = format!("{SELDOM} {title}");
    }
    if number % ONE_RARE_IN == 1 {
        title = format!("{RARE} {title}");
    }
    title
}

/// One to three sentences. Nothing in them is Markdown or HTML.
pub(super) fn body(random: &mut Rng) -> String {
    let sentences = 1 + random.usize(..3);
    let texts: Vec<String> = (0..sentences).map(|_| format!("{}.", phrase(random, 2))).collect();
    texts.join(" ")
}

fn phrase(random: &mut Rng, words: usize) -> String {
    let mut text = String::new();
    for _ in 0..words + random.usize(..2) {
        text.push_str(choose(random, &WORDS));
        text.push_str(choose(random, &ENDINGS));
        text.push(' ');
    }
    text + choose(random, &CLOSINGS)
}

pub(super) fn choose<'a>(random: &mut Rng, from: &[&'a str]) -> &'a str {
    from[random.usize(..from.len())]
}

/// 22 characters, like the pseudonyms that auth makes.
pub(super) fn pseudonym(salt: u64, number: u64) -> String {
    URL_SAFE_NO_PAD.encode(random(salt, number).u128(..).to_be_bytes())
}
