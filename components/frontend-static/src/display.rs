//! Numbers and times as people read them. Times are shown as in Korea.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::texts::Texts;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Older than this a date says more than a number of days.
const RELATIVE_DAYS: i64 = 7;

/// A time of the API (RFC 3339) next to the current one, for `<time>`.
pub(crate) struct Moment {
    pub machine: String,
    pub age: String,
    pub exact: String,
}

/// `now` in milliseconds since the Unix epoch. A time that cannot be read is shown as it is.
pub(crate) fn moment(rfc3339: &str, now: i64, texts: &Texts) -> Moment {
    let machine = rfc3339.to_owned();
    let Ok(utc) = OffsetDateTime::parse(rfc3339, &Rfc3339) else {
        return Moment { age: machine.clone(), exact: machine.clone(), machine };
    };
    let seconds = now.div_euclid(1000) - utc.unix_timestamp();
    let date = (texts.time.date)(&korean_date(utc));
    let age = match seconds {
        // Two machines' clocks may differ by a little.
        ..MINUTE => texts.time.now.to_owned(),
        MINUTE..HOUR => (texts.time.minutes)(seconds / MINUTE),
        HOUR..DAY => (texts.time.hours)(seconds / HOUR),
        _ if seconds < RELATIVE_DAYS * DAY => (texts.time.days)(seconds / DAY),
        _ => date.clone(),
    };
    Moment { machine, age, exact: format!("{date} {}", korean_clock(utc)) }
}

/// `YYYY-MM-DD`.
fn korean_date(utc: OffsetDateTime) -> String {
    calendar::day(utc.unix_timestamp() * 1000)
}

fn korean_clock(utc: OffsetDateTime) -> String {
    let time = calendar::in_seoul(utc);
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// With a separator at every third digit.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Stars, with one decimal.
pub(crate) fn stars(average: f64) -> String {
    format!("{average:.1}")
}

/// How wide a bar of 0 to `most` is, in percent.
pub(crate) fn percent(value: f64, most: f64) -> u8 {
    if most <= 0.0 {
        return 0;
    }
    // Clamped, so the cast cannot lose anything.
    (value / most * 100.0).clamp(0.0, 100.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::{moment, number, percent, stars};
    use crate::texts::{EN, KO};

    #[test]
    fn ages_are_rounded_down_and_old_ones_become_dates() {
        let now = 1_700_000_000_000; // 2023-11-14T22:13:20Z
        let age = |time: &str| moment(time, now, &KO).age;
        assert_eq!(age("2023-11-14T22:13:25Z"), "방금");
        assert_eq!(age("2023-11-14T22:12:21Z"), "방금");
        assert_eq!(age("2023-11-14T22:12:20Z"), "1분 전");
        assert_eq!(age("2023-11-14T20:13:21Z"), "1시간 전");
        assert_eq!(age("2023-11-08T22:13:20Z"), "6일 전");
        assert_eq!(age("2023-11-01T15:00:00Z"), "2023. 11. 2.");
        assert_eq!(moment("2023-11-14T20:13:20Z", now, &EN).age, "2 hours ago");
        assert_eq!(moment("2023-11-14T20:13:20Z", now, &KO).exact, "2023. 11. 15. 05:13");
        assert_eq!(age("nonsense"), "nonsense");
    }

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1_000, 12_345, 1_234_567].map(number);
        assert_eq!(shown, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(stars(4.0), "4.0");
        assert_eq!(percent(4.0, 5.0), 80);
        assert_eq!(percent(1.0, 0.0), 0);
    }
}
