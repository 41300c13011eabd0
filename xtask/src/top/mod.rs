//! `cargo xtask top`: what hosts tell at `/metrics`, drawn in the terminal each second.

mod exposition;
mod figures;
mod frame;

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use console::{Key, Term};
use ureq::Agent;

use figures::Look;
use frame::{History, Told};

const PERIOD: Duration = Duration::from_secs(1);

/// A host that does not tell by then is shown without figures.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where nobody looks at a terminal.
const PLAIN_WIDTH: usize = 120;

#[derive(Args)]
pub(crate) struct Options {
    /// Admin listener of a host; several where each component has a host of its own
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9464")]
    admin: Vec<String>,
    /// Print one second's figures and end
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut hosts: Vec<Host> = options.admin.iter().map(|url| Host::new(url)).collect();
    if options.once {
        for line in once(&mut hosts)? {
            println!("{}", line.trim_end());
        }
        Ok(())
    } else {
        watch(&mut hosts)
    }
}

/// Whose figures are shown.
struct Host {
    url: String,
    agent: Agent,
    before: Option<Look>,
}

impl Host {
    fn new(url: &str) -> Self {
        let agent = Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
        Self { url: url.trim_end_matches('/').to_owned(), agent, before: None }
    }

    fn look(&self) -> Result<Look> {
        let response = self.agent.get(format!("{}/metrics", self.url)).call();
        let text = response.and_then(|mut response| response.body_mut().read_to_string());
        let text = text.with_context(|| format!("{}/metrics", self.url))?;
        Ok(Look::new(Instant::now(), exposition::parse(&text)))
    }

    /// Since it was asked last; the first time nothing is known yet.
    fn told(&mut self) -> Told {
        let figures = match self.look() {
            Ok(look) => {
                let figures = self.before.as_ref().map(|before| look.since(before));
                self.before = Some(look);
                figures.ok_or_else(|| "…".to_owned())
            }
            Err(error) => {
                self.before = None;
                Err(format!("{:#}", error.root_cause()))
            }
        };
        (self.url.clone(), figures)
    }
}

fn once(hosts: &mut [Host]) -> Result<Vec<String>> {
    for host in &mut *hosts {
        host.before = Some(host.look()?);
    }
    thread::sleep(PERIOD);
    let told: Vec<Told> = hosts.iter_mut().map(Host::told).collect();
    Ok(frame::draw(&told, &mut History::default(), PLAIN_WIDTH))
}

fn watch(hosts: &mut [Host]) -> Result<()> {
    let term = Term::buffered_stdout();
    if !term.is_term() {
        bail!("this is no terminal; --once prints one second's figures");
    }
    let keys = keys();
    let mut history = History::default();
    term.clear_screen()?;
    term.hide_cursor()?;
    let shown = show_until_end(&term, hosts, &keys, &mut history);
    term.show_cursor()?;
    term.flush()?;
    shown
}

fn show_until_end(
    term: &Term,
    hosts: &mut [Host],
    keys: &mpsc::Receiver<()>,
    history: &mut History,
) -> Result<()> {
    loop {
        let told: Vec<Told> = hosts.iter_mut().map(Host::told).collect();
        let (height, width) = term.size();
        let mut lines = frame::draw(&told, history, width.into());
        lines.push("q ends it".to_owned());
        // The last line has no line after it, or the terminal would scroll.
        lines.truncate(usize::from(height).saturating_sub(1));
        term.move_cursor_to(0, 0)?;
        for line in lines {
            term.write_line(&line)?;
        }
        term.clear_to_end_of_screen()?;
        term.flush()?;
        match keys.recv_timeout(PERIOD) {
            Ok(()) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            // Without a keyboard: a signal ends it.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(PERIOD),
        }
    }
}

/// Says when q, Esc or Ctrl-C was pressed. The terminal is as before by then.
fn keys() -> mpsc::Receiver<()> {
    let (pressed, keys) = mpsc::channel();
    thread::spawn(move || {
        while let Ok(key) = Term::stdout().read_key_raw() {
            if matches!(key, Key::Char('q') | Key::Escape | Key::CtrlC) {
                // An error means that nobody waits any more.
                let _ = pressed.send(());
                return;
            }
        }
    });
    keys
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use console::strip_ansi_codes;

    use super::{Host, once};

    /// Answers two looks: the second a hundred requests later.
    #[test]
    fn two_looks_make_one_picture() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let host = thread::spawn(move || {
            for requests in [0, 100] {
                let mut stream = listener.accept().unwrap().0;
                let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
                assert_eq!(head.next().unwrap().unwrap(), "GET /metrics HTTP/1.1");
                assert!(head.any(|line| line.unwrap().is_empty()));
                let body = format!(
                    "guest_instances{{component=\"board\"}} 2\nhttp_requests_total{{component=\"board\",status=\"200\"}} {requests}\n"
                );
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        let lines = once(&mut [Host::new(&url)]).unwrap();
        host.join().unwrap();
        let line = strip_ansi_codes(&lines[2]).into_owned();
        let rate: f64 = line.split_whitespace().nth(5).unwrap().parse().unwrap();
        // A busy machine looks again later than after a second.
        assert!(line.starts_with("board") && rate > 0.0 && rate <= 100.0, "{lines:?}");
    }

    #[test]
    fn who_does_not_answer_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = format!("{:#}", once(&mut [Host::new(&url)]).unwrap_err());
        assert!(error.contains(&url), "{error}");
    }
}
