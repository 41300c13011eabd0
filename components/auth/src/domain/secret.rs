//! The keys that are made of the variable `pass_seed`, one for each use (RFC 5869). The database
//! holds none of them, so that whoever reads it alone can neither test whose address is in it,
//! nor read a document, nor guess a code.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Of XChaCha20-Poly1305. It is long enough to be random.
pub(crate) const NONCE_BYTES: usize = 24;

/// `pass_seed` and what is derived from it.
pub(crate) struct Secrets {
    seed: [u8; 32],
    address_key: [u8; 32],
    code_key: [u8; 32],
    sealing_key: [u8; 32],
}

impl Secrets {
    /// From the base64 of 32 bytes. The error never repeats the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let seed = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        let seed: [u8; 32] = seed.ok_or("is not the base64 of 32 bytes")?;
        let derive = |label: &str| {
            let mut key = [0; 32];
            // A hash gives 32 bytes at least, so this cannot fail.
            Hkdf::<Sha256>::new(None, &seed)
                .expand(label.as_bytes(), &mut key)
                .map_err(|error| error.to_string())?;
            Ok::<_, String>(key)
        };
        Ok(Self {
            address_key: derive("jinmaek-mail-address-v1")?,
            code_key: derive("jinmaek-mail-code-v1")?,
            sealing_key: derive("jinmaek-sealing-v1")?,
            seed,
        })
    }

    /// What the keys of passes are derived from.
    pub(crate) fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// What is kept of a mail address.
    pub(crate) fn address_hash(&self, mailbox: &str) -> String {
        keyed(&self.address_key, &[mailbox])
    }

    /// What is kept of a code. It fits one account and address only.
    pub(crate) fn code_hash(&self, account_id: &str, address_hash: &str, code: &str) -> String {
        keyed(&self.code_key, &[account_id, address_hash, code])
    }

    /// `content` encrypted for the place `place`, in base64. `nonce` is random.
    pub(crate) fn seal(
        &self,
        place: &str,
        nonce: [u8; NONCE_BYTES],
        content: &[u8],
    ) -> Result<String, String> {
        let payload = Payload { msg: content, aad: place.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|error| error.to_string())?;
        Ok(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// What was sealed for this place.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>, String> {
        let bytes = STANDARD.decode(sealed).map_err(|error| error.to_string())?;
        let (nonce, sealed) =
            bytes.split_first_chunk::<NONCE_BYTES>().ok_or("shorter than its nonce")?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|error| error.to_string())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.sealing_key.into())
    }
}

/// HMAC-SHA256 in base64url. Parts are divided by NUL, which is in none of them.
fn keyed(key: &[u8; 32], parts: &[&str]) -> String {
    // HMAC takes a key of any length, so the other arm cannot be reached.
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(key) else { return String::new() };
    mac.update(parts.join("\0").as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(byte: u8) -> Secrets {
        Secrets::parse(&STANDARD.encode([byte; 32])).unwrap()
    }

    #[test]
    fn what_is_no_seed_is_refused_without_being_repeated() {
        for text in ["", "c2hvcnQ=", "not base64", &"A".repeat(44)] {
            let Err(error) = Secrets::parse(text) else { panic!("{text}") };
            assert!(text.is_empty() || !error.contains(text));
        }
    }

    #[test]
    fn every_use_has_a_key_of_its_own() {
        let keys = [secrets(1), secrets(2)];
        let all: std::collections::BTreeSet<[u8; 32]> =
            keys.iter().flat_map(|s| [s.seed, s.address_key, s.code_key, s.sealing_key]).collect();
        assert_eq!(all.len(), 8);
        assert_ne!(keys[0].address_hash("a@b.kr"), keys[1].address_hash("a@b.kr"));
        assert_ne!(keys[0].code_hash("1", "2", "3"), keys[0].code_hash("1", "23", ""));
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let sealed = secrets(1).seal("document 1", [7; NONCE_BYTES], b"a badge").unwrap();
        assert_eq!(secrets(1).open("document 1", &sealed).unwrap(), b"a badge");
        assert!(secrets(1).open("document 2", &sealed).is_err());
        assert!(secrets(2).open("document 1", &sealed).is_err());
        assert!(secrets(1).open("document 1", &sealed[..20]).is_err());
        assert!(!STANDARD.decode(sealed).unwrap().windows(7).any(|bytes| bytes == b"a badge"));
    }
}
