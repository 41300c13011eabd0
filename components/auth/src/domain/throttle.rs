//! How often a password may be guessed.
//!
//! Every guess is counted before it is compared, and taken back when it was right. Three
//! counters hold it, because each alone fails:
//!
//! * of the login at one network: slows whoever guesses one password after another, and locks
//!   out nobody elsewhere;
//! * of the network: slows whoever tries one password on many logins;
//! * of the login everywhere: slows whoever guesses from many networks. It is the only one by
//!   which a stranger could lock an owner out, so a network at which the login was signed up or
//!   in lately is exempt from it. It is exempt from the network's counter as well, so that one
//!   guesser behind a hospital's shared address does not shut out the colleagues there.
//!
//! Logins that do not exist are counted alike, so a refusal tells nothing about them.

use std::net::{IpAddr, Ipv6Addr};

/// A leaky bucket: it takes `burst` at once and drains one every `interval_millis`. Its only
/// state is the time at which it is empty again, so nothing has to be swept or reset, and a
/// refused guess costs its owner nothing.
#[derive(Debug)]
pub(crate) struct Limit {
    burst: i64,
    interval_millis: i64,
}

/// Ten slips in a row are human; then one guess a minute, 1,440 a day.
pub(crate) const LOGIN_AT_NETWORK: Limit = Limit { burst: 10, interval_millis: 60_000 };

/// A hospital's whole staff may share an address; then 2,880 wrong guesses a day among them.
pub(crate) const NETWORK: Limit = Limit { burst: 100, interval_millis: 30_000 };

/// NIST SP 800-63B allows a hundred failures in a row at most; then 288 a day from everywhere.
pub(crate) const LOGIN: Limit = Limit { burst: 100, interval_millis: 300_000 };

/// Sign-ups that were told "taken": they tell whether a login exists.
pub(crate) const TAKEN_LOGINS_AT_NETWORK: Limit = Limit { burst: 100, interval_millis: 30_000 };

/// Mails with codes that one account asks for: a few slips, then one every ten minutes.
pub(crate) const MAILS_OF_ACCOUNT: Limit = Limit { burst: 5, interval_millis: 600_000 };

/// Mails to one mailbox, whoever asks for them: nobody is flooded.
pub(crate) const MAILS_TO_MAILBOX: Limit = Limit { burst: 3, interval_millis: 600_000 };

/// Wrong codes from one network, where a hospital's whole staff may be: 2,880 a day.
pub(crate) const CODES_AT_NETWORK: Limit = Limit { burst: 100, interval_millis: 30_000 };

/// Wrong codes for one domain, from everywhere: 1,440 a day of a million codes, so that many
/// accounts together do not guess their way in.
pub(crate) const CODES_OF_DOMAIN: Limit = Limit { burst: 500, interval_millis: 60_000 };

/// Domains that one account may put before the moderators.
pub(crate) const DOMAINS_OF_ACCOUNT: Limit = Limit { burst: 5, interval_millis: 24 * 3_600_000 };

/// Documents that one account may upload, each of up to 1 MiB.
pub(crate) const DOCUMENTS_OF_ACCOUNT: Limit = Limit { burst: 5, interval_millis: 24 * 3_600_000 };

/// Vouch codes that one account may try.
pub(crate) const VOUCHES_OF_ACCOUNT: Limit = Limit { burst: 20, interval_millis: 60_000 };

/// How long a network counts as its owner's after a sign-in there.
pub(crate) const FAMILIAR_MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

impl Limit {
    /// When a bucket that is empty at `drained_at` will be empty with one more in it, or how
    /// long to wait, in seconds, if it is full. Times are epoch milliseconds.
    pub(crate) fn charge(&self, drained_at: i64, now: i64) -> Result<i64, u64> {
        let charged = drained_at.max(now).saturating_add(self.interval_millis);
        let excess = charged - now - self.burst * self.interval_millis;
        if excess <= 0 {
            return Ok(charged);
        }
        Err(u64::try_from(excess).unwrap_or_default().div_ceil(1000))
    }

    /// A bucket that is empty by then takes another charge at `now`.
    pub(crate) fn has_room_until(&self, now: i64) -> i64 {
        now + (self.burst - 1) * self.interval_millis
    }

    /// How much one charge takes, which is how much a refund gives back.
    pub(crate) fn interval_millis(&self) -> i64 {
        self.interval_millis
    }
}

/// What one guesser holds: an IPv4 address, or the /64 that an IPv6 customer gets. Anything
/// else is taken as it stands.
pub(crate) fn network(address: &str) -> String {
    match address.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => Ipv6Addr::from(u128::from(v6) >> 64 << 64).to_string(),
        },
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, network};

    const LIMIT: Limit = Limit { burst: 3, interval_millis: 1_000 };

    #[test]
    fn a_burst_passes_and_then_one_per_interval() {
        let now = 1_000_000;
        let mut drained_at = 0;
        for _ in 0..3 {
            drained_at = LIMIT.charge(drained_at, now).unwrap();
        }
        assert_eq!(LIMIT.charge(drained_at, now), Err(1));
        assert_eq!(LIMIT.charge(drained_at, now + 999), Err(1));
        drained_at = LIMIT.charge(drained_at, now + 1_000).unwrap();
        assert_eq!(LIMIT.charge(drained_at, now + 1_001), Err(1));
    }

    #[test]
    fn a_long_pause_gives_one_burst_not_several() {
        let now = 1_000_000_000;
        let mut drained_at = 5;
        for _ in 0..3 {
            drained_at = LIMIT.charge(drained_at, now).unwrap();
        }
        assert!(LIMIT.charge(drained_at, now).is_err());
    }

    #[test]
    fn there_is_room_until_one_burst_is_charged() {
        let now = 1_000_000;
        for drained_at in [0, now, LIMIT.has_room_until(now)] {
            assert!(LIMIT.charge(drained_at, now).is_ok());
        }
        assert!(LIMIT.charge(LIMIT.has_room_until(now) + 1, now).is_err());
    }

    #[test]
    fn a_refund_takes_back_one() {
        let now = 1_000_000;
        let once = LIMIT.charge(0, now).unwrap();
        let twice = LIMIT.charge(once, now).unwrap();
        assert_eq!(twice - LIMIT.interval_millis(), once);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        assert_eq!(network("[2001:db8::1]"), network("2001:db8::ffff:1"));
        assert_ne!(network("[2001:db8::1]"), network("[2001:db8:0:1::1]"));
        assert_eq!(network("[::ffff:192.0.2.1]"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("unknown"), "unknown");
    }
}
