//! Starting the host and talking to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use ureq::http::{Request, Response};
use ureq::{Agent, AsSendBody};

/// Compiling the guests the first time on a busy machine.
const START: Duration = Duration::from_secs(120);

pub(crate) fn app() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/app")
}

/// The file of a guest, which cargo does not build for a native test.
pub(crate) fn guest(name: &str) -> PathBuf {
    let guest = format!("../target/wasm32-wasip2/component/{name}.wasm");
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join(guest);
    assert!(guest.is_file(), "{} is missing: `cargo xtask test` builds it", guest.display());
    guest
}

/// `runtime-shim up` on the tests' application, with compiled code shared by all tests.
pub(crate) fn command(manifest: &Path) -> Command {
    for name in ["conformance", "earlier", "unversioned"] {
        guest(name);
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtime-shim"));
    command
        .arg("up")
        .arg("--from")
        .arg(manifest)
        .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        .arg("--state-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("host-state"))
        .env_remove("SPIN_HTTP_LISTEN_ADDR")
        .env_remove("RUNTIME_SHIM_CACHE_DIR");
    command
}

pub(crate) struct Host {
    child: Child,
    pub(crate) address: String,
    pub(crate) admin: String,
    /// What the host and its components print.
    lines: Mutex<mpsc::Receiver<String>>,
    agent: Agent,
    scratch: tempfile::TempDir,
}

impl Host {
    pub(crate) fn start() -> Self {
        Self::with("", &[])
    }

    /// With lines of a runtime config file and more arguments. Databases are the host's own.
    pub(crate) fn with(runtime_config: &str, arguments: &[&str]) -> Self {
        Self::of(&app(), runtime_config, arguments)
    }

    /// With a manifest of the test's own.
    pub(crate) fn of(manifest: &Path, runtime_config: &str, arguments: &[&str]) -> Self {
        let scratch = tempfile::tempdir().expect("a directory");
        let config = scratch.path().join("runtime.toml");
        let databases = format!(
            "[sqlite_database.default]\ntype = \"spin\"\npath = {:?}\n\
             [key_value_store.default]\ntype = \"spin\"\npath = \"kv.db\"\n",
            scratch.path().join("app.db")
        );
        std::fs::write(&config, format!("{runtime_config}\n{databases}")).expect("a config file");
        let mut command = command(manifest);
        command.arg("--runtime-config-file").arg(config).args(arguments);
        Self::run(command, scratch)
    }

    pub(crate) fn run(mut command: Command, scratch: tempfile::TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the host starts");
        let stdout = child.stdout.take().expect("piped");
        let (lines, line) = mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| lines.send(line))
        });
        let announced = |prefix: &str| loop {
            let line = line.recv_timeout(START).expect("the host says where it listens");
            if let Some(rest) = line.strip_prefix(prefix) {
                return rest.trim_end_matches("/metrics").to_owned();
            }
        };
        let address = announced("Serving http://");
        let admin = announced("Metrics http://");
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self { child, address, admin, lines: Mutex::new(line), agent: agent.into(), scratch }
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        read(self.response(path))
    }

    pub(crate) fn response(&self, path: &str) -> Response<ureq::Body> {
        self.respond(Request::get(self.url(path)).body(()).expect("a request"))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> (u16, String) {
        let response = self.agent.post(self.url(path)).send(body);
        read(response.expect("an answer"))
    }

    pub(crate) fn send(&self, request: Request<()>) -> (u16, String) {
        read(self.respond(request))
    }

    pub(crate) fn respond(&self, request: Request<impl AsSendBody>) -> Response<ureq::Body> {
        self.agent.run(request).expect("an answer")
    }

    /// Asks `/hello` until `busy` has ended; the longest time that it took.
    pub(crate) fn longest_hello<T>(&self, busy: &ScopedJoinHandle<'_, T>) -> Duration {
        let mut longest = Duration::ZERO;
        while !busy.is_finished() {
            let started = Instant::now();
            assert_eq!(self.get("/hello").0, 200);
            longest = longest.max(started.elapsed());
        }
        longest
    }

    /// A connection with the head of a request, the last on it, and `sent` of the `length` bytes of its body.
    pub(crate) fn begin(&self, path: &str, length: usize, sent: usize) -> TcpStream {
        let mut client = TcpStream::connect(&self.address).expect("a connection");
        client.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{}",
            "x".repeat(sent)
        );
        client.write_all(head.as_bytes()).expect("the beginning");
        client
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A file beside the runtime config, such as a database.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub(crate) fn admin(&self, path: &str) -> (u16, String) {
        self.send(Request::get(format!("http://{}{path}", self.admin)).body(()).expect("a request"))
    }

    /// The next line that a component printed.
    pub(crate) fn printed(&self) -> String {
        self.line(|line| line.starts_with('['))
    }

    /// The next line of the host's output that is `wanted`.
    pub(crate) fn line(&self, wanted: impl Fn(&str) -> bool) -> String {
        let lines = self.lines.lock().expect("no panic");
        loop {
            let line = lines.recv_timeout(Duration::from_secs(10)).expect("a line");
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Bytes of memory that the host holds.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("Linux tells");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
        line.trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
    }

    /// How often the host has a file of this name open.
    pub(crate) fn opened(&self, name: &str) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        let open = open.expect("Linux tells").flatten();
        let files = open.filter_map(|file| std::fs::read_link(file.path()).ok());
        files.filter(|file| file.ends_with(name)).count()
    }

    pub(crate) fn terminate(&self) {
        terminate(&self.child);
    }

    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        wait(&mut self.child, limit)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(response: Response<ureq::Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let mut text = String::new();
    response.into_body().into_reader().read_to_string(&mut text).expect("a body");
    (status, text)
}

pub(crate) fn terminate(host: &Child) {
    let sent = Command::new("kill").arg(host.id().to_string()).status().expect("kill runs");
    assert!(sent.success());
}

pub(crate) fn wait(host: &mut Child, limit: Duration) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = host.try_wait().expect("a status") {
            return status;
        }
        if started.elapsed() > limit {
            let _ = host.kill();
            panic!("the host did not end within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts the host where it must refuse: its exit code and what it said.
pub(crate) fn refused(mut command: Command) -> String {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the host runs");
    let said = BufReader::new(child.stdout.take().expect("piped")).lines();
    let started = said.map_while(Result::ok).any(|line| line.starts_with("Serving http://"));
    if started {
        // By itself it would go on, and the test with it.
        let _ = child.kill();
    }
    let output = child.wait_with_output().expect("the host runs");
    assert!(!started && !output.status.success(), "the host started");
    String::from_utf8(output.stderr).expect("text")
}

pub(crate) fn ok(text: &str) -> (u16, String) {
    (200, text.to_owned())
}

/// As a value in the query of a URL.
pub(crate) fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// What `count` threads get that ask at the same time.
pub(crate) fn at_once<T: Send>(count: usize, ask: impl Fn() -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..count).map(|_| scope.spawn(&ask)).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect()
    })
}

/// Waits for `condition`, which `what` says in words.
pub(crate) fn until(seconds: u64, what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed().as_secs() < seconds, "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The address of a peer on loopback that gives every request this answer.
pub(crate) fn peer(answer: impl AsRef<[u8]>) -> SocketAddr {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = peer.local_addr().expect("an address");
    let answer = [b"HTTP/1.1 ", answer.as_ref()].concat();
    std::thread::spawn(move || {
        for mut stream in peer.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(&answer);
        }
    });
    address
}
