//! One guess at a password, wherever one is asked for: counted, then compared, then forgiven
//! if it was right. `domain::throttle` says why it is counted the way it is.

use api::{Problem, now_millis};
use database::Database;

use crate::config::Auth;
use crate::domain::login::Login;
use crate::domain::password::{DECOY_HASH, Password};
use crate::domain::throttle::{self, FAMILIAR_MILLIS, LOGIN, LOGIN_AT_NETWORK, NETWORK};
use crate::instance::{Connection, between_queries};
use crate::store::accounts::{self, Account};
use crate::store::throttles::{self, Bucket};

/// A guess that is counted. There is no other way to compare a password.
pub(crate) struct Guess {
    at_network: Bucket,
    /// What was charged beyond that; nothing where the login is familiar with the network.
    wider: Vec<Bucket>,
    familiar: String,
}

impl Guess {
    /// 429 where too many were wrong before.
    pub(crate) async fn count(
        auth: &Auth,
        database: &Database,
        login: &Login,
        address: &str,
    ) -> Result<Self, Problem> {
        let (login, network) = (login.as_str(), throttle::network(address));
        let name = |parts: &[&str]| auth.pseudonyms().bucket(parts);
        let at_network =
            Bucket { name: name(&["login at network", login, &network]), limit: &LOGIN_AT_NETWORK };
        let wider = vec![
            Bucket { name: name(&["network", &network]), limit: &NETWORK },
            Bucket { name: name(&["login", login]), limit: &LOGIN },
        ];
        let mut guess = Self { at_network, wider, familiar: name(&["familiar", login, &network]) };
        if throttles::holds(database, &guess.familiar, now_millis()).await? {
            guess.wider.clear();
        }
        let buckets: Vec<_> = std::iter::once(&guess.at_network).chain(&guess.wider).collect();
        database
            .transaction(async |database: &Database| {
                throttles::charge(database, &buckets).await?.map_err(too_many)
            })
            .await?;
        Ok(guess)
    }

    /// The account if the password is right, `None` if it is wrong or there is no such
    /// account, in the same time. It takes the connection away, because others need it while a
    /// password is compared.
    pub(crate) async fn compare(
        &self,
        database: Connection,
        login: &Login,
        password: &Password,
    ) -> Result<Option<Account>, Problem> {
        let account = accounts::by_login(&database, login.as_str()).await?;
        drop(database);
        let hash = account.as_ref().map_or(DECOY_HASH, |account| &account.password_hash);
        between_queries().await;
        let right = password.fits(hash).map_err(Problem::internal)?;
        Ok(account.filter(|_| right))
    }

    /// Takes a right guess back, and remembers the network as its owner's. Call it in the
    /// transaction that acts on the guess.
    pub(crate) async fn forgive(
        &self,
        database: &Database,
        now: i64,
    ) -> Result<(), database::Error> {
        throttles::prune(database, now).await?;
        throttles::clear(database, &self.at_network.name).await?;
        for bucket in &self.wider {
            throttles::refund(database, bucket).await?;
        }
        throttles::note(database, &self.familiar, now + FAMILIAR_MILLIS).await
    }

    /// Forgets what was known of the login at this network, because its account goes.
    pub(crate) async fn forget(&self, database: &Database) -> Result<(), database::Error> {
        throttles::clear(database, &self.at_network.name).await?;
        throttles::clear(database, &self.familiar).await
    }
}

pub(crate) fn too_many(seconds: u64) -> Problem {
    let detail = "Too many tries. Wait as long as Retry-After says, then try again.";
    Problem::too_many_requests(seconds, detail)
}
