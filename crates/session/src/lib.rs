//! Who is asking: the access token that auth signs and every component checks by itself.

mod keys;
mod operator;

use api::Problem;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use jsonwebtoken::{decode, decode_header, get_current_timestamp};
use serde::{Deserialize, Serialize};

use keys::Key;
pub use keys::{KeySource, Keys};
pub use operator::{Operator, OperatorToken};

/// The `iss` and `aud` of every token. A token of another deployment has another key, so
/// one name for all of them is enough.
pub const ISSUER: &str = "jinmaek";

/// The cookie in which a browser carries its access token.
pub const COOKIE: &str = "session";

/// The role of those who decide over proofs, reports and takedown requests.
pub const MODERATOR: &str = "moderator";

/// Far above any token of ours; a longer one is not parsed.
const MAX_TOKEN_BYTES: usize = 2048;

/// The claims of an access token.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// A keyed pseudonym, never the account's id.
    pub sub: String,
    /// Seconds since the Unix epoch.
    pub iat: u64,
    pub exp: u64,
    /// What the account may do beyond what every insider may; [`MODERATOR`] or nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// A signed-in insider. As an extractor it answers 401 where there is no valid session.
#[derive(Debug, Clone)]
pub struct Insider {
    /// The pseudonym that rows are kept under. It is never shown.
    pub subject: String,
    /// The token itself, to act on the insider's behalf towards another component.
    pub token: String,
    pub roles: Vec<String>,
}

/// An insider whom the operator named a moderator. As an extractor it answers 401 without a
/// session and 403 to any other insider.
#[derive(Debug, Clone)]
pub struct Moderator(pub Insider);

impl Moderator {
    /// 403: the insider is not a moderator, or not any more.
    pub fn required() -> Problem {
        Problem::forbidden("not_a_moderator", "Only moderators may do this.")
    }
}

/// Whoever reads: an insider or the public. A token that is no longer valid reads as the
/// public does, so that a page stays readable after a session has ended.
#[derive(Debug, Clone)]
pub struct Reader(pub Option<Insider>);

impl Reader {
    pub fn subject(&self) -> Option<&str> {
        self.0.as_ref().map(|insider| insider.subject.as_str())
    }
}

impl<S> FromRequestParts<S> for Insider
where
    S: Send + Sync,
    KeySource: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let token = token(&parts.headers).ok_or_else(Problem::unauthorized)?;
        let source = KeySource::from_ref(state);
        verify(&source, token).await
    }
}

impl<S> FromRequestParts<S> for Moderator
where
    S: Send + Sync,
    KeySource: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let insider = Insider::from_request_parts(parts, state).await?;
        if insider.roles.iter().any(|role| role == MODERATOR) {
            return Ok(Self(insider));
        }
        Err(Self::required())
    }
}

impl<S> FromRequestParts<S> for Reader
where
    S: Send + Sync,
    KeySource: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if token(&parts.headers).is_none() {
            return Ok(Self(None));
        }
        match Insider::from_request_parts(parts, state).await {
            Ok(insider) => Ok(Self(Some(insider))),
            Err(problem) if problem.status().is_client_error() => Ok(Self(None)),
            Err(problem) => Err(problem),
        }
    }
}

/// `Authorization` wins over the cookie: a program that sends both means the former.
fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).map(|value| {
        let (scheme, token) = value.to_str().unwrap_or_default().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    bearer.unwrap_or_else(|| cookie(headers, COOKIE))
}

/// The value of a cookie of the request (RFC 6265 section 4.2).
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

async fn verify(source: &KeySource, token: &str) -> Result<Insider, Problem> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Problem::unauthorized());
    }
    let header = decode_header(token).map_err(|error| Problem::unauthorized().because(error))?;
    let kid = header.kid.unwrap_or_default();
    let keys = source.keys(&kid).await?;
    let key = keys.find(&kid).ok_or_else(Problem::unauthorized)?;
    let claims = claims(token, key).map_err(|error| Problem::unauthorized().because(error))?;
    Ok(Insider { subject: claims.sub, token: token.to_owned(), roles: claims.roles })
}

/// Of a token that was found good before nothing but the time can have changed.
fn claims(token: &str, key: &Key) -> jsonwebtoken::errors::Result<Claims> {
    let hash = keys::hash(token);
    if key.has_verified(&hash) {
        let claims: Claims = insecure_decode_claims(token)?;
        return if claims.exp < get_current_timestamp() {
            Err(ErrorKind::ExpiredSignature.into())
        } else {
            Ok(claims)
        };
    }
    let claims = verified_claims(token, &key.decoding)?;
    key.remember(hash);
    Ok(claims)
}

fn verified_claims(token: &str, key: &DecodingKey) -> jsonwebtoken::errors::Result<Claims> {
    // The algorithm is ours, never the token's.
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.leeway = 0;
    Ok(decode::<Claims>(token, key, &validation)?.claims)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};

    use super::keys::tests::{PUBLIC, key_set};
    use super::{Claims, ISSUER, Key, claims, keys, token};

    /// RFC 8037 appendix A.1, of the key that is called public here.
    const PRIVATE: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    /// RFC 8410 section 7: what stands before the 32 bytes.
    const PKCS8: [u8; 16] =
        [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

    fn signed(audience: &str, exp: u64) -> String {
        let der = [&PKCS8[..], &URL_SAFE_NO_PAD.decode(PRIVATE).expect("a key")].concat();
        let (iss, aud, sub) = (ISSUER.to_owned(), audience.to_owned(), "s".to_owned());
        let claims = Claims { iss, aud, sub, iat: 0, exp, roles: Vec::new() };
        encode(&Header::new(Algorithm::EdDSA), &claims, &EncodingKey::from_ed_der(&der))
            .expect("a token")
    }

    fn is_good(token: &str, key: &Key) -> bool {
        claims(token, key).is_ok_and(|claims| claims.sub == "s")
    }

    #[test]
    fn a_token_is_found_good_once_and_then_remembered_by_that_key() {
        let (keys, later) = (key_set(PUBLIC), get_current_timestamp() + 600);
        let key = keys.find("k").expect("the key");
        let token = signed(ISSUER, later);
        assert!(!key.has_verified(&keys::hash(&token)));
        assert!(is_good(&token, key));
        assert!(key.has_verified(&keys::hash(&token)));
        assert!(is_good(&token, key));
        // Its signature is not looked at again.
        let (head, _) = token.rsplit_once('.').expect("three parts");
        let unsigned = format!("{head}.");
        assert!(!is_good(&unsigned, key));
        key.remember(keys::hash(&unsigned));
        assert!(is_good(&unsigned, key));
        assert!(!key_set(PUBLIC).find("k").expect("the key").has_verified(&keys::hash(&token)));
    }

    #[test]
    fn what_is_wrong_is_not_remembered_and_what_has_expired_is_not_good_any_more() {
        let (keys, now) = (key_set(PUBLIC), get_current_timestamp());
        let key = keys.find("k").expect("the key");
        let good = signed(ISSUER, now + 600);
        let (head, signature) = good.rsplit_once('.').expect("three parts");
        let other_payload = signed(ISSUER, now + 900);
        let (other, _) = other_payload.rsplit_once('.').expect("three parts");
        let unsigned = format!("{head}.");
        let forged = format!("{other}.{signature}");
        let elsewhere = signed("elsewhere", now + 600);
        for bad in [&unsigned, &forged, &elsewhere, &signed(ISSUER, now - 1)] {
            assert!(!is_good(bad, key) && !is_good(bad, key), "{bad}");
            assert!(!key.has_verified(&keys::hash(bad)));
        }
        let expired = signed(ISSUER, now - 1);
        key.remember(keys::hash(&expired));
        assert!(!is_good(&expired, key));
    }

    #[test]
    fn a_bearer_token_wins_over_the_cookie() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; session=cookie"));
        assert_eq!(token(&headers), Some("cookie"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer header"));
        assert_eq!(token(&headers), Some("header"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic x"));
        assert_eq!(token(&headers), None);
    }
}
