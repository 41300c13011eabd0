use axum::extract::FromRef;
use session::KeySource;
use spin_sdk::variables;

/// The component's variables, read once per instance.
#[derive(Clone)]
pub(crate) struct Config {
    pub database_url: String,
    pub keys: KeySource,
}

impl Config {
    /// `Err` names the variable that is wrong, for the log.
    pub(crate) async fn from_variables() -> Result<Self, String> {
        let session_public_key = variable("session_public_key").await?;
        let auth_url = variable("auth_url").await?;
        Ok(Self {
            database_url: variable("database_url").await?,
            keys: KeySource::from_variables(&session_public_key, &auth_url)?,
        })
    }
}

/// `Err` names the variable.
pub(crate) async fn variable(name: &str) -> Result<String, String> {
    variables::get(name).await.map_err(|error| format!("variable {name}: {error}"))
}

impl FromRef<Config> for KeySource {
    fn from_ref(config: &Config) -> Self {
        config.keys.clone()
    }
}
