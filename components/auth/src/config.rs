//! The component's variables, and what is made of them once per instance.

use std::sync::Arc;

use api::Problem;
use axum::extract::FromRef;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use database::Database;
use session::{KeySource, Keys};
use spin_sdk::variables;

use crate::domain::pseudonym::PseudonymSecret;
use crate::domain::signing::Signer;
use crate::instance::InTransaction;
use crate::store::{self, settings};

/// What every request needs; it never changes while the instance lives.
#[derive(Clone)]
pub(crate) struct Auth(Arc<Setup>);

struct Setup {
    database_url: String,
    signer: Signer,
    pseudonyms: PseudonymSecret,
    keys: KeySource,
}

impl Auth {
    /// Reads the variables and the secrets that the database keeps. 503 with the variable's
    /// name in the log where that cannot be done.
    pub(crate) async fn load() -> Result<Self, Problem> {
        let database_url = variable("database_url").await?;
        let database = Database::open(&database_url).await?;
        let _counted = InTransaction::new();
        store::ensure_current(&database).await?;
        let signer = signer(&database, &database_url).await?;
        let pseudonyms = pseudonyms(&database).await?;
        let keys = KeySource::Fixed(Keys::from_jwks(signer.jwks()).map_err(Problem::internal)?);
        Ok(Self(Arc::new(Setup { database_url, signer, pseudonyms, keys })))
    }

    /// A connection for one request.
    pub(crate) async fn database(&self) -> Result<Database, Problem> {
        Ok(Database::open(&self.0.database_url).await?)
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.0.signer
    }

    pub(crate) fn pseudonyms(&self) -> &PseudonymSecret {
        &self.0.pseudonyms
    }
}

/// Sessions are checked here as everywhere else, only that the keys are at hand.
impl FromRef<Auth> for KeySource {
    fn from_ref(auth: &Auth) -> Self {
        auth.0.keys.clone()
    }
}

/// The key of `session_signing_key`. On a laptop, which is where the database is SQLite, an
/// empty one is replaced by a key of our own, made at the first start and kept beside the
/// accounts. Anywhere else that would be a key which every instance's backup holds.
async fn signer(database: &Database, database_url: &str) -> Result<Signer, Problem> {
    let unusable =
        |why: String| Problem::unavailable(format!("the variable session_signing_key {why}"));
    let configured = variable("session_signing_key").await?;
    let text = if !configured.trim().is_empty() {
        configured
    } else if database_url.starts_with("sqlite:") {
        settings::get_or_insert(database, "signing_key", &secret(&STANDARD)?).await?
    } else {
        return Err(unusable("is empty, which only a SQLite database allows".into()));
    };
    Signer::parse(&text).map_err(unusable)
}

async fn pseudonyms(database: &Database) -> Result<PseudonymSecret, Problem> {
    let candidate = secret(&URL_SAFE_NO_PAD)?;
    let stored = settings::get_or_insert(database, "pseudonym_secret", &candidate).await?;
    PseudonymSecret::decode(&stored).map_err(Problem::internal)
}

/// 503 with the variable's name in the log where it cannot be read.
async fn variable(name: &str) -> Result<String, Problem> {
    read(name).await.map_err(Problem::unavailable)
}

pub(crate) async fn database_url() -> Result<String, String> {
    read("database_url").await
}

/// The error names the variable.
async fn read(name: &str) -> Result<String, String> {
    variables::get(name).await.map_err(|error| format!("the variable {name}: {error}"))
}

/// 32 random bytes.
fn secret(encoding: &impl Engine) -> Result<String, Problem> {
    Ok(encoding.encode(random::<32>()?))
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    Ok(bytes)
}
