//! Login names.

use std::ops::RangeInclusive;

use super::Refusal;

/// Long enough to be told apart, short enough to be typed. The OpenAPI document says the same.
const LENGTH: RangeInclusive<usize> = 3..=30;

/// A login name in its one written form: lower-case ASCII, so that no two logins look alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Login(String);

impl Login {
    pub(crate) fn new(typed: &str) -> Result<Self, Refusal> {
        let login = typed.to_ascii_lowercase();
        if login.is_empty() {
            return Err(Refusal { code: "required", detail: "must not be empty" });
        }
        if !login.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')) {
            return Err(Refusal {
                code: "invalid_characters",
                detail: "may have letters a to z, digits, - and _ only",
            });
        }
        if login.len() < *LENGTH.start() {
            return Err(Refusal { code: "too_short", detail: "must have at least 3 characters" });
        }
        if login.len() > *LENGTH.end() {
            return Err(Refusal { code: "too_long", detail: "must have at most 30 characters" });
        }
        Ok(Self(login))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Login;

    fn refused(typed: &str) -> &'static str {
        Login::new(typed).unwrap_err().code
    }

    #[test]
    fn letters_become_lower_case() {
        assert_eq!(Login::new("Kim_Ji-Woo3").unwrap().as_str(), "kim_ji-woo3");
    }

    #[test]
    fn lengths_are_held() {
        assert_eq!(refused(""), "required");
        assert_eq!(refused("ab"), "too_short");
        assert!(Login::new("abc").is_ok());
        assert!(Login::new(&"a".repeat(30)).is_ok());
        assert_eq!(refused(&"a".repeat(31)), "too_long");
    }

    #[test]
    fn look_alikes_and_controls_are_refused() {
        // A Kelvin sign, a full-width letter, a Cyrillic a, Hangul and a NUL.
        for typed in ["\u{212A}im", "ａbc", "\u{430}bc", "김지우", "abc\0", "a bc", " abc"] {
            assert_eq!(refused(typed), "invalid_characters", "{typed:?}");
        }
    }
}
