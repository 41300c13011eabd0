//! People who read the same pages while Lighthouse looks at them.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;

use super::page::Page;
use crate::bench::load::{self, Answers, Call};

/// They look whether it is over after so long.
const SLICE: Duration = Duration::from_secs(5);

/// On a connection each, as people are.
pub(super) struct Visitors {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Answers>>,
}

impl Visitors {
    /// `users` people, each of whom asks for a page every second, from now on.
    pub(super) fn start(base: &str, pages: &[Page], users: usize) -> Result<Self> {
        let address = address(base)?;
        let calls: Vec<Call> = pages.iter().map(|page| Call::get(address, &page.path)).collect();
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = thread::spawn(move || visit(&calls, users, &seen));
        Ok(Self { over, thread })
    }

    pub(super) fn stop(self) -> Result<Answers> {
        self.over.store(true, Relaxed);
        match self.thread.join() {
            Ok(answers) => answers,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn address(base: &str) -> Result<SocketAddr> {
    let host = base.strip_prefix("http://").context("visitors speak http:// only")?;
    host.to_socket_addrs()?.next().with_context(|| format!("{host} has no address"))
}

fn visit(calls: &[Call], users: usize, over: &AtomicBool) -> Result<Answers> {
    let runtime = load::runtime()?;
    let mut all = Answers::none()?;
    let each = users.div_ceil(calls.len());
    while !over.load(Relaxed) {
        let slices = calls.iter().map(|call| load::scheduled(call, each, each as f64, SLICE));
        for answers in runtime.block_on(try_join_all(slices))? {
            all.add(&answers)?;
        }
    }
    Ok(all)
}
