//! The store of every component on real database servers.

use anyhow::{Context, Result};

use super::node::{node, unable};
use super::session::{Databases, Session, Site};
use super::tally::Tally;
use super::{Outcome, Step};
use crate::database_server::{Database, Engine};
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
    let outcome = node(&site, &files, |suite| {
        suite.envs(server::environment(&others.variables()));
    })?;
    let log = site.log()?;
    site.stop()?;
    let passwords = databases.of.iter().chain(&others.of).map(|(_, database)| database);
    let Outcome::Ran(mut tally) = outcome else { return Ok(outcome) };
    tally += silence(&log, passwords)?;
    Ok(Outcome::Ran(tally))
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
