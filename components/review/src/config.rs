//! The component's variables, read once by each instance.

use std::sync::OnceLock;

use axum::extract::FromRef;
use session::{KeySource, OperatorToken};
use spin_sdk::variables;

use crate::domain::pseudonym::Pseudonyms;

pub(crate) struct Config {
    pub(crate) database_url: String,
    /// Without a slash at its end.
    pub(crate) auth_url: String,
    pub(crate) keys: KeySource,
    pub(crate) operator: OperatorToken,
    /// Keyed by the operator's token, the only secret that this component has.
    pub(crate) pseudonyms: Pseudonyms,
}

/// The error is for the log: it names the variable that is wrong.
pub(crate) async fn load() -> Result<&'static Config, String> {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config);
    }
    let config = read().await?;
    Ok(CONFIG.get_or_init(|| config))
}

async fn read() -> Result<Config, String> {
    let auth_url = variable("auth_url").await?.trim_end_matches('/').to_owned();
    let operator_token = variable("operator_token").await?;
    Ok(Config {
        database_url: database_url().await?,
        keys: KeySource::from_variables(&variable("session_public_key").await?, &auth_url)?,
        auth_url,
        operator: OperatorToken::new(&operator_token),
        pseudonyms: Pseudonyms::new(&operator_token),
    })
}

pub(crate) async fn database_url() -> Result<String, String> {
    variable("database_url").await
}

async fn variable(name: &str) -> Result<String, String> {
    variables::get(name).await.map_err(|error| format!("variable {name}: {error}"))
}

impl FromRef<&'static Config> for KeySource {
    fn from_ref(config: &&'static Config) -> Self {
        config.keys.clone()
    }
}

impl FromRef<&'static Config> for OperatorToken {
    fn from_ref(config: &&'static Config) -> Self {
        config.operator.clone()
    }
}
