//! MySQL and MariaDB write every statement with its values to their general log; each is then
//! explained, and run once more to see what it reads and sorts.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result};

use super::{SMALL, SORTED, Verdicts, WINDOW};
use crate::database_server::{DatabaseServer, Engine};

/// Rows that a search may fetch one after another: a window, read again where it is materialised
/// and once more where it is sorted.
const SEARCH_READS: u64 = 5 * WINDOW;

/// The same for everything else: a page of at most a hundred, and as many that belong to it.
const READS: u64 = 500;

/// A line of EXPLAIN.
struct Access<'a> {
    table: &'a str,
    kind: &'a str,
    rows: u64,
    extra: &'a str,
}

pub(super) fn verdicts(
    server: &DatabaseServer,
    read: impl FnOnce() -> Result<()>,
) -> Result<Verdicts> {
    let log = server.path("statements");
    server.sql(
        None,
        &format!("SET GLOBAL log_output = 'FILE', GLOBAL general_log_file = '{}'", log.display()),
    )?;
    server.sql(None, "SET GLOBAL general_log = ON")?;
    let done = read();
    server.sql(None, "SET GLOBAL general_log = OFF")?;
    done?;
    let log = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let mut verdicts = Verdicts::default();
    for statement in statements(&log) {
        let Some(database) = database_of(&statement) else { continue };
        let Some(shape) = shape(&statement) else { continue };
        let plan =
            server.sql(Some(database), &format!("EXPLAIN FORMAT=TRADITIONAL {statement}"))?;
        let status = server
            .sql(Some(database), &format!("FLUSH STATUS; {statement}; SHOW SESSION STATUS"))?;
        let fault =
            fault(server.engine(), &plan)?.or_else(|| excess(&status, most_reads(&statement)));
        verdicts.add(shape, fault, &format!("{statement}\n{plan}"));
    }
    Ok(verdicts)
}

/// Statements that read, each once.
fn statements(log: &str) -> Vec<String> {
    let executed = log.lines().filter_map(|line| {
        let (_, statement) =
            line.split_once(" Execute\t").or_else(|| line.split_once(" Query\t"))?;
        statement.starts_with("SELECT").then(|| statement.to_owned())
    });
    let mut statements: Vec<String> = executed.collect();
    statements.sort();
    statements.dedup();
    statements
}

/// No name of a table occurs in two components.
fn database_of(statement: &str) -> Option<&'static str> {
    const TABLES: [(&str, &[&str]); 3] = [
        ("plans_board", &["posts", "comments", "votes", "thread_labels", "board_idempotency"]),
        (
            "plans_review",
            &[
                "hospitals",
                "hospital_facets",
                "signed_reviews",
                "signed_ratings",
                "review_",
                "banned_review_keys",
                "moderation_",
            ],
        ),
        ("plans_auth", &["accounts", "sessions", "throttles", "settings", "auth_idempotency"]),
    ];
    let named = |table: &&str| statement.contains(&format!("FROM {table}"));
    TABLES.into_iter().find(|(_, tables)| tables.iter().any(&named)).map(|(database, _)| database)
}

/// The statement without its values; `None` where it stands in the log without them, as MariaDB
/// writes one that it has to prepare again.
fn shape(statement: &str) -> Option<String> {
    let mut shape = String::new();
    let mut quoted = false;
    let mut rest = statement.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if quoted => drop(rest.next()),
            '\'' => {
                if !quoted {
                    shape.push('?');
                }
                quoted = !quoted;
            }
            _ if quoted => {}
            '?' => return None,
            '0'..='9' if !shape.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                while rest.next_if(char::is_ascii_digit).is_some() {}
                shape.push('?');
            }
            c => shape.push(c),
        }
    }
    Some(shape)
}

fn access(engine: Engine, line: &str) -> Result<Access<'_>> {
    let columns: Vec<&str> = line.split('\t').collect();
    // MySQL has the columns partitions and filtered as well.
    let [table, kind, rows, extra] =
        if engine == Engine::Mysql { [2, 4, 9, 11] } else { [2, 3, 8, 9] };
    let column =
        |index: usize| columns.get(index).copied().with_context(|| format!("a plan of {line:?}"));
    Ok(Access {
        table: column(table)?,
        kind: column(kind)?,
        rows: column(rows)?.parse().unwrap_or(0),
        extra: column(extra)?,
    })
}

fn fault(engine: Engine, plan: &str) -> Result<Option<String>> {
    for line in plan.lines() {
        let Access { table, kind, rows, extra } = access(engine, line)?;
        if table == "NULL" || table.starts_with('<') || SMALL.contains(&table) {
            continue;
        }
        // Walking an index from its end stops when the page is full; whether it did is counted.
        if kind == "ALL" {
            return Ok(Some(format!("reads all of {table}")));
        }
        if extra.contains("filesort") && kind != "fulltext" && rows > SORTED {
            return Ok(Some(format!("sorts {rows} rows of {table}")));
        }
    }
    Ok(None)
}

/// A search of hospitals for what most of them have, under a filter that leaves none of those,
/// reads them all, however it goes about it. There are 80,000 of them and no more.
fn most_reads(statement: &str) -> u64 {
    if statement.contains("hospital_texts") {
        u64::MAX
    } else if statement.contains(" LIKE ") {
        SEARCH_READS
    } else {
        READS
    }
}

/// More rows than the statement may read or sort, in the counters of the session that ran it.
fn excess(status: &str, most_reads: u64) -> Option<String> {
    let counters: HashMap<&str, u64> = status
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
        .collect();
    let count = |name: &str| counters.get(name).copied().unwrap_or(0);
    let reads = ["Handler_read_next", "Handler_read_prev", "Handler_read_rnd_next"]
        .map(count)
        .iter()
        .sum::<u64>();
    if reads > most_reads {
        return Some(format!("reads {reads} rows"));
    }
    (count("Sort_rows") > SORTED).then(|| format!("sorts {} rows", count("Sort_rows")))
}

#[cfg(test)]
mod tests {
    use super::{Engine, excess, fault, shape, statements};

    #[test]
    fn a_scan_and_a_large_sort_are_faults() {
        let plan = |kind: &str, rows, extra: &str| {
            let line =
                format!("1\tSIMPLE\tposts\t{kind}\tNULL\tPRIMARY\t36\tNULL\t{rows}\t{extra}\n");
            fault(Engine::Mariadb, &line).unwrap().is_some()
        };
        assert!(plan("ALL", 1, "") && plan("ref", 20_000, "Using filesort"));
        assert!(
            !plan("index", 20_000, "")
                && !plan("ref", 20_000, "")
                && !plan("fulltext", 1, "Using filesort")
        );
        let wide = "1\tSIMPLE\tposts\tNULL\tALL\tNULL\tNULL\tNULL\tNULL\t20000\t100.00\tNULL\n";
        assert!(fault(Engine::Mysql, wide).unwrap().is_some());
        assert!(
            excess("Sort_rows\t1201\n", 500).is_some()
                && excess("Sort_rows\t20\nHandler_read_next\t500", 500).is_none()
                && excess("Handler_read_prev\t501", 500).is_some()
        );
    }

    #[test]
    fn statements_are_those_of_the_log_without_values() {
        let log = "2026-11-24T03:08:32.1Z\t   12 Execute\tSELECT 1\n\t\t    13 Execute\tSELECT 1\n\t\t 13 Query\tCOMMIT\n";
        assert_eq!(statements(log), ["SELECT 1"]);
        assert_eq!(
            shape("SELECT a1 FROM b WHERE c = 'it\\'s ''x' AND d > 12 LIMIT 21"),
            Some("SELECT a1 FROM b WHERE c = ?? AND d > ? LIMIT ?".to_owned())
        );
        assert_eq!(shape("SELECT '?' LIMIT ?"), None);
    }
}
