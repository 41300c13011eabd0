//! The component's variables, and what is made of them once per instance.

use std::sync::Arc;

use api::Problem;
use axum::extract::FromRef;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use database::Database;
use session::{KeySource, Keys, OperatorToken};
use spin_sdk::variables;

use crate::domain::pass::PassKey;
use crate::domain::pseudonym::PseudonymSecret;
use crate::domain::secret::Secrets;
use crate::domain::signing::Signer;
use crate::instance::Connection;
use crate::mailer::Mailer;
use crate::store::{self, pass_keys, settings};

/// What every request needs; it never changes while the instance lives.
#[derive(Clone)]
pub(crate) struct Auth(Arc<Setup>);

struct Setup {
    database_url: String,
    signer: Signer,
    pseudonyms: PseudonymSecret,
    secrets: Secrets,
    keys: KeySource,
    operator: OperatorToken,
    mailer: Mailer,
    min_passes: i64,
}

impl Auth {
    /// Reads the variables and the secrets that the database keeps. 503 with the variable's
    /// name in the log where that cannot be done.
    pub(crate) async fn load() -> Result<Self, Problem> {
        let database_url = variable("database_url").await?;
        let database = Connection::open(&database_url).await?;
        store::ensure_current(&database).await?;
        let signer = signer().await?;
        let pseudonyms = pseudonyms(&database).await?;
        let secrets = secrets(&database, &database_url).await?;
        check_key_log(&database, &secrets).await?;
        let keys = KeySource::Fixed(Keys::from_jwks(signer.jwks()).map_err(Problem::internal)?);
        let operator = OperatorToken::new(&variable("operator_token").await?);
        let mailer = mailer(&database_url).await?;
        let min_passes = min_passes().await?;
        Ok(Self(Arc::new(Setup {
            database_url,
            signer,
            pseudonyms,
            secrets,
            keys,
            operator,
            mailer,
            min_passes,
        })))
    }

    /// A connection for one request.
    pub(crate) async fn database(&self) -> Result<Connection, Problem> {
        Ok(Connection::open(&self.0.database_url).await?)
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.0.signer
    }

    pub(crate) fn pseudonyms(&self) -> &PseudonymSecret {
        &self.0.pseudonyms
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    pub(crate) fn mailer(&self) -> &Mailer {
        &self.0.mailer
    }

    /// How many passes there have to be before a hospital's reviews of a year are published.
    pub(crate) fn min_passes(&self) -> i64 {
        self.0.min_passes
    }
}

/// Sessions are checked here as everywhere else, only that the keys are at hand.
impl FromRef<Auth> for KeySource {
    fn from_ref(auth: &Auth) -> Self {
        auth.0.keys.clone()
    }
}

impl FromRef<Auth> for OperatorToken {
    fn from_ref(auth: &Auth) -> Self {
        auth.0.operator.clone()
    }
}

/// Whether this is somebody's laptop, where a secret may be empty and mails go to the log.
fn is_local(database_url: &str) -> bool {
    database_url.starts_with("sqlite:")
}

/// The key of `session_signing_key`. On a laptop, which is where the database is SQLite, an
/// empty one is replaced by a key of our own, made at the first start and kept beside the
/// accounts. Anywhere else that would be a key which every instance's backup holds.
pub(crate) async fn signer() -> Result<Signer, Problem> {
    let unusable =
        |why: String| Problem::unavailable(format!("the variable session_signing_key {why}"));
    let configured = variable("session_signing_key").await?;
    if !configured.trim().is_empty() {
        return Signer::parse(&configured).map_err(unusable);
    }
    let database_url = variable("database_url").await?;
    if !is_local(&database_url) {
        return Err(unusable(EMPTY.into()));
    }
    let database = Connection::open(&database_url).await?;
    store::ensure_current(&database).await?;
    let ours = settings::get_or_insert(&database, "signing_key", &secret(&STANDARD)?).await?;
    Signer::parse(&ours).map_err(unusable)
}

/// The same for `pass_seed`, of this database.
async fn secrets(database: &Database, database_url: &str) -> Result<Secrets, Problem> {
    let unusable = |why: String| Problem::unavailable(format!("the variable pass_seed {why}"));
    let configured = variable("pass_seed").await?;
    let text = if !configured.trim().is_empty() {
        configured
    } else if is_local(database_url) {
        settings::get_or_insert(database, "pass_seed", &secret(&STANDARD)?).await?
    } else {
        return Err(unusable(EMPTY.into()));
    };
    Secrets::parse(&text).map_err(unusable)
}

const EMPTY: &str = "is empty, which only a SQLite database allows";

/// With another seed than the one whose keys are published, passes would be refused and new keys
/// would contradict the log. So it is refused instead.
async fn check_key_log(database: &Database, secrets: &Secrets) -> Result<(), Problem> {
    let Some(entry) = pass_keys::last(database).await? else { return Ok(()) };
    let key = PassKey::derive(secrets.seed(), &entry.hospital_id, entry.year);
    if key.map_err(Problem::internal)?.public() == entry.public_key {
        return Ok(());
    }
    Err(Problem::unavailable(
        "the variable pass_seed is not the one that this database's key log was made with",
    ))
}

/// Mails go to the log of a laptop; anywhere else they have to be sent.
async fn mailer(database_url: &str) -> Result<Mailer, Problem> {
    let url = variable("mail_api_url").await?;
    if url.trim().is_empty() && is_local(database_url) {
        return Ok(Mailer::Log);
    }
    Ok(Mailer::Postmark {
        url: required("mail_api_url", url)?.trim_end_matches('/').to_owned(),
        token: required("mail_api_token", variable("mail_api_token").await?)?,
        sender: required("mail_sender", variable("mail_sender").await?)?,
    })
}

fn required(name: &str, value: String) -> Result<String, Problem> {
    match value.trim() {
        "" => Err(Problem::unavailable(format!("the variable {name} {EMPTY}"))),
        value => Ok(value.to_owned()),
    }
}

async fn min_passes() -> Result<i64, Problem> {
    let text = variable("min_passes").await?;
    let number = text.trim().parse().ok().filter(|number| *number >= 1);
    number.ok_or_else(|| Problem::unavailable("the variable min_passes is not a number from 1 on"))
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
