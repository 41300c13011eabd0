//! Proofs of employment: how long one holds, and what it allows. Times are epoch milliseconds.

use calendar::DAY_MILLIS;

/// A proof is made anew each year, because people move on.
pub(crate) const VALID_MILLIS: i64 = 365 * DAY_MILLIS;

/// How long one stays with a hospital before another one can be proven. People who really
/// change jobs wait once; who would collect hospitals gets four a year.
pub(crate) const COOLDOWN_MILLIS: i64 = 90 * DAY_MILLIS;

/// Who vouches has been proven this long, so that a chain of false colleagues grows slowly.
pub(crate) const VOUCHING_AGE_MILLIS: i64 = 30 * DAY_MILLIS;

/// How many moderators approve a document, and how many colleagues vouch.
pub(crate) const APPROVALS_NEEDED: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Mail,
    Document,
    Vouch,
}

impl Method {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Document => "document",
            Self::Vouch => "vouch",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Mail, Self::Document, Self::Vouch].into_iter().find(|it| it.name() == name)
    }
}

/// The one proof of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) hospital_id: String,
    pub(crate) method: Method,
    /// Since when the account has been proven at this hospital without a break.
    pub(crate) since: i64,
    pub(crate) expires_at: i64,
}

/// Why an account may not act for a hospital.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    NoProof,
    Expired,
    TooYoung,
}

impl Proof {
    pub(crate) fn is_valid(&self, now: i64) -> bool {
        now < self.expires_at
    }

    /// When another hospital may be proven.
    pub(crate) fn changeable_at(&self) -> i64 {
        self.since + COOLDOWN_MILLIS
    }

    /// When its owner may vouch for others.
    pub(crate) fn may_vouch_at(&self) -> i64 {
        self.since + VOUCHING_AGE_MILLIS
    }
}

/// Whether an account with this proof may prove `hospital_id` now; else when it may.
pub(crate) fn may_prove(proof: Option<&Proof>, hospital_id: &str, now: i64) -> Result<(), i64> {
    match proof {
        Some(proof) if proof.hospital_id != hospital_id && now < proof.changeable_at() => {
            Err(proof.changeable_at())
        }
        _ => Ok(()),
    }
}

/// The proof that replaces `before`.
pub(crate) fn proven(before: Option<&Proof>, hospital_id: &str, method: Method, now: i64) -> Proof {
    let kept = before.filter(|it| it.hospital_id == hospital_id && it.is_valid(now));
    Proof {
        hospital_id: hospital_id.to_owned(),
        method,
        since: kept.map_or(now, |it| it.since),
        expires_at: now + VALID_MILLIS,
    }
}

/// Whether the account may have a pass for the hospital.
pub(crate) fn works_at(proof: Option<&Proof>, hospital_id: &str, now: i64) -> Result<(), Lack> {
    match proof {
        Some(proof) if proof.hospital_id == hospital_id && proof.is_valid(now) => Ok(()),
        Some(proof) if proof.hospital_id == hospital_id => Err(Lack::Expired),
        _ => Err(Lack::NoProof),
    }
}

/// Whether the account may vouch for someone at the hospital.
pub(crate) fn may_vouch(proof: Option<&Proof>, hospital_id: &str, now: i64) -> Result<(), Lack> {
    works_at(proof, hospital_id, now)?;
    match proof {
        Some(proof) if now < proof.may_vouch_at() => Err(Lack::TooYoung),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn proof() -> Proof {
        proven(None, "A", Method::Mail, NOW)
    }

    #[test]
    fn a_proof_holds_for_a_year_at_its_hospital() {
        let proof = proof();
        assert_eq!(works_at(Some(&proof), "A", NOW + 365 * DAY_MILLIS - 1), Ok(()));
        assert_eq!(works_at(Some(&proof), "A", NOW + 365 * DAY_MILLIS), Err(Lack::Expired));
        assert_eq!(works_at(Some(&proof), "B", NOW), Err(Lack::NoProof));
        assert_eq!(works_at(None, "A", NOW), Err(Lack::NoProof));
    }

    #[test]
    fn another_hospital_waits_for_ninety_days() {
        let proof = proof();
        let later = NOW + 90 * DAY_MILLIS;
        assert_eq!(may_prove(Some(&proof), "B", later - 1), Err(later));
        assert_eq!(may_prove(Some(&proof), "B", later), Ok(()));
        assert_eq!(may_prove(Some(&proof), "A", NOW), Ok(()));
        assert_eq!(may_prove(None, "B", NOW), Ok(()));
    }

    #[test]
    fn colleagues_vouch_after_thirty_days() {
        let proof = proof();
        let later = NOW + 30 * DAY_MILLIS;
        assert_eq!(may_vouch(Some(&proof), "A", later - 1), Err(Lack::TooYoung));
        assert_eq!(may_vouch(Some(&proof), "A", later), Ok(()));
        assert_eq!(may_vouch(Some(&proof), "B", later), Err(Lack::NoProof));
        assert_eq!(may_vouch(Some(&proof), "A", NOW + VALID_MILLIS), Err(Lack::Expired));
    }

    #[test]
    fn a_proof_that_is_renewed_in_time_keeps_its_age() {
        let renewed = proven(Some(&proof()), "A", Method::Vouch, NOW + VALID_MILLIS - 1);
        assert_eq!((renewed.since, renewed.method), (NOW, Method::Vouch));
        let late = proven(Some(&proof()), "A", Method::Mail, NOW + VALID_MILLIS);
        assert_eq!(late.since, NOW + VALID_MILLIS);
        let moved = proven(Some(&proof()), "B", Method::Mail, NOW + 1);
        assert_eq!(moved.since, NOW + 1);
    }
}
