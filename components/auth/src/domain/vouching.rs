//! The code that a newcomer hands to colleagues who vouch.

use calendar::DAY_MILLIS;

/// Colleagues meet within two weeks.
pub(crate) const CODE_MILLIS: i64 = 14 * DAY_MILLIS;

/// Crockford's base 32: no letter looks like a digit or like another one.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Fifty bits: nobody guesses one of those that are open, at the pace that `throttle` allows.
const LENGTH: usize = 10;

pub(crate) fn code(random: [u8; LENGTH]) -> String {
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// A code as it may be typed, in its one written form; `None` where it cannot be one.
pub(crate) fn typed(text: &str) -> Option<String> {
    let mut code = String::with_capacity(LENGTH);
    for c in text.chars().filter(|c| !matches!(c, ' ' | '-')) {
        let c = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        };
        let is_ours = u8::try_from(c).is_ok_and(|b| ALPHABET.contains(&b));
        if !is_ours || code.len() == LENGTH {
            return None;
        }
        code.push(c);
    }
    (code.len() == LENGTH).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::{code, typed};

    #[test]
    fn a_code_is_read_however_it_is_written() {
        let code = code([0, 1, 31, 32, 40, 5, 6, 7, 8, 9]);
        assert_eq!(code, "01Z0856789");
        assert_eq!(typed(&code), Some(code.clone()));
        assert_eq!(typed(" o1z08-567 89"), Some(code.clone()));
        assert_eq!(typed("oiz0856789"), Some(code));
        for text in ["", "01Z085678", "01Z08567890", "01Z085678U", "가나다라마바사아자차"]
        {
            assert_eq!(typed(text), None, "{text}");
        }
    }
}
