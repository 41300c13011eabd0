//! The site's API beside the Spring Boot service of `loadtest/spring`, which answers the same
//! reads from the same PostgreSQL: in the first seconds after a start, and after a long warm-up.

use std::fs::File;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Pid;
use serde_json::Value;

use super::column::{Running, SITE};
use super::load::{self, Call};
use super::report::{head, print_memory, row};
use super::{CONNECTIONS, Figures, MOST_REQUESTS, Options, least, per_request};
use crate::database_server::{Database, DatabaseServer, Engine};
use crate::server::{self, Host};
use crate::test::session::{Databases, Site};
use crate::{command, process, seed, workspace};

const PROJECT: &str = "loadtest/spring/pom.xml";
const JAR: &str = "target/spring/spring.jar";
const LOG: &str = "target/spring/log";
const COLUMNS: [&str; 2] = ["runtime-shim", "Spring Boot"];

/// Of the synthetic data, as `cargo xtask load` takes it.
const SCALE: f64 = 0.01;
/// The hospital with the most reviews, so that its page is full.
const LARGEST: &str = "SELECT hospital_id FROM signed_ratings \
    ORDER BY one + two + three + four + five DESC, hospital_id LIMIT 1";

/// Requests a second where they come at fixed times, as many as the people of `load` make.
const RATE: f64 = 300.0;
/// How long a server counts as just started.
const COLD: Duration = Duration::from_secs(5);
/// Of each server, half of it for each read: the JVM has compiled by then what is hot.
const WARM_UP: Duration = Duration::from_secs(60);
/// Several seconds on a machine at rest, a minute on a crowded one.
const START_LIMIT: Duration = Duration::from_secs(180);

/// How a read is asked for.
#[derive(Clone, Copy)]
enum Pace {
    /// [`RATE`] times a second.
    Steady,
    /// By [`CONNECTIONS`], each again as soon as it has its answer.
    Full,
}

/// One line of the tables, for each column.
struct Case {
    name: String,
    path: String,
    pace: Pace,
    server: [Figures; 2],
    /// CPU µs of PostgreSQL per request of each round.
    database: [Vec<f64>; 2],
}

pub(super) fn run(options: &Options, shim: &Path) -> Result<()> {
    if !["mvn", "java"].into_iter().all(command::exists) {
        eprintln!("Spring Boot is not measured: apt-get install maven default-jdk-headless");
        return Ok(());
    }
    let mut maven = Command::new("mvn");
    maven.args(["--quiet", "--batch-mode", "--file", PROJECT, "package"]);
    command::run(maven.current_dir(workspace::root()))?;
    let server = DatabaseServer::start(Engine::Postgres)?;
    let server = server.map_err(|how| anyhow::anyhow!("review needs PostgreSQL: {how}"))?;
    let database = database(&server, shim)?;
    let databases = Databases::of(vec![("review", database.clone())])?;
    let start = |column| match column {
        0 => Running::host(Host::Shim, shim, SITE, databases.variables(), &[]),
        _ => spring(&server, &database),
    };
    let largest = server.sql(Some("review"), LARGEST)?;
    let reads = [
        ("hospital list", "/api/review/hospitals".to_owned()),
        ("review page", format!("/api/review/hospitals/{}/reviews", largest.trim())),
    ];
    let postgres = server.process().context("PostgreSQL was just started")?;
    compare(options, postgres, start, &reads)
}

/// That of review, filled, without TLS, whose cost is another question.
fn database(server: &DatabaseServer, shim: &Path) -> Result<Database> {
    let mut database = server.create("review")?;
    database.url += "?sslmode=disable";
    let site = Site::by(shim, &Databases::of(vec![("review", database.clone())])?, "spring")?;
    let review = database.owner_url.clone();
    let only = Some("review".to_owned());
    // The sample hospitals are there.
    seed::run(&seed::Options { review, only, force: true, ..seed::Options::new(SCALE) })?;
    site.stop()?;
    Ok(database)
}

/// The service as its developers would start it, once it accepts connections.
fn spring(server: &DatabaseServer, database: &Database) -> Result<Running> {
    let listen = server::available(([127, 0, 0, 1], 0).into())?;
    let url = format!("jdbc:postgresql://127.0.0.1:{}/review?sslmode=disable", server.port);
    let mut java = Command::new("java");
    java.arg("-jar").arg(workspace::path(JAR)).stdout(File::create(workspace::path(LOG))?);
    java.env("SERVER_ADDRESS", "127.0.0.1").env("SERVER_PORT", listen.port().to_string());
    java.env("SPRING_DATASOURCE_URL", url).env("SPRING_DATASOURCE_USERNAME", "review");
    java.env("SPRING_DATASOURCE_PASSWORD", &database.password);
    let (started, running) = (Instant::now(), Running::program(java, listen, None)?);
    while TcpStream::connect(listen).is_err() {
        ensure!(started.elapsed() < START_LIMIT, "Spring did not start, see {LOG}");
        thread::sleep(Duration::from_millis(5));
    }
    Ok(running)
}

fn compare(
    options: &Options,
    postgres: Pid,
    start: impl Fn(usize) -> Result<Running>,
    reads: &[(&str, String)],
) -> Result<()> {
    let time = Duration::from_secs_f64(options.seconds);
    let mut cold = Vec::new();
    for (read, path) in reads {
        let name = format!("{read}, first {} s, {RATE} a second", COLD.as_secs());
        let mut case = Case::new(name, path, Pace::Steady)?;
        for column in 0..COLUMNS.len() {
            case.measure(column, &start(column)?, postgres, COLD)?;
        }
        cold.push(case);
    }
    let both = [start(0)?, start(1)?];
    let begun = memory(&both)?;
    for (read, path) in reads {
        check(&both, path)?;
        let mut case = Case::new((*read).to_owned(), path, Pace::Full)?;
        for (column, running) in both.iter().enumerate() {
            case.measure(column, running, postgres, WARM_UP / reads.len() as u32)?;
        }
    }
    let mut warm = Vec::new();
    for (read, path) in reads {
        warm.push(Case::new(format!("{read}, {RATE} a second"), path, Pace::Steady)?);
        warm.push(Case::new(format!("{read}, {CONNECTIONS} at once"), path, Pace::Full)?);
    }
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for case in &mut warm {
            for (column, running) in both.iter().enumerate() {
                case.measure(column, running, postgres, time)?;
            }
        }
    }
    let cases: Vec<Case> = cold.into_iter().chain(warm).collect();
    print(&cases);
    print_memory(&COLUMNS, &begun, &memory(&both)?);
    Ok(())
}

/// Both answer alike. What a cursor says is each one's own matter.
fn check(both: &[Running; 2], path: &str) -> Result<()> {
    let answer = |running: &Running| {
        let body = load::runtime()?.block_on(load::once(&Call::get(running.address, path)))?;
        let mut list: Value = serde_json::from_slice(&body)?;
        list["next_cursor"] = list["next_cursor"].is_string().into();
        anyhow::Ok(list)
    };
    let (ours, other) = (answer(&both[0])?, answer(&both[1])?);
    let count = ours["items"].as_array().map_or(0, Vec::len);
    ensure!(ours == other && count > 0, "{path} differs: {ours}\n{other}");
    eprintln!("{path}: both give the same {count} items");
    Ok(())
}

/// Proportional, so that what processes share does not count twice.
fn memory(both: &[Running; 2]) -> Result<Vec<Option<u64>>> {
    both.iter().map(|running| running.group.map(process::proportional).transpose()).collect()
}

impl Case {
    fn new(name: String, path: &str, pace: Pace) -> Result<Self> {
        let server = [Figures::none()?, Figures::none()?];
        Ok(Self { name, path: path.to_owned(), pace, server, database: Default::default() })
    }

    fn measure(
        &mut self,
        column: usize,
        running: &Running,
        postgres: Pid,
        time: Duration,
    ) -> Result<()> {
        let call = Call::get(running.address, &self.path);
        let before = process::cpu(postgres)?;
        let asked = async {
            match self.pace {
                Pace::Steady => load::scheduled(&call, CONNECTIONS, RATE, time).await,
                Pace::Full => load::closed(&call, CONNECTIONS, time, MOST_REQUESTS).await,
            }
        };
        let requests = load::runtime()?.block_on(self.server[column].add(running.group, asked))?;
        let used = process::cpu(postgres)?.saturating_sub(before);
        self.database[column].push(per_request(used, requests));
        Ok(())
    }
}

fn print(cases: &[Case]) {
    let table = |title: &str, cell: &dyn Fn(&Case, usize) -> Option<String>| {
        println!("\n{title}\n");
        head(&COLUMNS);
        for case in cases {
            row(&case.name, (0..COLUMNS.len()).map(|column| cell(case, column)));
        }
    };
    let rounded = |cpu: f64| format!("{cpu:.0}");
    table("CPU time of the server per request, µs (the least of the rounds)", &|case, column| {
        case.server[column].cpu().map(rounded)
    });
    table("CPU time of PostgreSQL per request, µs (the same)", &|case, column| {
        least(&case.database[column]).map(rounded)
    });
    table("Requests per second (median of the rounds)", &|case, column| {
        case.server[column].rate().map(rounded)
    });
    table("Latency, ms: p50 / p99 (all rounds together), failed", &|case, column| {
        let figures = &case.server[column];
        let (p50, p99) = (figures.percentile(50.0), figures.percentile(99.0));
        let lost = figures.answers.refused.len() + figures.answers.failed;
        Some(format!("{p50:.2} / {p99:.2}, {lost}"))
    });
}
