//! Our host traces what it asks SQLite; the plans are those of the program `sqlite3`, for the
//! same file.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{SCALE, SMALL, Verdicts, reads};
use crate::seed;
use crate::test::session::Site;

const TRACE: &str = "warn,runtime_shim::sqlite=trace";

/// What stands before a statement in the host's log.
const MARK: &str = "statement: ";

pub(super) fn verdicts() -> Result<Verdicts> {
    let site = Site::logging(TRACE, "plans-sqlite")?;
    reads::touch(site.base())?;
    seed::run(&seed::Options {
        state_dir: Some(site.folder().to_owned()),
        ..seed::Options::new(SCALE)
    })?;
    let before = site.log()?.len();
    reads::all(site.base())?;
    let log = site.log()?;
    let file = site.folder().join("state/sqlite_db.db");
    let mut verdicts = Verdicts::default();
    for statement in statements(log.get(before..).context("the log became shorter")?) {
        let plan = explain(&file, statement)?;
        verdicts.add(statement.to_owned(), fault(&plan), &plan);
    }
    site.stop()?;
    Ok(verdicts)
}

fn statements(log: &str) -> BTreeSet<&str> {
    let traced = log.lines().filter_map(|line| line.split_once(MARK));
    traced
        .map(|(_, statement)| statement)
        .filter(|statement| statement.starts_with("SELECT"))
        .collect()
}

/// A line for each step. Parameters have no value, and the plan does not depend on any.
fn explain(file: &Path, statement: &str) -> Result<String> {
    let mut program = Command::new("sqlite3");
    program.arg("-batch").arg(file).arg(format!("EXPLAIN QUERY PLAN {statement}"));
    let output = program.output().context("cannot run sqlite3")?;
    if !output.status.success() {
        bail!("sqlite3: {}\n{statement}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn fault(plan: &str) -> Option<String> {
    let steps = || plan.lines().map(|line| line.trim_start_matches(['|', '`', '-', ' ']));
    // What a search reads ahead, or what the full-text index found.
    let narrowed = steps().any(|step| {
        step.starts_with("CO-ROUTINE")
            || step.starts_with("MATERIALIZE")
            || step.contains("VIRTUAL TABLE INDEX")
    });
    let rows_of_another_step: Vec<&str> = steps()
        .filter_map(|step| {
            step.strip_prefix("CO-ROUTINE ").or_else(|| step.strip_prefix("MATERIALIZE "))
        })
        .collect();
    for step in steps() {
        if step.starts_with("USE TEMP B-TREE") && !narrowed {
            return Some("sorts whatever it finds".to_owned());
        }
        let Some(scan) = step.strip_prefix("SCAN ") else { continue };
        let table = scan.split(' ').next().unwrap_or_default();
        // An index in the order of the list is walked until the page is full.
        let is_cheap = scan.contains(" USING ") || scan.contains("VIRTUAL TABLE INDEX");
        if !is_cheap
            && !SMALL.contains(&table)
            && !rows_of_another_step.contains(&table)
            && scan != "CONSTANT ROW"
        {
            return Some(format!("reads all of {table}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{fault, statements};

    #[test]
    fn a_scan_and_a_sort_are_faults() {
        assert!(fault("QUERY PLAN\n`--SCAN posts\n").is_some());
        assert!(fault("QUERY PLAN\n|--SEARCH reviews USING INDEX a (b=?)\n`--USE TEMP B-TREE FOR ORDER BY\n").is_some());
        assert_eq!(fault("QUERY PLAN\n`--SCAN posts USING INDEX posts_by_votes\n"), None);
        let window = "QUERY PLAN\n|--CO-ROUTINE recent\n|  `--SCAN posts USING INDEX a\n|--SCAN recent\n`--USE TEMP B-TREE FOR ORDER BY\n";
        assert_eq!(fault(window), None);
    }

    #[test]
    fn statements_stand_in_the_log() {
        let log = "2026 TRACE runtime_shim::sqlite: statement: SELECT 1\n2026 TRACE x: statement: COMMIT\n";
        assert_eq!(statements(log).into_iter().collect::<Vec<_>>(), ["SELECT 1"]);
    }
}
