//! What a host must survive.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Computes for a while, like a password hash.
pub(crate) fn compute(time: Duration) -> String {
    let started = Instant::now();
    let mut rounds: u64 = 0;
    while started.elapsed() < time {
        rounds = black_box(rounds + 1);
    }
    "computed".to_owned()
}

pub(crate) fn endless() -> ! {
    let mut rounds: u64 = 0;
    loop {
        rounds = black_box(rounds.wrapping_add(1));
    }
}

pub(crate) fn panic() -> ! {
    panic!("as asked")
}

/// Takes memory until there is none.
pub(crate) fn memory() -> ! {
    const PIECE: usize = 16 * 1024 * 1024;
    let mut pieces = Vec::new();
    loop {
        pieces.push(black_box(vec![1_u8; PIECE]));
    }
}

/// Calls itself until the stack ends.
pub(crate) fn overflow(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    if depth == 0 { 0 } else { overflow(depth + 1) + room[7] }
}

/// More outbound calls at once than any program needs.
pub(crate) async fn fetch_storm(url: &str) -> String {
    const CALLS: usize = 1000;
    let calls = (0..CALLS).map(|_| spin_sdk::http::get(url));
    let answered = futures::future::join_all(calls).await;
    let refused = answered.iter().filter(|answer| answer.is_err()).count();
    format!("{refused} of {CALLS} refused")
}
