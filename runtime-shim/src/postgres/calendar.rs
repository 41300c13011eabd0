//! Days and microseconds, as PostgreSQL counts them from 2000-01-01, to and from the calendar.

/// From 0000-03-01, where the arithmetic below begins, to 2000-01-01.
const EPOCH_DAYS: i64 = 730_425;
/// Days in 400 years, after which the calendar repeats itself.
const ERA_DAYS: i64 = 146_097;
const DAY_MICROS: i64 = 86_400_000_000;
/// From 1970-01-01 to 2000-01-01.
const UNIX_EPOCH_SECONDS: i64 = 946_684_800;

pub(super) type Date = (i32, u8, u8);
pub(super) type Time = (u8, u8, u8, u32);
pub(super) type DateTime = (i32, u8, u8, u8, u8, u8, u32);

/// Days since 2000-01-01; `None` where the calendar has no such day.
pub(super) fn days(date: Date) -> Option<i64> {
    let (year, month, day) = (i64::from(date.0), i64::from(date.1), i64::from(date.2));
    if !(1..=12).contains(&month) {
        return None;
    }
    // A year that begins in March has its leap day at its end.
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let of_era = year * 365 + year / 4 - year / 100 + of_year;
    let days = era * ERA_DAYS + of_era - EPOCH_DAYS;
    (self::date(days) == Some(date)).then_some(days)
}

/// The day `days` after 2000-01-01; `None` where its year is no `i32`.
pub(super) fn date(days: i64) -> Option<Date> {
    let days = days.checked_add(EPOCH_DAYS)?;
    let (era, of_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = i32::try_from(era * 400 + year + next).ok()?;
    Some((year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

/// Microseconds since midnight. What is below a microsecond is cut off: the server has no place for it.
pub(super) fn time_micros((hour, minute, second, nanosecond): Time) -> Option<i64> {
    let end = (hour, minute, second, nanosecond) == (24, 0, 0, 0);
    if !end && (hour > 23 || minute > 59 || second > 59 || nanosecond > 999_999_999) {
        return None;
    }
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Some(seconds * 1_000_000 + i64::from(nanosecond) / 1000)
}

/// `None` beyond 24:00.
pub(super) fn time(micros: i64) -> Option<Time> {
    if !(0..=DAY_MICROS).contains(&micros) {
        return None;
    }
    let (seconds, nanosecond) = (micros / 1_000_000, (micros % 1_000_000) * 1000);
    let part = |value: i64| u8::try_from(value).ok();
    Some((
        part(seconds / 3600)?,
        part(seconds / 60 % 60)?,
        part(seconds % 60)?,
        u32::try_from(nanosecond).ok()?,
    ))
}

/// Microseconds since 2000-01-01 00:00.
pub(super) fn micros((year, month, day, hour, minute, second, nano): DateTime) -> Option<i64> {
    let days = days((year, month, day))?;
    days.checked_mul(DAY_MICROS)?.checked_add(time_micros((hour, minute, second, nano))?)
}

pub(super) fn date_time(micros: i64) -> Option<DateTime> {
    let (year, month, day) = date(micros.div_euclid(DAY_MICROS))?;
    let (hour, minute, second, nano) = time(micros.rem_euclid(DAY_MICROS))?;
    Some((year, month, day, hour, minute, second, nano))
}

/// Microseconds since 2000-01-01 of a Unix time in seconds.
pub(super) fn unix_micros(seconds: i64) -> Option<i64> {
    seconds.checked_sub(UNIX_EPOCH_SECONDS)?.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(days((2000, 1, 1)), Some(0));
        assert_eq!(days((1970, 1, 1)), Some(-10_957));
        assert_eq!(days((2024, 2, 29)), Some(8825));
        assert_eq!(days((1999, 12, 31)), Some(-1));
        assert_eq!(days((-4712, 1, 1)), Some(-2_451_507));
        for none in
            [(2023, 2, 29), (1900, 2, 29), (2024, 13, 1), (2024, 0, 1), (2024, 4, 31), (2024, 1, 0)]
        {
            assert_eq!(days(none), None, "{none:?}");
        }
    }

    #[test]
    fn every_day_comes_back() {
        for day in (-3_000_000..3_000_000).step_by(13) {
            assert_eq!(days(date(day).unwrap()), Some(day));
        }
    }

    #[test]
    fn times_come_back() {
        assert_eq!(time_micros((23, 59, 59, 999_999_999)), Some(DAY_MICROS - 1));
        assert_eq!(time(DAY_MICROS), Some((24, 0, 0, 0)));
        assert_eq!(time_micros((24, 0, 1, 0)), None);
        assert_eq!(date_time(-1), Some((1999, 12, 31, 23, 59, 59, 999_999_000)));
        assert_eq!(micros((1999, 12, 31, 23, 59, 59, 999_999_000)), Some(-1));
        assert_eq!(unix_micros(0), micros((1970, 1, 1, 0, 0, 0, 0)));
    }
}
