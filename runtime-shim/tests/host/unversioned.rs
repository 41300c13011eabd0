//! Components as SDKs 1 made them (`tests/guests/unversioned`, `sdk_1.wat`), as Spin serves them.

use ureq::http::{Method, Request};

use crate::configuration::with_hello;
use crate::support::{Host, ok, peer};

#[test]
fn requests_and_responses_are_whole() {
    let host = Host::start();
    assert_eq!(host.get("/unversioned/hello?a=b"), ok("Method::Get /unversioned/hello?a=b 0"));
    let body = "가나다".repeat(50_000);
    assert_eq!(host.post("/unversioned/echo", &body), (200, body));
    assert_eq!(host.post("/unversioned/echo", &"x".repeat(10 * 1024 * 1024 + 1)).0, 413);
    let (_, headers) = host.get("/unversioned/a/headers");
    assert!(headers.contains("spin-path-info: /a/headers\n"), "{headers}");
    let response = host.response("/unversioned/hello");
    let given: Vec<_> = response.headers().get_all("x-guest").iter().collect();
    assert_eq!(given, ["a", "b"]);
    assert_eq!(host.get("/unversioned/panic").0, 500);
    assert_eq!(host.get("/unversioned/hello").0, 200);
}

#[test]
fn what_it_has_no_word_for_it_is_not_given() {
    let host = Host::start();
    let url = host.url("/unversioned/hello");
    let asked = Request::builder().method(Method::TRACE).uri(url).body(()).expect("a request");
    assert_eq!(host.send(asked).0, 405);
    assert_eq!(host.get("/unversioned/status?418").0, 418);
    for none in ["0", "99", "1000"] {
        assert_eq!(host.get(&format!("/unversioned/status?{none}")).0, 500, "{none}");
    }
}

#[test]
fn variables_stores_and_databases_are_those_of_later_interfaces() {
    let host = Host::start();
    assert_eq!(host.get("/unversioned/config?greeting"), ok("annyeong, unversioned"));
    let (status, said) = host.get("/unversioned/config?other");
    assert!(status == 422 && said.contains("Provider("), "{said}");
    assert_eq!(
        host.post("/unversioned/key-value?default", "1"),
        ok("Err(Error::NoSuchKey) 1 u-a true false Err(Error::InvalidStore)")
    );
    assert_eq!(host.get("/unversioned/key-value?other").1, "Error::AccessDenied");
    let made = "create table u (a integer)\ninsert into u values (1)\nselect a from u";
    assert_eq!(
        host.post("/unversioned/sqlite?default", made),
        ok("[\"a\"] [Value::Integer(1)]\nErr(Error::InvalidConnection)")
    );
    assert_eq!(host.post("/sql", "select count(*) from u"), ok("1\n"));
    assert_eq!(host.get("/unversioned/sqlite?other").1, "Error::AccessDenied");
}

#[test]
fn outbound_calls_need_leave() {
    let address = peer("200 OK\r\ncontent-length: 4\r\n\r\npeer");
    let host = Host::with("", &["--variable", &format!("peer={address}")]);
    let call = |url: &str| host.get(&format!("/unversioned/outbound?{url}"));
    assert_eq!(call(&format!("http://{address}/")), ok("200 peer"));
    assert_eq!(call("/unversioned/echo"), ok("200 sent"));
    for (url, error) in
        [("http://example.com/", "destination-not-allowed"), ("http://[/", "invalid-url")]
    {
        let (status, said) = call(url);
        assert!(status == 422 && said.contains(error), "{url}: {said}");
    }
}

#[test]
fn a_core_module_of_that_time_is_made_a_component() {
    let (_directory, file) = with_hello(include_bytes!("sdk_1.wat"));
    let host = Host::of(&file, "", &["--component-id", "hello"]);
    let why = "no variable `greeting` for this component";
    assert_eq!(host.get("/hello"), (422, why.to_owned()));
}
