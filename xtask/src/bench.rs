//! What the host's CPU time goes into. Time on the clock says more about a crowded machine than
//! about the host; CPU seconds of its process (user and system) hold on both.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use clap::Args;
use tempfile::TempDir;
use ureq::Agent;

use crate::database_server::{DatabaseServer, Engine};
use crate::server::Host;
use crate::{components, server, token, workspace};

/// Connections that ask at the same time.
const CLIENTS: usize = 8;
/// Rows of a page, and enough more to see what one of them costs.
const ROWS: [usize; 2] = [20, 1020];
/// The application whose component reads rows and says how many came.
const APPLICATION: &str = "runtime-shim/tests/app";

#[derive(Args)]
pub(crate) struct Options {
    /// How often each case is measured, in turns; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests of one measurement
    #[arg(long, default_value_t = 800)]
    requests: usize,
}

/// One path, asked for again and again.
struct Case {
    name: String,
    /// Of the rows that the path reads.
    rows: usize,
    path: String,
    /// CPU µs per request, one for each round.
    measured: Vec<f64>,
}

/// The host with the application of its tests. It is killed when this goes out of scope.
struct Bench {
    child: Child,
    base: String,
    ticks_per_second: f64,
    _folder: TempDir,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    components::build_guests()?;
    let program = Host::Shim.program()?.context("our host was just built")?;
    let (mut servers, mut cases) = (Vec::new(), vec![Case::new("hello", 0, "/hello".to_owned())]);
    for engine in [Engine::Postgres, Engine::Mariadb, Engine::Mysql] {
        match DatabaseServer::start(engine)? {
            Ok(server) => {
                cases.extend(rows_of(&server)?);
                servers.push(server);
            }
            Err(how) => eprintln!("{} is not measured: {how}", engine.name()),
        }
    }
    let bench = Bench::start(program)?;
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for case in &mut cases {
            case.measured.push(bench.measure(&case.path, options.requests)?);
        }
    }
    print(&cases);
    Ok(())
}

/// The same query for a page and for many rows.
fn rows_of(server: &DatabaseServer) -> Result<Vec<Case>> {
    let database = server.create_with("bench", token::random()?)?;
    let url = &database.owner_url;
    if server.engine() != Engine::Postgres {
        // PostgreSQL makes its rows while it is asked.
        let rows: Vec<String> = (1..=ROWS[1])
            .map(|number| {
                format!("({number}, {}, 'a name of some length {number}')", number * 1000)
            })
            .collect();
        server.sql(
            Some("bench"),
            &format!(
                "CREATE TABLE measured (id BIGINT PRIMARY KEY, score BIGINT NOT NULL, name VARCHAR(100) NOT NULL); \
                 INSERT INTO measured VALUES {}",
                rows.join(", ")
            ),
        )?;
    }
    let path = |rows| match server.engine() {
        // Without TLS, whose cost is another question.
        Engine::Postgres => {
            format!("/postgres-rows?address={url}?sslmode=disable&count={rows}&times=1")
        }
        Engine::Mariadb | Engine::Mysql => {
            format!("/mysql-rows?url={url}?ssl-mode=DISABLED&count={rows}")
        }
    };
    let name = server.engine().name();
    Ok(ROWS.map(|rows| Case::new(&format!("{rows} rows, {name}"), rows, path(rows))).into())
}

impl Case {
    fn new(name: &str, rows: usize, path: String) -> Self {
        Self { name: name.to_owned(), rows, path, measured: Vec::new() }
    }

    fn median(&self) -> f64 {
        let mut sorted = self.measured.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl Bench {
    fn start(program: PathBuf) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let listen = server::available(([127, 0, 0, 1], 0).into())?;
        let child = Command::new(program)
            .arg("up")
            .arg("--from")
            .arg(workspace::path(APPLICATION))
            .args(["--listen", &listen.to_string(), "--admin", "off", "--quiet"])
            // The tests' own list of peers allows one PostgreSQL; here its port is not known before.
            .args(["--variable", "postgres=127.0.0.1:*"])
            .arg("--state-dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start the host")?;
        let ticks = crate::command::output(Command::new("getconf").arg("CLK_TCK"));
        let ticks_per_second = ticks.and_then(|ticks| ticks.parse().ok()).unwrap_or(100.0);
        let bench =
            Self { child, base: format!("http://{listen}"), ticks_per_second, _folder: folder };
        while ureq::get(format!("{}/hello", bench.base)).call().is_err() {
            thread::sleep(std::time::Duration::from_millis(20));
        }
        Ok(bench)
    }

    /// CPU µs of the host per request.
    fn measure(&self, path: &str, requests: usize) -> Result<f64> {
        self.ask(path, requests / 10)?;
        let before = self.cpu_seconds()?;
        self.ask(path, requests)?;
        let used = self.cpu_seconds()? - before;
        Ok(used * 1e6 / (requests / CLIENTS * CLIENTS) as f64)
    }

    fn ask(&self, path: &str, requests: usize) -> Result<()> {
        let url = format!("{}{path}", self.base);
        thread::scope(|scope| {
            let clients: Vec<_> =
                (0..CLIENTS).map(|_| scope.spawn(|| ask(&url, requests / CLIENTS))).collect();
            clients.into_iter().try_for_each(|client| match client.join() {
                Ok(result) => result,
                Err(_) => bail!("a client panicked"),
            })
        })
    }

    /// User and system time so far: fields 14 and 15 of proc(5)'s stat, behind the name, which
    /// may hold spaces.
    fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("proc(5)")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>()? / self.ticks_per_second)
    }
}

fn ask(url: &str, times: usize) -> Result<()> {
    let agent = Agent::new_with_defaults();
    for _ in 0..times {
        // A status that is no success is an error.
        agent.get(url).call()?.body_mut().read_to_vec()?;
    }
    Ok(())
}

impl Drop for Bench {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn print(cases: &[Case]) {
    println!("{:<20} {:>16} {:>18}", "", "CPU µs/request", "µs/further row");
    for (index, case) in cases.iter().enumerate() {
        let fewer = index.checked_sub(1).map(|before| &cases[before]);
        let further = fewer
            .filter(|fewer| case.rows > fewer.rows && fewer.rows > 0)
            .map(|fewer| (case.median() - fewer.median()) / (case.rows - fewer.rows) as f64);
        let further = further.map_or(String::new(), |cost| format!("{cost:.2}"));
        println!("{:<20} {:>16.1} {further:>18}", case.name, case.median());
    }
}
