//! A hospital's id as the component review gives it: opaque here.

use super::Refusal;

/// The longest id; HIRA's have about 80 characters.
const MAX_LENGTH: usize = 100;

/// Made of the characters that review's ids have, so that it stands in an address as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HospitalId(String);

impl HospitalId {
    pub(crate) fn new(text: &str) -> Result<Self, Refusal> {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b);
        if text.is_empty() || text.len() > MAX_LENGTH || !text.bytes().all(is_allowed) {
            return Err(Refusal {
                code: "invalid_id",
                detail: "must be the id of a hospital, 1 to 100 of the characters A-Z a-z 0-9 + / = _ -",
            });
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::HospitalId;

    #[test]
    fn ids_are_those_of_review() {
        for id in [
            "SYN-0001",
            "JDQ4MTg4MSM1MSMkMSMkMCMkNzIkNTgxOTYxIzQxIyQyIyQ4IyQwMCQ=",
            &"a".repeat(100),
        ] {
            assert!(HospitalId::new(id).is_ok(), "{id}");
        }
        for id in ["", "a b", "한글", "a\0", "a.b", &"a".repeat(101)] {
            assert!(HospitalId::new(id).is_err(), "{id}");
        }
    }
}
