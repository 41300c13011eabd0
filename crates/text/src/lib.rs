//! What a person may write: one normal form and one set of rules for every text field.
//!
//! Lengths are counted in Unicode scalar values after normalisation, the unit of
//! `maxLength` in JSON Schema, so the OpenAPI documents state the same numbers.

mod search;

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;

pub use search::{initial_consonants, term_tokens, tokens};

/// Why a text is refused. `code` is stable and shown in a problem's `errors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Empty,
    TooShort(usize),
    TooLong(usize),
    ControlCharacter,
}

impl Refusal {
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "required",
            Self::TooShort(_) => "too_short",
            Self::TooLong(_) => "too_long",
            Self::ControlCharacter => "control_character",
        }
    }

    pub fn detail(self) -> String {
        match self {
            Self::Empty => "must not be empty".into(),
            Self::TooShort(least) => format!("must have at least {least} characters"),
            Self::TooLong(most) => format!("must have at most {most} characters"),
            Self::ControlCharacter => "must not contain control characters".into(),
        }
    }
}

/// One line of text: a title, a name, a search term. White space at both ends is dropped.
pub fn line(value: &str, length: RangeInclusive<usize>) -> Result<String, Refusal> {
    admit(value, length, |_| false)
}

/// Text of several lines. CRLF and CR become LF; tabs stay.
pub fn prose(value: &str, length: RangeInclusive<usize>) -> Result<String, Refusal> {
    let unix = value.replace("\r\n", "\n").replace('\r', "\n");
    admit(&unix, length, |c| matches!(c, '\n' | '\t'))
}

fn admit(
    value: &str,
    length: RangeInclusive<usize>,
    allowed: fn(char) -> bool,
) -> Result<String, Refusal> {
    // Normalisation can lengthen a text, but never more than threefold in NFC (UAX #15),
    // so a longer input is refused before any work is spent on it.
    if value.len() > length.end().saturating_mul(4 * 3) + 4 {
        return Err(Refusal::TooLong(*length.end()));
    }
    // NFC joins the combining Hangul that some keyboards and file systems send, so that a
    // search for the same word finds it.
    let text: String = value.trim().nfc().collect();
    if text.chars().any(|c| is_hidden(c) && !allowed(c)) {
        return Err(Refusal::ControlCharacter);
    }
    match text.chars().count() {
        0 if *length.start() > 0 => Err(Refusal::Empty),
        n if n < *length.start() => Err(Refusal::TooShort(*length.start())),
        n if n > *length.end() => Err(Refusal::TooLong(*length.end())),
        _ => Ok(text),
    }
}

/// Control characters, and the directional overrides that make a text read as another
/// one (UTS #39). The joiners that emoji are made of are neither.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combining_hangul_becomes_syllables_and_is_counted_as_them() {
        assert_eq!(line("\u{1112}\u{1161}\u{11AB}", 1..=1), Ok("한".into()));
    }

    #[test]
    fn emoji_sequences_survive() {
        assert_eq!(line("👩‍⚕️", 1..=10), Ok("👩‍⚕️".into()));
    }

    #[test]
    fn control_characters_are_refused_and_line_ends_kept_only_in_prose() {
        assert_eq!(line("a\0b", 1..=10), Err(Refusal::ControlCharacter));
        assert_eq!(line("a\nb", 1..=10), Err(Refusal::ControlCharacter));
        assert_eq!(line("a\u{202E}b", 1..=10), Err(Refusal::ControlCharacter));
        assert_eq!(prose("a\r\nb\rc", 1..=10), Ok("a\nb\nc".into()));
        assert_eq!(prose("a\u{7}b", 1..=10), Err(Refusal::ControlCharacter));
    }

    #[test]
    fn lengths_are_of_the_trimmed_text() {
        assert_eq!(line("   ", 1..=3), Err(Refusal::Empty));
        assert_eq!(line(" ab ", 3..=5), Err(Refusal::TooShort(3)));
        assert_eq!(line("abcdef", 1..=5), Err(Refusal::TooLong(5)));
        assert_eq!(line(&"a".repeat(1 << 20), 1..=5), Err(Refusal::TooLong(5)));
        assert_eq!(line("", 0..=5), Ok(String::new()));
    }
}
