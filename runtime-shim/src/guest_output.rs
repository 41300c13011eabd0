//! What a guest prints: whole lines on the host's own stdout and stderr, with the component's
//! name, and in files of its own where that is asked for.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::Context as _;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use crate::limits::size;
use crate::log;

/// How and where the host repeats what components print.
#[derive(Clone, Debug, Default)]
pub struct Printing {
    /// Nothing on the host's own streams.
    pub quiet: bool,
    /// Lines of JSON instead of text.
    pub json: bool,
    /// Where each component has a file for its stdout and one for its stderr.
    pub directory: Option<PathBuf>,
}

/// One of the two streams of a component.
#[derive(Clone)]
pub struct GuestOutput {
    component: Arc<str>,
    /// `stdout` or `stderr`.
    stream: &'static str,
    quiet: bool,
    json: bool,
    file: Option<Arc<File>>,
    /// Longest line, in bytes; the rest of a longer one is cut.
    line: usize,
}

impl GuestOutput {
    /// Stdout and stderr of `component`.
    pub fn of(component: &str, printing: &Printing, line: u64) -> anyhow::Result<[Self; 2]> {
        let open = |stream| {
            let Some(directory) = &printing.directory else { return Ok(None) };
            log_file(directory, &format!("{component}_{stream}.txt")).map(Arc::new).map(Some)
        };
        let output = |stream| {
            anyhow::Ok(Self {
                component: component.into(),
                stream,
                quiet: printing.quiet,
                json: printing.json,
                file: open(stream)?,
                line: size(line),
            })
        };
        Ok([output("stdout")?, output("stderr")?])
    }

    fn print(&self, line: &[u8]) {
        let text = escaped(&String::from_utf8_lossy(line));
        // A closed terminal or a full disk must not stop the component.
        if let Some(file) = &self.file {
            let _ = file.as_ref().write_all(format!("{text}\n").as_bytes());
        }
        if self.quiet {
            return;
        }
        let line =
            if self.json { self.json(&text) } else { format!("[{}] {text}", self.component) };
        let _ = match self.stream {
            "stdout" => writeln!(io::stdout().lock(), "{line}"),
            _ => writeln!(io::stderr().lock(), "{line}"),
        };
    }

    fn json(&self, text: &str) -> String {
        let now = log::now();
        let (component, stream) = (&*self.component, self.stream);
        serde_json::json!({
            "timestamp": now, "component": component, "stream": stream, "message": text,
        })
        .to_string()
    }
}

fn log_file(directory: &Path, name: &str) -> anyhow::Result<File> {
    let file = directory.join(name);
    std::fs::create_dir_all(directory)
        .and_then(|()| OpenOptions::new().append(true).create(true).open(&file))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Control characters could rewrite what an operator sees.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\t' {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines { output: self.clone(), line: Vec::new(), yielding: false })
    }
}

/// What a guest may print before others on its thread have their turn.
const TURN_BYTES: usize = 8 * 1024;
/// Lines of those bytes: each is written by itself.
const TURN_LINES: usize = 64;

struct Lines {
    output: GuestOutput,
    line: Vec<u8>,
    /// It is the others' turn.
    yielding: bool,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            let room = self.output.line.saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        self.output.print(&self.line);
        self.line.clear();
    }
}

/// The beginning of `bytes` that one turn has room for.
fn turn(bytes: &[u8]) -> &[u8] {
    let bytes = &bytes[..bytes.len().min(TURN_BYTES)];
    let mut ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let lines = ends.nth(TURN_LINES - 1).map_or(bytes.len(), |(end, _)| end + 1);
    &bytes[..lines]
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.output.quiet && self.output.file.is_none() {
            return Poll::Ready(Ok(bytes.len()));
        }
        if std::mem::take(&mut self.yielding) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let now = turn(bytes);
        self.yielding = now.len() < bytes.len();
        self.push(now);
        Poll::Ready(Ok(now.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }
}
