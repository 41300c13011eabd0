//! What breaks in production, while fifty clients write: nothing that was acknowledged may be
//! lost or there twice, and nobody waits longer than five seconds for a no.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::session::{Databases, Session, Site};
use super::tally::Tally;
use super::{Outcome, Step};
use crate::database_server::{DatabaseServer, Engine};
use proxy::Proxy;
use writer::{Author, Client, Kind, Record};

mod proxy;
mod writer;

/// One of the sample hospitals, for which all writers work.
const HOSPITAL: &str = "SYN-0001";
/// What other components check sessions by.
const KEYS: &str = "/api/auth/.well-known/jwks.json";
/// A sign-up costs a password hash, so few of these are load enough.
const ACCOUNT_WRITERS: usize = 4;
const WRITERS: usize = 50;
/// Undisturbed time before and after each fault.
const CALM: Duration = Duration::from_millis(1500);
const DOWN: Duration = Duration::from_secs(2);
const CUTS: usize = 6;
const BETWEEN_CUTS: Duration = Duration::from_millis(250);
/// Longer than a client may wait for an answer.
const HELD: Duration = Duration::from_secs(6);
const RECOVERY_LIMIT: Duration = Duration::from_secs(5);

/// A component on its server, behind a proxy.
struct Target {
    component: &'static str,
    engine: Engine,
    kind: Kind,
    writers: usize,
    /// What needs this database to be read.
    page: &'static str,
    /// Each name that was written, a line for each row.
    names: &'static str,
}

const TARGETS: [Target; 3] = [
    Target {
        component: "board",
        engine: Engine::Mariadb,
        kind: Kind::Post,
        writers: WRITERS,
        page: "/api/board/posts?limit=1",
        names: "SELECT title FROM posts",
    },
    Target {
        component: "review",
        engine: Engine::Postgres,
        kind: Kind::Review,
        writers: WRITERS,
        page: "/api/review/hospitals?limit=1",
        names: "SELECT title FROM signed_reviews",
    },
    Target {
        component: "auth",
        engine: Engine::Mysql,
        kind: Kind::Account,
        writers: ACCOUNT_WRITERS,
        page: "",
        names: "SELECT login FROM accounts",
    },
];

pub(crate) fn run(session: &mut Session, _: &Step) -> Result<Outcome> {
    let mut placed = Vec::new();
    let mut proxies = HashMap::new();
    for Target { component, engine, .. } in &TARGETS {
        let server = match session.database_server(*engine)? {
            Ok(server) => server,
            Err(how) => return Ok(Outcome::NotRun(how)),
        };
        let proxy = Proxy::start(server.port)?;
        let mut database = server.create(&format!("faults_{component}"))?;
        let (own, proxied) = (format!(":{}/", server.port), format!(":{}/", proxy.port));
        database.url = database.url.replace(&own, &proxied);
        placed.push((*component, database));
        proxies.insert(*component, proxy);
    }
    let site = Site::on(&Databases::of(placed)?, "faults")?;
    let mut tally = Tally::default();
    for target in &TARGETS {
        let proxy = &proxies[target.component];
        let Ok(server) = session.database_server(target.engine)? else {
            bail!("{} was started before", target.engine.name())
        };
        let result = disturb(&site, target, server, proxy);
        match &result {
            Ok(summary) => {
                eprintln!("✔ {} on {}: {summary}", target.component, target.engine.name())
            }
            Err(error) => {
                eprintln!("✖ {} on {}: {error:#}", target.component, target.engine.name())
            }
        }
        tally += if result.is_ok() { Tally::success() } else { Tally::failure() };
    }
    site.stop()?;
    Ok(Outcome::Ran(tally))
}

/// All faults of one database, with writers at it. A summary for people.
fn disturb(
    site: &Site,
    target: &Target,
    server: &mut DatabaseServer,
    proxy: &Proxy,
) -> Result<String> {
    let clients = match target.kind {
        Kind::Review => authors(site, server, target)?,
        _ => (0..target.writers)
            .map(|_| Client::insider(site.base()))
            .collect::<Result<Vec<_>>>()
            .context("signing writers up")?,
    };
    let neighbour = Client::insider(site.base())?;
    // Another component's database is well all the time.
    let other = if target.component == "board" { Kind::Account } else { Kind::Post };
    let (stop, stop_neighbour) = (AtomicBool::new(false), AtomicBool::new(false));
    let (records, neighbours, faults) = thread::scope(|scope| {
        let writers: Vec<_> = clients
            .iter()
            .map(|client| scope.spawn(|| client.write(target.kind, HOSPITAL, &stop)))
            .collect();
        let calm = scope.spawn(|| neighbour.write(other, HOSPITAL, &stop_neighbour));
        let faults = faults(site, target, server, proxy);
        stop.store(true, Ordering::Relaxed);
        stop_neighbour.store(true, Ordering::Relaxed);
        let records: Vec<Record> = writers.into_iter().filter_map(|w| w.join().ok()).collect();
        (records, calm.join(), faults)
    });
    let recoveries = faults?;
    let Ok(neighbours) = neighbours else { bail!("a neighbour panicked") };
    if neighbours.refused > 0 || !neighbours.wrong.is_empty() || neighbours.times.is_empty() {
        bail!(
            "another component was disturbed: {} written, {} refused, {:?}",
            neighbours.times.len(),
            neighbours.refused,
            neighbours.wrong
        );
    }
    let wrong: Vec<_> = records.iter().flat_map(|record| &record.wrong).collect();
    if records.len() < target.writers || !wrong.is_empty() {
        bail!(
            "{} writers, {} of them wrong: {:?}",
            records.len(),
            wrong.len(),
            &wrong[..wrong.len().min(5)]
        );
    }
    compare(&records, &server.sql(Some(&format!("faults_{}", target.component)), target.names)?)?;
    let acknowledged: usize = records.iter().map(|record| record.times.len()).sum();
    let refused: u64 = records.iter().map(|record| record.refused).sum();
    Ok(format!(
        "{acknowledged} writes acknowledged, {refused} refused; reads back after {recoveries:?}"
    ))
}

/// Writers without a session, each with the key of a review that is there.
fn authors(site: &Site, server: &DatabaseServer, target: &Target) -> Result<Vec<Client>> {
    let authors = (0..target.writers).map(|_| Author::new()).collect::<Result<Vec<_>>>()?;
    let rows: String = authors.iter().map(|author| author.insert(HOSPITAL)).collect();
    server.sql(Some(&format!("faults_{}", target.component)), &rows)?;
    Ok(authors.into_iter().map(|author| Client::author(site.base(), author)).collect())
}

/// How long it took until the component could be read again, after each fault.
fn faults(
    site: &Site,
    target: &Target,
    server: &mut DatabaseServer,
    proxy: &Proxy,
) -> Result<Vec<Duration>> {
    let mut recoveries = Vec::new();
    thread::sleep(CALM);

    server.kill()?;
    if matches!(target.kind, Kind::Account) && !Client::new(site.base()).reads(KEYS) {
        bail!("the keys of sessions are not told while the database is down");
    }
    thread::sleep(DOWN);
    server.run()?;
    recoveries.push(recovery(site, target).context("after the server was killed")?);
    thread::sleep(CALM);

    for _ in 0..CUTS {
        proxy.cut();
        thread::sleep(BETWEEN_CUTS);
    }
    recoveries.push(recovery(site, target).context("after connections were cut")?);
    thread::sleep(CALM);

    // A slow server, and soon a full pool.
    proxy.hold(true);
    thread::sleep(HELD);
    proxy.hold(false);
    recoveries.push(recovery(site, target).context("after the server was slow")?);
    thread::sleep(CALM);
    Ok(recoveries)
}

fn recovery(site: &Site, target: &Target) -> Result<Duration> {
    let back = Instant::now();
    let reader = Client::new(site.base());
    let readable = || match target.kind {
        // Nothing public is in the accounts; that one can sign up is what counts.
        Kind::Account => Client::insider(site.base()).is_ok(),
        _ => reader.reads(target.page),
    };
    while !readable() {
        if back.elapsed() > RECOVERY_LIMIT {
            bail!("not readable within {RECOVERY_LIMIT:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(back.elapsed())
}

/// What was acknowledged against what is there.
fn compare(records: &[Record], rows: &str) -> Result<()> {
    let mut there: HashMap<&str, usize> = HashMap::new();
    for name in rows.lines() {
        *there.entry(name).or_default() += 1;
    }
    if let Some((name, count)) = there.iter().find(|(_, count)| **count > 1) {
        bail!("{name} is there {count} times");
    }
    let kept = records.iter().flat_map(|record| &record.kept);
    let lost: Vec<_> = kept.filter(|name| !there.contains_key(name.as_str())).collect();
    if !lost.is_empty() {
        bail!("{} acknowledged writes are lost: {:?}", lost.len(), lost.first());
    }
    let gone = records.iter().flat_map(|record| &record.gone);
    let back: Vec<_> = gone.filter(|name| there.contains_key(name.as_str())).collect();
    if !back.is_empty() {
        bail!("{} deleted rows are still there: {:?}", back.len(), back.first());
    }
    Ok(())
}
