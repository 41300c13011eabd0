//! Whether a review key has signed a statement (RFC 8032), whose bytes `canonical` makes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canonical::{Action, Statement};
use ed25519_dalek::{Signature, VerifyingKey};

use super::review::Draft;

pub(crate) const PUBLIC_KEY_BYTES: usize = 32;
pub(crate) const SIGNATURE_BYTES: usize = 64;
/// The output of the VOPRF with ristretto255-SHA512 (RFC 9497 section 4.1).
pub(crate) const PASS_BYTES: usize = 64;

/// Base64url without padding of so many bytes, in the one way to write them.
pub(crate) fn is_bytes(text: &str, length: usize) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == length)
}

pub(crate) fn publish(draft: &Draft) -> Action<'_> {
    Action::Publish { title: &draft.title, body: &draft.body, stars: draft.stars.into_array() }
}

/// Strict: keys of small order and signatures that could be rewritten are refused.
pub(crate) fn is_signed(statement: &Statement<'_>, public_key: &str, signature: &str) -> bool {
    let bytes = |text| URL_SAFE_NO_PAD.decode(text).ok();
    let key = bytes(public_key).and_then(|bytes| bytes.try_into().ok());
    let key = key.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    let signature = bytes(signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
    let (Some(key), Some(signature)) = (key, signature) else { return false };
    key.verify_strict(&statement.message(), &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn vectors() -> Vec<Value> {
        let text = include_str!("../../../../tests/vectors/statements.json");
        let vectors: Value = serde_json::from_str(text).unwrap();
        vectors["statements"].as_array().unwrap().clone()
    }

    fn holds(vector: &Value) -> bool {
        let text = |name: &str| vector[name].as_str().unwrap_or_default();
        let digits: Vec<i64> = text("stars").bytes().map(|digit| i64::from(digit - b'0')).collect();
        let stars = digits.try_into().unwrap_or_default();
        let action = match text("action") {
            "publish" => Action::Publish { title: text("title"), body: text("body"), stars },
            "withdraw" => Action::Withdraw,
            _ => Action::Appeal { statement: text("statement") },
        };
        let statement = Statement {
            hospital_id: text("hospital_id"),
            year: vector["year"].as_i64().unwrap(),
            revision: vector["revision"].as_i64().unwrap(),
            action,
        };
        is_signed(&statement, text("public_key"), text("signature"))
    }

    #[test]
    fn what_the_key_signed_holds_and_nothing_else() {
        for vector in vectors() {
            assert!(holds(&vector), "{vector}");
            for (field, value) in [
                ("hospital_id", "SYN-0009".into()),
                ("year", 2025.into()),
                ("revision", 9.into()),
                ("public_key", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into()),
                ("signature", "A".repeat(86).into()),
                ("signature", "".into()),
                ("public_key", "AA".into()),
            ] as [(&str, Value); 7]
            {
                let mut tampered = vector.clone();
                tampered[field] = value;
                assert!(!holds(&tampered), "{field} of {vector}");
            }
        }
    }

    #[test]
    fn a_key_of_small_order_signs_nothing() {
        let statement =
            Statement { hospital_id: "a", year: 1, revision: 1, action: Action::Withdraw };
        let identity = URL_SAFE_NO_PAD.encode([[1].as_slice(), &[0; 31]].concat());
        let signature = URL_SAFE_NO_PAD.encode([[1].as_slice(), &[0; 63]].concat());
        assert!(!is_signed(&statement, &identity, &signature));
    }

    #[test]
    fn bytes_are_written_in_one_way() {
        assert!(is_bytes(&"A".repeat(43), PUBLIC_KEY_BYTES));
        // The last character holds four bits; the others have to be zero.
        assert!(!is_bytes(&format!("{}B", "A".repeat(42)), PUBLIC_KEY_BYTES));
        assert!(!is_bytes(&format!("{}=", "A".repeat(43)), PUBLIC_KEY_BYTES));
        assert!(!is_bytes("", PUBLIC_KEY_BYTES));
    }
}
