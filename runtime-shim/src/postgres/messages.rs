//! Bounds what a server may send, which a guest may have written itself: the driver takes a message of
//! any length into memory, and keeps what it is told of parameters, columns and types.
//!
//! A message is a letter, its length without that letter in four bytes, and what it says
//! (PostgreSQL, "Message Formats").

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const HEAD_BYTES: usize = 5;
const DATA_ROW: u8 = b'D';
const PARAMETER_STATUS: u8 = b'S';
/// The longest message that is no row: a table of 1,600 columns is described in 250 KB.
const MESSAGE_BYTES: u64 = 512 * 1024;
/// What a session may be told that the driver keeps, or that nobody waits for. After half of it another
/// takes its place.
const KEPT_BYTES: u64 = 4 * 1024 * 1024;

/// What a server has to say at the moment.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Phase {
    /// Of a login or a statement that is prepared the driver keeps all.
    Keeps,
    Rows,
    /// Nothing that anybody waits for.
    Idle,
}

/// What the server of a session has sent.
pub(super) struct Received {
    /// Of a row, in bytes.
    row_limit: u64,
    phase: AtomicU8,
    kept: AtomicU64,
    ended: OnceLock<String>,
}

impl Received {
    /// From the login on.
    pub(super) fn new(row_limit: u64) -> Arc<Self> {
        Arc::new(Self {
            row_limit,
            phase: AtomicU8::new(Phase::Keeps as u8),
            kept: AtomicU64::new(0),
            ended: OnceLock::new(),
        })
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// Why the session was ended here.
    pub(super) fn ended(&self) -> Option<&str> {
        self.ended.get().map(String::as_str)
    }

    /// Whether the driver keeps so much that the session is better replaced.
    pub(super) fn keeps_much(&self) -> bool {
        self.kept.load(Relaxed) > KEPT_BYTES / 2
    }

    fn check(&self, letter: u8, length: u64) -> Result<(), String> {
        let phase = self.phase.load(Relaxed);
        if letter == DATA_ROW && phase == Phase::Rows as u8 {
            if length > self.row_limit {
                let limit = self.row_limit;
                return Err(format!("query result exceeds limit of {limit} bytes; use LIMIT"));
            }
        } else if length > MESSAGE_BYTES {
            return Err(format!("the server sent a message of {length} bytes"));
        }
        if letter == PARAMETER_STATUS || phase != Phase::Rows as u8 {
            let kept = self.kept.fetch_add(length, Relaxed) + length;
            if kept > KEPT_BYTES {
                return Err(format!("the server sent {kept} bytes about the session"));
            }
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
    /// The first `prefix` bytes are no message: a server says in one whether it has TLS.
    pub(super) fn new(io: S, received: Arc<Received>, prefix: u64) -> Self {
        Self { io, received, head: [0; HEAD_BYTES], begun: 0, left: prefix }
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
                self.received.check(letter, length)?;
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
            let why = self.received.ended.get_or_init(|| why);
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

    fn message(letter: u8, length: u64) -> Vec<u8> {
        [&[letter][..], &(length as u32).to_be_bytes()].concat()
    }

    #[test]
    fn messages_are_found_however_they_are_cut() {
        const LIMIT: u64 = MESSAGE_BYTES * 2;
        let row = [message(DATA_ROW, 7), b"abc".to_vec(), message(b'Z', 5), b"I".to_vec()].concat();
        let long = [b"N".to_vec(), row, message(DATA_ROW, LIMIT + 1)].concat();
        for size in 1..long.len() {
            let received = Received::new(LIMIT);
            received.enter(Phase::Rows);
            let mut stream = Bounded::new((), received, 1);
            let (last, before) = long.split_last().expect("some");
            assert!(before.chunks(size).all(|part| stream.pass(part).is_ok()), "{size}");
            let why = stream.pass(&[*last]).expect_err("it is too long");
            assert!(why.contains("use LIMIT"), "{why}");
        }
    }

    #[test]
    fn only_a_row_that_is_waited_for_may_be_long() {
        let long = MESSAGE_BYTES + 1;
        for (phase, letter, fits) in [
            (Phase::Rows, DATA_ROW, true),
            (Phase::Rows, b'E', false),
            (Phase::Keeps, DATA_ROW, false),
            (Phase::Idle, DATA_ROW, false),
        ] {
            let received = Received::new(long);
            received.enter(phase);
            assert_eq!(received.check(letter, long).is_ok(), fits, "{}", char::from(letter));
        }
    }

    #[test]
    fn what_the_driver_keeps_has_an_end() {
        let received = Received::new(0);
        let tell = |letter| received.check(letter, MESSAGE_BYTES).is_ok();
        let half = KEPT_BYTES / 2 / MESSAGE_BYTES;
        assert!((0..half).all(|_| tell(b'T')) && !received.keeps_much());
        received.enter(Phase::Idle);
        assert!((0..half).all(|_| tell(PARAMETER_STATUS)) && received.keeps_much());
        assert!(!tell(b'N'), "nobody waits for a notice");
        received.enter(Phase::Rows);
        assert!(tell(b'N') && !tell(PARAMETER_STATUS), "of one with rows nothing is kept");
    }
}
