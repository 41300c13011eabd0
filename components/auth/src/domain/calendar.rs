//! Days and years in Seoul, where the hospitals are. Times are epoch milliseconds.

use time::{OffsetDateTime, UtcOffset};

pub(crate) const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Seoul has had no summer time since 1988.
const SEOUL_HOURS: i8 = 9;

pub(crate) fn year(millis: i64) -> i64 {
    i64::from(in_seoul(millis).year())
}

/// When the year of this time began.
pub(crate) fn year_start(millis: i64) -> i64 {
    let date = in_seoul(millis);
    let midnight = date.replace_time(time::Time::MIDNIGHT);
    let days = i64::from(date.ordinal() - 1);
    midnight.unix_timestamp() * 1000 - days * DAY_MILLIS
}

/// `YYYY-MM-DD`.
pub(crate) fn day(millis: i64) -> String {
    in_seoul(millis).date().to_string()
}

fn in_seoul(millis: i64) -> OffsetDateTime {
    let utc = OffsetDateTime::from_unix_timestamp(millis.div_euclid(1000));
    let offset = UtcOffset::from_hms(SEOUL_HOURS, 0, 0).unwrap_or(UtcOffset::UTC);
    utc.unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(offset)
}

#[cfg(test)]
mod tests {
    use super::{day, year, year_start};

    #[test]
    fn a_year_begins_at_midnight_in_seoul() {
        // 2026-12-31T15:00:00Z
        let midnight = 1_798_729_200_000;
        assert_eq!((year(midnight - 1), day(midnight - 1).as_str()), (2026, "2026-12-31"));
        assert_eq!((year(midnight), day(midnight).as_str()), (2027, "2027-01-01"));
        assert_eq!(year_start(midnight + 1), midnight);
        assert_eq!(year(year_start(midnight - 1)), 2026);
        assert_eq!(year(year_start(midnight - 1) - 1), 2025);
    }
}
