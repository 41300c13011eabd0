//! One guess at a password, wherever one is asked for: counted, then compared, then forgiven
//! if it was right. `domain::throttle` says why it is counted the way it is.

use api::{Problem, now_millis};
use database::Database;

use crate::config::Auth;
use crate::domain::login::Login;
use crate::domain::password::{DECOY_HASH, Password};
use crate::domain::throttle::{self, FAMILIAR_MILLIS, LOGIN, LOGIN_AT_NETWORK, NETWORK};
use crate::store::accounts::{self, Account};
use crate::store::throttles::{self, Bucket};

/// The counters of a login at a network.
pub(crate) struct Guess {
    at_network: Bucket,
    network: Bucket,
    login: Bucket,
    familiar: String,
}

impl Guess {
    pub(crate) fn new(auth: &Auth, login: &str, address: &str) -> Self {
        let network = throttle::network(address);
        let name = |parts: &[&str]| auth.pseudonyms().bucket(parts);
        Self {
            at_network: Bucket { name: name(&["login at network", login, &network]), limit: &LOGIN_AT_NETWORK },
            network: Bucket { name: name(&["network", &network]), limit: &NETWORK },
            login: Bucket { name: name(&["login", login]), limit: &LOGIN },
            familiar: name(&["familiar", login, &network]),
        }
    }

    /// The account if the password is right, `None` if it is wrong or there is no such
    /// account, in the same time. 429 where too many were wrong before.
    pub(crate) async fn check(
        &self,
        database: &Database,
        login: &Login,
        password: &Password,
    ) -> Result<Option<Account>, Problem> {
        self.count(database).await?;
        let account = accounts::by_login(database, login.as_str()).await?;
        let hash = account.as_ref().map_or(DECOY_HASH, |account| &account.password_hash);
        let right = password.fits(hash).map_err(Problem::internal)?;
        Ok(account.filter(|_| right))
    }

    async fn count(&self, database: &Database) -> Result<(), Problem> {
        let now = now_millis();
        let counted: Result<Result<(), u64>, database::Error> = database
            .transaction(async |database: &Database| {
                let buckets = self.buckets(database, now).await?;
                throttles::charge(database, &buckets, now).await
            })
            .await;
        counted?.map_err(too_many)
    }

    async fn buckets(&self, database: &Database, now: i64) -> Result<Vec<Bucket>, database::Error> {
        let mut buckets = vec![self.at_network.clone()];
        if !throttles::holds(database, &self.familiar, now).await? {
            buckets.extend([self.network.clone(), self.login.clone()]);
        }
        Ok(buckets)
    }

    /// Takes the guess back, and remembers the network as its owner's. Call it in the
    /// transaction that acts on the guess.
    pub(crate) async fn forgive(&self, database: &Database, now: i64) -> Result<(), database::Error> {
        throttles::prune(database, now).await?;
        throttles::clear(database, &self.at_network.name).await?;
        if !throttles::holds(database, &self.familiar, now).await? {
            throttles::refund(database, &self.network).await?;
            throttles::refund(database, &self.login).await?;
        }
        throttles::note(database, &self.familiar, now + FAMILIAR_MILLIS).await
    }

    /// Forgets what is known of the login at this network, because the account goes.
    pub(crate) async fn forget(&self, database: &Database) -> Result<(), database::Error> {
        for name in [&self.at_network.name, &self.login.name, &self.familiar] {
            throttles::clear(database, name).await?;
        }
        Ok(())
    }
}

pub(crate) fn too_many(seconds: u64) -> Problem {
    Problem::too_many_requests(seconds, "Too many tries. Wait as long as Retry-After says, then try again.")
}
