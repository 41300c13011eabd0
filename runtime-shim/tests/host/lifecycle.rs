//! Stopping, and clients that hold on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::support::{Host, guest, until};

#[test]
fn what_is_under_way_is_finished_before_the_host_ends() {
    let mut host = Host::start();
    let connect = || TcpStream::connect(&host.address).expect("a connection");
    let (mut idle, mut late) = (connect(), connect());
    let url = host.url("/wait?ms=1500");
    let waiting =
        std::thread::spawn(move || ureq::get(url).call().map(|answer| answer.status().as_u16()));
    let streaming = host.url("/stream?ms=500&count=4");
    let streaming = std::thread::spawn(move || {
        ureq::get(streaming).call().and_then(|mut answer| answer.body_mut().read_to_string())
    });
    std::thread::sleep(Duration::from_millis(700));
    host.terminate();
    std::thread::sleep(Duration::from_millis(200));
    assert!(TcpStream::connect(&host.address).is_err(), "new connections are refused");
    late.write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    let mut answer = String::new();
    late.read_to_string(&mut answer).expect("the connection ends with the answer");
    assert!(answer.ends_with("hello"), "what was on its way is answered: {answer}");
    assert_eq!(host.admin("/ready").0, 503);
    assert_eq!(host.admin("/live").0, 200);
    assert_eq!(waiting.join().expect("no panic").expect("an answer"), 200);
    assert_eq!(streaming.join().expect("no panic").expect("an answer"), "0\n1\n2\n3\n");
    assert!(host.wait(Duration::from_secs(5)).success());
    assert_eq!(idle.read(&mut [0; 16]).unwrap_or(0), 0, "an idle connection is closed");
}

#[test]
fn a_second_signal_does_not_wait() {
    let mut host = Host::start();
    let url = host.url("/wait?ms=20000");
    std::thread::spawn(move || ureq::get(url).call().map(|_| ()));
    std::thread::sleep(Duration::from_millis(300));
    host.terminate();
    std::thread::sleep(Duration::from_millis(300));
    host.terminate();
    host.wait(Duration::from_secs(3));
}

#[test]
fn the_grace_has_an_end() {
    let mut host = Host::with("[limits]\ndrain_ms = 500\n", &[]);
    let url = host.url("/wait?ms=20000");
    std::thread::spawn(move || ureq::get(url).call().map(|_| ()));
    std::thread::sleep(Duration::from_millis(300));
    host.terminate();
    assert!(host.wait(Duration::from_secs(4)).success());
}

#[test]
fn a_client_that_never_finishes_its_request_is_let_go() {
    let host = Host::with("[limits]\nheader_read_ms = 1000\nidle_connection_ms = 2000\n", &[]);
    let held = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(&host.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(bytes).expect("sent");
        let started = Instant::now();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        started.elapsed()
    };
    assert!(held(b"GET / HTTP/1.1\r\nhost: x\r\n") < Duration::from_secs(6));
    assert!(held(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n") < Duration::from_secs(8));
    assert!(held(b"") < Duration::from_secs(8));
}

#[test]
fn too_many_connections_are_closed_at_once() {
    let host = Host::with("[limits]\nmax_connections = 2\n", &[]);
    let kept: Vec<_> =
        (0..2).map(|_| TcpStream::connect(&host.address).expect("a connection")).collect();
    std::thread::sleep(Duration::from_millis(200));
    let mut extra = TcpStream::connect(&host.address).expect("a connection");
    extra.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    assert_eq!(extra.read(&mut [0; 1]).unwrap_or(0), 0);
    drop(kept);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(host.get("/hello").0, 200);
}

#[test]
fn connections_that_only_rest_lock_nobody_out() {
    let limits = "[limits]\nthreads = 1\nmax_connections = 3\nheader_read_ms = 1000\n";
    let host = Host::with(limits, &[]);
    let connect = || TcpStream::connect(&host.address).expect("a connection");
    let _resting: Vec<_> = (0..3).map(|_| connect()).collect();
    std::thread::sleep(Duration::from_secs(3));
    for _ in 0..2 {
        let mut client = connect();
        client.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        client.write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        let mut answer = [0; 12];
        client.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}

#[test]
fn headers_without_end_are_refused() {
    let host = Host::start();
    let mut stream = TcpStream::connect(&host.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").expect("sent");
    let line = format!("x-filler: {}\r\n", "y".repeat(1000));
    for _ in 0..200 {
        if stream.write_all(line.as_bytes()).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

const ONE_INSTANCE: &str =
    "[limits]\nthreads = 1\ninstances = 1\nconcurrent_requests = 2\nqueue_wait_ms = 500\n";

#[test]
fn bodies_that_never_come_take_no_place_for_good() {
    let mut host = Host::with(&format!("{ONE_INSTANCE}request_ms = 1000\n"), &[]);
    for _ in 0..3 {
        let held = [host.begin("/echo", 1000, 1), host.begin("/echo", 1000, 1)];
        for mut stream in held {
            let mut answer = [0; 64];
            stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
            let length = stream.read(&mut answer).expect("an answer");
            assert!(answer[..length].starts_with(b"HTTP/1.1 504"));
        }
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(host.get("/headers").0, 200);
    }
    let _held = [host.begin("/echo", 1000, 1), host.begin("/echo", 1000, 1)];
    host.terminate();
    assert!(host.wait(Duration::from_secs(10)).success());
}

#[test]
fn who_waits_too_long_is_told_even_if_nothing_becomes_free() {
    let host = Host::with(ONE_INSTANCE, &[]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| host.get("/wait?ms=3000"));
        }
        std::thread::sleep(Duration::from_millis(300));
        let started = Instant::now();
        assert_eq!(host.get("/headers").0, 503);
        assert!(started.elapsed() < Duration::from_secs(2));
    });
}

#[test]
fn a_client_that_takes_nothing_is_let_go() {
    const SIZE: usize = 64 * 1024 * 1024;
    let host = Host::with("[limits]\nwrite_ms = 1000\n", &[]);
    let mut stream = TcpStream::connect(&host.address).expect("a connection");
    let request = format!("GET /big?bytes={SIZE} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_secs(5));
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.starts_with(b"HTTP/1.1 200") && rest.len() < SIZE, "{}", rest.len());
    assert_eq!(host.get("/hello").0, 200);
}

/// 10,000 of them fit into 100 MiB. They are used a hundred at a time: what those that rest gave
/// up is for the next, but the allocator does not give it back to the system at once.
#[test]
fn an_idle_connection_costs_little() {
    const CONNECTIONS: u64 = 800;
    let host = Host::start();
    let used = || {
        let mut stream = TcpStream::connect(&host.address).expect("a connection");
        stream.write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        let mut answer = [0; 1024];
        assert!(stream.read(&mut answer).expect("an answer") > 0);
        stream
    };
    drop((0..100).map(|_| used()).collect::<Vec<_>>());
    let before = host.memory();
    let mut held = Vec::new();
    while (held.len() as u64) < CONNECTIONS {
        held.extend((0..100).map(|_| used()));
        std::thread::sleep(Duration::from_millis(2000));
    }
    // They give up their buffers after a second or so, on a busy machine later.
    until(30, "they are small", || {
        host.memory().saturating_sub(before) / CONNECTIONS < 100 * 1024 * 1024 / 10_000
    });
    for stream in &mut held {
        stream.write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        assert!(stream.read(&mut [0; 1024]).expect("an answer") > 0, "it is served as before");
    }
}

#[test]
fn a_draining_host_can_be_told_to_go_on_accepting_for_a_while() {
    let mut host = Host::with("[limits]\nunready_ms = 1500\n", &[]);
    let mut kept = TcpStream::connect(&host.address).expect("a connection");
    kept.write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    let before = kept.read(&mut [0; 1024]).expect("an answer");
    assert!(before > 0, "it is kept after an answer");
    host.terminate();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(host.admin("/ready").0, 503);
    assert_eq!(host.get("/hello").0, 200, "who has not noticed yet is still served");
    let mut answer = String::new();
    kept.write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    kept.read_to_string(&mut answer).expect("the connection ends with the answer");
    assert!(answer.contains("\r\nconnection: close\r\n") && answer.ends_with("hello"), "{answer}");
    std::thread::sleep(Duration::from_millis(1500));
    assert!(TcpStream::connect(&host.address).is_err());
    assert!(host.wait(Duration::from_secs(5)).success());
}

/// The manifest of an application without components, whose answer is `body`.
fn fixed(body: &str) -> String {
    format!(
        "spin_manifest_version = 2\n[application]\nname = \"watched\"\n[[trigger.http]]\n\
         route = \"/...\"\nstatic_response = {{ body = \"{body}\" }}\n"
    )
}

/// Ends who asks, also where the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn a_new_version_is_served_without_dropping_a_request_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let manifest = directory.path().join("spin.toml");
    let source = directory.path().join("source.txt");
    std::fs::write(&manifest, fixed("one")).expect("a manifest");
    let host = Host::of(&manifest, "", &["--watch"]);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut asked = 0;
            while !over.load(Relaxed) {
                let (status, body) = host.get("/hello");
                assert!(status == 200 && !body.is_empty(), "{status} {body}");
                asked += 1;
            }
            asked
        });
        let _over = Over(&over);
        std::fs::write(&manifest, fixed("two")).expect("a manifest");
        until(30, "the second is served", || host.get("/hello").1 == "two");
        std::fs::write(&manifest, fixed("three").replace("route", "rout")).expect("a manifest");
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(host.get("/hello").1, "two", "a broken version is not served");
        // A component, and a command that makes its file.
        let built = format!(
            "{}[component.hello]\nsource = \"hello.wasm\"\n[component.hello.build]\n\
             command = \"cp source.txt hello.wasm\"\nwatch = [\"source.txt\"]\n",
            fixed("four").replace("static_response = { body = \"four\" }", "component = \"hello\"")
        );
        std::fs::copy(guest("conformance"), directory.path().join("hello.wasm")).expect("copied");
        std::fs::copy(guest("earlier"), &source).expect("copied");
        std::fs::write(&manifest, built).expect("a manifest");
        until(30, "the component is served", || host.get("/hello").1 == "hello");
        assert_eq!(host.get("/compute?ms=1").0, 200, "the first guest");
        over.store(true, Relaxed);
        assert!(asking.join().expect("no request was dropped") > 10);
    });
    let touched = std::fs::read(&source).expect("a file");
    std::fs::write(&source, touched).expect("touched");
    until(30, "the second guest is served", || host.get("/compute?ms=1").0 == 422);
    assert_eq!(host.get("/hello").1, "hello", "the second guest");
}

#[test]
fn what_compiling_took_is_given_back() {
    let cache = tempfile::tempdir().expect("a directory");
    let arguments = ["--cache-dir", cache.path().to_str().expect("UTF-8")];
    let [cold, warm] = [(); 2].map(|()| {
        let host = Host::with("", &arguments);
        assert_eq!(host.get("/hello").0, 200);
        host.memory()
    });
    assert!(cold < warm + warm / 2, "{cold} bytes after compiling, {warm} otherwise");
}
