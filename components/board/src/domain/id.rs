use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of a post or a comment: a UUID (RFC 9562) in lower case with hyphens, and in no
/// other form, so that a thing has one address only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Id(String);

impl From<Uuid> for Id {
    fn from(uuid: Uuid) -> Self {
        Self(uuid.hyphenated().to_string())
    }
}

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let id = Uuid::try_parse(&text).map(Self::from).map_err(|_| "not an id")?;
        if id.0 == text { Ok(id) } else { Err("not an id") }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn only_the_canonical_form_is_an_id() {
        let is_id = |text: &str| Id::try_from(text.to_owned()).is_ok();
        assert!(is_id("018f3c5e-7b1a-7c3e-9d2f-0123456789ab"));
        assert!(!is_id("018F3C5E-7B1A-7C3E-9D2F-0123456789AB"));
        assert!(!is_id("018f3c5e7b1a7c3e9d2f0123456789ab"));
        assert!(!is_id("{018f3c5e-7b1a-7c3e-9d2f-0123456789ab}"));
        assert!(!is_id("1"));
        assert!(!is_id(""));
        assert!(!is_id("\0"));
    }
}
