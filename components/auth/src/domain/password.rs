//! Passwords: what may be chosen, and how one is kept.

use std::ops::RangeInclusive;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization;

use super::Refusal;
use super::login::Login;

/// In characters. NIST SP 800-63B asks for eight at least; ten keep a guesser who has to
/// stay below our throttle from the lists of leaked passwords. The upper end bounds the work.
const LENGTH: RangeInclusive<usize> = 10..=128;

/// Fewer different characters than this is a pattern, such as `1111111111` or `1212121212`.
const LEAST_DISTINCT: usize = 4;

/// The passwords of ten characters and more that are guessed first, in lower case, one a line.
/// Korean keyboards are among them: `dkssudgktpdy` is 안녕하세요 typed on Latin keys.
const COMMONEST: &str = include_str!("commonest_passwords.txt");

/// OWASP's floor for Argon2id, which DESIGN makes ours: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Compared with where a login does not exist, so that this takes as long as where it does.
/// Its parameters are those above, which a test holds; no password is known to fit it.
pub(crate) const DECOY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$ZGVjb3kgZm9yIHRpbWluZw$\
                                     bm8gcGFzc3dvcmQgaXMga25vd24gdG8gZml0IHRoaXM";

/// A password as it was typed, in NFC: keyboards differ in how they compose Hangul.
/// It is neither trimmed nor printed.
#[derive(Default)]
pub(crate) struct Password(String);

impl Password {
    /// A password that someone signs in with. Any that could not have been chosen is let
    /// through as far as the comparison, which it fails.
    pub(crate) fn typed(text: &str) -> Result<Self, Refusal> {
        // Four bytes a character, and NFC shortens a text to no less than a third (UAX #15).
        if text.len() > LENGTH.end() * 4 * 3 {
            return Err(TOO_LONG);
        }
        let password: String = text.nfc().collect();
        if password.is_empty() {
            return Err(Refusal { code: "required", detail: "must not be empty" });
        }
        if password.chars().count() > *LENGTH.end() {
            return Err(TOO_LONG);
        }
        if password.chars().any(char::is_control) {
            return Err(Refusal {
                code: "control_character",
                detail: "must not contain control characters",
            });
        }
        Ok(Self(password))
    }

    /// A new password for `login`.
    pub(crate) fn chosen(text: &str, login: &Login) -> Result<Self, Refusal> {
        let password = Self::typed(text)?;
        if password.0.chars().count() < *LENGTH.start() {
            return Err(Refusal { code: "too_short", detail: "must have at least 10 characters" });
        }
        let lower = password.0.to_lowercase();
        if lower == login.as_str() {
            return Err(Refusal { code: "same_as_login", detail: "must differ from the login" });
        }
        if COMMONEST.lines().any(|line| line == lower) || distinct(&lower) < LEAST_DISTINCT {
            return Err(Refusal {
                code: "too_common",
                detail: "is among the first to be guessed; choose another",
            });
        }
        Ok(password)
    }

    /// The PHC string to keep. `salt` is random, 16 bytes.
    pub(crate) fn hash(&self, salt: &[u8; 16]) -> Result<String, String> {
        let hash: PasswordHash = argon2()?
            .hash_password_with_salt(self.0.as_bytes(), salt)
            .map_err(|error| error.to_string())?;
        Ok(hash.to_string())
    }

    /// Whether this is the password that `hash` was made of. The parameters are the hash's own.
    pub(crate) fn fits(&self, hash: &str) -> Result<bool, String> {
        let hash = PasswordHash::new(hash).map_err(|error| error.to_string())?;
        Ok(argon2()?.verify_password(self.0.as_bytes(), &hash).is_ok())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

const TOO_LONG: Refusal = Refusal { code: "too_long", detail: "must have at most 128 characters" };

fn argon2() -> Result<Argon2<'static>, String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| error.to_string())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn distinct(text: &str) -> usize {
    text.chars().collect::<std::collections::BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> &'static str {
        let login = Login::new("kimjiwoo-2026").unwrap();
        Password::chosen(text, &login).err().expect("refused").code
    }

    #[test]
    fn what_is_guessed_first_cannot_be_chosen() {
        assert_eq!(refused("Password123"), "too_common");
        assert_eq!(refused("1111111111"), "too_common");
        assert_eq!(refused("1231231231"), "too_common");
        assert_eq!(refused("KimJiwoo-2026"), "same_as_login");
    }

    #[test]
    fn lengths_are_of_composed_characters() {
        assert_eq!(refused(""), "required");
        assert_eq!(refused("short pw!"), "too_short");
        assert_eq!(refused(&"ab1!".repeat(33)), "too_long");
        assert_eq!(refused(&"a".repeat(1 << 20)), "too_long");
        // Nine syllables, typed as twenty-seven letters.
        assert_eq!(refused(&"\u{1112}\u{1161}\u{11AB}".repeat(9)), "too_short");
        assert!(Password::typed(&"한글".nfd().collect::<String>().repeat(64)).is_ok());
    }

    #[test]
    fn control_characters_are_refused_and_spaces_kept() {
        assert_eq!(refused("long enough\0"), "control_character");
        assert_eq!(refused("long enough\n"), "control_character");
        assert_eq!(Password::typed(" a ").unwrap().0, " a ");
    }

    #[test]
    fn both_ways_to_type_hangul_are_one_password() {
        let composed = Password::typed("진맥 비밀번호 하나").unwrap();
        let decomposed: String = "진맥 비밀번호 하나".nfd().collect();
        let hash = composed.hash(&[7; 16]).unwrap();
        assert!(Password::typed(&decomposed).unwrap().fits(&hash).unwrap());
        assert!(!Password::typed("진맥 비밀번호 둘").unwrap().fits(&hash).unwrap());
    }

    #[test]
    fn the_decoy_costs_what_a_kept_hash_costs() {
        let kept = Password::typed("any password").unwrap().hash(&[7; 16]).unwrap();
        let parameters = |hash: &str| hash.rsplitn(3, '$').last().unwrap().to_owned();
        assert_eq!(parameters(&kept), "$argon2id$v=19$m=19456,t=2,p=1");
        assert_eq!(parameters(DECOY_HASH), parameters(&kept));
        assert_eq!(DECOY_HASH.len(), kept.len());
        assert!(!Password::typed("any password").unwrap().fits(DECOY_HASH).unwrap());
    }
}
