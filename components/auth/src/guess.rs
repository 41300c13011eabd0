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
        let network = throttle::network(address);
        let familiar = familiar(auth, login, &network);
        let login = login.as_str();
        let name = |parts: &[&str]| auth.pseudonyms().bucket(parts);
        let at_network =
            Bucket { name: name(&["login at network", login, &network]), limit: &LOGIN_AT_NETWORK };
        let wider = vec![
            Bucket { name: name(&["login", login]), limit: &LOGIN },
            Bucket { name: name(&["network", &network]), limit: &NETWORK },
        ];
        let mut guess = Self { at_network, wider, familiar };
        if throttles::holds(database, &guess.familiar, now_millis()).await? {
            guess.wider.clear();
        }
        let buckets: Vec<_> = std::iter::once(&guess.at_network).chain(&guess.wider).collect();
        throttles::charge(database, &buckets).await?.map_err(too_many)?;
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

    /// Remembers the network of a right guess as its owner's, in the transaction that acts on it.
    pub(crate) async fn forgive(
        &self,
        database: &Database,
        now: i64,
    ) -> Result<(), database::Error> {
        throttles::empty(database, &self.at_network).await?;
        throttles::note(database, &self.familiar, now + FAMILIAR_MILLIS).await
    }

    /// Takes back what the guess was charged in counters that others share. Call it after the
    /// transaction: in it, others would wait for its end.
    pub(crate) async fn refund(&self, database: &Database) {
        for bucket in &self.wider {
            // What stays drains by itself.
            let _ = throttles::refund(database, bucket).await;
        }
    }

    /// Forgets what was known of the login at this network, because its account goes.
    pub(crate) async fn forget(&self, database: &Database) -> Result<(), database::Error> {
        throttles::clear(database, &self.at_network.name).await?;
        throttles::clear(database, &self.familiar).await
    }
}

/// Remembers the network at which `login` signs up as its owner's: their first sign-in is then
/// counted for the login there alone, and nobody else at the network waits for it.
pub(crate) async fn note_familiar(
    auth: &Auth,
    database: &Database,
    login: &Login,
    address: &str,
) -> Result<(), database::Error> {
    let name = familiar(auth, login, &throttle::network(address));
    throttles::note(database, &name, now_millis() + FAMILIAR_MILLIS).await
}

fn familiar(auth: &Auth, login: &Login, network: &str) -> String {
    auth.pseudonyms().bucket(&["familiar", login.as_str(), network])
}

pub(crate) fn too_many(seconds: u64) -> Problem {
    let detail = "Too many tries. Wait as long as Retry-After says, then try again.";
    Problem::too_many_requests(seconds, detail)
}
