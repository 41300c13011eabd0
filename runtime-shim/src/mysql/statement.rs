//! What a statement leaves behind in its session, told by its words.

/// From nothing to what takes another login to be taken back.
///
/// What a stored function or a trigger sets is not seen here: they belong to the schema of the
/// component, and it is the only one to meet their traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    Nothing,
    /// An open transaction, autocommit off, another isolation level.
    Transaction,
    /// Variables, temporary tables, locks, another database or role.
    Settings,
}

/// Statements whose effect is in tables, or nowhere.
const PLAIN: &[&str] =
    &["select", "insert", "update", "delete", "replace", "with", "show", "explain", "describe"];

const TRANSACTION: &[&str] = &[
    "begin",
    "begin work",
    "commit",
    "commit work",
    "rollback",
    "rollback work",
    "start transaction",
];

/// Followed by something of their own.
const TRANSACTION_STARTS: &[&str] = &[
    "start transaction ",
    "savepoint ",
    "release savepoint ",
    "rollback to ",
    "rollback work to ",
    "commit and ",
    "rollback and ",
    "set session transaction isolation level ",
];

impl Effect {
    pub(crate) fn of(statement: &str) -> Self {
        let text = statement.trim_start();
        let word = text.split(|end: char| !end.is_ascii_alphabetic()).next().unwrap_or_default();
        if PLAIN.iter().any(|plain| plain.eq_ignore_ascii_case(word)) {
            return if is_harmless(text) { Self::Nothing } else { Self::Settings };
        }
        if is_transaction(&normal(text)) { Self::Transaction } else { Self::Settings }
    }
}

/// Neither a user variable nor a lock that outlasts the statement.
fn is_harmless(text: &str) -> bool {
    const LOCK: &[u8] = b"get_lock";
    let bytes = text.as_bytes();
    !bytes.contains(&b'@') && !bytes.windows(LOCK.len()).any(|part| part.eq_ignore_ascii_case(LOCK))
}

fn is_transaction(words: &str) -> bool {
    // A second statement, or what a comment hides, would go unseen.
    if words.contains(';') || words.contains("/*") {
        return false;
    }
    TRANSACTION.contains(&words)
        || TRANSACTION_STARTS.iter().any(|start| words.starts_with(start))
        || is_autocommit(words)
}

fn is_autocommit(words: &str) -> bool {
    let Some(setting) = words.strip_prefix("set ") else { return false };
    let setting = setting.strip_prefix("session ").unwrap_or(setting);
    let Some((name, value)) = setting.split_once('=') else { return false };
    matches!(name.trim(), "autocommit" | "@@autocommit" | "@@session.autocommit")
        && matches!(value.trim(), "0" | "1" | "on" | "off" | "true" | "false")
}

/// In lower case, with single spaces, without the semicolon at the end.
fn normal(statement: &str) -> String {
    let statement = statement.trim().trim_end_matches(';').to_ascii_lowercase();
    statement.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::Effect;

    #[test]
    fn plain_statements_leave_nothing() {
        for text in [
            "select 1",
            "  INSERT into t values (?)",
            "Select(1)",
            "with a as (select 1) select * from a",
        ] {
            assert_eq!(Effect::of(text), Effect::Nothing, "{text}");
        }
    }

    #[test]
    fn transactions_are_told_apart() {
        for text in [
            "SET autocommit = 0",
            "set autocommit=1;",
            "set session autocommit = OFF",
            "SET @@autocommit=0",
            "commit",
            "ROLLBACK ;",
            "Begin",
            "start transaction read only",
            "start\n transaction",
            "savepoint a",
            "rollback to savepoint a",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        ] {
            assert_eq!(Effect::of(text), Effect::Transaction, "{text}");
        }
    }

    #[test]
    fn everything_else_is_a_setting() {
        for text in [
            "set @a = 1",
            "select @a := 1",
            "select GET_LOCK('a', 1)",
            "set autocommit = 0, sql_mode = ''",
            "set global autocommit = 0",
            "set transaction isolation level serializable",
            "begin; create temporary table t (a int)",
            "begin not atomic select 1; end",
            "start slave",
            "create temporary table t (a int)",
            "/* begin */ set names latin1",
            "commit /*! ; set names latin1 */",
            "lock tables t write",
            "use other",
            "SET  ROLE admin",
            "",
        ] {
            assert_eq!(Effect::of(text), Effect::Settings, "{text}");
        }
    }
}
