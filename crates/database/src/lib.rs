//! A component's own database: SQLite, PostgreSQL, MySQL or MariaDB, decided by its URL alone.
//! One SQL text serves all of them; see [`Dialect`] for what has to differ.
//!
//! A [`Database`] is one connection, opened for one request and given back when it is
//! dropped. The host rolls back whatever transaction it still holds then, so a request that
//! is cancelled or traps leaves nothing half-written.

mod connection;
mod dialect;
mod error;
pub mod migration;
mod row;
mod statement;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use connection::Connection;
use send_wrapper::SendWrapper;

pub use dialect::Dialect;
pub use error::Error;
pub use row::Row;
pub use spin_sdk::sqlite::Value;
pub use statement::Statement;

/// How often a transaction is tried that others are in the way of.
const ATTEMPTS: usize = 5;

/// A server is asked nothing more so long after its connection was asked for. With what the last
/// statement may still take, a client has its answer within five seconds, whatever the server does.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// One connection to the component's database.
pub struct Database {
    connection: Connection,
    dialect: Dialect,
    /// A statement failed because of another transaction.
    conflict: AtomicBool,
    /// A server gave no answer: whatever this connection has begun is rolled back behind us.
    lost: AtomicBool,
    asked: Instant,
    /// `None`: whoever asks can wait.
    patience: Option<Duration>,
}

impl Database {
    /// Opens the database that `url` names: `sqlite:LABEL`, where the label is one of the
    /// component's `sqlite_databases`, `postgres://…` or `mysql://…`, the latter for MariaDB
    /// as well.
    pub async fn open(url: &str) -> Result<Self, Error> {
        // The URL may hold a password, so the message does not repeat it.
        let dialect = Dialect::of(url).ok_or_else(|| {
            Error::Configuration(
                "the database URL does not begin with sqlite:, postgres:// or mysql://".into(),
            )
        })?;
        let asked = Instant::now();
        let connection = Connection::open(dialect, url).await?;
        // SQLite's waits are bounded by the host, one by one.
        let patience = (dialect != Dialect::Sqlite).then_some(PATIENCE);
        let (conflict, lost) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self { connection, dialect, conflict, lost, asked, patience })
    }

    /// For an operator's work, which may take its time.
    pub fn patient(self) -> Self {
        Self { patience: None, ..self }
    }

    /// Whether a further statement may be sent.
    fn check(&self) -> Result<(), Error> {
        if self.lost.load(Ordering::Relaxed) {
            return Err(Error::Unavailable("the connection was lost before".into()));
        }
        match self.patience {
            Some(patience) if self.asked.elapsed() > patience => {
                Err(Error::Unavailable(format!("nothing more is asked after {patience:?}")))
            }
            _ => Ok(()),
        }
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Runs a statement and returns its rows. Parameters stand as `?1`, `?2`, ….
    pub async fn query(
        &self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Row>, Error> {
        self.check()?;
        let (sql, values) = self.dialect.translate(sql, parameters.into_iter().collect());
        self.noted(self.connection.query(sql, values).await)
    }

    /// Like [`query`](Self::query), for a statement that gives at most one row.
    pub async fn query_one(
        &self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// Runs a statement that changes rows and returns how many it changed. MySQL does not count
    /// a row that was as it should be before.
    pub async fn execute(
        &self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value>,
    ) -> Result<u64, Error> {
        self.check()?;
        let (sql, values) = self.dialect.translate(sql, parameters.into_iter().collect());
        self.noted(self.connection.execute(sql, values).await)
    }

    /// The error of a transaction that found itself too late and has to run again.
    pub fn conflict(&self, with: &str) -> Error {
        self.conflict.store(true, Ordering::Relaxed);
        Error::Conflict(with.to_owned())
    }

    fn noted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        match result {
            Err(Error::Conflict(_)) => self.conflict.store(true, Ordering::Relaxed),
            // SQLite is only busy then.
            Err(Error::Unavailable(_)) if self.dialect != Dialect::Sqlite => {
                self.lost.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
        result
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, else rolled back.
    ///
    /// On SQLite transactions run one after another. Elsewhere they run side by side at READ
    /// COMMITTED: what must not change meanwhile is read with `FOR UPDATE`. Where the database
    /// ends a transaction in favour of another, `work` runs again from its start.
    pub fn transaction<T, E: From<Error>>(
        &self,
        work: impl AsyncFn(&Self) -> Result<T, E>,
    ) -> impl Future<Output = Result<T, E>> + Send {
        // A router asks for futures that may change their thread. The compiler cannot tell that
        // of an async closure that runs more than once, and a component has one thread only.
        SendWrapper::new(self.attempts(work))
    }

    async fn attempts<T, E: From<Error>>(
        &self,
        work: impl AsyncFn(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut attempt = 1;
        loop {
            self.conflict.store(false, Ordering::Relaxed);
            let result = self.attempt(&work).await;
            let conflict = self.conflict.load(Ordering::Relaxed);
            if result.is_ok() || !conflict || attempt == ATTEMPTS {
                return result;
            }
            attempt += 1;
        }
    }

    async fn attempt<T, E: From<Error>>(
        &self,
        work: impl AsyncFn(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run(self.connection.begin()).await?;
        match work(self).await {
            Ok(value) => {
                self.run(&["COMMIT"]).await?;
                self.run(self.connection.end()).await?;
                Ok(value)
            }
            Err(error) => {
                // Where this fails too, the host rolls back as the connection returns.
                let _ = self.run(&["ROLLBACK"]).await;
                let _ = self.run(self.connection.end()).await;
                Err(error)
            }
        }
    }

    async fn run(&self, statements: &[&str]) -> Result<(), Error> {
        for statement in statements {
            self.check()?;
            self.noted(self.connection.query((*statement).to_owned(), Vec::new()).await)?;
        }
        Ok(())
    }
}

/// A pattern for `LIKE … ESCAPE '!'` that finds `term` anywhere, its wildcards taken literally.
/// Not `\`, which MySQL reads as the beginning of something else.
pub fn contains(term: &str) -> String {
    let mut pattern = String::with_capacity(term.len() + 2);
    pattern.push('%');
    for c in term.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn wildcards_in_a_search_term_are_literal() {
        assert_eq!(contains(r"50%_\!"), r"%50!%!_\!!%");
    }
}
