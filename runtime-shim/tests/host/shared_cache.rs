//! Who reaches a component that shares its answers, and who is answered in its place.

use ureq::http::Request;

use crate::support::{Host, until};

#[test]
fn while_there_is_little_to_do_every_request_reaches_the_component() {
    let host = Host::start();
    assert_ne!(host.get("/share"), host.get("/share"));
}

#[test]
fn under_load_the_host_answers_those_who_may_share() {
    let host =
        Host::with("[limits]\nshared_cache_in_flight = 3\nshared_cache_linger_ms = 0\n", &[]);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..2).map(|_| scope.spawn(|| host.get("/wait?ms=2000").0)).collect();
        until_under_way(&host, 2);
        // The host learns from this one that the component shares.
        host.get("/share?first");
        let first = host.get("/share");
        assert_eq!(host.get("/share"), first);
        assert_ne!(host.get("/share?other"), first);
        for (name, value) in [("cookie", "a=b"), ("cache-control", "no-cache")] {
            let personal = Request::get(host.url("/share")).header(name, value);
            assert_ne!(host.send(personal.body(()).expect("a request")), first, "{name}");
        }
        assert_eq!(host.get("/share"), first);
        host.post("/share", "a write");
        assert_ne!(host.get("/share"), first);
        for waited in waiting {
            assert_eq!(waited.join().expect("no panic"), 200);
        }
    });
    assert_ne!(host.get("/share"), host.get("/share"));
    let hits = "http_shared_cache_hits_total{component=\"conformance\"} 2";
    assert!(host.admin("/metrics").1.contains(hits));
}

fn until_under_way(host: &Host, requests: u32) {
    let wanted = format!("http_requests_in_flight{{component=\"conformance\"}} {requests}");
    until(10, "the requests are under way", || host.admin("/metrics").1.contains(&wanted));
}
