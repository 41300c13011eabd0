//! Names for an account that only this installation can make, and nobody can turn back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// 22 characters of base64url: 132 bits, so that no two accounts ever meet.
const LENGTH: usize = 22;

/// The key of all pseudonyms. It is made once and never changes: with another one every
/// insider would lose what they wrote.
pub(crate) struct PseudonymSecret(Vec<u8>);

impl PseudonymSecret {
    /// From its stored form, base64url.
    pub(crate) fn decode(text: &str) -> Result<Self, String> {
        let secret = URL_SAFE_NO_PAD.decode(text).map_err(|error| error.to_string())?;
        if secret.len() < 32 {
            return Err(format!("{} bytes", secret.len()));
        }
        Ok(Self(secret))
    }

    /// The `sub` of an account's tokens, under which the board keeps its rows.
    pub(crate) fn subject(&self, account_id: &str) -> String {
        self.keyed(&[account_id])
    }

    /// The name of a throttle's counter.
    pub(crate) fn bucket(&self, parts: &[&str]) -> String {
        self.keyed(&[&["throttle"], parts].concat())
    }

    /// Parts are divided by NUL, which is in none of them, so that no two lists look alike.
    fn keyed(&self, parts: &[&str]) -> String {
        // HMAC takes a key of any length, so the other arm cannot be reached.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(parts.join("\0").as_bytes());
        let mut name = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        name.truncate(LENGTH);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::PseudonymSecret;

    #[test]
    fn names_differ_by_use_account_and_installation() {
        let secret = PseudonymSecret(vec![1; 32]);
        let other = PseudonymSecret(vec![2; 32]);
        let names = [
            secret.subject("a"),
            secret.subject("b"),
            secret.bucket(&["a"]),
            secret.bucket(&["a", "b"]),
            secret.bucket(&["ab"]),
            other.subject("a"),
        ];
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        assert!(names.iter().all(|name| name.len() == 22));
        assert_eq!(secret.subject("a"), PseudonymSecret(vec![1; 32]).subject("a"));
    }

    #[test]
    fn a_stored_secret_is_checked() {
        assert!(PseudonymSecret::decode("").is_err());
        assert!(PseudonymSecret::decode("*").is_err());
        assert!(PseudonymSecret::decode(&"A".repeat(43)).is_ok());
    }
}
