//! How long a host takes to its first answer, and what a replica holds that nobody asks.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::column::{self, Running, SITE, WORK};
use super::median;
use super::report::mebibytes;
use crate::process;
use crate::server::{Host, Server};

const STARTS: usize = 15;
/// The first one compiles, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(180);
/// How long an attempt to connect that comes too early delays the answer at most.
const POLL: Duration = Duration::from_micros(500);
/// What a start leaves to do is done by then.
const SETTLED: Duration = Duration::from_secs(3);
/// Rendered by a component, without a database.
const SITE_PATH: &str = "/robots.txt";

pub(super) fn run(shim: &Path, spin: Option<&Path>) -> Result<()> {
    println!(
        "\nFrom exec to the first 200 of a component, compiled before, ms (median of {STARTS})\n"
    );
    for (host, program) in hosts(shim, spin) {
        for (name, application, path) in
            [("four components", SITE, SITE_PATH), ("one component", WORK, "/hello")]
        {
            let folder = tempfile::tempdir()?;
            start(host, program, application, path, folder.path())?;
            let times = (0..STARTS)
                .map(|_| start(host, program, application, path, folder.path()))
                .collect::<Result<Vec<_>>>()?;
            println!("- {}, {name}: {:.1}", host.name(), median(&times).unwrap_or(f64::NAN));
        }
    }
    println!(
        "\nResident memory of an idle replica with one component, after a first request, MiB\n"
    );
    for (host, program) in hosts(shim, spin) {
        let running = Running::host(host, program, WORK, Vec::new(), &[])?;
        get(running.address, "/hello")?;
        thread::sleep(SETTLED);
        let resident = running.group.map(process::resident).transpose()?;
        println!("- {}: {}", host.name(), resident.map_or("–".to_owned(), mebibytes));
    }
    Ok(())
}

fn hosts<'a>(shim: &'a Path, spin: Option<&'a Path>) -> Vec<(Host, &'a Path)> {
    [(Host::Shim, Some(shim)), (Host::Spin, spin)]
        .into_iter()
        .filter_map(|(host, program)| Some((host, program?)))
        .collect()
}

/// Milliseconds.
fn start(
    host: Host,
    program: &Path,
    application: &'static str,
    path: &str,
    folder: &Path,
) -> Result<f64> {
    let settings = column::settings(host, application, folder, Vec::new(), &[])?;
    let begun = Instant::now();
    let mut server = Server::start(host, program, &settings)?;
    while get(settings.listen, path).is_err() {
        if begun.elapsed() > START_LIMIT {
            bail!("{} did not start{}", host.name(), server.logged());
        }
        thread::sleep(POLL);
    }
    let time = begun.elapsed().as_secs_f64() * 1e3;
    server.stop()?;
    Ok(time)
}

/// As little as can be, because its own time counts.
fn get(address: SocketAddr, path: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    match stream.read_exact(&mut head) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => bail!("no answer"),
        read => read?,
    }
    ensure!(head.ends_with(b" 200"), "no success");
    Ok(())
}
