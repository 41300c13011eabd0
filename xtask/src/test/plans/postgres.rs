//! PostgreSQL logs the plan of every statement together with the rows that it really read.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{SMALL, SORTED, Verdicts};
use crate::database_server::DatabaseServer;
use crate::test::session::Databases;

/// Nodes that give rows in another order than they take them.
const SORTS: &[&str] = &["Sort", "Incremental Sort"];

/// Has the sessions that serve these databases from now on log their plans.
pub(super) fn explain_all(server: &DatabaseServer, databases: &Databases) -> Result<()> {
    for (_, database) in &databases.of {
        let name = database.url.rsplit('/').next().context("a URL without a database")?;
        for setting in [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_format = json",
            "auto_explain.log_analyze = on",
            "auto_explain.log_timing = off",
            // As for any disk without arms; with the default a read by an index looks dearer
            // here than all of so few rows.
            "random_page_cost = 1.1",
        ] {
            server.sql(None, &format!("ALTER DATABASE {name} SET {setting}"))?;
        }
    }
    Ok(())
}

pub(super) fn verdicts(
    server: &DatabaseServer,
    read: impl FnOnce() -> Result<()>,
) -> Result<Verdicts> {
    let before = fs::metadata(server.log())?.len();
    read()?;
    let log = fs::read(server.log())?;
    let log = String::from_utf8_lossy(&log[usize::try_from(before)?..]).into_owned();
    let mut verdicts = Verdicts::default();
    for plan in plans(&log) {
        let statement = plan["Query Text"].as_str().unwrap_or_default();
        if reads(statement) {
            let text = serde_json::to_string_pretty(&plan["Plan"])?;
            verdicts.add(statement.to_owned(), fault(&plan["Plan"]), &text);
        }
    }
    Ok(verdicts)
}

fn reads(statement: &str) -> bool {
    statement.starts_with("SELECT") && !statement.contains("pg_")
}

/// An entry of the log goes on in lines that begin with a tab.
fn plans(log: &str) -> Vec<Value> {
    let mut plans = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        if !(line.contains("LOG:  duration:") && line.ends_with("plan:")) {
            continue;
        }
        let mut text = String::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('\t')) {
            text.push_str(line);
        }
        plans.extend(serde_json::from_str::<Value>(&text));
    }
    plans
}

/// What is wrong with a plan, if anything is.
fn fault(node: &Value) -> Option<String> {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
    let loops = number("Actual Loops").max(1.0);
    let children = node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let most = SORTED as f64;
    if let Some(table) = node["Relation Name"].as_str().filter(|table| !SMALL.contains(table)) {
        if kind == "Seq Scan" {
            return Some(format!("reads all of {table}"));
        }
        // Without a condition it walks the index until the page is full.
        let walked = (number("Actual Rows") + number("Rows Removed by Filter")) * loops;
        if kind != "Bitmap Heap Scan" && node.get("Index Cond").is_none() && walked > most {
            return Some(format!("walks {walked} rows of {table}"));
        }
    }
    let sorted = children.first().map_or(0.0, |child| child["Actual Rows"].as_f64().unwrap_or(0.0));
    if SORTS.contains(&kind) && sorted > most {
        return Some(format!("sorts {sorted} rows"));
    }
    children.iter().find_map(fault)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{fault, plans};

    #[test]
    fn a_scan_a_walk_and_a_large_sort_are_faults() {
        let index = |rows| json!({ "Node Type": "Index Scan", "Relation Name": "posts", "Actual Rows": rows });
        assert_eq!(fault(&json!({ "Node Type": "Limit", "Plans": [index(21)] })), None);
        assert!(fault(&index(20_000)).is_some());
        assert!(
            fault(&json!({ "Node Type": "Limit", "Plans": [{ "Node Type": "Sort", "Plans": [
            { "Node Type": "Result", "Actual Rows": 5_000 },
        ] }] }))
            .is_some()
        );
        let scan =
            |table| json!({ "Node Type": "Seq Scan", "Relation Name": table, "Actual Rows": 1 });
        assert!(fault(&scan("reviews")).is_some() && fault(&scan("hospital_facets")).is_none());
    }

    #[test]
    fn plans_stand_in_the_log() {
        let log = "2026 [7] LOG:  duration: 0.1 ms  plan:\n\t{\n\t\"Query Text\": \"SELECT 1\"\n\t}\n2026 [7] LOG:  other\n";
        assert_eq!(plans(log), [json!({ "Query Text": "SELECT 1" })]);
    }
}
