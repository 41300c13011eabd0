//! Bounds what a server may send, which a guest may have written itself: the driver takes a message of
//! any length into memory, and keeps every parameter that it is told of.
//!
//! A message is a letter, its length without that letter in four bytes, and what it says
//! (PostgreSQL, "Message Formats").

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const HEAD_BYTES: usize = 5;
const PARAMETER_STATUS: u8 = b'S';
/// Of what a session was told about its parameters. A server tells of each some dozen bytes, at the
/// login and whenever it changes.
const PARAMETER_BYTES: u64 = 1024 * 1024;

/// What the server of a session has sent.
pub(super) struct Received {
    /// Of one message, in bytes.
    limit: u64,
    parameters: AtomicU64,
    refused: OnceLock<String>,
}

impl Received {
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, parameters: AtomicU64::new(0), refused: OnceLock::new() })
    }

    /// Why the session was ended here.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.get().map(String::as_str)
    }

    /// Whether so much was said of parameters that the session is better replaced.
    pub(super) fn is_much(&self) -> bool {
        self.parameters.load(Relaxed) > PARAMETER_BYTES / 2
    }

    fn begins(&self, letter: u8, length: u64) -> Result<(), String> {
        if length > self.limit {
            return Err(format!("a message of {length} bytes is longer than {} bytes", self.limit));
        }
        if letter == PARAMETER_STATUS
            && self.parameters.fetch_add(length, Relaxed) + length > PARAMETER_BYTES
        {
            return Err(format!("more than {PARAMETER_BYTES} bytes about parameters"));
        }
        Ok(())
    }
}

/// Reads no further than to the head of a message that is too much.
pub(super) struct Bounded<S> {
    io: S,
    received: Arc<Received>,
    head: [u8; HEAD_BYTES],
    /// Of the head, those that were read.
    begun: usize,
    /// Bytes of the message that are still to come.
    left: u64,
}

impl<S> Bounded<S> {
    /// The first `before` bytes are no message: a server says in one whether it has TLS.
    pub(super) fn new(io: S, received: Arc<Received>, before: u64) -> Self {
        Self { io, received, head: [0; HEAD_BYTES], begun: 0, left: before }
    }

    pub(super) fn into_parts(self) -> (S, Arc<Received>) {
        (self.io, self.received)
    }

    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let passed = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= passed as u64;
                bytes = &bytes[passed..];
                continue;
            }
            let taken = bytes.len().min(HEAD_BYTES - self.begun);
            let (head, rest) = bytes.split_at(taken);
            self.head[self.begun..][..taken].copy_from_slice(head);
            self.begun += taken;
            bytes = rest;
            if self.begun == HEAD_BYTES {
                let [letter, length @ ..] = self.head;
                let length = u64::from(u32::from_be_bytes(length));
                self.received.begins(letter, length)?;
                // One shorter than its own length is the driver's to refuse.
                self.left = length.saturating_sub(4);
                self.begun = 0;
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = room.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, room))?;
        Poll::Ready(self.pass(&room.filled()[before..]).map_err(|why| {
            let why = self.received.refused.get_or_init(|| why);
            io::Error::new(io::ErrorKind::InvalidData, why.clone())
        }))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(letter: u8, length: u32) -> Vec<u8> {
        [&[letter][..], &length.to_be_bytes()].concat()
    }

    #[test]
    fn messages_are_found_however_they_are_cut() {
        let short = [message(b'D', 7), b"abc".to_vec(), message(b'Z', 5), b"I".to_vec()].concat();
        let long = [b"N".to_vec(), short, message(b'D', 101)].concat();
        for size in 1..long.len() {
            let mut stream = Bounded::new((), Received::new(100), 1);
            let (last, before) = long.split_last().expect("some");
            assert!(before.chunks(size).all(|part| stream.pass(part).is_ok()), "{size}");
            let why = stream.pass(&[*last]).expect_err("it is too long");
            assert_eq!(why, "a message of 101 bytes is longer than 100 bytes");
        }
    }

    #[test]
    fn what_is_said_of_parameters_has_an_end() {
        let received = Received::new(PARAMETER_BYTES);
        let mut stream = Bounded::new((), Arc::clone(&received), 0);
        let half = message(PARAMETER_STATUS, PARAMETER_BYTES as u32 / 2);
        let mut said = |rest| stream.pass(&[&half[..], &vec![0; rest]].concat());
        let rest = half.len().max(PARAMETER_BYTES as usize / 2 - 4);
        assert!(said(rest).is_ok() && !received.is_much());
        assert!(said(rest).is_ok() && received.is_much());
        assert!(said(0).is_err());
    }
}
