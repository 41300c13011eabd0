//! A component that an earlier SDK made (`tests/guests/earlier`), as Spin serves it.

use crate::configuration::with_hello;
use crate::support::{Host, ok, peer};

#[test]
fn requests_and_responses_of_wasi_0_2() {
    let host = Host::start();
    assert_eq!(host.get("/earlier/hello"), ok("hello"));
    assert_eq!(host.get("/earlier/stream"), ok("0\n1\n2\n"));
    let body = "가나다".repeat(50_000);
    assert_eq!(host.post("/earlier/echo", &body), (200, body));
    assert_eq!(host.post("/earlier/echo", &"x".repeat(10 * 1024 * 1024 + 1)).0, 413);
    let (_, headers) = host.get("/earlier/a/headers");
    assert!(headers.contains("spin-path-info: /a/headers\n"), "{headers}");
    assert!(!headers.contains("spin-path-match-"), "{headers}");
    assert!(!headers.contains("host: "), "it is the authority: {headers}");
    let (status, said) = host.get("/earlier/half");
    assert!(status == 500 && !said.contains("half"), "what was begun and not sent: {said}");
    assert_eq!(host.get("/earlier/panic").0, 500);
    assert_eq!(host.get("/earlier/hello"), ok("hello"));
}

#[test]
fn the_draft_of_october_2023_is_served() {
    let (_directory, file) = with_hello(include_bytes!("october_2023.wat"));
    let host = Host::of(&file, "", &["--component-id", "hello"]);
    assert_eq!(host.get("/hello"), (204, String::new()));
    assert_eq!(host.get("/hello"), (204, String::new()));
}

#[test]
fn variables_and_config() {
    let host = Host::start();
    assert_eq!(host.get("/earlier/variable?name=greeting"), ok("annyeong, earlier"));
    let (status, said) = host.get("/earlier/variable?name=other");
    assert!(status == 422 && said.contains("Undefined"), "{said}");
    for invalid in ["in-valid", "4th", "a__b", "a_", ""] {
        let (status, said) = host.get(&format!("/earlier/variable?name={invalid}"));
        assert!(status == 422 && said.contains("InvalidName"), "{invalid}: {said}");
    }
    assert_eq!(host.get("/earlier/config?name=greeting"), ok("annyeong, earlier"));
    assert_eq!(host.get("/earlier/config?name=no-name"), ok("none"));
    assert_eq!(host.get("/earlier/config-all"), ok("greeting=annyeong, earlier\n"));
}

#[test]
fn stores_are_the_same_whichever_interface_they_are_used_by() {
    let host = Host::start();
    assert_eq!(host.get("/earlier/key-value?do=set&key=a&value=1"), ok("set"));
    assert_eq!(host.get("/key-value?do=get&key=a"), ok("1"));
    assert_eq!(host.get("/earlier/key-value?do=get&key=a"), ok("1"));
    assert_eq!(host.get("/earlier/key-value?do=get&key=b"), ok("none"));
    assert_eq!(host.get("/earlier/key-value?do=exists&key=a"), ok("true"));
    assert_eq!(
        host.get("/earlier/keyvalue?store=default"),
        ok("w-a=1,w-c=0 7 true true a,w-a,w-b,w-n false")
    );
    assert_eq!(host.get("/earlier/key-value?do=keys"), ok("a"));
    assert_eq!(host.get("/earlier/key-value?do=delete&key=a"), ok("deleted"));
    assert_eq!(host.get("/earlier/key-value?do=exists&key=a"), ok("false"));
    for (path, word) in [
        ("/earlier/key-value?do=get&store=other", "AccessDenied"),
        ("/earlier/keyvalue?store=other", "AccessDenied"),
        ("/earlier/sql?database=other", "AccessDenied"),
    ] {
        let (status, said) = host.get(path);
        assert!(status == 422 && said.contains(word), "{path}: {said}");
    }
}

#[test]
fn sqlite() {
    let host = Host::start();
    let made = host.post(
        "/earlier/sql",
        "create table t (a integer, b text)\ninsert into t values (1, 'one'), (2, null)",
    );
    assert_eq!(made, ok(""));
    assert_eq!(host.post("/earlier/sql", "select * from t order by a"), ok("1|one\n2|null\n"));
    assert_eq!(host.post("/sql", "select count(*) from t"), ok("2\n"));
    assert_eq!(host.post("/earlier/sql", "select * from nothing").0, 422);
}

#[test]
fn files_are_there_to_read() {
    let host = Host::start();
    assert_eq!(host.get("/earlier/file?path=/placed/note.txt"), ok("an asset\n"));
    assert_eq!(host.get("/earlier/directory?path=/placed"), ok("note.txt"));
    for path in ["/placed/secret.txt", "/etc/passwd", "/../spin.toml"] {
        assert_eq!(host.get(&format!("/earlier/file?path={path}")).0, 422, "{path}");
    }
    assert_eq!(host.get("/earlier/write-file?path=/placed/new").0, 422);
}

#[test]
fn outbound_calls_and_sockets_need_leave() {
    let address = peer("200 OK\r\ncontent-length: 4\r\n\r\npeer");
    let host = Host::with("", &["--variable", &format!("peer={address}")]);
    assert_eq!(host.get(&format!("/earlier/outbound?url=http://{address}/")), ok("200 peer"));
    let hidden = "/earlier/outbound?url=http://hidden.spin.internal/hello";
    assert_eq!(host.get(hidden), ok("200 hello"));
    let (status, said) = host.get("/earlier/outbound?url=http://example.com/");
    assert!(status == 422 && said.contains("HttpRequestDenied"), "{said}");
    // `http://` speaks of HTTP, not of sockets.
    let connect = format!("/earlier/connect?address={address}");
    let (status, said) = host.get(&connect);
    assert!(status == 422 && said.contains("ermission denied"), "{said}");
    let host = Host::with("", &["--variable", &format!("socket={address}")]);
    assert_eq!(host.get(&connect), ok("connected"));
}
