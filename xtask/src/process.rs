//! CPU time and memory of a process and of all that it started, as the kernel counts them
//! (proc(5)): Spin serves from a second process, PostgreSQL from one for each session.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Pid;

use crate::command;

static TICKS_PER_SECOND: LazyLock<f64> = LazyLock::new(|| {
    let ticks = command::output(Command::new("getconf").arg("CLK_TCK"));
    ticks.and_then(|ticks| ticks.parse().ok()).unwrap_or(100.0)
});

/// Of proc(5)'s stat, counted from the field after the name.
const PARENT: usize = 1;
/// User and system time, of a process itself and of its children that have ended.
const TIMES: [usize; 4] = [11, 12, 13, 14];

/// User and system time so far.
pub(crate) fn cpu(root: Pid) -> Result<Duration> {
    let mut ticks = 0.0;
    for stat in members(root)?.values() {
        for field in TIMES {
            ticks += stat.get(field).context("proc(5)")?.parse::<f64>()?;
        }
    }
    Ok(Duration::from_secs_f64(ticks / *TICKS_PER_SECOND))
}

/// Resident bytes. What processes share counts for each.
pub(crate) fn resident(root: Pid) -> Result<u64> {
    memory(root, "status", "VmRSS:")
}

/// Resident bytes, what processes share divided among them.
pub(crate) fn proportional(root: Pid) -> Result<u64> {
    memory(root, "smaps_rollup", "Pss:")
}

fn memory(root: Pid, file: &str, field: &str) -> Result<u64> {
    let mut bytes = 0;
    for process in members(root)?.keys() {
        // One that ended meanwhile has no figures any more.
        let Ok(text) = fs::read_to_string(folder(process).join(file)) else { continue };
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        bytes += kib.unwrap_or(0) * 1024;
    }
    Ok(bytes)
}

/// The machine's time since it started, on all cores together, and how much of it was idle.
pub(crate) fn machine() -> Result<(Duration, Duration)> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("proc(5)")?;
    let ticks = line.split_whitespace().skip(1).map(|field| Ok(field.parse::<f64>()?));
    let ticks = ticks.collect::<Result<Vec<_>>>()?;
    let time =
        |ticks: &[f64]| Duration::from_secs_f64(ticks.iter().sum::<f64>() / *TICKS_PER_SECOND);
    // Idle and waiting for a disk; what guests take is in the user's time already.
    let (all, idle) = (ticks.get(..8).context("proc(5)")?, ticks.get(3..5).context("proc(5)")?);
    Ok((time(all), time(idle)))
}

/// The stat of each, by process id.
fn members(root: Pid) -> Result<HashMap<String, Vec<String>>> {
    let names =
        fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut others: HashMap<String, Vec<String>> = names
        .filter_map(|name| Some((stat(&name)?, name)))
        .map(|(stat, name)| (name, stat))
        .collect();
    let mut members = HashMap::new();
    let mut parents = HashSet::from([root.as_raw_nonzero().to_string()]);
    members.extend(others.remove_entry(&root.as_raw_nonzero().to_string()));
    while !parents.is_empty() {
        let is_child = |_: &String, stat: &mut Vec<String>| {
            stat.get(PARENT).is_some_and(|parent| parents.contains(parent))
        };
        let children: HashMap<_, _> = others.extract_if(is_child).collect();
        parents = children.keys().cloned().collect();
        members.extend(children);
    }
    Ok(members)
}

/// What follows the name, which may hold spaces: field 3 of proc(5)'s stat stands first.
fn stat(process: &str) -> Option<Vec<String>> {
    let stat = fs::read_to_string(folder(process).join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn folder(process: &str) -> PathBuf {
    PathBuf::from("/proc").join(process)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use rustix::process::{Pid, getpid};

    use super::{cpu, members, proportional, resident};

    #[test]
    fn what_a_process_started_belongs_to_it() {
        let mut sleeper = Command::new("sh");
        let mut sleeper = sleeper.args(["-c", "read line"]).stdin(Stdio::piped()).spawn().unwrap();
        let child = Pid::from_raw(sleeper.id().cast_signed()).unwrap();
        let all = members(getpid()).unwrap();
        assert!(all.contains_key(&sleeper.id().to_string()));
        assert!(!members(child).unwrap().contains_key(&std::process::id().to_string()));
        assert!(cpu(getpid()).unwrap() >= cpu(child).unwrap());
        // Of the child alone: beside this test others start processes that come and go.
        let (shared, whole) = (proportional(child).unwrap(), resident(child).unwrap());
        assert!(shared > 0 && shared <= whole, "{shared} of {whole}");
        drop(sleeper.stdin.take());
        sleeper.wait().unwrap();
    }
}
