//! Where the public keys come from: a variable in production, auth itself on a laptop.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use api::{Problem, now_millis};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use sha2::{Digest, Sha256};
use spin_sdk::http::body::IncomingBodyExt;

/// Auth may have been asked this long ago (milliseconds) before a token with an unknown key
/// makes us ask again. Without a pause, forged tokens would make each request two.
const REFRESH_PAUSE_MILLIS: i64 = 5_000;

/// A key set of ours has one or two keys.
const MAX_KEY_SET_BYTES: usize = 64 * 1024;

/// RFC 8032 section 5.1.5.
const ED25519_KEY_BYTES: usize = 32;

/// Tokens that an instance remembers for a key, 32 bytes each; then it begins anew.
const MAX_VERIFIED: usize = 4_096;

/// Where to take the keys from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// The keys themselves.
    Fixed(Keys),
    /// The base URL of auth, whose JWKS is read once and kept by this instance.
    Auth(String),
}

/// Public keys by key id.
#[derive(Debug, Clone, Default)]
pub struct Keys(Arc<Vec<(String, Key)>>);

/// A public key, and the tokens that were found to be signed by it. They go with the key: what is
/// fetched anew vouches for none.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) decoding: DecodingKey,
    verified: Mutex<HashSet<TokenHash>>,
}

/// SHA-256 of a whole token: whoever reads an instance's memory finds no token by it.
pub(crate) type TokenHash = [u8; 32];

/// A cache of public keys, shared by the requests of one instance.
static CACHE: Mutex<Option<(i64, Keys)>> = Mutex::new(None);

impl Keys {
    /// From a JSON Web Key Set (RFC 7517). Keys that are not of Ed25519 are left out.
    pub fn from_jwks(json: &[u8]) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut keys = Vec::new();
        for jwk in &set.keys {
            let Some(kid) = jwk.common.key_id.clone() else { continue };
            if !is_ed25519(&jwk.algorithm) {
                continue;
            }
            if let Ok(key) = DecodingKey::from_jwk(jwk) {
                keys.push((kid, Key::new(key)));
            }
        }
        Ok(Self(Arc::new(keys)))
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&Key> {
        self.0.iter().find(|(id, _)| id == kid).map(|(_, key)| key)
    }
}

impl Key {
    fn new(decoding: DecodingKey) -> Self {
        Self { decoding, verified: Mutex::default() }
    }

    /// Whether this instance has found the token good before. The check of a signature takes a
    /// guest 140 µs of processor, and who is signed in sends one with each request.
    pub(crate) fn has_verified(&self, token: &TokenHash) -> bool {
        self.verified.lock().is_ok_and(|verified| verified.contains(token))
    }

    pub(crate) fn remember(&self, token: TokenHash) {
        let Ok(mut verified) = self.verified.lock() else { return };
        if verified.len() >= MAX_VERIFIED {
            verified.clear();
        }
        verified.insert(token);
    }
}

pub(crate) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token).into()
}

/// The library takes a key of any length and would panic at the first token.
fn is_ed25519(algorithm: &AlgorithmParameters) -> bool {
    let AlgorithmParameters::OctetKeyPair(key) = algorithm else { return false };
    let bytes = URL_SAFE_NO_PAD.decode(&key.x);
    key.curve == EllipticCurve::Ed25519 && bytes.is_ok_and(|bytes| bytes.len() == ED25519_KEY_BYTES)
}

impl KeySource {
    /// From the component's variables: `session_public_key` holds a JWKS; where it is empty,
    /// auth is asked at `auth_url`.
    pub fn from_variables(session_public_key: &str, auth_url: &str) -> Result<Self, String> {
        if session_public_key.is_empty() {
            return Ok(Self::Auth(auth_url.trim_end_matches('/').to_owned()));
        }
        Keys::from_jwks(session_public_key.as_bytes())
            .map(Self::Fixed)
            .map_err(|error| format!("session_public_key is not a JSON Web Key Set: {error}"))
    }

    pub(crate) async fn keys(&self, kid: &str) -> Result<Keys, Problem> {
        let auth_url = match self {
            Self::Fixed(keys) => return Ok(keys.clone()),
            Self::Auth(auth_url) => auth_url,
        };
        if let Some(keys) = cached(kid) {
            return Ok(keys);
        }
        let keys = fetch(auth_url).await.map_err(Problem::unavailable)?;
        if let Ok(mut cache) = CACHE.lock() {
            *cache = Some((now_millis(), keys.clone()));
        }
        Ok(keys)
    }
}

fn cached(kid: &str) -> Option<Keys> {
    let cache = CACHE.lock().ok()?;
    let (fetched, keys) = cache.as_ref()?;
    let fresh = now_millis() - fetched < REFRESH_PAUSE_MILLIS;
    (fresh || keys.find(kid).is_some()).then(|| keys.clone())
}

async fn fetch(auth_url: &str) -> Result<Keys, String> {
    let url = format!("{auth_url}/api/auth/.well-known/jwks.json");
    let response = spin_sdk::http::get(&url).await.map_err(|error| format!("{url}: {error}"))?;
    if !response.status().is_success() {
        return Err(format!("{url}: {}", response.status()));
    }
    let body = response.into_body().bytes().await.map_err(|error| format!("{url}: {error}"))?;
    if body.len() > MAX_KEY_SET_BYTES {
        return Err(format!("{url}: {} bytes", body.len()));
    }
    Keys::from_jwks(&body)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Keys, MAX_VERIFIED, hash};

    /// RFC 8037 appendix A.2.
    pub(crate) const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    /// Of one key, `k`.
    pub(crate) fn key_set(x: &str) -> Keys {
        let jwks = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","x":"{x}"}}]}}"#);
        Keys::from_jwks(jwks.as_bytes()).expect("a key set")
    }

    #[test]
    fn no_more_tokens_are_remembered_than_there_is_room_for() {
        let keys = key_set(PUBLIC);
        let key = keys.find("k").expect("the key");
        for number in 0..=MAX_VERIFIED {
            assert!(key.verified.lock().expect("no panic").len() <= MAX_VERIFIED);
            key.remember(hash(&number.to_string()));
            assert!(key.has_verified(&hash(&number.to_string())));
        }
        assert!(!key.has_verified(&hash("0")));
    }

    #[test]
    fn only_keys_of_the_right_length_are_kept() {
        let kept = |x| key_set(x).0.len();
        assert_eq!(kept(PUBLIC), 1);
        assert_eq!(kept("11qYAYKx"), 0);
        assert_eq!(kept(""), 0);
    }
}
