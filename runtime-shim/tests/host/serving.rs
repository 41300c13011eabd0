//! What a well-behaved component and its clients see.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ureq::http::{Method, Request};

use crate::support::{Host, ok, peer};

// For tests that leave nothing behind.
thread_local! {
    static HELD: Arc<Host> = shared();
}

/// One host for all tests here that run at the same time, each of which holds it to its end. A
/// static would never be dropped, and the process behind it would outlive the tests.
fn host() -> Arc<Host> {
    HELD.with(Arc::clone)
}

fn shared() -> Arc<Host> {
    static SHARED: Mutex<Weak<Host>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let host = Arc::new(Host::start());
        *shared = Arc::downgrade(&host);
        host
    })
}

fn get(path: &str) -> (u16, String) {
    host().get(path)
}

#[test]
fn a_component_answers_with_a_length() {
    let response = host().response("/hello");
    assert_eq!(response.headers()["content-length"], "5");
}

#[test]
fn the_guest_is_told_what_spin_tells_it_and_a_client_cannot_say_it() {
    let request = Request::get(host().url("/people/kim/a/headers?q=1"))
        .header("spin-client-addr", "6.6.6.6:6")
        .header("spin-path-match-name", "forged")
        .header("spin-anything", "forged")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let (_, headers) = host().send(request.body(()).expect("a request"));
    for line in [
        format!("host: {}\n", host().address),
        "spin-base-path: /\n".to_owned(),
        "spin-component-route: /people/:name\n".to_owned(),
        format!("spin-full-url: {}\n", host().url("/people/kim/a/headers?q=1")),
        "spin-matched-route: /people/:name/...\n".to_owned(),
        "spin-path-info: /a/headers\n".to_owned(),
        "spin-path-match-name: kim\n".to_owned(),
        "spin-raw-component-route: /people/:name/...\n".to_owned(),
        "spin-client-addr: 127.0.0.1:".to_owned(),
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-".to_owned(),
    ] {
        assert!(headers.contains(&line), "{line} is not in\n{headers}");
    }
    assert!(!headers.contains("forged") && !headers.contains("6.6.6.6"), "{headers}");
}

#[test]
fn variables_environment_and_files() {
    assert_eq!(get("/variable?name=greeting"), ok("annyeong, world"));
    assert_eq!(get("/variable?name=token").0, 422);
    assert_eq!(get("/environment?name=LANGUAGE"), ok("ko"));
    assert_eq!(get("/file?path=/assets/note.txt"), ok("an asset\n"));
    assert_eq!(get("/file?path=/placed/note.txt"), ok("an asset\n"));
    for path in ["/assets/secret.txt", "/placed/secret.txt", "/etc/passwd", "/../spin.toml"] {
        assert_eq!(get(&format!("/file?path={path}")).0, 422, "{path}");
    }
    assert_eq!(get("/write-file?path=/assets/new").0, 422);
}

#[test]
fn what_a_component_prints_is_a_line_with_its_name() {
    let host = Host::with("[limits]\nlog_line_bytes = 10\n", &["--env", "MOOD=calm"]);
    assert_eq!(host.get("/environment?name=MOOD"), ok("calm"));
    host.get("/print?text=one");
    assert_eq!(host.printed(), "[conformance] one");
    host.get("/print?text=%1B%5B31mlonger+than+the+limit");
    assert_eq!(host.printed(), "[conformance] \\u{1b}[31mlonge");
}

#[test]
fn a_key_value_store_keeps_what_it_is_given() {
    assert_eq!(get("/key-value?do=get&key=none"), ok("none"));
    assert_eq!(get("/key-value?do=set&key=a&value=1"), ok("set"));
    assert_eq!(get("/key-value?do=set&key=a&value=2"), ok("set"));
    assert_eq!(get("/key-value?do=get&key=a"), ok("2"));
    assert_eq!(get("/key-value?do=exists&key=a"), ok("true"));
    assert_eq!(get("/key-value?do=keys"), ok("a"));
    assert_eq!(get("/key-value?do=delete&key=a"), ok("deleted"));
    assert_eq!(get("/key-value?do=exists&key=a"), ok("false"));
    assert_eq!(get("/key-value?do=get&key=a&store=other").0, 422);
    assert_eq!(get("/people/kim/key-value?do=get&key=a").0, 422, "a component without the store");
}

#[test]
fn components_call_each_other_in_process() {
    let (status, seen) = get("/outbound?url=http://hidden.spin.internal/x/headers");
    assert_eq!(status, 200);
    assert!(
        seen.contains("spin-client-addr: 0.0.0.0:0") && seen.contains("spin-path-info: /x/headers"),
        "{seen}"
    );
    assert!(seen.contains("spin-full-url: http://localhost/x/headers"), "{seen}");
    assert_eq!(get("/outbound?url=http://self.alt/hello"), ok("200 hello"));
    assert_eq!(get("/outbound?url=http://self.alt/.well-known/spin/health"), ok("200 OK"));
    assert!(get("/outbound?url=http://self.alt/.well-known/spin/hello").1.starts_with("404"));
    let (_, seen) = get("/outbound?url=http://self.alt/people/kim/x/headers");
    for line in [
        "spin-path-info: /x/headers\n",
        "spin-matched-route: /people/:name/...\n",
        "spin-component-route: /people/:name\n",
        "spin-path-match-name: kim\n",
        "spin-client-addr: 0.0.0.0:0\n",
        &format!("spin-full-url: {}\n", host().url("/people/kim/x/headers")),
    ] {
        assert!(seen.contains(line), "{line}: {seen}");
    }
    assert_eq!(get("/outbound?url=http://nobody.spin.internal/").0, 422);
    assert_eq!(
        get("/people/kim/outbound?url=http://conformance.spin.internal/hello").0,
        422,
        "not in its list"
    );
}

#[test]
fn a_circle_of_components_ends() {
    let mut url = "/outbound?url=http://hidden.spin.internal/outbound".to_owned();
    let hop = |url: &str| {
        url.replace('%', "%25").replace('?', "%3F").replace('&', "%26").replace('=', "%3D")
    };
    let mut inner = "http://hidden.spin.internal/hello".to_owned();
    for _ in 0..10 {
        inner = format!("http://hidden.spin.internal/outbound?url={}", hop(&inner));
        url = format!("/outbound?url={}", hop(&inner));
    }
    let (status, text) = get(&url);
    assert_eq!(status, 200);
    assert!(text.contains("508") && text.contains("loop_detected"), "{text}");
}

#[test]
fn a_private_component_has_no_route() {
    let request = Request::get(host().url("/hello")).header("host", "hidden.spin.internal");
    assert_eq!(host().send(request.body(()).expect("a request")), ok("hello"));
}

#[test]
fn an_outbound_call_is_made_if_it_is_allowed() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = peer.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in peer.incoming().flatten() {
            answer_with_request(stream);
        }
    });
    let host = Host::with("", &["--variable", &format!("peer={address}")]);
    let (status, seen) = host.get(&format!("/outbound?url=http://{address}/path"));
    assert_eq!(status, 200);
    assert!(
        seen.starts_with("200 GET /path HTTP/1.1")
            && seen.contains("traceparent: 00-")
            && !seen.contains("transfer-encoding"),
        "{seen}"
    );
    for refused in [
        format!("https://{address}/"),
        format!("http://localhost:{}/", address.rsplit(':').next().unwrap_or("")),
        "http://example.com/".to_owned(),
    ] {
        let (status, said) = host.get(&format!("/outbound?url={refused}"));
        assert!(status == 422 && said.contains("HttpRequestDenied"), "{refused}: {said}");
    }
    let blocked = Host::with(
        "[outbound_networking]\nblock_networks = [\"private\"]\n",
        &["--variable", &format!("peer={address}")],
    );
    let (status, said) = blocked.get(&format!("/outbound?url=http://{address}/path"));
    assert!(status == 422 && said.contains("DestinationIpProhibited"), "{said}");
}

/// As one that is about to end does: it takes a request, and is gone.
#[test]
fn what_a_peer_that_ended_did_not_answer_is_asked_once_more() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = peer.local_addr().expect("an address").to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        // The first and then every third is answered.
        for mut stream in peer.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            if counted.fetch_add(1, Relaxed).is_multiple_of(3) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhere");
                let _ = stream.read(&mut [0; 4096]);
            }
        }
    });
    let host = Host::with(
        "[limits]\nthreads = 1\n",
        &["--component-id", "conformance", "--variable", &format!("peer={address}")],
    );
    let url = format!("/outbound?url=http://{address}/");
    assert_eq!(host.get(&url), ok("200 here"));
    let (status, said) = host.get(&url);
    assert!(status == 422 && said.contains("HttpProtocolError"), "once, and no more: {said}");
    assert_eq!(host.get(&url), ok("200 here"));
    assert_eq!(connections.load(Relaxed), 4);
}

/// Answers with the request's own head, so that the test sees what was sent.
fn answer_with_request(mut stream: TcpStream) {
    let head = received(&mut stream, |seen| seen.ends_with(b"\r\n\r\n"));
    answer_with(stream, &head);
}

/// What comes until all is there.
fn received(stream: &mut TcpStream, all: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !all(&seen) && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        seen.push(byte[0]);
    }
    seen
}

fn answer_with(mut stream: TcpStream, body: &[u8]) {
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(body);
}

/// All of the answer to `request`, after which the connection ends.
fn spoken(host: &Host, request: &str) -> String {
    let mut stream = TcpStream::connect(&host.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    write!(stream, "{request}\r\nhost: x\r\nconnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn what_is_empty_is_said_to_be_and_is_no_stream() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = peer.local_addr().expect("an address").to_string();
    let (heard, heads) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in peer.incoming().flatten() {
            let head = received(&mut stream, |seen| seen.ends_with(b"\r\n\r\n"));
            answer_with(stream, b"");
            if heard.send(String::from_utf8_lossy(&head).into_owned()).is_err() {
                return;
            }
        }
    });
    let host = Host::with("", &["--variable", &format!("peer={address}")]);
    let is_empty = |head: &str| {
        let length = head.contains("content-length: 0\r\n");
        length && !head.contains("transfer-encoding") && head.ends_with("\r\n\r\n")
    };
    let post = |path: &str, length: &str| spoken(&host, &format!("POST {path} HTTP/1.1{length}"));
    // Both what the client and its peer say, and what nobody says.
    for length in ["\r\ncontent-length: 0", ""] {
        let answer = post(&format!("/pass-on?url=http://{address}/"), length);
        let sent = heads.recv_timeout(Duration::from_secs(10)).expect("a request");
        assert!(sent.starts_with("POST / ") && is_empty(&sent), "{sent}");
        assert!(answer.starts_with("HTTP/1.1 200 ") && is_empty(&answer), "{answer}");
    }
    for component in ["", "/earlier", "/unversioned"] {
        let answer = post(&format!("{component}/echo"), "\r\ncontent-length: 0");
        assert!(answer.starts_with("HTTP/1.1 200 ") && is_empty(&answer), "{answer}");
    }
    let answer = post("/headers", "\r\ncontent-length: 0");
    assert!(answer.contains("\ncontent-length: 0\n"), "the guest is told: {answer}");
}

/// Its peer would take the beginning of the next request for what is missing.
#[test]
fn a_length_without_a_body_is_not_sent() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = peer.local_addr().expect("an address").to_string();
    let host = Host::with("", &["--variable", &format!("peer={address}")]);
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = peer.accept().expect("a connection");
        let head = received(&mut stream, |seen| seen.ends_with(b"\r\n\r\n"));
        answer_with(stream, b"");
        String::from_utf8_lossy(&head).into_owned()
    });
    assert_eq!(host.get(&format!("/length-alone?peer={address}")), ok("200"));
    let head = asked.join().expect("no panic");
    assert!(head.starts_with("GET / ") && !head.contains("content-length"), "{head}");
}

#[test]
fn what_a_client_may_not_send_is_refused() {
    let host = host();
    let two = spoken(&host, "GET /hello HTTP/1.1\r\nhost: y");
    assert!(two.starts_with("HTTP/1.1 400 ") && two.contains("malformed_request"), "{two}");
    for (request, status) in [
        ("GET /hello HTTP/1.1\r\nconnection: close\r\n\r\n", 400),
        ("GET /hello HTTP/1.0\r\n\r\n", 200),
        ("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nno number\r\n", 400),
    ] {
        let mut stream = TcpStream::connect(&host.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("a request");
        let head = received(&mut stream, |seen| seen.ends_with(b"\r\n"));
        let head = String::from_utf8_lossy(&head).into_owned();
        assert!(head.contains(&format!(" {status} ")), "{request}: {head}");
    }
    // Over HTTP/1 the library itself refuses so many.
    let mut request = Request::get(host.url("/hello"));
    for line in 0..101 {
        request = request.header(format!("x-{line}"), "y");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = runtime.expect("a runtime").block_on(async {
        let mut client = Client::builder(TokioExecutor::new());
        let client = client.http2_only(true).build_http::<Empty<Bytes>>();
        client.request(request.body(Empty::new()).expect("a request")).await.expect("an answer")
    });
    assert_eq!(answer.status(), 431);
}

#[test]
fn a_status_that_is_no_answer_is_not_passed_on() {
    for code in ["100", "101", "103"] {
        let (status, said) = get(&format!("/status?code={code}"));
        assert!(status == 500 && said.contains("internal_error"), "{code}: {status} {said}");
    }
}

/// HTTP/1.1 has them where the client asks and the head names them (RFC 9110, section 6.5).
#[test]
fn trailers_reach_whoever_takes_them() {
    let host = host();
    let asked = spoken(&host, "GET /trailers HTTP/1.1\r\nte: trailers");
    assert!(asked.ends_with("\r\n4\r\nbody\r\n0\r\nx-sum: 4\r\n\r\n"), "{asked}");
    let unasked = spoken(&host, "GET /trailers HTTP/1.1");
    assert!(unasked.ends_with("\r\n4\r\nbody\r\n0\r\n\r\n"), "{unasked}");
    let url = host.url("/trailers").parse().expect("a URL");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let collected = runtime.expect("a runtime").block_on(async {
        let mut client = Client::builder(TokioExecutor::new());
        let client = client.http2_only(true).build_http::<Empty<Bytes>>();
        let response = client.get(url).await.expect("an answer");
        response.into_body().collect().await.expect("all of it")
    });
    assert_eq!(collected.trailers().expect("trailers")["x-sum"], "4");
    assert_eq!(collected.to_bytes(), "body");
}

#[test]
fn trailers_of_a_request_reach_the_peer() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = peer.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for mut stream in peer.incoming().flatten() {
            let is_last = |chunk: &[u8]| chunk == b"\r\n0\r\n";
            let seen = received(&mut stream, |seen| {
                seen.windows(5).any(is_last) && seen.ends_with(b"\r\n\r\n")
            });
            answer_with(stream, &seen);
        }
    });
    let host = Host::with("", &["--variable", &format!("peer={address}")]);
    let (status, seen) = host.get(&format!("/outbound-trailers?url=http://{address}/"));
    assert_eq!(status, 200, "{seen}");
    assert!(seen.ends_with("\r\n4\r\nbody\r\n0\r\nx-sum: 4\r\n\r\n"), "{seen}");
}

#[test]
fn nothing_at_an_address_is_a_problem_in_the_form_that_was_asked_for() {
    let host = Host::with("", &["--component-id", "hello"]);
    let asks = |accept: &str| {
        let request = Request::get(host.url("/nothing")).header("accept", accept);
        let response = host.respond(request.body(()).expect("a request"));
        (
            response.status().as_u16(),
            response.headers()["content-type"].to_str().expect("text").to_owned(),
        )
    };
    assert_eq!(asks("*/*"), (404, "application/problem+json".to_owned()));
    assert_eq!(asks("text/html,*/*;q=0.8"), (404, "text/html; charset=utf-8".to_owned()));
}

#[test]
fn bodies_pass_both_ways_and_too_large_ones_do_not() {
    let body = "가나다".repeat(100_000);
    assert_eq!(host().post("/echo", &body), (200, body));
    let limit = 10 * 1024 * 1024;
    assert_eq!(host().post("/echo", &"x".repeat(limit + 1)).0, 413);
    // Without a length it is noticed on the way.
    let mut stream = TcpStream::connect(&host().address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    write!(stream, "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        .expect("a head");
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, "x".repeat(1 << 20));
    for _ in 0..12 {
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[test]
fn head_is_answered_without_a_body() {
    let response = host().respond(Request::head(host().url("/hello")).body(()).expect("a request"));
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "5");
}

#[test]
fn what_is_passed_on_keeps_its_length() {
    let text = "x".repeat(200_000);
    let whole = peer(format!("200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()));
    let host = Host::with("", &["--variable", &format!("peer={whole}")]);
    let url = host.url(&format!("/forward?url=http://{whole}/"));
    for request in [Request::head(&url), Request::get(&url)] {
        let is_read = request.method_ref() == Some(&Method::GET);
        let response = host.respond(request.body(()).expect("a request"));
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-length"], "200000");
        let body = response.into_body().read_to_string().expect("a body");
        assert_eq!(body, if is_read { &*text } else { "" });
    }
    let unchanged = peer("304 Not Modified\r\ncontent-length: 5\r\n\r\n");
    let host = Host::with("", &["--variable", &format!("peer={unchanged}")]);
    assert_eq!(host.get(&format!("/forward?url=http://{unchanged}/")).0, 304);
}

#[test]
fn a_stream_arrives_as_it_is_made() {
    let mut stream = TcpStream::connect(&host().address).expect("a connection");
    write!(stream, "GET /stream?ms=300&count=3 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .expect("a request");
    let started = std::time::Instant::now();
    let mut seen = String::new();
    let mut first = None;
    let mut room = [0; 1024];
    loop {
        let read = stream.read(&mut room).expect("a chunk");
        if read == 0 {
            break;
        }
        seen.push_str(&String::from_utf8_lossy(&room[..read]));
        if seen.contains("0\n") && first.is_none() {
            first = Some(started.elapsed());
        }
    }
    assert!(seen.contains("2\n"), "{seen}");
    let first = first.expect("a first chunk");
    assert!(
        first < Duration::from_millis(700) && started.elapsed() >= Duration::from_millis(900),
        "{first:?}"
    );
}

/// A connection that rests gives up its parser; one that is being answered must not.
#[test]
fn a_stream_that_pauses_and_a_client_that_does_are_waited_for() {
    let (status, seen) = get("/stream?ms=2500&count=2");
    assert_eq!((status, seen.as_str()), (200, "0\n1\n"));
    const BYTES: usize = 40_000_000;
    let mut stream = TcpStream::connect(&host().address).expect("a connection");
    write!(stream, "GET /big?bytes={BYTES} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .expect("a request");
    std::thread::sleep(Duration::from_millis(2500));
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    let mut seen = Vec::new();
    stream.read_to_end(&mut seen).expect("all of it");
    let sent = seen.iter().filter(|&&byte| byte == b'x').count();
    assert!(sent >= BYTES, "{sent}");
}

#[test]
fn http_2_is_spoken_by_prior_knowledge() {
    let mut stream = TcpStream::connect(&host().address).expect("a connection");
    // The preface and an empty SETTINGS frame; the answer begins with one too.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("a preface");
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).expect("a frame");
    assert_eq!(frame[3], 4, "SETTINGS");
}

#[test]
fn the_host_of_a_request_is_that_of_its_address() {
    let mut stream = TcpStream::connect(&host().address).expect("a connection");
    let asked =
        "GET http://who@named:81/headers HTTP/1.1\r\nhost: another\r\nconnection: close\r\n\r\n";
    stream.write_all(asked.as_bytes()).expect("a request");
    let mut seen = String::new();
    stream.read_to_string(&mut seen).expect("an answer");
    assert!(seen.contains("\nhost: named:81\n") && !seen.contains("another"), "{seen}");
}

#[test]
fn over_http_2_too_the_answer_to_head_is_a_head() {
    let mut stream = TcpStream::connect(&host().address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    let mut asked = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    // HEADERS, all of the request: `:method: HEAD`, `:scheme: http`, `:authority: x`, `:path: /hello`.
    asked.extend(b"\0\0\x12\x01\x05\0\0\0\x01\x02\x04HEAD\x86\x01\x01x\x04\x06/hello");
    stream.write_all(&asked).expect("a request");
    loop {
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).expect("a frame");
        let [_, high, low, kind, flags, ..] = frame;
        let mut payload = vec![0; usize::from(high) << 8 | usize::from(low)];
        stream.read_exact(&mut payload).expect("the rest of it");
        assert_ne!(kind, 0, "DATA");
        if kind == 1 {
            assert_eq!(flags & 1, 1, "END_STREAM");
            return;
        }
    }
}

#[test]
fn health_and_the_admin_listener() {
    assert_eq!(get("/.well-known/spin/health"), ok("OK"));
    let info = "{\n  \"name\": \"conformance\",\n  \"version\": \"0.1.0\"\n}";
    assert_eq!(get("/.well-known/spin/info"), ok(info));
    assert_eq!(get("/.well-known/spin/other").0, 404);
    assert_eq!(host().admin("/live").0, 200);
    assert_eq!(host().admin("/ready").0, 200);
    get("/hello");
    let (_, metrics) = host().admin("/metrics");
    assert!(
        metrics
            .contains("http_requests_total{component=\"hello\",route=\"/hello\",status=\"200\"}"),
        "{metrics}"
    );
}
