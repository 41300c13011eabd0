//! Days, months and years in Seoul, where the hospitals are. Times are milliseconds since the Unix
//! epoch, days `YYYY-MM-DD`.

use time::format_description::BorrowedFormatItem;
use time::macros::{format_description, offset};
use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};

/// Every day has so many: Korea has had no summer time and no other offset since 1988.
pub const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

const SEOUL: UtcOffset = offset!(+9);

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// The same moment as a clock in Seoul shows it.
pub fn in_seoul(time: OffsetDateTime) -> OffsetDateTime {
    time.to_offset(SEOUL)
}

/// The day of a time.
pub fn day(millis: i64) -> String {
    written(date(millis))
}

/// The number of a time's day, one more each day.
pub fn day_number(millis: i64) -> i64 {
    i64::from(date(millis).to_julian_day())
}

/// `days` after `day`; empty where that is no day.
pub fn days_after(day: &str, days: i64) -> String {
    let later = Date::parse(day, DAY).ok().and_then(|date| date.checked_add(Duration::days(days)));
    later.map(written).unwrap_or_default()
}

/// `YYYY-MM` of a day.
pub fn month(day: &str) -> String {
    day.chars().take(7).collect()
}

/// The year of a time.
pub fn year(millis: i64) -> i64 {
    i64::from(date(millis).year())
}

/// When the year of a time began.
pub fn year_start(millis: i64) -> i64 {
    let date = date(millis);
    let midnight = date.with_time(Time::MIDNIGHT).assume_offset(SEOUL).unix_timestamp() * 1000;
    midnight - i64::from(date.ordinal() - 1) * DAY_MILLIS
}

/// A time beyond the calendar, which no clock gives, is that of 1970.
fn date(millis: i64) -> Date {
    let utc = OffsetDateTime::from_unix_timestamp(millis.div_euclid(1000));
    in_seoul(utc.unwrap_or(OffsetDateTime::UNIX_EPOCH)).date()
}

fn written(date: Date) -> String {
    date.format(DAY).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-12-31T15:00:00Z.
    const NEW_YEAR: i64 = 1_798_729_200_000;

    #[test]
    fn days_months_and_years_turn_at_midnight_in_seoul() {
        assert_eq!((year(NEW_YEAR - 1), day(NEW_YEAR - 1).as_str()), (2026, "2026-12-31"));
        assert_eq!((year(NEW_YEAR), day(NEW_YEAR).as_str()), (2027, "2027-01-01"));
        assert_eq!(day_number(NEW_YEAR), day_number(NEW_YEAR - 1) + 1);
        assert_eq!(day_number(NEW_YEAR), day_number(NEW_YEAR + DAY_MILLIS - 1));
        assert_eq!(month(&day(NEW_YEAR - 1)), "2026-12");
    }

    #[test]
    fn a_year_begins_at_its_first_midnight() {
        assert_eq!(year_start(NEW_YEAR + 1), NEW_YEAR);
        assert_eq!(year(year_start(NEW_YEAR - 1)), 2026);
        assert_eq!(year(year_start(NEW_YEAR - 1) - 1), 2025);
    }

    #[test]
    fn days_are_counted_over_the_end_of_a_year() {
        assert_eq!(days_after("2026-12-24", 30), "2027-01-23");
        assert_eq!(days_after("2028-02-28", 1), "2028-02-29");
        assert_eq!(days_after("nonsense", 1), "");
    }
}
