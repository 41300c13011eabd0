//! Steps that cargo runs.

use std::process::Command;

use anyhow::Result;

use super::session::Session;
use super::tally::{Tally, count_cargo};
use super::{Outcome, Step};
use crate::database_server::Engine;
use crate::{command, components, scripts, token};

/// Components of the host's tests.
const GUESTS: &[&str] =
    &["conformance", "earlier", "greeted", "greeter", "middleware", "unversioned"];

/// Compiling is most of clippy's work, so it is what compiles our crates for `native`.
pub(crate) fn lint(_: &mut Session, _: &Step) -> Result<Outcome> {
    if !has("clippy") {
        return Ok(Outcome::NotRun("rustup component add clippy".to_owned()));
    }
    scripts::bundle()?;
    let mut sum = Tally::default();
    for mut cargo in native_tests() {
        sum += Tally::of_program(cargo.arg("--no-run"))?;
    }
    Ok(Outcome::Ran(sum))
}

pub(crate) fn native(_: &mut Session, _: &Step) -> Result<Outcome> {
    scripts::bundle()?;
    let mut sum = Tally::default();
    for mut cargo in native_tests() {
        sum += Tally::of_runner(&mut cargo, count_cargo)?;
    }
    Ok(Outcome::Ran(sum))
}

/// Everything but the host, what it is compared with, what visits it, and its guests.
///
/// Not in one call: cargo chooses features for all packages of a call at once, so that wasmtime
/// would be compiled twice, for `up` and for this, and so would what xtask is made of.
fn native_tests() -> [Command; 2] {
    // `--lib`, as the entry point of a component links for wasm32 only.
    let left_out = ["xtask", "runtime-shim", "measured", "native", "visits"].iter().chain(GUESTS);
    let left_out: Vec<&str> = left_out.flat_map(|package| ["--exclude", *package]).collect();
    let others = [&["--workspace", "--lib"], &left_out[..]].concat();
    let linted = has("clippy");
    [&["--package", "xtask"], &others[..]].map(|packages| {
        let mut cargo = cargo_test(packages);
        if linted {
            // As `cargo clippy -- --deny warnings` calls it, which would only check.
            cargo.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
            cargo.env("CLIPPY_ARGS", "--deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
        }
        cargo
    })
}

/// With the tests that need a database server for each one that can be had here; what is missing
/// is reported by the steps that are all about it.
pub(crate) fn host(session: &mut Session, _: &Step) -> Result<Outcome> {
    components::compile(GUESTS)?;
    let mut cargo = cargo_test(&["--package", "runtime-shim"]);
    cargo.args(["--", "--include-ignored"]);
    for (engine, variable, tests) in [
        (Engine::Postgres, "JINMAEK_TEST_POSTGRES", "postgres::"),
        (Engine::Mariadb, "JINMAEK_TEST_MARIADB", "mysql::on_mariadb"),
        (Engine::Mysql, "JINMAEK_TEST_MYSQL", "mysql::on_mysql"),
    ] {
        match session.database_server(engine)? {
            Ok(server) => {
                // The tests take the address apart, so nothing in it is escaped.
                let database = server.create_with("host", token::random()?)?;
                cargo.env(variable, database.owner_url);
                if engine == Engine::Postgres {
                    cargo.env("JINMAEK_TEST_POSTGRES_CA", server.authority());
                }
            }
            Err(_) => {
                cargo.args(["--skip", tests]);
            }
        }
    }
    Ok(Outcome::Ran(Tally::of_runner(&mut cargo, count_cargo)?))
}

fn cargo_test(packages: &[&str]) -> Command {
    let mut cargo = command::cargo();
    cargo.args(["test", "--release", "--no-fail-fast"]).args(packages);
    cargo
}

pub(crate) fn format(_: &mut Session, _: &Step) -> Result<Outcome> {
    if !has("fmt") {
        return Ok(Outcome::NotRun("rustup component add rustfmt".to_owned()));
    }
    program(command::cargo().args(["fmt", "--all", "--check"]))
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
