use serde::Serialize;
use text::Refusal;

use super::aspect::PerAspect;

pub(crate) type Stars = PerAspect<i64>;

/// What a person writes, checked.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Draft {
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) stars: Stars,
}

/// A review as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub(crate) id: String,
    pub(crate) hospital_id: String,
    /// A pseudonym for reviews only; never shown.
    pub(crate) author: String,
    pub(crate) month: String,
    pub(crate) draft: Draft,
    /// 1, and one more with each edit.
    pub(crate) revision: i64,
}

pub(crate) fn title(value: &str) -> Result<String, Refusal> {
    text::line(value, 2..=100)
}

pub(crate) fn body(value: &str) -> Result<String, Refusal> {
    text::prose(value, 10..=5000)
}

pub(crate) fn is_star(value: i64) -> bool {
    (1..=5).contains(&value)
}

impl Stars {
    /// 6 to 30.
    pub(crate) fn total(self) -> i64 {
        self.into_array().iter().sum()
    }
}

/// The month in Korea, `YYYY-MM`: all that is kept of when a review was written.
pub(crate) fn month(now_millis: i64) -> String {
    /// Korea has had no other offset since 1988.
    const KOREA_MILLIS: i64 = 9 * 60 * 60 * 1000;
    let seconds = (now_millis + KOREA_MILLIS).div_euclid(1000);
    let date = time::OffsetDateTime::from_unix_timestamp(seconds)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    format!("{:04}-{:02}", date.year(), u8::from(date.month()))
}

#[cfg(test)]
mod tests {
    use super::month;

    #[test]
    fn months_turn_at_midnight_in_korea() {
        let last_of_october = 1_793_458_799_999;
        assert_eq!(month(last_of_october), "2026-10");
        assert_eq!(month(last_of_october + 1), "2026-11");
    }
}
