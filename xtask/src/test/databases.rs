//! The store of every component on real database servers.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::node::{node, unable};
use super::session::{Databases, Session, Site};
use super::tally::Tally;
use super::{Outcome, Step};
use crate::database_server::{Database, DatabaseServer, Engine};
use crate::server;

/// The tests of `tests/api/`, with all components on one server of this kind.
pub(crate) fn suite(session: &mut Session, step: &Step, engine: Engine) -> Result<Outcome> {
    if let Some(outcome) = unable()? {
        return Ok(outcome);
    }
    let files = session.files(step)?;
    let server = match session.database_server(engine)? {
        Ok(server) => server,
        Err(how) => return Ok(Outcome::NotRun(how)),
    };
    let databases = Databases::all_on(server, "")?;
    // The importer's tests start a site of their own, on further databases.
    let others = Databases::all_on(server, "other_")?;
    let site = Site::on(&databases, engine.name())?;
    site.migrate(&others)?;
    let variables: Vec<_> = others.variables().into_iter().chain(site.mail_variable()).collect();
    let outcome = node(&site, &files, |suite| {
        suite.envs(server::environment(&variables));
    })?;
    let migrations = migrations(&site, server)?;
    let log = site.log()?;
    site.stop()?;
    let passwords = databases.of.iter().chain(&others.of).map(|(_, database)| database);
    let Outcome::Ran(mut tally) = outcome else { return Ok(outcome) };
    tally += silence(&log, passwords)?;
    tally += migrations;
    Ok(Outcome::Ran(tally))
}

/// What `runtime-shim migrate` does on this server, told apart by what an operator would see.
fn migrations(site: &Site, server: &DatabaseServer) -> Result<Tally> {
    let mut tally = Tally::default();
    for (what, result) in [
        ("two migrations at once", two_at_once(site, server)),
        ("a database newer than the code", newer(site, server)),
        ("an account without the right to change a schema", without_right(site, server)),
        ("a URL that leads nowhere", unusable(site, server)),
    ] {
        tally += match result {
            Ok(()) => Tally::success(),
            Err(error) => {
                eprintln!("✖ {what}: {error:#}");
                Tally::failure()
            }
        };
    }
    Ok(tally)
}

/// Both succeed, and each step happens once.
fn two_at_once(site: &Site, server: &DatabaseServer) -> Result<()> {
    let database = server.create("twice")?;
    let running = (0..2)
        .map(|_| Ok(site.migration("board", &database.owner_url).stderr(Stdio::null()).spawn()?))
        .collect::<Result<Vec<_>>>()?;
    for mut migration in running {
        ensure!(migration.wait()?.success(), "one of them failed");
    }
    let versions = server.sql(Some("twice"), "SELECT version FROM board_migrations")?;
    ensure!(versions.trim() == "1", "versions: {versions}");
    Ok(())
}

fn newer(site: &Site, server: &DatabaseServer) -> Result<()> {
    let database = server.create("newer")?;
    said(&mut site.migration("board", &database.owner_url))?;
    for version in 2..10 {
        let insert = format!("INSERT INTO board_migrations (version) VALUES ({version})");
        server.sql(Some("newer"), &insert)?;
    }
    refused(site, &database.owner_url, &database.password, "newer than this code")
}

/// Nothing is half-made by an account that may not, and the owner can go on.
fn without_right(site: &Site, server: &DatabaseServer) -> Result<()> {
    let database = server.create("rights")?;
    refused(site, &database.url, &database.password, "denied")?;
    said(&mut site.migration("board", &database.owner_url))?;
    Ok(())
}

/// One line that says what is wrong, without the password.
fn unusable(site: &Site, server: &DatabaseServer) -> Result<()> {
    let database = server.create("unusable")?;
    let (url, password) = (&database.owner_url, &database.password);
    let scheme = url.split(':').next().unwrap_or_default();
    // Not the user's name, which begins alike: MySQL answers for an unknown one as it likes.
    let absent = format!("{}absent", url.strip_suffix("unusable").context("the database's name")?);
    let wrong = url.replace(&password[..12], "somethingelse");
    for (url, expected) in [
        (format!("{url}?hostaddr=10.0.0.1"), "hostaddr"),
        (format!("{url}?socket=/tmp/socket"), "socket"),
        (absent, "absent"),
        (wrong, "unusable_owner"),
        (url.replace(&format!(":{}/", server.port), ":99999/"), "address"),
        (format!("{scheme}://{password}"), "address"),
        (format!("oracle://a:{password}@127.0.0.1/a"), "sqlite:"),
    ] {
        refused(site, &url, password, expected)?;
    }
    Ok(())
}

/// The migration of `url` ends with one line of an error that holds `expected` and not the password.
fn refused(site: &Site, url: &str, password: &str, expected: &str) -> Result<()> {
    let output = site.migration("board", url).output()?;
    ensure!(!output.status.success(), "taken, though {expected}");
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().last().unwrap_or_default();
    ensure!(
        last.starts_with("error: ") && last.contains(expected),
        "no word of {expected}: {last}"
    );
    ensure!(!text.contains(&password[..12]), "the password is in it: {last}");
    Ok(())
}

fn said(migration: &mut Command) -> Result<String> {
    let output = migration.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A test that no password stands in the log.
fn silence<'a>(log: &str, databases: impl Iterator<Item = &'a Database>) -> Result<Tally> {
    for database in databases {
        // Half of it is enough to recognise it in whatever escaping.
        let half = database.password.get(..12).context("a password")?;
        if log.contains(half) {
            eprintln!("a password of a database stands in the log of the host");
            return Ok(Tally::failure());
        }
    }
    Ok(Tally::success())
}
