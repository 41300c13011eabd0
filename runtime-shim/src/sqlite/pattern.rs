//! LIKE and GLOB as SQLite has them, but for a clock: its own take as long as the product of
//! pattern and text, and cannot be stopped.

use rusqlite::functions::Context;
use rusqlite::{Connection, Error, Result, ffi};

use super::functions::{as_text, define};
use super::session::{Clock, failure};
use crate::limits::{Limits, size};

/// Steps between two looks at the clock: some ten microseconds.
const STEPS_PER_CHECK: u32 = 4_096;
/// What SQLite says where a pattern is longer than it may be.
const LONG_PATTERN: &str = "LIKE or GLOB pattern too complex";
const ESCAPE: &str = "ESCAPE expression must be a single character";

enum Part {
    /// Any characters, also none.
    Any,
    One,
    Exactly(char),
    Set {
        inverted: bool,
        ranges: Vec<(char, char)>,
    },
    /// Of a pattern that is cut off.
    Nothing,
}

struct Pattern {
    parts: Vec<Part>,
    /// Letters of ASCII are the same in both cases.
    ignores_case: bool,
}

/// Takes the place of SQLite's own, of both numbers of arguments.
pub(super) fn add(connection: &Connection, limits: &Limits, clock: &Clock) -> Result<()> {
    let longest = size(limits.sqlite_pattern_bytes);
    for (name, arguments) in [("like", 2), ("like", 3), ("glob", 2)] {
        let own = clock.clone();
        define(connection, name, arguments, clock, move |context| {
            answer(context, name == "like", longest, &own)
        })?;
    }
    Ok(())
}

/// `pattern, text` or `pattern, text, escape`; NULL where one of them is.
fn answer(
    context: &Context<'_>,
    is_like: bool,
    longest: usize,
    clock: &Clock,
) -> Result<Option<bool>> {
    let (Some(pattern), Some(text)) = (as_text(context, 0), as_text(context, 1)) else {
        return Ok(None);
    };
    let (pattern, text) = (before_nul(&pattern), before_nul(&text));
    if pattern.len() > longest {
        return Err(Error::UserFunctionError(LONG_PATTERN.into()));
    }
    let mut escape = None;
    if context.len() > 2 {
        let Some(given) = as_text(context, 2) else { return Ok(None) };
        let mut characters = before_nul(&given).chars();
        escape = characters.next();
        if escape.is_none() || characters.next().is_some() {
            return Err(Error::UserFunctionError(ESCAPE.into()));
        }
    }
    let pattern = if is_like { Pattern::like(pattern, escape) } else { Pattern::glob(pattern) };
    pattern.matches(text, clock).map(Some)
}

/// SQLite reads a pattern and a text up to a NUL.
fn before_nul(text: &str) -> &str {
    text.split('\0').next().unwrap_or(text)
}

impl Pattern {
    fn like(pattern: &str, escape: Option<char>) -> Self {
        let mut characters = pattern.chars();
        let mut parts = Vec::new();
        while let Some(c) = characters.next() {
            parts.push(match c {
                _ if Some(c) == escape => characters.next().map_or(Part::Nothing, Part::Exactly),
                '%' => Part::Any,
                '_' => Part::One,
                _ => Part::Exactly(c),
            });
        }
        Self { parts, ignores_case: true }
    }

    fn glob(pattern: &str) -> Self {
        let mut rest = pattern.chars();
        let mut parts = Vec::new();
        while let Some(c) = rest.next() {
            parts.push(match c {
                '*' => Part::Any,
                '?' => Part::One,
                '[' => set(&mut rest),
                _ => Part::Exactly(c),
            });
        }
        Self { parts, ignores_case: false }
    }

    /// Of several [`Part::Any`] only the last ever has to take more than it did at first, so this
    /// takes no longer than the product of both lengths.
    fn matches(&self, text: &str, clock: &Clock) -> Result<bool> {
        let (mut rest, mut at) = (text.chars(), 0);
        let mut last_any = None;
        for step in 1_u32.. {
            if step.is_multiple_of(STEPS_PER_CHECK) {
                clock.check()?;
            }
            let part = self.parts.get(at);
            if let Some(Part::Any) = part {
                at += 1;
                if at == self.parts.len() {
                    return Ok(true);
                }
                last_any = Some((at, rest.clone()));
                continue;
            }
            let mut behind = rest.clone();
            match (part, behind.next()) {
                (None, None) => return Ok(true),
                (Some(part), Some(c)) if self.is(part, c) => {
                    rest = behind;
                    at += 1;
                }
                _ => {
                    let Some((after, from)) = &mut last_any else { return Ok(false) };
                    if from.next().is_none() {
                        return Ok(false);
                    }
                    rest = from.clone();
                    at = *after;
                }
            }
        }
        Err(failure(ffi::SQLITE_INTERRUPT))
    }

    fn is(&self, part: &Part, c: char) -> bool {
        match part {
            Part::Any | Part::One => true,
            Part::Exactly(own) if self.ignores_case => own.eq_ignore_ascii_case(&c),
            Part::Exactly(own) => *own == c,
            Part::Set { inverted, ranges } => {
                ranges.iter().any(|(first, last)| (first..=last).contains(&&c)) != *inverted
            }
            Part::Nothing => false,
        }
    }
}

/// What follows a `[`, up to the `]`.
fn set(rest: &mut std::str::Chars<'_>) -> Part {
    let (mut ranges, mut prior, mut inverted) = (Vec::new(), None, false);
    let mut next = rest.next();
    if next == Some('^') {
        inverted = true;
        next = rest.next();
    }
    if next == Some(']') {
        ranges.push((']', ']'));
        next = rest.next();
    }
    while let Some(c) = next {
        if c == ']' {
            return Part::Set { inverted, ranges };
        }
        let follows = rest.clone().next();
        match (c, prior, follows) {
            ('-', Some(first), Some(last)) if last != ']' => {
                rest.next();
                ranges.push((first, last));
                prior = None;
            }
            _ => {
                ranges.push((c, c));
                prior = Some(c);
            }
        }
        next = rest.next();
    }
    Part::Nothing
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn connection(clock: &Clock) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        add(&connection, &Limits::default(), clock).unwrap();
        connection
    }

    #[test]
    fn they_say_what_those_of_sqlite_say() {
        let (theirs, ours) = (Connection::open_in_memory().unwrap(), connection(&Clock::new()));
        let mut differing = Vec::new();
        let mut compare = |expression: &str| {
            let said = |connection: &Connection| -> String {
                let select = format!("select quote({expression})");
                connection
                    .query_row(&select, [], |row| row.get(0))
                    .unwrap_or_else(|error| error.to_string())
            };
            if said(&ours) != said(&theirs) {
                differing.push((expression.to_owned(), said(&ours), said(&theirs)));
            }
        };
        for expression in [
            "'a' like 'A'",
            "'가나다' like '가_다'",
            "'é' like 'É'",
            "null like 'a'",
            "'a' like null",
            "'a' like 'a' escape null",
            "15 like '1_'",
            "1.5 like '1.5'",
            "1e20 like '1.0e+20'",
            "(0.1 + 0.2) glob '0.3*'",
            "x'616263' like 'ab_'",
            "'a%b' like 'a!%b' escape '!'",
            "'a_b' like 'a!_b' escape '!'",
            "'axb' like 'a!_b' escape '!'",
            "'ab' like 'ab!' escape '!'",
            "'a%' like 'a%%' escape '%'",
            "'ab' like 'a_' escape '_'",
            "'a_' like 'a__' escape '_'",
            "'a' like 'a' escape 'xy'",
            "'a' like 'a' escape ''",
            "'AB' like 'a!B' escape '!'",
            "('a' || char(0) || 'b') like 'a'",
            "'a' glob 'A'",
            "'가나다' glob '가*'",
            "null glob 'a'",
            "'' like ''",
            "'' like '%'",
            "'' like '_'",
            "'' glob '[^a]'",
        ] {
            compare(expression);
        }
        let texts = ["", "a", "ab", "ba", "aab", "abab", "b]", "-", "a-b", "^", "c"];
        for pattern in
            ["%", "a%", "%a", "%a%", "a%b", "%ab", "%a%b%", "_%", "%_", "__", "a_b", "%b%a", "%%a_"]
        {
            texts.iter().for_each(|text| compare(&format!("'{text}' like '{pattern}'")));
        }
        for pattern in [
            "*", "a*", "*b", "?", "[ab]", "[^ab]*", "[a-c]", "*[b-]", "[]a]*", "[^]]", "[a", "a[",
            "*[a-", "[-a]", "[a-]*", "[a-b-c]*", "[^a-b]", "[]", "[^]", "*]", "?*b", "[b-a]",
            "[a]*[b]",
        ] {
            texts.iter().for_each(|text| compare(&format!("'{text}' glob '{pattern}'")));
        }
        assert!(differing.is_empty(), "{differing:#?}");
    }

    #[test]
    fn they_end_when_their_time_is_over() {
        let clock = Clock::new();
        let connection = connection(&clock);
        let long = "select printf('%.3000000c', 'a') like '%' || printf('%.900c', 'a') || 'b'";
        clock.stop_after(Some(Duration::from_millis(20)));
        let started = std::time::Instant::now();
        let error = connection.query_row(long, [], |row| row.get::<_, bool>(0)).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::OperationInterrupted));
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        let many = format!("select 'a' like '%'{}", ", 'a' like 'b'".repeat(100));
        assert!(connection.query_row(&many, [], |_| Ok(())).is_err(), "it is over for all");
    }
}
