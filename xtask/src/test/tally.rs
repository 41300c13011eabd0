//! Counting tests by what their runners print.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::ops::AddAssign;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// Lines that a runner's report of its failures is cut to.
const REPORT_LINES: usize = 200;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    /// What the runner said of the failures, so that it can be read below the summary as well: a
    /// log of CI is long.
    pub(crate) report: Vec<String>,
}

impl Tally {
    pub(crate) fn success() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    pub(crate) fn failure() -> Self {
        Self { failed: 1, ..Self::default() }
    }

    pub(crate) fn skip() -> Self {
        Self { skipped: 1, ..Self::default() }
    }

    /// A program that is one test in itself.
    pub(crate) fn of_program(command: &mut Command) -> Result<Self> {
        let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
        Ok(if status.success() { Self::success() } else { Self::failure() })
    }

    /// Runs a test runner, passing its output on, and adds up what `count` finds in its lines.
    pub(crate) fn of_runner(command: &mut Command, count: fn(&str) -> Self) -> Result<Self> {
        let what = format!("{command:?}");
        let cannot = || format!("cannot run {what}");
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(cannot)?;
        let mut tally = Self::default();
        let mut of_failures = false;
        for line in BufReader::new(child.stdout.take().with_context(cannot)?).lines() {
            let line = line?;
            tally += count(&line);
            println!("{line}");
            of_failures = about_failures(&line).unwrap_or(of_failures);
            if of_failures && tally.report.len() < REPORT_LINES {
                tally.report.push(line);
            }
        }
        let status = child.wait()?;
        if !status.success() && tally.failed == 0 {
            // It failed without a failing test: a file that does not compile, for instance.
            tally += Self::failure();
        }
        Ok(tally)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.report.extend(other.report);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Whether a line begins or ends what a runner says of its failures: node's at the end of its
/// output, cargo's before each result.
fn about_failures(line: &str) -> Option<bool> {
    match line {
        "✖ failing tests:" | "failures:" => Some(true),
        _ if line.starts_with("test result: ") => Some(false),
        _ => None,
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`
pub(crate) fn count_cargo(line: &str) -> Tally {
    let mut tally = Tally::default();
    let Some((_, counts)) =
        line.strip_prefix("test result: ").and_then(|line| line.split_once(". "))
    else {
        return tally;
    };
    for count in counts.split("; ") {
        match pair(count) {
            Some((number, "passed")) => tally.passed = number,
            Some((number, "failed")) => tally.failed = number,
            Some((number, "ignored")) => tally.skipped = number,
            _ => {}
        }
    }
    tally
}

fn pair(count: &str) -> Option<(u64, &str)> {
    let (number, what) = count.split_once(' ')?;
    Some((number.parse().ok()?, what))
}

/// `ℹ pass 3`, as node's reporter `spec` ends.
pub(crate) fn count_node(line: &str) -> Tally {
    let words: Vec<&str> = line.split(' ').collect();
    let &["ℹ", what, number] = words.as_slice() else { return Tally::default() };
    let Ok(number) = number.parse() else { return Tally::default() };
    let none = Tally::default();
    match what {
        "pass" => Tally { passed: number, ..none },
        "fail" | "cancelled" => Tally { failed: number, ..none },
        "skipped" | "todo" => Tally { skipped: number, ..none },
        _ => none,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Tally, count_cargo, count_node};

    #[test]
    fn cargo_is_counted() {
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 9 filtered out";
        let counted = Tally { passed: 3, failed: 2, skipped: 1, ..Tally::default() };
        assert_eq!(count_cargo(line), counted);
        assert_eq!(count_cargo("test a::b ... ok"), Tally::default());
    }

    #[test]
    fn node_is_counted() {
        assert_eq!(count_node("ℹ pass 12").passed, 12);
        assert_eq!(count_node("ℹ cancelled 1").failed, 1);
        assert_eq!(count_node("ℹ duration_ms 12"), Tally::default());
        assert_eq!(count_node("✔ a test that says ℹ pass 3"), Tally::default());
    }

    #[test]
    fn a_runner_that_fails_without_a_failing_test_is_a_failure() {
        let mut runner = Command::new("sh");
        runner.args(["-c", "echo 'ℹ pass 2'; exit 1"]);
        let tally = Tally::of_runner(&mut runner, count_node).unwrap();
        assert_eq!(tally, Tally { passed: 2, failed: 1, ..Tally::default() });
    }

    #[test]
    fn what_a_runner_says_of_failures_is_kept() {
        let output = "fine\nfailures:\nwhy\ntest result: FAILED. 0 passed; 1 failed\nfine";
        let mut runner = Command::new("printf");
        runner.arg(output);
        let tally = Tally::of_runner(&mut runner, count_cargo).unwrap();
        assert_eq!(tally.report, ["failures:", "why"]);
    }
}
