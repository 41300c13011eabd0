/// Why a statement failed. Only what a caller decides by is told apart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique constraint refused the row; holds what the database calls it, such as
    /// `accounts.login`.
    #[error("unique constraint {0}")]
    Unique(String),
    /// Another transaction was in the way; [`Database::transaction`](crate::Database::transaction)
    /// runs its work again.
    #[error("conflict between transactions: {0}")]
    Conflict(String),
    /// The database is busy, full or away. The same request may succeed a little later.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// The component is set up wrongly; holds a text without secrets.
    #[error("{0}")]
    Configuration(String),
    /// A row has another shape than the code expects.
    #[error("column {0} is not {1}")]
    Column(usize, &'static str),
    /// Anything else: a mistake of ours.
    #[error("{0}")]
    Statement(String),
}

/// What a client is told. A caller that expects [`Error::Unique`] looks for it first.
impl From<Error> for api::Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) | Error::Configuration(_) | Error::Conflict(_) => {
                Self::unavailable(error)
            }
            _ => Self::internal(error),
        }
    }
}
