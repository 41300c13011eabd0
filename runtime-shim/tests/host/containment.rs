//! Guests that misbehave: each ends at its limit, and its neighbours go on.

use std::time::{Duration, Instant};

use ureq::http::Request;

use crate::support::Host;

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
    let response = host
        .respond(Request::get(host.url("/stream?ms=5000&count=2")).body(()).expect("a request"));
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
    let (status, text) = host.get("/fetch-storm?url=http://hidden.spin.internal/wait%3Fms=100");
    assert_eq!(status, 200, "{text}");
    let refused: u64 =
        text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
    assert!(refused >= 800, "{text}");
}

#[test]
fn what_is_more_than_can_be_served_is_told_so_early() {
    let limits = "[limits]\nthreads = 1\n[component.conformance.limits]\ninstances = 1\nconcurrent_requests = 1\nqueue = 2\n";
    let host = Host::with(limits, &[]);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    host.respond(
                        Request::get(host.url("/wait?ms=1000")).body(()).expect("a request"),
                    )
                })
            })
            .collect();
        let answers: Vec<_> = all.into_iter().map(|one| one.join().expect("no panic")).collect();
        let rejected: Vec<_> = answers.iter().filter(|answer| answer.status() == 503).collect();
        assert!(rejected.len() >= 3, "{}", rejected.len());
        assert!(rejected.iter().all(|answer| answer.headers().contains_key("retry-after")));
        assert!(answers.iter().any(|answer| answer.status() == 200));
    });
}

/// Shorter than its limit in requests and in time, but more arrives than is served.
#[test]
fn a_queue_that_stands_is_shortened() {
    let limits = "[limits]\nthreads = 1\n[component.conformance.limits]\ninstances = 1\nconcurrent_requests = 1\n";
    let host = Host::with(limits, &[]);
    assert_eq!(host.get("/wait?ms=1").0, 200);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..120).map(|_| scope.spawn(|| host.get("/wait?ms=20").0)).collect();
        let answers: Vec<_> = all.into_iter().map(|one| one.join().expect("no panic")).collect();
        let count = |status| answers.iter().filter(|answer| **answer == status).count();
        assert!(count(503) > 0, "nobody was refused");
        assert!(count(200) >= 50, "{} were answered", count(200));
    });
}

#[test]
fn a_computation_does_not_stall_its_neighbours() {
    let host = Host::with("[limits]\nthreads = 1\n", &[]);
    std::thread::scope(|scope| {
        let computing: Vec<_> =
            (0..3).map(|_| scope.spawn(|| host.get("/compute?ms=1000"))).collect();
        std::thread::sleep(Duration::from_millis(100));
        let mut times = Vec::new();
        for _ in 0..20 {
            let started = Instant::now();
            assert_eq!(host.get("/hello").0, 200);
            times.push(started.elapsed());
        }
        times.sort();
        assert!(times[10] < Duration::from_millis(100), "{times:?}");
        for one in computing {
            assert_eq!(one.join().expect("no panic").0, 200);
        }
    });
}
