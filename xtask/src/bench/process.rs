//! CPU time and memory of a server, as the kernel counts them (proc(5)). Of its whole process
//! group, because Spin serves from a second process.

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

/// User and system time so far.
pub(super) fn cpu(group: Pid) -> Result<Duration> {
    let mut ticks = 0.0;
    for process in members(group)? {
        // One that ended meanwhile has no figures any more.
        let Some(fields) = stat(&process) else { continue };
        for field in [11, 12] {
            ticks += fields.get(field).context("proc(5)")?.parse::<f64>()?;
        }
    }
    Ok(Duration::from_secs_f64(ticks / *TICKS_PER_SECOND))
}

/// Resident bytes. What processes share counts for each.
pub(super) fn resident(group: Pid) -> Result<u64> {
    let mut bytes = 0;
    for process in members(group)? {
        let Ok(status) = fs::read_to_string(process.join("status")) else { continue };
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        bytes += kib.unwrap_or(0) * 1024;
    }
    Ok(bytes)
}

fn members(group: Pid) -> Result<Vec<PathBuf>> {
    let group = group.as_raw_nonzero().to_string();
    let is_member = |process: &PathBuf| {
        stat(process).is_some_and(|fields| fields.get(2).is_some_and(|pgrp| *pgrp == group))
    };
    let processes = fs::read_dir("/proc")?.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(processes.filter(is_member).collect())
}

/// What follows the name, which may hold spaces: field 3 of proc(5)'s stat stands first.
fn stat(process: &std::path::Path) -> Option<Vec<String>> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}
