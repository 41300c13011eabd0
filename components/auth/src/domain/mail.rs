//! Work-mail addresses, their domains, and the codes that are sent to them.

use subtle::ConstantTimeEq;

use super::Refusal;

/// How long a code is good for: long enough for a slow mail server, too short to try a million.
pub(crate) const CODE_MILLIS: i64 = 10 * 60 * 1000;

/// Tries for one code.
pub(crate) const TRIES: i64 = 5;

/// RFC 5321 section 4.5.3.1.
const MAX_ADDRESS: usize = 254;
const MAX_LOCAL: usize = 64;
/// RFC 1035 section 2.3.4.
const MAX_LABEL: usize = 63;

/// A domain in lower case, of two labels at least. International ones are written as `xn--…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Domain(String);

impl Domain {
    pub(crate) fn new(text: &str) -> Result<Self, Refusal> {
        let domain = text.to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=MAX_LABEL).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // An address of IPv4 ends with digits.
        let has_top = domain
            .rsplit_once('.')
            .is_some_and(|(_, top)| top.starts_with(|c: char| c.is_ascii_alphabetic()));
        if domain.len() > MAX_ADDRESS || !has_top || !domain.split('.').all(is_label) {
            return Err(Refusal {
                code: "invalid_domain",
                detail: "must be a domain such as hospital.co.kr",
            });
        }
        Ok(Self(domain))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address to send to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Address {
    local: String,
    domain: Domain,
}

impl Address {
    /// Of the local part only the characters that need no quotes (RFC 5322 section 3.2.3).
    pub(crate) fn new(text: &str) -> Result<Self, Refusal> {
        let refusal = Refusal {
            code: "invalid_address",
            detail: "must be a mail address such as name@hospital.co.kr",
        };
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(refusal)?;
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&b);
        let is_local = (1..=MAX_LOCAL).contains(&local.len())
            && local.bytes().all(is_allowed)
            && local.split('.').all(|atom| !atom.is_empty())
            && !local.starts_with('+');
        if !is_local || text.len() > MAX_ADDRESS {
            return Err(refusal);
        }
        let domain = Domain::new(domain).map_err(|_| refusal)?;
        Ok(Self { local: local.to_owned(), domain })
    }

    pub(crate) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// As it was typed, to send to.
    pub(crate) fn to_text(&self) -> String {
        format!("{}@{}", self.local, self.domain.0)
    }

    /// The mailbox behind it: in lower case and without a tag, `kim+a@b.kr` being `kim@b.kr`,
    /// so that one mailbox proves one account.
    pub(crate) fn mailbox(&self) -> String {
        let name = self.local.split('+').next().unwrap_or_default();
        format!("{}@{}", name.to_ascii_lowercase(), self.domain.0)
    }
}

/// Six digits of random bytes.
pub(crate) fn code(random: [u8; 8]) -> String {
    // The remainder favours no code by more than one in 10^13.
    format!("{:06}", u64::from_le_bytes(random) % 1_000_000)
}

pub(crate) fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit())
}

/// What is kept of a code that was sent.
pub(crate) struct SentCode {
    pub(crate) hash: String,
    pub(crate) tries: i64,
    pub(crate) expires_at: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    Wrong,
    Expired,
    NoTriesLeft,
}

impl SentCode {
    /// Judges a code by its hash.
    pub(crate) fn judge(&self, hash: &str, now: i64) -> Verdict {
        if now >= self.expires_at {
            Verdict::Expired
        } else if self.tries >= TRIES {
            Verdict::NoTriesLeft
        } else if bool::from(self.hash.as_bytes().ct_eq(hash.as_bytes())) {
            Verdict::Right
        } else {
            Verdict::Wrong
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_names() {
        for (text, domain) in [
            ("Gaon.Example", "gaon.example"),
            ("a-b.co.kr", "a-b.co.kr"),
            ("xn--hq1bn4h.kr", "xn--hq1bn4h.kr"),
        ] {
            assert_eq!(Domain::new(text).unwrap().as_str(), domain);
        }
        for text in [
            "",
            "localhost",
            "a..b",
            ".a.b",
            "-a.kr",
            "a-.kr",
            "10.0.0.1",
            "가온.kr",
            "a b.kr",
            "a.kr/x",
            "a@b.kr",
        ] {
            assert!(Domain::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_are_plain() {
        for text in ["kim@gaon.example", "k.im+x@gaon.example", " O'Neil_3@A.kr "] {
            assert!(Address::new(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "kim",
            "@a.kr",
            "kim@",
            "a b@a.kr",
            "\"a\"@a.kr",
            "a@b@c d",
            "김@a.kr",
            ".a@a.kr",
            "a..b@a.kr",
            "+a@a.kr",
            "a@a.kr\r\nBcc: b@b.kr",
            "a,b@a.kr",
            "a<b@a.kr",
        ] {
            assert!(Address::new(text).is_err(), "{text}");
        }
        assert!(Address::new(&format!("{}@a.kr", "a".repeat(65))).is_err());
    }

    #[test]
    fn one_mailbox_is_one_address() {
        let mailbox = |text: &str| Address::new(text).unwrap().mailbox();
        assert_eq!(mailbox("Kim+a+b@Gaon.Example"), "kim@gaon.example");
        assert_ne!(mailbox("k.im@gaon.example"), mailbox("kim@gaon.example"));
        assert_eq!(Address::new("Kim+a@Gaon.Example").unwrap().to_text(), "Kim+a@gaon.example");
    }

    #[test]
    fn codes_have_six_digits() {
        assert_eq!(code([0; 8]), "000000");
        assert_eq!(code(1_000_042_u64.to_le_bytes()), "000042");
        assert!(is_code("000042") && !is_code("42") && !is_code("00004a") && !is_code("٠٠٠٠٤٢"));
    }

    #[test]
    fn a_code_is_good_for_ten_minutes_and_five_tries() {
        let sent = |tries| SentCode { hash: "right".into(), tries, expires_at: CODE_MILLIS };
        assert_eq!(sent(4).judge("right", CODE_MILLIS - 1), Verdict::Right);
        assert_eq!(sent(4).judge("wrong", 0), Verdict::Wrong);
        assert_eq!(sent(5).judge("right", 0), Verdict::NoTriesLeft);
        assert_eq!(sent(0).judge("right", CODE_MILLIS), Verdict::Expired);
    }
}
