//! Refresh tokens: each is used once and followed by the next of its family.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How long a browser that does not come back stays signed in.
pub(crate) const LIFETIME_MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Two tabs may use the same token at once. The one that comes second within this time is
/// not a thief.
const GRACE_MILLIS: i64 = 10_000;

/// A token as its cookie holds it: `FAMILY.SECRET`, both random, in base64url. The family
/// finds the row; only the secret proves anything.
pub(crate) struct RefreshToken {
    family: [u8; 16],
    secret: [u8; 32],
}

/// What is kept of a family.
pub(crate) struct Family {
    pub(crate) token_hash: String,
    pub(crate) previous_hash: Option<String>,
    /// When the newest token was made. Epoch milliseconds, as is `expires_at`.
    pub(crate) rotated_at: i64,
    pub(crate) expires_at: i64,
}

/// What a token that was presented deserves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The newest one: a new access token and the next refresh token.
    Rotate,
    /// Replaced a moment ago by another tab: a new access token only.
    AccessOnly,
    /// Too old: sign in again.
    Expired,
    /// Replaced long ago, so two hold tokens of this family and one of them stole it.
    Reused,
}

impl RefreshToken {
    pub(crate) fn first(family: [u8; 16], secret: [u8; 32]) -> Self {
        Self { family, secret }
    }

    pub(crate) fn next(&self, secret: [u8; 32]) -> Self {
        Self { family: self.family, secret }
    }

    pub(crate) fn parse(cookie: &str) -> Option<Self> {
        let (family, secret) = cookie.split_once('.')?;
        Some(Self { family: decode(family)?, secret: decode(secret)? })
    }

    pub(crate) fn cookie(&self) -> String {
        format!("{}.{}", self.family(), URL_SAFE_NO_PAD.encode(self.secret))
    }

    pub(crate) fn family(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.family)
    }

    /// What is stored instead of the token. A secret of 32 random bytes cannot be guessed from
    /// its hash, so it needs no salt and no slow function.
    pub(crate) fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.secret))
    }
}

impl Family {
    pub(crate) fn judge(&self, token: &RefreshToken, now: i64) -> Verdict {
        let hash = token.hash();
        let is = |kept: &str| bool::from(kept.as_bytes().ct_eq(hash.as_bytes()));
        if now >= self.expires_at {
            Verdict::Expired
        } else if is(&self.token_hash) {
            Verdict::Rotate
        } else if self.previous_hash.as_deref().is_some_and(is)
            && now - self.rotated_at <= GRACE_MILLIS
        {
            Verdict::AccessOnly
        } else {
            Verdict::Reused
        }
    }
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn token(secret: u8) -> RefreshToken {
        RefreshToken::first([1; 16], [secret; 32])
    }

    /// The second token replaced the first at `NOW`.
    fn rotated() -> Family {
        Family {
            token_hash: token(2).hash(),
            previous_hash: Some(token(1).hash()),
            rotated_at: NOW,
            expires_at: NOW + LIFETIME_MILLIS,
        }
    }

    #[test]
    fn the_newest_token_rotates_until_it_expires() {
        let family = rotated();
        assert_eq!(family.judge(&token(2), NOW), Verdict::Rotate);
        assert_eq!(family.judge(&token(2), NOW + LIFETIME_MILLIS - 1), Verdict::Rotate);
        assert_eq!(family.judge(&token(2), NOW + LIFETIME_MILLIS), Verdict::Expired);
    }

    #[test]
    fn the_one_before_is_excused_for_ten_seconds() {
        let family = rotated();
        assert_eq!(family.judge(&token(1), NOW + 10_000), Verdict::AccessOnly);
        assert_eq!(family.judge(&token(1), NOW + 10_001), Verdict::Reused);
    }

    #[test]
    fn any_older_one_is_reuse() {
        assert_eq!(rotated().judge(&token(0), NOW), Verdict::Reused);
    }

    #[test]
    fn a_cookie_reads_back_and_nothing_else_does() {
        let cookie = token(3).cookie();
        let read = RefreshToken::parse(&cookie).unwrap();
        assert_eq!((read.family(), read.hash()), (token(3).family(), token(3).hash()));
        for other in ["", ".", "a.b", &cookie[1..], &format!("{cookie}.x"), &format!("{cookie}A")] {
            assert!(RefreshToken::parse(other).is_none(), "{other}");
        }
    }
}
