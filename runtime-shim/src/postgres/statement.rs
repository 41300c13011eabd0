//! What the text of a statement tells about the session behind it, so that one which only read
//! and wrote rows goes back to the pool without a round trip.

/// What a statement does to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Rows are read or written; nothing of the session changes.
    None,
    /// A transaction begins.
    Begin,
    /// A transaction ends.
    End,
    /// The session may be another one than before: settings, temporary tables, locks.
    Change,
    /// It reaches the statements that the host prepared: the session is not used again.
    Prepared,
    /// It takes over the connection; not offered.
    Copy,
}

/// Words in a statement on rows that reach beyond rows. A function of the database can do the
/// same under any name; its traces stay within the component, whose session this is.
const REACHING: [&str; 5] = ["set_config", "advisory", "temp", "setseed", "dblink"];

pub(super) fn effect(sql: &str) -> Effect {
    let lower = sql.to_ascii_lowercase();
    let mut words = words(&lower);
    match words.next().unwrap_or("") {
        "" | "select" | "insert" | "update" | "delete" | "with" | "values" | "table" | "merge"
        | "explain" | "show" | "savepoint" | "release" | "lock" | "truncate" => {
            if REACHING.iter().any(|word| lower.contains(word)) {
                Effect::Change
            } else {
                Effect::None
            }
        }
        "begin" | "start" => Effect::Begin,
        "commit" | "end" | "rollback" | "abort" => match words.find(|word| !is_noise(word)) {
            None => Effect::End,
            // `rollback to` a savepoint, `commit and chain`: the transaction goes on.
            Some("to" | "and") => Effect::None,
            Some(_) => Effect::Change,
        },
        "set" if matches!(words.next(), Some("local" | "transaction")) => Effect::None,
        "prepare" | "execute" | "deallocate" | "discard" => Effect::Prepared,
        "copy" => Effect::Copy,
        _ => Effect::Change,
    }
}

fn is_noise(word: &str) -> bool {
    matches!(word, "work" | "transaction")
}

/// The words of `sql`, without what stands between them. Comments are left out.
fn words(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        rest = skip_to_word(rest);
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

/// Passes over space, brackets, semicolons and comments, which may be nested.
fn skip_to_word(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ';'));
        if rest.starts_with("--") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if rest.starts_with("/*") {
            rest = behind_comment(rest);
        } else {
            return rest;
        }
    }
}

fn behind_comment(sql: &str) -> &str {
    let (mut rest, mut depth) = (sql, 0_u32);
    loop {
        let Some(at) = rest.find(['*', '/']) else { return "" };
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("/*") {
            (depth, rest) = (depth + 1, after);
        } else if let Some(after) = rest.strip_prefix("*/") {
            (depth, rest) = (depth - 1, after);
            if depth == 0 {
                return rest;
            }
        } else {
            rest = &rest[1..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_change_no_session() {
        for sql in [
            "select 1",
            "  SELECT 1;",
            "(select 1) union (select 2)",
            "-- why\nselect 1",
            "/* a /* nested */ comment */ insert into t values (1)",
            "with a as (select 1) table a",
            "select nextval('s')",
            "rollback to savepoint a",
            "SET LOCAL statement_timeout = 1",
            "set transaction isolation level serializable",
            "commit and chain",
            "",
        ] {
            assert_eq!(effect(sql), Effect::None, "{sql}");
        }
    }

    #[test]
    fn transactions_begin_and_end() {
        for sql in
            ["begin", "BEGIN ISOLATION LEVEL SERIALIZABLE", "start transaction", "/**/begin;"]
        {
            assert_eq!(effect(sql), Effect::Begin, "{sql}");
        }
        for sql in
            ["commit", "COMMIT;", "commit work", "end transaction", "rollback -- done", "abort"]
        {
            assert_eq!(effect(sql), Effect::End, "{sql}");
        }
    }

    #[test]
    fn what_may_stay_behind_is_a_change() {
        for sql in [
            "set search_path = x",
            "SET SESSION foo = 1",
            "reset all",
            "create temp table t ()",
            "listen channel",
            "do $$ begin end $$",
            "call p()",
            "select set_config('a', 'b', false)",
            "select pg_advisory_lock(1)",
            "select 1 into temp t",
            "commit prepared 'x'",
            "declare c cursor with hold for select 1",
            "ünknown",
        ] {
            assert_eq!(effect(sql), Effect::Change, "{sql}");
        }
        assert_eq!(effect("DEALLOCATE all"), Effect::Prepared);
        assert_eq!(effect("discard all"), Effect::Prepared);
        assert_eq!(effect("copy t to stdout"), Effect::Copy);
    }
}
