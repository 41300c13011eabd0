//! Guests that misbehave: each ends at its limit, and its neighbours go on.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use ureq::http::Request;

use crate::configuration::{handler, with_hello};
use crate::support::{Host, at_once, peer, until};

/// Short enough for a test, long enough for a busy machine.
const LIMITS: &str =
    "[limits]\nthreads = 1\ncompute_ms = 1500\nrequest_ms = 3000\nmemory_bytes = 67108864\n";

fn code(text: &str) -> &str {
    text.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or(text)
}

#[test]
fn an_endless_loop_ends_and_its_neighbours_go_on() {
    let host = Host::with(LIMITS, &[]);
    std::thread::scope(|scope| {
        let endless = scope.spawn(|| host.get("/endless"));
        std::thread::sleep(Duration::from_millis(300));
        for path in ["/hello", "/headers", "/variable?name=greeting"] {
            let started = Instant::now();
            assert_eq!(host.get(path).0, 200, "{path}");
            assert!(
                started.elapsed() < Duration::from_millis(800),
                "{path} {:?}",
                started.elapsed()
            );
        }
        let (status, text) = endless.join().expect("no panic");
        assert_eq!((status, code(&text)), (504, "timed_out"));
    });
    assert_eq!(host.get("/headers").0, 200);
}

#[test]
fn a_trap_is_a_problem_with_the_trace_id() {
    let host = Host::with(LIMITS, &[]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request = Request::get(host.url("/panic"))
        .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
    let response = host.respond(request.body(()).expect("a request"));
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["x-request-id"], trace);
    let text = response.into_body().read_to_string().expect("a body");
    assert!(text.contains(trace) && code(&text) == "internal_error", "{text}");
    assert!(!text.contains("as asked"), "the reason is for the log: {text}");
    assert_eq!(host.get("/headers").0, 200);
    assert!(host.admin("/metrics").1.contains("guest_traps_total{component=\"conformance\"} 1"));
}

#[test]
fn memory_and_stack_have_an_end() {
    let host = Host::with(LIMITS, &[]);
    for path in ["/memory", "/overflow"] {
        let (status, text) = host.get(path);
        assert_eq!((status, code(&text)), (500, "internal_error"), "{path}");
        assert_eq!(host.get("/headers").0, 200);
    }
}

fn metric(host: &Host, name: &str) -> u64 {
    let metrics = host.admin("/metrics").1;
    let line = metrics.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("a number")
}

fn wait_for_instances(host: &Host, most: u64) {
    until(5, "others are gone", || metric(host, "guest_instances{") <= most);
}

#[test]
fn of_the_instances_that_grew_one_keeps_its_memory() {
    let limits = "[limits]\nthreads = 1\nidle_memory_bytes = 16000000\nconcurrent_requests = 1\n";
    let host = Host::with(limits, &["--component-id", "conformance"]);
    let body = "x".repeat(8_000_000);
    assert_eq!(at_once(8, || host.post("/echo", &body).0), [200; 8]);
    // One may have been begun for a request that another took by then.
    wait_for_instances(&host, 1);
    let made = metric(&host, "guest_instances_created_total{");
    assert!(made > 1, "{made} instances for eight requests, of which each takes one");
    assert_eq!(host.post("/echo", &body).0, 200);
    assert_eq!(metric(&host, "guest_instances_created_total{"), made, "the kept one serves");
    assert_eq!(metric(&host, "guest_instances{"), 1);
}

#[test]
fn an_instance_that_grew_by_much_gives_its_memory_back() {
    let limits = "[limits]\nthreads = 1\nidle_memory_bytes = 2000000\n";
    let host = Host::with(limits, &["--component-id", "conformance"]);
    assert_eq!(host.post("/echo", "x").0, 200);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(metric(&host, "guest_instances{"), 1);
    assert_eq!(host.post("/echo", &"x".repeat(8_000_000)).0, 200);
    wait_for_instances(&host, 0);
    assert_eq!(host.get("/headers").0, 200);
}

#[test]
fn a_request_that_only_waits_ends_at_its_deadline_alone() {
    let host = Host::with(LIMITS, &[]);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| host.get("/wait?ms=60000"));
        std::thread::sleep(Duration::from_millis(1500));
        let neighbour = scope.spawn(|| host.get("/wait?ms=2500"));
        let (status, text) = waiting.join().expect("no panic");
        assert_eq!((status, code(&text)), (504, "timed_out"));
        assert_eq!(neighbour.join().expect("no panic"), (200, "waited".to_owned()));
    });
}

#[test]
fn a_stream_that_pauses_too_long_is_cut_off() {
    let host = Host::with("[limits]\nresponse_idle_ms = 500\n", &[]);
    let response = host.response("/stream?ms=5000&count=2");
    let started = Instant::now();
    assert!(
        response.into_body().read_to_string().is_err(),
        "a cut-off response is not a short one"
    );
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn too_many_outbound_calls_are_refused() {
    let host = Host::with(LIMITS, &[]);
    // Of WASI 0.2, too.
    for component in ["", "/earlier"] {
        let path = "/fetch-storm?url=http://hidden.spin.internal/wait%3Fms=100";
        let (status, text) = host.get(&format!("{component}{path}"));
        assert_eq!(status, 200, "{text}");
        let refused: u64 =
            text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
        assert!(refused >= 800, "{text}");
    }
}

/// A short response is whole in the host by then, and yet it is held there for the guest.
#[test]
fn an_outbound_call_counts_until_its_response_was_read_or_dropped() {
    let host = Host::with("[limits]\noutbound_calls = 3\n", &[]);
    // Of WASI 0.2, too.
    for component in ["", "/earlier"] {
        let path = "/outbound-held?url=http://hidden.spin.internal/hello";
        let held = host.get(&format!("{component}{path}"));
        assert_eq!(held, (200, "3 1 1".to_owned()), "{component}");
    }
}

#[test]
fn outbound_connections_of_a_component_have_an_end_and_further_calls_wait_for_them() {
    const CONNECTIONS: usize = 8;
    const LONG: Duration = Duration::from_secs(20);
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port");
    peer.set_nonblocking(true).expect("a listener");
    let address = peer.local_addr().expect("an address").to_string();
    let accept = |limit: Duration| {
        let started = Instant::now();
        loop {
            match peer.accept() {
                Ok((stream, _)) => return Some(stream),
                Err(_) if started.elapsed() > limit => return None,
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    };
    let answer = |mut stream: TcpStream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ =
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    };
    // Whoever waits for a connection waits as long as for the connecting.
    let limits = "[limits]\nthreads = 1\nrequest_ms = 60000\noutbound_connect_ms = 60000\n\
                  [component.conformance.limits]\nhandles = 20000\noutbound_calls = 2000\n\
                  outbound_connections = 8\n";
    let host = Host::with(
        limits,
        &["--component-id", "conformance,earlier", "--variable", &format!("peer={address}")],
    );
    let path = format!("/fetch-storm?url=http://{address}/");
    let other = format!("/earlier/outbound?url=http://{address}/");
    std::thread::scope(|scope| {
        let storms = [(); 2].map(|()| scope.spawn(|| host.get(&path)));
        let held: Vec<_> = (0..CONNECTIONS).map_while(|_| accept(LONG)).collect();
        assert_eq!(held.len(), CONNECTIONS);
        assert!(accept(Duration::from_millis(300)).is_none(), "one more than there may be");
        let other = scope.spawn(|| host.get(&other));
        answer(accept(LONG).expect("another component need not wait"));
        assert_eq!(other.join().expect("no panic"), (200, "200 ".to_owned()));
        held.into_iter().for_each(answer);
        while !storms.iter().all(|storm| storm.is_finished()) {
            accept(Duration::from_millis(50)).map(answer);
        }
        for storm in storms {
            let (status, text) = storm.join().expect("no panic");
            assert_eq!((status, text.as_str()), (200, "0 of 1000 refused"));
        }
    });
}

/// Nobody could connect if one component had all that the process may open.
#[test]
fn files_and_sockets_that_are_open_at_once_have_an_end() {
    let limits = "[component.earlier.limits]\nopen_files = 10\n";
    let host = Host::with(limits, &["--variable", "socket=127.0.0.1:1"]);
    let (status, text) = host.get("/open-files?path=assets/note.txt");
    assert_eq!(status, 200, "{text}");
    let (files, why) = text.split_once(' ').expect("how many, and why no more");
    let files: u64 = files.parse().expect("a number");
    // A directory is one as well.
    assert!((60..64).contains(&files) && why.contains("InsufficientMemory"), "{text}");
    let (status, text) = host.get("/earlier/open-files?path=placed/note.txt");
    assert_eq!(status, 200, "{text}");
    let counts: Vec<u64> = text.split(' ').map(|count| count.parse().expect("a number")).collect();
    assert!(counts.iter().all(|count| (6..10).contains(count)), "{text}");
}

#[test]
fn what_is_more_than_can_be_served_is_told_so_early() {
    let limits = "[limits]\nthreads = 1\n[component.conformance.limits]\ninstances = 1\nconcurrent_requests = 1\nqueue = 2\n";
    let host = Host::with(limits, &[]);
    let answers = at_once(10, || host.response("/wait?ms=1000"));
    let rejected: Vec<_> = answers.iter().filter(|answer| answer.status() == 503).collect();
    assert!(rejected.len() >= 3, "{}", rejected.len());
    assert!(rejected.iter().all(|answer| answer.headers().contains_key("retry-after")));
    assert!(answers.iter().any(|answer| answer.status() == 200));
}

const ONE_AT_A_TIME: &str = "[limits]\nthreads = 1\n[component.conformance.limits]\ninstances = 1\nconcurrent_requests = 1\n";

#[test]
fn a_crowd_that_comes_at_once_is_served() {
    // However long this machine takes for them.
    let patient = "standing_ms = 60000\nstanding_busy_ms = 60000\nqueue_wait_ms = 60000\n";
    let host = Host::with(&format!("{ONE_AT_A_TIME}{patient}"), &[]);
    let answers = at_once(300, || host.get("/wait?ms=3").0);
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
}

#[test]
fn a_crowd_that_waits_for_something_else_than_the_thread_waits_together() {
    const CROWD: usize = 192;
    let host =
        Host::with("[limits]\nthreads = 1\nqueue_wait_ms = 60000\nstanding_ms = 60000\n", &[]);
    let begun = Instant::now();
    assert_eq!(at_once(CROWD, || host.get("/wait?ms=1000").0), [200; CROWD]);
    // Sixty-four at once are three rounds of a second, sixteen would be twelve.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

/// Many ask again and again, each as soon as it was answered or refused.
#[test]
fn who_is_admitted_waits_little_where_more_arrives_than_is_served() {
    const ASKING: u32 = 64;
    const TIME: Duration = Duration::from_secs(4);
    let host = Host::with(ONE_AT_A_TIME, &[]);
    let begun = Instant::now();
    let ask = || {
        let (mut times, mut refused) = (Vec::new(), 0);
        while begun.elapsed() < TIME {
            let asked = begun.elapsed();
            match host.get("/wait?ms=10").0 {
                200 => times.push((asked, begun.elapsed() - asked)),
                503 => {
                    refused += 1;
                    std::thread::sleep(Duration::from_millis(10));
                }
                status => panic!("{status}"),
            }
        }
        (times, refused)
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..ASKING).map(|_| scope.spawn(ask)).collect();
        while begun.elapsed() < TIME {
            assert_eq!(host.get("/.well-known/spin/health").0, 200);
            std::thread::sleep(Duration::from_millis(50));
        }
        all.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    let refused: u32 = answers.iter().map(|(_, refused)| refused).sum();
    let times: Vec<_> = answers.into_iter().flat_map(|(times, _)| times).collect();
    let each = TIME / u32::try_from(times.len()).expect("fewer");
    // Until it is clear that this is no crowd, all wait for each other.
    let settled = times.iter().filter(|(asked, _)| *asked > TIME / 2);
    let mut settled: Vec<_> = settled.map(|(_, took)| *took).collect();
    settled.sort_unstable();
    let most = settled[settled.len() * 9 / 10];
    assert!(most < each * ASKING / 2, "{most:?} where each takes {each:?}");
    let counted = format!("http_requests_rejected_total{{component=\"conformance\"}} {refused}\n");
    assert!(refused > 0 && host.admin("/metrics").1.contains(&counted), "{refused} were refused");
}

#[test]
fn a_call_between_components_is_not_refused_where_one_from_outside_is() {
    let limits = "[limits]\nthreads = 1\n[component.named.limits]\ninstances = 1\nconcurrent_requests = 1\nqueue = 1\n";
    let host = Host::with(limits, &[]);
    let outside = at_once(8, || host.get("/people/kim/wait?ms=300"));
    assert!(outside.iter().any(|(status, _)| *status == 503), "{outside:?}");
    let calling = "/outbound?url=http://named.spin.internal/wait%3Fms=100";
    let inside = at_once(8, || host.get(calling));
    assert!(inside.iter().all(|(_, text)| text == "200 waited"), "{inside:?}");
}

#[test]
fn guests_that_compute_take_turns_with_each_other_and_with_their_neighbours() {
    const COMPUTING: Duration = Duration::from_secs(3);
    let host = Host::with("[limits]\nthreads = 1\n", &[]);
    let compute = format!("/people/kim/compute?ms={}", COMPUTING.as_millis());
    // The last one asks another component, so it goes on several times before it is answered.
    let neighbours = ["/hello", "/headers", "/outbound?url=http://hidden.spin.internal/hello"];
    let begun = Instant::now();
    let answered = std::thread::scope(|scope| {
        let computing: Vec<_> = (0..3).map(|_| scope.spawn(|| host.get(&compute))).collect();
        let asking = neighbours.map(|path| {
            let host = &host;
            scope.spawn(move || {
                let mut answered = 0;
                while begun.elapsed() < COMPUTING {
                    assert_eq!(host.get(path).0, 200);
                    answered += 1;
                }
                answered
            })
        });
        for one in computing {
            assert_eq!(one.join().expect("no panic").0, 200);
        }
        asking.into_iter().map(|one| one.join().expect("no panic")).min().expect("three")
    });
    // One after the other they would take three times as long.
    assert!(begun.elapsed() < COMPUTING * 2, "{:?}", begun.elapsed());
    assert!(answered >= 10, "a neighbour was answered {answered} times meanwhile");
}

#[test]
fn a_turn_ends_with_the_instance_that_has_it() {
    let host = Host::with("[limits]\nthreads = 1\ninstances = 1\ncompute_ms = 300\n", &[]);
    // Its client takes nothing more of it, and so keeps what the instance leaves.
    let _slow = host.response("/stream?ms=0&count=1000000000000");
    assert_ne!(host.get("/compute?ms=10000").0, 200, "longer than it may");
    assert_eq!(host.get("/people/kim/compute?ms=50").0, 200, "another component's turn");
}

/// One instance for all, so that a trap would meet them all.
const SHARED: &str = "[limits]\nthreads = 1\ninstances = 1\n";

#[test]
fn a_trap_is_for_the_request_that_trapped_alone() {
    let host = Host::with(SHARED, &[]);
    std::thread::scope(|scope| {
        let reading: Vec<_> = (0..4).map(|_| scope.spawn(|| host.get("/wait?ms=1000"))).collect();
        let writing: Vec<_> =
            (0..2).map(|_| scope.spawn(|| host.post("/wait?ms=1000", "x"))).collect();
        std::thread::sleep(Duration::from_millis(400));
        let (status, text) = host.get("/panic");
        assert_eq!((status, code(&text)), (500, "internal_error"));
        for one in reading {
            assert_eq!(one.join().expect("no panic"), (200, "waited".to_owned()), "asked again");
        }
        for one in writing {
            let (status, text) = one.join().expect("no panic");
            assert_eq!((status, code(&text)), (503, "overloaded"), "may have been done");
        }
    });
}

#[test]
fn a_response_that_a_trap_cuts_off_is_not_a_short_one() {
    let host = Host::with(SHARED, &[]);
    let response = host.response("/stream?ms=200&count=20");
    assert_eq!(host.get("/panic").0, 500);
    assert!(response.into_body().read_to_string().is_err());
}

#[test]
fn an_endless_loop_is_not_its_neighbours_fault() {
    let host = Host::with(&format!("{SHARED}compute_ms = 1000\n"), &[]);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| host.get("/wait?ms=1500"))).collect();
        std::thread::sleep(Duration::from_millis(300));
        let (status, text) = host.get("/endless");
        assert_eq!((status, code(&text)), (504, "timed_out"));
        for one in waiting {
            assert_eq!(one.join().expect("no panic").0, 200);
        }
    });
}

#[test]
fn a_response_that_never_ends_ends() {
    let host = Host::with("[limits]\nresponse_ms = 1000\n", &[]);
    for path in ["/stream?ms=0&count=1000000000000", "/stream?ms=100&count=1000000000000"] {
        let mut body = host.response(path).into_body().into_reader();
        let started = Instant::now();
        let mut room = [0; 65_536];
        while body.read(&mut room).is_ok_and(|read| read > 0) {
            assert!(started.elapsed() < Duration::from_secs(8), "{path} goes on");
        }
        assert!(started.elapsed() > Duration::from_millis(800), "{path}");
    }
    assert_eq!(host.get("/hello").0, 200);
}

#[test]
fn response_headers_without_end_are_not_sent() {
    let host = Host::with(LIMITS, &[]);
    assert_eq!(host.get("/headers-without-end").0, 500);
    assert_eq!(host.get("/headers").0, 200);
}

#[test]
fn a_table_has_an_end() {
    let module = r#"(table $t 1 funcref)
        (func (export "handle") (param i32 i32)
            (loop $again
                (br_if $again
                    (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
            (loop $forever (br_if $forever (i32.gt_u (table.size $t) (i32.const 100000))))
            unreachable)"#;
    let (_directory, manifest) = with_hello(handler("", "0.2.0", module).as_bytes());
    let host = Host::of(&manifest, LIMITS, &[]);
    let (status, text) = host.get("/hello");
    assert_eq!((status, code(&text)), (500, "internal_error"), "it traps once it cannot grow");
    assert_eq!(host.get("/headers").0, 200);
}

#[test]
fn calls_of_the_host_without_end_end_and_their_neighbours_go_on() {
    let host = Host::with(LIMITS, &[]);
    for path in ["/call-storm", "/write-storm"] {
        std::thread::scope(|scope| {
            let storm = scope.spawn(|| host.get(path));
            std::thread::sleep(Duration::from_millis(300));
            let started = Instant::now();
            assert_eq!(host.get("/hello").0, 200);
            assert!(started.elapsed() < Duration::from_millis(800), "{:?}", started.elapsed());
            let (status, text) = storm.join().expect("no panic");
            assert_eq!((status, code(&text)), (504, "timed_out"), "{path}");
        });
    }
}

#[test]
fn a_huge_argument_is_refused() {
    let host = Host::with("[limits]\nhostcall_bytes = 1000000\n", &[]);
    assert_eq!(host.get("/huge-argument?bytes=900000").0, 422, "no such variable");
    let (status, text) = host.get("/huge-argument?bytes=2000000");
    assert_eq!((status, code(&text)), (500, "internal_error"));
    assert_eq!(host.get("/headers").0, 200);
}

#[test]
fn a_method_and_a_host_have_an_end() {
    let host = Host::with(LIMITS, &[]);
    let kept = |bytes: usize| host.get(&format!("/request-lines?bytes={bytes}"));
    assert_eq!(kept(8_000), (200, "30 methods and 30 hosts of 30".to_owned()));
    assert_eq!(kept(9_000), (200, "0 methods and 0 hosts of 30".to_owned()));
    // Of WASI 0.2.
    assert_eq!(host.get("/earlier/request-line?bytes=8000"), (200, "true true".to_owned()));
    assert_eq!(host.get("/earlier/request-line?bytes=9000"), (200, "false false".to_owned()));
}

#[test]
fn the_text_of_an_error_has_an_end() {
    let host = Host::with(LIMITS, &[]);
    assert_eq!(host.get("/error-text?bytes=1000"), (200, "1000".to_owned()));
    assert_eq!(host.get("/error-text?bytes=10000000"), (200, "0".to_owned()));
}

#[test]
fn a_response_that_is_taken_slowly_keeps_no_place_for_ever() {
    let limits = "[limits]\nthreads = 1\n[component.conformance.limits]\ninstances = 1\nrequests_per_instance = 2\n";
    let host = Host::with(limits, &[]);
    let slow = host.response("/stream?ms=20000&count=2");
    let started = Instant::now();
    for _ in 0..4 {
        assert_eq!(host.get("/headers").0, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    drop(slow);
}

/// So many requests for `path` with the first of all 1,000 bytes of a body.
fn uploads(host: &Host, path: &str, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| host.begin(path, 1000, 1)).collect()
}

#[test]
fn who_sends_slowly_keeps_nobody_waiting() {
    let limits = "[limits]\nthreads = 1\ninstances = 2\nconcurrent_requests = 2\n";
    let host = Host::with(limits, &[]);
    for component in ["", "/earlier"] {
        let path = format!("{component}/echo");
        let slow = uploads(&host, &path, 20);
        // Let them come in.
        std::thread::sleep(Duration::from_millis(200));
        let started = Instant::now();
        for _ in 0..4 {
            assert_eq!(host.get(&format!("{component}/headers")).0, 200);
            assert_eq!(host.post(&path, "whole"), (200, "whole".to_owned()));
        }
        // They would wait for the slow ones to be given up, which is half a minute.
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
        for mut client in slow {
            client.write_all(&[b'x'; 999]).expect("the rest");
            let mut answer = String::new();
            client.read_to_string(&mut answer).expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            // It may come in chunks.
            let body = answer.split_once("\r\n\r\n").expect("a head").1;
            assert_eq!(body.matches('x').count(), 1000, "{answer}");
        }
    }
}

#[test]
fn what_waits_for_its_rest_has_an_end() {
    let limits = "[limits]\nthreads = 1\ninstances = 2\nrequest_ms = 2000\n";
    let host = Host::with(limits, &[]);
    for mut client in uploads(&host, "/earlier/echo", 5) {
        let (mut answer, started) = ([0; 12], Instant::now());
        client.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 504");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[test]
fn bodies_that_are_held_do_not_wait_for_each_other() {
    let limits = "[limits]\nthreads = 1\nwhole_body_bytes = 65536\nrequest_ms = 3000\n";
    let host = Host::with(limits, &[]);
    let begin = || {
        let client = host.begin("/unversioned/echo", 60_000, 40_000);
        std::thread::sleep(Duration::from_millis(200));
        client
    };
    let status = |client: &mut TcpStream| {
        let mut answer = [0; 12];
        client.read_exact(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer[9..]).into_owned()
    };
    let (mut first, mut second) = (begin(), begin());
    assert_eq!(status(&mut second), "503");
    first.write_all(&[b'x'; 20_000]).expect("the rest");
    assert_eq!(status(&mut first), "200");
}

#[test]
fn who_takes_slowly_keeps_nobody_waiting() {
    let limits =
        "[limits]\nthreads = 1\ninstances = 1\nconcurrent_requests = 1\nlingering_instances = 2\n";
    let host = Host::with(limits, &[]);
    // More than the kernel holds for a client.
    let body = "x".repeat(10_000_000);
    let ask = || {
        let request = Request::post(host.url("/earlier/echo")).body(&*body).expect("a request");
        host.respond(request).into_body().into_reader()
    };
    let mut slow: Vec<_> = (0..6).map(|_| ask()).collect();
    let started = Instant::now();
    assert_eq!(host.get("/earlier/hello").0, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // Who came first had to give way, and is told; who came last has all of it.
    let read = |mut client: Box<dyn Read>| {
        let mut taken = Vec::new();
        client.read_to_end(&mut taken).map(|_| taken.len())
    };
    let last = slow.pop().expect("the last one");
    assert_eq!(read(Box::new(last)).expect("all of it"), body.len());
    assert!(read(Box::new(slow.remove(0))).is_err());
}

#[test]
fn requests_that_cannot_share_an_instance_wait_side_by_side() {
    let host = Host::with("[limits]\nthreads = 1\n", &[]);
    let path = "/earlier/outbound?url=http://hidden.spin.internal/wait%3Fms=1000";
    assert_eq!(host.get("/earlier/hello").0, 200);
    let started = Instant::now();
    for answer in at_once(40, || host.get(path)) {
        assert_eq!(answer, (200, "200 waited".to_owned()));
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_response_may_last_longer_than_its_beginning() {
    let limits = "[limits]\nthreads = 1\nrequest_ms = 1000\n";
    let host = Host::with(limits, &[]);
    let body = "x".repeat(10_000_000);
    let request = Request::post(host.url("/earlier/echo")).body(&*body).expect("a request");
    let mut answer = host.respond(request).into_body().into_reader();
    std::thread::sleep(Duration::from_secs(3));
    let mut taken = Vec::new();
    answer.read_to_end(&mut taken).expect("all of it");
    assert_eq!(taken.len(), body.len());
}

#[test]
fn threads_that_a_guest_occupies_are_its_own() {
    let host = Host::with(LIMITS, &[]);
    assert_eq!(host.get("/directories?count=100"), (200, "set".to_owned()));
    assert_eq!(host.get("/earlier/file?path=/placed/note.txt").0, 200);
}

#[test]
fn a_list_of_what_is_waited_for_has_an_end() {
    let host = Host::start();
    assert_eq!(host.get("/earlier/poll?length=100"), (200, "100".to_owned()));
    assert_eq!(host.get("/earlier/poll?length=100000").0, 500);
}

#[test]
fn a_blocked_address_is_not_reached_by_another_name() {
    let port = peer("200 OK\r\ncontent-length: 0\r\n\r\n").port();
    let blocked = "[outbound_networking]\nblock_networks = [\"127.0.0.0/8\"]\n";
    for name in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"] {
        let allowed = format!("peer={name}:{port}");
        let url = format!("/outbound?url=http://{name}:{port}/");
        let host = Host::with(blocked, &["--variable", &allowed, "--component-id", "conformance"]);
        let (status, said) = host.get(&url);
        assert!(status == 422 && said.contains("DestinationIpProhibited"), "{name}: {said}");
        let host = Host::with("", &["--variable", &allowed, "--component-id", "conformance"]);
        assert_eq!(host.get(&url).0, 200, "{name} is reached where it is not blocked");
    }
}

#[test]
fn an_address_in_another_form_is_another_peer() {
    let port = peer("200 OK\r\ncontent-length: 0\r\n\r\n").port();
    let host = Host::with("", &["--variable", &format!("peer=127.0.0.1:{port}")]);
    assert_eq!(host.get(&format!("/outbound?url=http://127.0.0.1:{port}/")).0, 200);
    for name in ["localhost", "[::ffff:127.0.0.1]", "127.0.0.2", "127.0.0.1.example.com"] {
        let (status, said) = host.get(&format!("/outbound?url=http://{name}:{port}/"));
        assert!(status == 422 && said.contains("HttpRequestDenied"), "{name}: {said}");
    }
    for address in
        [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")]
    {
        let (status, said) = host.get(&format!("/connect?address={address}"));
        assert!(status == 422 && !said.contains("refused"), "a socket to {address}: {said}");
    }
}

#[test]
fn a_redirect_leads_nowhere_by_itself() {
    let elsewhere = peer("200 OK\r\ncontent-length: 0\r\nx-forbidden: reached\r\n\r\n");
    let location =
        format!("302 Found\r\ncontent-length: 0\r\nlocation: http://{elsewhere}/\r\n\r\n");
    let first = peer(&location);
    let host = Host::with("", &["--variable", &format!("peer={first}")]);
    let (_, seen) = host.get(&format!("/outbound?url=http://{first}/"));
    assert!(seen.starts_with("302 "), "{seen}");
    let (status, said) = host.get(&format!("/outbound?url=http://{elsewhere}/"));
    assert!(status == 422 && said.contains("HttpRequestDenied"), "{said}");
}

#[test]
fn what_the_host_holds_for_a_guest_has_an_end() {
    let host = Host::with("[limits]\nheld_bytes = 100000000\n", &[]);
    let before = host.memory();
    for path in ["/unread", "/argument-storm"] {
        let (status, text) = host.get(path);
        assert_eq!(status, 200, "{path} {text}");
        let refused: u32 = text.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
        assert!((20..30).contains(&refused), "{path} {text}");
        assert_eq!(host.get(path).1, text, "what was held is given back");
    }
    assert!(host.memory() < before + 400_000_000);
}

#[test]
fn who_prints_without_end_holds_up_nobody() {
    let host = Host::with(LIMITS, &[]);
    std::thread::scope(|scope| {
        let printing = scope.spawn(|| host.get("/print-storm"));
        let longest = host.longest_hello(&printing);
        assert!(longest < Duration::from_millis(500), "{longest:?}");
    });
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A client of HTTP/2 that asks for these paths, and lets `window` bytes of each stream be sent.
fn multiplexed(host: &Host, window: u8, paths: &[&str]) -> TcpStream {
    let address = host.url("");
    let mut client =
        TcpStream::connect(address.trim_start_matches("http://")).expect("a connection");
    client.set_read_timeout(Some(Duration::from_secs(15))).expect("a timeout");
    let mut asked = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS_INITIAL_WINDOW_SIZE.
    asked.extend(frame(4, 0, 0, &[0, 4, 0, 0, 0, window]));
    for (stream, path) in (1..).step_by(2).zip(paths) {
        // `:method: GET`, `:scheme: http`, `:authority: here`, `:path`; all of the request.
        let length = u8::try_from(path.len()).expect("a short path");
        let head = [&[0x82, 0x86, 1, 4][..], b"here", &[4, length], path.as_bytes()].concat();
        asked.extend(frame(1, 5, stream, &head));
    }
    client.write_all(&asked).expect("requests");
    client
}

/// How long a client is kept that looks alive, and what it got.
fn kept(host: &Host, window: u8, path: Option<&str>) -> (Duration, Vec<u8>) {
    let mut client = multiplexed(host, window, path.as_slice());
    let started = Instant::now();
    let (mut received, mut pings) = (Vec::new(), client.try_clone().expect("the same connection"));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while pings.write_all(&frame(6, 0, 0, &[0; 8])).is_ok() {
                std::thread::sleep(Duration::from_millis(300));
            }
        });
        let ended = client.read_to_end(&mut received);
        assert!(ended.err().is_none_or(|error| error.kind() == ErrorKind::ConnectionReset));
        let _ = client.shutdown(Shutdown::Both);
    });
    (started.elapsed(), received)
}

#[test]
fn a_client_that_takes_nothing_of_a_stream_is_let_go() {
    let limits = "[limits]\nwrite_ms = 1000\nidle_connection_ms = 3000\nheader_read_ms = 1000\n";
    let host = Host::with(limits, &[]);
    for (window, path) in [(0, Some("/hello")), (1, Some("/hello")), (1, Some("/big?bytes=99"))] {
        let (time, received) = kept(&host, window, path);
        assert!(
            time < Duration::from_secs(10) && !received.is_empty(),
            "{window} {path:?} {time:?}"
        );
    }
    // One that takes all of it, and then has nothing to ask.
    for path in [Some("/big?bytes=99"), None] {
        let (time, received) = kept(&host, 99, path);
        assert!(time > Duration::from_secs(2) && time < Duration::from_secs(10), "{time:?}");
        let bytes = received.iter().filter(|byte| **byte == b'x').count();
        assert!(bytes >= path.map_or(0, |_| 99), "{bytes}");
    }
}

#[test]
fn of_many_responses_that_nobody_takes_only_some_are_held() {
    let host = Host::with("[limits]\nthreads = 1\nhttp2_untaken = 50\n", &[]);
    let mut few = multiplexed(&host, 0, &["/hello"; 20]);
    let mut many = multiplexed(&host, 0, &["/hello"; 60]);
    let ended = many.read_to_end(&mut Vec::new());
    assert!(ended.err().is_none_or(|error| error.kind() == ErrorKind::ConnectionReset));
    few.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let kept = few.read_to_end(&mut Vec::new()).expect_err("it is open");
    assert_eq!(kept.kind(), ErrorKind::WouldBlock);
}
