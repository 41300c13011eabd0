//! Days, months and years in Seoul: all that is kept of any time here.

use time::{Date, Duration, OffsetDateTime, format_description::BorrowedFormatItem, macros};

/// Korea has had no other offset since 1988.
const KOREA_MILLIS: i64 = 9 * 60 * 60 * 1000;

const DAY: &[BorrowedFormatItem<'_>] = macros::format_description!("[year]-[month]-[day]");

fn date(now_millis: i64) -> Date {
    let seconds = (now_millis + KOREA_MILLIS).div_euclid(1000);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH).date()
}

/// `YYYY-MM-DD`.
pub(crate) fn day(now_millis: i64) -> String {
    date(now_millis).format(DAY).unwrap_or_default()
}

/// The number of the day, one more each day.
pub(crate) fn number(now_millis: i64) -> i64 {
    i64::from(date(now_millis).to_julian_day())
}

pub(crate) fn year(now_millis: i64) -> i64 {
    i64::from(date(now_millis).year())
}

/// `YYYY-MM` of `YYYY-MM-DD`.
pub(crate) fn month(day: &str) -> String {
    day.chars().take(7).collect()
}

/// `days` after `day`; both are `YYYY-MM-DD`.
pub(crate) fn days_after(day: &str, days: i64) -> String {
    let later = Date::parse(day, DAY).ok().and_then(|date| date.checked_add(Duration::days(days)));
    later.and_then(|date| date.format(DAY).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_turn_at_midnight_in_korea() {
        let last_of_october = 1_793_458_799_999;
        assert_eq!(day(last_of_october), "2026-10-31");
        assert_eq!(day(last_of_october + 1), "2026-11-01");
        assert_eq!(month(&day(last_of_october)), "2026-10");
    }

    #[test]
    fn years_turn_with_them() {
        let last_of_2026 = 1_798_729_199_999;
        assert_eq!((year(last_of_2026), year(last_of_2026 + 1)), (2026, 2027));
        assert_eq!(days_after("2026-12-24", 30), "2027-01-23");
    }
}
