//! Names for insiders in what they did about one thing: a review that they reported, a proposal that
//! they made. Whoever reads this database and auth's, but has not the key, learns nobody from them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// 22 characters of base64url: 132 bits, so that no two insiders ever meet.
const NAME_LENGTH: usize = 22;

/// Tells one key from the next; 48 bits, of which nobody learns the key.
const KEY_NAME_LENGTH: usize = 8;

/// The key of all pseudonyms, which is in no database.
pub(crate) struct Pseudonyms(Vec<u8>);

/// What a pseudonym says of an insider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Same,
    Other,
    /// It was made with another key.
    Unknown,
}

impl Pseudonyms {
    /// Of any secret that is hard to guess.
    pub(crate) fn new(secret: &str) -> Self {
        Self(secret.as_bytes().to_vec())
    }

    /// Equal for the same insider and subject, and of no use to compare two subjects by.
    pub(crate) fn of(&self, subject: &str, insider: &str) -> String {
        let key = self.keyed(&["jinmaek-insider-key-v1"], KEY_NAME_LENGTH);
        let name = self.keyed(&["jinmaek-insider-v1", subject, insider], NAME_LENGTH);
        format!("{key}.{name}")
    }

    /// Whether this insider is who the pseudonym stands for.
    pub(crate) fn compare(&self, pseudonym: &str, subject: &str, insider: &str) -> Who {
        let own = self.of(subject, insider);
        if own == pseudonym {
            Who::Same
        } else if key_name(&own) == key_name(pseudonym) {
            Who::Other
        } else {
            Who::Unknown
        }
    }

    fn keyed(&self, fields: &[&str], length: usize) -> String {
        // HMAC takes a key of any length, so the other arm cannot be reached.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&canonical::netstrings(fields));
        let mut name = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        name.truncate(length);
        name
    }
}

fn key_name(pseudonym: &str) -> Option<&str> {
    pseudonym.split_once('.').map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_holds_for_one_insider_subject_and_key() {
        let (own, other) = (Pseudonyms::new("secret"), Pseudonyms::new("another"));
        let names = [own.of("a", "x"), own.of("b", "x"), own.of("a", "y"), other.of("a", "x")];
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        assert_eq!(names[0], Pseudonyms::new("secret").of("a", "x"));
        // As wide as the narrowest column.
        assert!(names.iter().all(|name| name.len() <= 64));
    }

    #[test]
    fn with_another_key_nobody_is_told_apart() {
        let own = Pseudonyms::new("secret");
        let name = own.of("a", "x");
        assert_eq!(own.compare(&name, "a", "x"), Who::Same);
        assert_eq!(own.compare(&name, "a", "y"), Who::Other);
        let next = Pseudonyms::new("another");
        for insider in ["x", "y"] {
            assert_eq!(next.compare(&name, "a", insider), Who::Unknown);
        }
        assert_eq!(own.compare(&"0".repeat(64), "a", "x"), Who::Unknown);
    }
}
