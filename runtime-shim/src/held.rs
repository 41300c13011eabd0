//! What the host holds for an instance beside the instance's own memory: arguments of calls that are
//! under way, and rows that it has not read. Each is limited by itself, and all of them here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::vec;

use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

/// What the guest is told; each interface has a word of its own for "other".
pub(crate) const TOO_MUCH: &str =
    "calls under way and rows that were not read are more than held_bytes together";

/// Of one instance.
pub(crate) struct Budget {
    held: Arc<AtomicU64>,
    limit: u64,
}

/// It is more than the instance may have.
#[derive(Debug)]
pub(crate) struct TooMuch;

/// Counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    all: Arc<AtomicU64>,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Self {
        Self { held: Arc::default(), limit }
    }

    /// Takes so many bytes of it, until the result is dropped.
    pub(crate) fn hold(&self, bytes: u64) -> Result<Held, TooMuch> {
        // Only the thread of the instance adds to it.
        let all = self.held.load(Relaxed).saturating_add(bytes);
        if all > self.limit {
            return Err(TooMuch);
        }
        self.held.fetch_add(bytes, Relaxed);
        Ok(Held { all: Arc::clone(&self.held), bytes })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Relaxed);
    }
}

/// Rows on their way to a guest, no more of them at a time than it has room for: what is handed over
/// beyond that would be kept where nobody counts it.
pub(crate) struct Unread<T> {
    rows: vec::IntoIter<T>,
    _held: Option<Held>,
}

impl<T> Unread<T> {
    pub(crate) fn new(rows: Vec<T>, held: Option<Held>) -> Self {
        Self { rows: rows.into_iter(), _held: held }
    }
}

impl<D: 'static, T: Unpin + Send + Sync + 'static> StreamProducer<D> for Unread<T> {
    type Item = T;
    type Buffer = VecBuffer<T>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, T, VecBuffer<T>>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let rows = &mut self.get_mut().rows;
        let room = destination.remaining(&mut store).unwrap_or(usize::MAX);
        if room >= rows.len() {
            destination.set_buffer(Vec::from_iter(std::mem::take(rows)).into());
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        if room > 0 {
            destination.set_buffer(Vec::from_iter(rows.take(room)).into());
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

/// About how much memory an argument takes.
pub(crate) trait Size {
    fn bytes(&self) -> u64;
}

/// Of a statement with its parameters.
pub(crate) fn of_statement<P: Size>(statement: &str, parameters: &[P]) -> u64 {
    let values = size_of_val(parameters) as u64;
    statement.len() as u64 + values + parameters.iter().map(Size::bytes).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_may_be_held_again() {
        let budget = Budget::new(10);
        let six = budget.hold(6).expect("room");
        assert!(budget.hold(5).is_err());
        let four = budget.hold(4).expect("room");
        drop(six);
        assert!(budget.hold(6).is_ok() && budget.hold(u64::MAX).is_err());
        drop(four);
        assert!(budget.hold(10).is_ok());
    }
}
