//! What is signed and what is hashed, byte for byte, as `docs/passes.md` writes it down. The same
//! bytes are made by the browser; `tests/vectors/statements.json` holds both to them.

use sha2::{Digest, Sha256};

/// `previous` of the first entry of a log.
pub const NO_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// `N(…)`: the fields as netstrings, so that no two lists of fields look alike.
pub fn netstrings(fields: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(fields.iter().map(|field| field.len() + 8).sum());
    for field in fields {
        bytes.extend_from_slice(format!("{}:{field},", field.len()).as_bytes());
    }
    bytes
}

/// What a review key says.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    pub hospital_id: &'a str,
    pub year: i64,
    pub revision: i64,
    pub action: Action<'a>,
}

#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// Publish or edit. Stars in the order treatment, explanation, kindness, facilities, cost, honesty.
    Publish {
        title: &'a str,
        body: &'a str,
        stars: [i64; 6],
    },
    Withdraw,
    /// Object to being hidden.
    Appeal {
        statement: &'a str,
    },
    /// Ask what became of the review. It is no statement, and its revision is 0.
    Read,
}

impl Statement<'_> {
    /// The message that Ed25519 signs.
    pub fn message(&self) -> Vec<u8> {
        let (year, revision) = (self.year.to_string(), self.revision.to_string());
        let digits;
        let (name, rest): (&str, Vec<&str>) = match self.action {
            Action::Publish { title, body, stars } => {
                digits = stars.iter().map(i64::to_string).collect::<String>();
                ("publish", vec![title, body, &digits])
            }
            Action::Withdraw => ("withdraw", Vec::new()),
            Action::Appeal { statement } => ("appeal", vec![statement]),
            Action::Read => ("read", Vec::new()),
        };
        let head = ["jinmaek-review-v1", name, self.hospital_id, &year, &revision];
        netstrings(&[&head[..], &rest].concat())
    }
}

/// An entry of the log of pass keys.
#[derive(Debug, Clone, Copy)]
pub struct PassKey<'a> {
    /// From 1.
    pub index: i64,
    pub hospital_id: &'a str,
    pub year: i64,
    /// Base64url without padding.
    pub public_key: &'a str,
    pub previous: &'a str,
}

impl PassKey<'_> {
    /// 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        let (index, year) = (self.index.to_string(), self.year.to_string());
        let Self { hospital_id, public_key, previous, .. } = *self;
        hash(&["jinmaek-pass-key-v1", &index, hospital_id, &year, public_key, previous])
    }
}

/// An entry of the moderation log.
#[derive(Debug, Clone, Copy)]
pub struct ModerationAct<'a> {
    /// From 1.
    pub index: i64,
    /// `YYYY-MM-DD`, in Seoul.
    pub day: &'a str,
    pub act: &'a str,
    pub hospital_id: &'a str,
    /// Empty where the act is about a hospital.
    pub review_id: &'a str,
    /// Empty where the act has none.
    pub reason: &'a str,
    pub previous: &'a str,
}

impl ModerationAct<'_> {
    /// 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        let index = self.index.to_string();
        let Self { day, act, hospital_id, review_id, reason, previous, .. } = *self;
        let fields =
            ["jinmaek-moderation-v1", &index, day, act, hospital_id, review_id, reason, previous];
        hash(&fields)
    }
}

fn hash(fields: &[&str]) -> String {
    let digest = Sha256::digest(netstrings(fields));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ed25519_dalek::{Signer, SigningKey};
    use serde_json::Value;

    use super::*;

    fn vectors() -> Value {
        let text = include_str!("../../../tests/vectors/statements.json");
        serde_json::from_str(text).expect("the vectors are JSON")
    }

    fn text<'a>(value: &'a Value, name: &str) -> &'a str {
        value[name].as_str().expect(name)
    }

    fn number(value: &Value, name: &str) -> i64 {
        value[name].as_i64().expect(name)
    }

    #[test]
    fn fields_are_counted_in_bytes() {
        assert_eq!(netstrings(&["새", "7", ""]), "3:새,1:7,0:,".as_bytes());
    }

    #[test]
    fn statements_are_signed_as_the_vectors_say() {
        let vectors = vectors();
        for vector in vectors["statements"].as_array().expect("statements") {
            let stars: Vec<i64> = text_or_empty(vector, "stars")
                .bytes()
                .map(|digit| i64::from(digit - b'0'))
                .collect();
            let action = match text(vector, "action") {
                "publish" => Action::Publish {
                    title: text(vector, "title"),
                    body: text(vector, "body"),
                    stars: stars.try_into().expect("six stars"),
                },
                "withdraw" => Action::Withdraw,
                _ => Action::Appeal { statement: text(vector, "statement") },
            };
            let statement = Statement {
                hospital_id: text(vector, "hospital_id"),
                year: number(vector, "year"),
                revision: number(vector, "revision"),
                action,
            };
            let message = statement.message();
            assert_eq!(String::from_utf8_lossy(&message), text(vector, "message"));
            let seed = URL_SAFE_NO_PAD.decode(text(vector, "seed")).expect("Base64");
            let key = SigningKey::from_bytes(&seed.try_into().expect("32 bytes"));
            let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
            assert_eq!(public, text(vector, "public_key"));
            let signature = URL_SAFE_NO_PAD.encode(key.sign(&message).to_bytes());
            assert_eq!(signature, text(vector, "signature"));
        }
    }

    fn text_or_empty<'a>(value: &'a Value, name: &str) -> &'a str {
        value[name].as_str().unwrap_or_default()
    }

    #[test]
    fn the_key_log_is_chained_as_the_vectors_say() {
        let vectors = vectors();
        let mut previous = NO_PREVIOUS;
        for vector in vectors["pass_keys"].as_array().expect("pass_keys") {
            assert_eq!(text(vector, "previous"), previous);
            let entry = PassKey {
                index: number(vector, "index"),
                hospital_id: text(vector, "hospital_id"),
                year: number(vector, "year"),
                public_key: text(vector, "public_key"),
                previous,
            };
            assert_eq!(entry.hash(), text(vector, "hash"));
            previous = text(vector, "hash");
        }
    }

    #[test]
    fn the_moderation_log_is_chained_as_the_vectors_say() {
        let vectors = vectors();
        let mut previous = NO_PREVIOUS;
        for vector in vectors["moderation_acts"].as_array().expect("moderation_acts") {
            assert_eq!(text(vector, "previous"), previous);
            let entry = ModerationAct {
                index: number(vector, "index"),
                day: text(vector, "day"),
                act: text(vector, "act"),
                hospital_id: text(vector, "hospital_id"),
                review_id: text(vector, "review_id"),
                reason: text(vector, "reason"),
                previous,
            };
            assert_eq!(entry.hash(), text(vector, "hash"));
            previous = text(vector, "hash");
        }
    }
}
