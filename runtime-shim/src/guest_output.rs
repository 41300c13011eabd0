//! What a guest prints: whole lines on the host's own stdout and stderr, with
//! the component's name in front.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Out,
    Error,
}

/// One of the two streams of a component.
#[derive(Clone)]
pub(crate) struct GuestOutput {
    pub component: Arc<str>,
    pub stream: Stream,
    /// Longest line, in bytes; the rest of a longer one is cut.
    pub line: usize,
    pub quiet: bool,
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines { output: self.clone(), line: Vec::new() })
    }
}

struct Lines {
    output: GuestOutput,
    line: Vec<u8>,
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
        let text = String::from_utf8_lossy(&self.line);
        let text = format!("[{}] {}\n", self.output.component, text.escape_control());
        // A closed terminal must not stop the component.
        let _ = match self.output.stream {
            Stream::Out => io::stdout().lock().write_all(text.as_bytes()),
            Stream::Error => io::stderr().lock().write_all(text.as_bytes()),
        };
        self.line.clear();
    }
}

/// Control characters could rewrite what an operator sees.
trait EscapeControl {
    fn escape_control(&self) -> String;
}

impl EscapeControl for str {
    fn escape_control(&self) -> String {
        self.chars()
            .flat_map(|c| {
                let escaped = c.is_control() && c != '\t';
                let plain = (!escaped).then_some(c);
                escaped.then(|| c.escape_default()).into_iter().flatten().chain(plain)
            })
            .collect()
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.output.quiet {
            self.push(bytes);
        }
        Poll::Ready(Ok(bytes.len()))
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
