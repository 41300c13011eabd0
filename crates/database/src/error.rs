use spin_sdk::sqlite;

/// Why a statement failed. Only what a caller decides by is told apart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique constraint refused the row; holds what the database says of it, such as
    /// `accounts.login`.
    #[error("unique constraint {0}")]
    Unique(String),
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

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        match error {
            sqlite::Error::NoSuchDatabase | sqlite::Error::AccessDenied => {
                Self::Configuration("the component has no such SQLite database".into())
            }
            sqlite::Error::DatabaseFull => Self::Unavailable("database full".into()),
            sqlite::Error::InvalidConnection => Self::Unavailable("invalid connection".into()),
            sqlite::Error::Io(message) => Self::from_message(message),
        }
    }
}

/// What a client is told. A caller that expects [`Error::Unique`] looks for it first.
impl From<Error> for api::Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) | Error::Configuration(_) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl Error {
    /// The interface gives a text only, so the kind has to be read from SQLite's own words,
    /// which it keeps stable.
    fn from_message(message: String) -> Self {
        if let Some((_, columns)) = message.split_once("UNIQUE constraint failed: ") {
            return Self::Unique(columns.to_owned());
        }
        let passing = [
            "database is locked",
            "database table is locked",
            "database is busy",
            "disk I/O error",
            "database or disk is full",
            "readonly database",
            "unable to open database",
            "pool",
        ];
        if passing.iter().any(|text| message.contains(text)) {
            return Self::Unavailable(message);
        }
        Self::Statement(message)
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn sqlite_messages_become_kinds() {
        let unique = Error::from_message("UNIQUE constraint failed: accounts.login".into());
        assert!(matches!(unique, Error::Unique(columns) if columns == "accounts.login"));
        let locked = Error::from_message("database is locked".into());
        assert!(matches!(locked, Error::Unavailable(_)));
        let syntax = Error::from_message("near \"SELEC\": syntax error".into());
        assert!(matches!(syntax, Error::Statement(_)));
    }
}
