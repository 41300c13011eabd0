//! Steps that cargo runs.

use std::process::Command;

use anyhow::Result;

use super::session::Session;
use super::tally::{Tally, count_cargo};
use super::{Outcome, Step};
use crate::{command, components};

/// Everything but the host and its guests.
///
/// The host is not tested in the same call of cargo: features would be chosen for all packages
/// at once, and wasmtime be compiled twice, for `up` and for this.
pub(crate) fn native(_: &mut Session, _: &Step) -> Result<Outcome> {
    let mut cargo = command::cargo();
    cargo.args(["test", "--release", "--no-fail-fast", "--workspace"]);
    cargo.args(["--exclude", "runtime-shim", "--exclude", "conformance"]);
    Ok(Outcome::Ran(Tally::of_runner(&mut cargo, count_cargo)?))
}

pub(crate) fn host(_: &mut Session, _: &Step) -> Result<Outcome> {
    components::build_guests()?;
    let mut cargo = command::cargo();
    cargo.args(["test", "--release", "--no-fail-fast", "--package", "runtime-shim"]);
    Ok(Outcome::Ran(Tally::of_runner(&mut cargo, count_cargo)?))
}

pub(crate) fn format(_: &mut Session, _: &Step) -> Result<Outcome> {
    if !has("fmt") {
        return Ok(Outcome::NotRun("rustup component add rustfmt".to_owned()));
    }
    program(command::cargo().args(["fmt", "--all", "--check"]))
}

/// The host is left out: clippy would have to analyse wasmtime, minutes of work for one package.
pub(crate) fn lint(_: &mut Session, _: &Step) -> Result<Outcome> {
    if !has("clippy") {
        return Ok(Outcome::NotRun("rustup component add clippy".to_owned()));
    }
    let mut cargo = command::cargo();
    cargo.args(["clippy", "--release", "--workspace", "--exclude", "runtime-shim"]);
    program(cargo.args(["--", "--deny", "warnings"]))
}

pub(crate) fn licences(_: &mut Session, _: &Step) -> Result<Outcome> {
    if !has("deny") {
        return Ok(Outcome::NotRun("cargo install --locked cargo-deny".to_owned()));
    }
    program(command::cargo().args(["deny", "check"]))
}

fn has(subcommand: &str) -> bool {
    command::output(command::cargo().args([subcommand, "--version"])).is_some()
}

fn program(command: &mut Command) -> Result<Outcome> {
    Ok(Outcome::Ran(Tally::of_program(command)?))
}
