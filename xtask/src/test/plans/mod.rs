//! Every statement that reads is asked of each database by HTTP, over many rows, and its plan has
//! to go by an index. The statements are those that the database really got.

mod mysql;
mod postgres;
mod reads;
mod sqlite;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::session::{Databases, Session, Site};
use super::tally::Tally;
use super::{Outcome, Step};
use crate::command;
use crate::database_server::{DatabaseServer, Engine};
use crate::seed;

/// 20,000 posts, 100,000 comments, 16,000 hospitals, 40,000 reviews, of which four hospitals have
/// 2,000 each: enough that no planner takes a scan for cheap.
const SCALE: f64 = 0.02;

/// What a search reads and sorts at most before it turns to the index, and no list needs more.
const WINDOW: u64 = 1_000;

/// The most rows that may be sorted: a window and the page that comes of it.
const SORTED: u64 = WINDOW + 200;

/// Tables that may be read whole, because they stay small.
const SMALL: &[&str] = &[
    "hospital_facets",
    "hospital_imports",
    // Empty but for the minutes after an update.
    "hospitals_without_text",
    "review_publication",
    "moderation_head",
    "settings",
    "auth_migrations",
    "board_migrations",
    "review_migrations",
];

/// Fewer mean that the log was not understood.
const FEWEST_STATEMENTS: usize = 20;

const ENGINES: [Engine; 3] = [Engine::Postgres, Engine::Mariadb, Engine::Mysql];

/// By statement: what is wrong with its worst plan, and that plan; `None` where nothing is.
#[derive(Default)]
struct Verdicts(BTreeMap<String, Option<(String, String)>>);

impl Verdicts {
    fn add(&mut self, statement: String, fault: Option<String>, plan: &str) {
        let known = self.0.entry(statement).or_default();
        if let (None, Some(fault)) = (&known, fault) {
            *known = Some((fault, plan.to_owned()));
        }
    }

    /// One test for each statement.
    fn tally(&self, name: &str) -> Result<Tally> {
        ensure!(
            self.0.len() >= FEWEST_STATEMENTS,
            "{name}: only {} statements were seen",
            self.0.len()
        );
        let mut tally = Tally::default();
        for (statement, verdict) in &self.0 {
            tally += match verdict {
                None => Tally::success(),
                Some((fault, plan)) => {
                    eprintln!("✖ {name}: {fault}\n  {statement}\n{plan}\n");
                    Tally::failure()
                }
            };
        }
        eprintln!("{name}: {tally}");
        Ok(tally)
    }
}

pub(crate) fn run(session: &mut Session, _: &Step) -> Result<Outcome> {
    if !command::exists("sqlite3") {
        return Ok(Outcome::NotRun("apt-get install sqlite3".to_owned()));
    }
    for engine in ENGINES {
        if let Err(how) = session.database_server(engine)? {
            return Ok(Outcome::NotRun(how));
        }
    }
    let mut tally = judge("sqlite", sqlite::verdicts());
    for engine in ENGINES {
        if let Ok(server) = session.database_server(engine)? {
            tally += judge(engine.name(), on(server));
        }
    }
    Ok(Outcome::Ran(tally))
}

/// What keeps one database from being tested is a failure, and no reason to leave out the others.
fn judge(name: &str, verdicts: Result<Verdicts>) -> Tally {
    verdicts.and_then(|verdicts| verdicts.tally(name)).unwrap_or_else(|error| {
        eprintln!("✖ {name}: {error:#}");
        Tally::failure()
    })
}

fn on(server: &DatabaseServer) -> Result<Verdicts> {
    let databases = Databases::all_on(server, "plans_")?;
    if server.engine() == Engine::Postgres {
        postgres::explain_all(server, &databases)?;
    }
    let site = Site::on(&databases, &format!("plans-{}", server.engine().name()))?;
    let url = |component| {
        databases.of.iter().find(|(name, _)| *name == component).map(|(_, at)| at.owner_url.clone())
    };
    seed::run(&seed::Options {
        board: url("board").unwrap_or_default(),
        review: url("review").unwrap_or_default(),
        ..seed::Options::new(SCALE)
    })?;
    let verdicts = match server.engine() {
        Engine::Postgres => postgres::verdicts(server, || reads::all(site.base())),
        Engine::Mariadb | Engine::Mysql => mysql::verdicts(server, || reads::all(site.base())),
    };
    site.stop()?;
    verdicts
}
