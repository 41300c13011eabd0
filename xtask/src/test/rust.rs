//! Steps that cargo runs.

use std::process::Command;

use anyhow::Result;

use super::session::Session;
use super::tally::{Tally, count_cargo};
use super::{Outcome, Step};
use crate::database_server::Engine;
use crate::{command, components, scripts, token};

/// Components of the host's tests.
const GUESTS: &[&str] = &["conformance", "earlier", "unversioned"];

/// Everything but the host and its guests.
///
/// Not in one call: cargo chooses features for all packages of a call at once, so that wasmtime
/// would be compiled twice, for `up` and for this, and so would what xtask is made of.
pub(crate) fn native(_: &mut Session, _: &Step) -> Result<Outcome> {
    scripts::bundle()?;
    let run = |packages: &[&str]| Tally::of_runner(&mut cargo_test(packages), count_cargo);
    let mut sum = run(&["--package", "xtask"])?;
    // `--lib`, as the entry point of a component links for wasm32 only.
    let others = ["xtask", "runtime-shim", "measured", "native", "visits"];
    let others = others.iter().chain(GUESTS);
    let others: Vec<&str> = others.flat_map(|package| ["--exclude", *package]).collect();
    sum += run(&[&["--workspace", "--lib"], &others[..]].concat())?;
    Ok(Outcome::Ran(sum))
}

/// With the tests that need a database server for each one that can be had here; what is missing
/// is reported by the steps that are all about it.
pub(crate) fn host(session: &mut Session, _: &Step) -> Result<Outcome> {
    for guest in GUESTS {
        components::build_guest(guest)?;
    }
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

/// The host, what it is compared with and what visits it are left out: clippy would have to analyse
/// wasmtime, the database drivers and goose, minutes of work for three packages.
pub(crate) fn lint(_: &mut Session, _: &Step) -> Result<Outcome> {
    if !has("clippy") {
        return Ok(Outcome::NotRun("rustup component add clippy".to_owned()));
    }
    scripts::bundle()?;
    let mut cargo = command::cargo();
    cargo.args(["clippy", "--release", "--workspace", "--exclude", "runtime-shim"]);
    cargo.args(["--exclude", "native", "--exclude", "visits", "--", "--deny", "warnings"]);
    program(&mut cargo)
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
