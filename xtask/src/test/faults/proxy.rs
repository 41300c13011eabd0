//! A TCP proxy in front of a database server, which can do what networks do.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

const PIECE: usize = 16 * 1024;
/// How often a held connection looks whether it may go on.
const POLL: Duration = Duration::from_millis(5);

pub(super) struct Proxy {
    pub(super) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    held: AtomicBool,
    /// Both ends of every connection since the last cut.
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Its threads end with the process.
    pub(super) fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State::default());
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is down refuses, and so the client's connection ends.
                let _ = accepting.connect(&client, target);
            }
        });
        Ok(Self { port, state })
    }

    /// Ends every connection, in whatever is being said on it.
    pub(super) fn cut(&self) {
        let mut streams = self.state.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets nothing through, or everything again.
    pub(super) fn hold(&self, held: bool) {
        self.state.held.store(held, Ordering::Relaxed);
    }
}

impl State {
    fn connect(self: &Arc<Self>, client: &TcpStream, target: u16) -> std::io::Result<()> {
        let server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], target)))?;
        for stream in [client, &server] {
            stream.set_nodelay(true)?;
        }
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.extend([client.try_clone()?, server.try_clone()?]);
        for (from, to) in
            [(client.try_clone()?, server.try_clone()?), (server.try_clone()?, client.try_clone()?)]
        {
            let state = Arc::clone(self);
            thread::spawn(move || state.copy(from, to));
        }
        Ok(())
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            while self.held.load(Ordering::Relaxed) {
                thread::sleep(POLL);
            }
            if to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
