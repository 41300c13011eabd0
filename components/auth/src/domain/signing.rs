//! The key that signs access tokens, and what others need to check them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use hmac::{Hmac, Mac};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use session::{Claims, ISSUER, MODERATOR};
use sha2::Sha256;

/// How long an access token is valid. Signing out cannot recall one that is out, so it is short.
pub(crate) const ACCESS_SECONDS: u64 = 600;

/// An Ed25519 key with the key set it is published in.
pub(crate) struct Signer {
    key: EncodingKey,
    header: Header,
    jwks: Vec<u8>,
    seed: [u8; 32],
}

impl Signer {
    /// From a PKCS#8 PEM, or the base64 of the 32-byte seed (RFC 8032). The error never
    /// repeats the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with("-----BEGIN") {
            let key = SigningKey::from_pkcs8_pem(text)
                .map_err(|error| format!("is not the PKCS#8 PEM of an Ed25519 key: {error}"))?;
            return Self::new(key.to_bytes());
        }
        let seed = STANDARD.decode(text).ok().and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        Self::new(seed.ok_or("is neither a PKCS#8 PEM nor the base64 of a 32-byte seed")?)
    }

    fn new(seed: [u8; 32]) -> Result<Self, String> {
        let pair = KeypairBytes { secret_key: seed, public_key: None };
        let der = pair.to_pkcs8_der().map_err(|error| error.to_string())?;
        let key = EncodingKey::from_ed_der(der.as_bytes());
        let describe = |error: jsonwebtoken::errors::Error| error.to_string();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::EdDSA).map_err(describe)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(describe)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let jwks =
            serde_json::to_vec(&JwkSet { keys: vec![jwk] }).map_err(|error| error.to_string())?;
        let header = Header { kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
        Ok(Self { key, header, jwks, seed })
    }

    /// An access token for `subject`. `now` is in milliseconds since the Unix epoch.
    pub(crate) fn access_token(
        &self,
        subject: &str,
        is_moderator: bool,
        now: i64,
    ) -> Result<String, String> {
        let iat = u64::try_from(now).unwrap_or_default() / 1000;
        let claims = Claims {
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            sub: subject.into(),
            iat,
            exp: iat + ACCESS_SECONDS,
            roles: is_moderator.then(|| MODERATOR.to_owned()).into_iter().collect(),
        };
        encode(&self.header, &claims, &self.key).map_err(|error| error.to_string())
    }

    /// The public key as a JSON Web Key Set (RFC 7517, RFC 8037).
    pub(crate) fn jwks(&self) -> &[u8] {
        &self.jwks
    }

    /// Tells whether a password was sent again, for an `Idempotency-Key`. Keyed by the signing
    /// key, which in production is not in the database: who reads that cannot guess by this.
    pub(crate) fn fingerprint(&self, password: &[u8]) -> String {
        // HMAC takes a key of any length, so the other arm cannot be reached.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.seed) else { return String::new() };
        mac.update(b"password fingerprint\0");
        mac.update(password);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037 appendix A.
    const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    #[test]
    fn the_key_set_is_that_of_rfc_8037() {
        let signer = Signer::parse(SEED).unwrap();
        let jwks: serde_json::Value = serde_json::from_slice(signer.jwks()).unwrap();
        let key = serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "x": PUBLIC, "kid": THUMBPRINT, "alg": "EdDSA", "use": "sig",
        });
        assert_eq!(jwks, serde_json::json!({ "keys": [key] }));
    }

    #[test]
    fn a_pem_and_its_seed_are_one_key() {
        let pem = "-----BEGIN PRIVATE KEY-----\n\
                   MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
                   -----END PRIVATE KEY-----\n";
        assert_eq!(Signer::parse(pem).unwrap().jwks(), Signer::parse(SEED).unwrap().jwks());
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        for text in [
            "",
            "c2hvcnQ=",
            "not base64",
            "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----",
        ] {
            let Err(error) = Signer::parse(text) else { panic!("{text}") };
            assert!(text.is_empty() || !error.contains(text));
        }
    }

    fn part(token: &str, n: usize) -> serde_json::Value {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(n).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn only_a_moderators_token_names_a_role() {
        let signer = Signer::parse(SEED).unwrap();
        let token = signer.access_token("subject", true, 0).unwrap();
        assert_eq!(part(&token, 1)["roles"], serde_json::json!(["moderator"]));
    }

    #[test]
    fn a_token_carries_the_agreed_claims() {
        let signer = Signer::parse(SEED).unwrap();
        let token = signer.access_token("subject", false, 1_700_000_000_999).unwrap();
        let part = |n: usize| part(&token, n);
        assert_eq!(part(0), serde_json::json!({ "typ": "JWT", "alg": "EdDSA", "kid": THUMBPRINT }));
        assert_eq!(
            part(1),
            serde_json::json!({
                "iss": "jinmaek", "aud": "jinmaek", "sub": "subject", "iat": 1_700_000_000, "exp": 1_700_000_600,
            })
        );
    }
}
