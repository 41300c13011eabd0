//! Programs of the executor `wagi` (`program.wat`), as Spin runs them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ureq::http::{Method, Request};

use crate::configuration::{says_last, with_hello};
use crate::support::{Host, command};

/// The manifest with `hello` being `wat`, run as a program.
fn with_program(wat: &[u8], executor: &str) -> (tempfile::TempDir, PathBuf) {
    let (directory, file) = with_hello(wat);
    let text = std::fs::read_to_string(&file).expect("a manifest");
    let with = format!("component = \"hello\"\nexecutor = {executor}");
    std::fs::write(&file, text.replace("component = \"hello\"", &with)).expect("a manifest");
    (directory, file)
}

fn limited(executor: &str, limits: &str) -> (tempfile::TempDir, Host) {
    let (directory, file) = with_program(include_bytes!("program.wat"), executor);
    let host = Host::of(&file, limits, &["--component-id", "hello", "--env", "OWN=mine"]);
    (directory, host)
}

fn program(executor: &str) -> (tempfile::TempDir, Host) {
    limited(executor, "")
}

#[test]
fn a_request_is_in_its_arguments_environment_and_stdin() {
    let (_directory, host) = program("{ type = \"wagi\" }");
    let asked = Request::builder()
        .method(Method::PUT)
        .uri(host.url("/hello?a=1&b=x"))
        .header("content-type", "text/x-own")
        .header("authorization", "secret")
        .body("가나다")
        .expect("a request");
    let response = host.respond(asked);
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-program"], "yes");
    let said = response.into_body().read_to_string().expect("text");
    let words: Vec<_> = said.split('\0').collect();
    assert_eq!(words[..3], ["/hello", "a=1", "b=x"]);
    for variable in [
        "OWN=mine",
        "REQUEST_METHOD=PUT",
        "CONTENT_LENGTH=9",
        "CONTENT_TYPE=text/x-own",
        "QUERY_STRING=a=1&b=x",
        "SCRIPT_NAME=/hello",
        "PATH_INFO=",
        "REMOTE_ADDR=127.0.0.1",
        "SERVER_PROTOCOL=HTTP/1.1",
        "X_RAW_COMPONENT_ROUTE=/hello",
    ] {
        assert!(words.contains(&variable), "{variable}: {words:?}");
    }
    assert!(!said.contains("secret"), "{said}");
    assert!(said.ends_with("\0가나다"), "{said}");
    // Each request has a program of its own.
    assert!(host.post("/hello?c", "later").1.ends_with("\0later"));
    let (_directory, host) = program("{ type = \"wagi\", argv = \"own ${ARGS} ${SCRIPT_NAME}\" }");
    assert!(host.get("/hello?a=1").1.starts_with("own\0a=1\0/hello\0"));
}

#[test]
fn how_it_ends_decides_whether_it_answered() {
    let limits = "[limits]\ncompute_ms = 1000\n";
    let (_directory, host) = limited("{ type = \"wagi\" }", limits);
    for (end, status) in
        [("", 200), ("?0", 200), ("?1", 500), ("?t", 500), ("?f", 500), ("?l", 504)]
    {
        assert_eq!(host.post(&format!("/hello{end}"), "x").0, status, "{end}");
    }
    let (_directory, host) = {
        let silent = b"(module (memory (export \"memory\") 1) (func (export \"_start\")))";
        let (directory, file) = with_program(silent, "{ type = \"wagi\" }");
        (directory, Host::of(&file, "", &["--component-id", "hello"]))
    };
    assert_eq!(host.get("/hello").0, 500);
}

#[test]
fn what_it_is_given_and_says_has_limits() {
    let limits = "[limits]\nprogram_output_bytes = 100000\nrequest_body_bytes = 200000\n";
    let (_directory, host) = limited("{ type = \"wagi\" }", limits);
    let (few, many) = ("x".repeat(90_000), "x".repeat(110_000));
    let sent = Request::post(host.url("/hello")).body(few.as_str()).expect("a request");
    let response = host.respond(sent);
    // All of it is there before the first byte is sent.
    assert!(response.headers().contains_key("content-length"));
    let said = response.into_body().read_to_string().expect("text");
    assert!(said.ends_with(&few), "{} bytes", said.len());
    assert_eq!(host.post("/hello", &many).0, 500);
    assert_eq!(host.post("/hello", &many.repeat(2)).0, 413);
    // A name that would be another header's variable is no variable.
    let forged = Request::get(host.url("/hello")).header("spin_client_addr", "6.6.6.6:1");
    let (_, said) = host.send(forged.body(()).expect("a request"));
    assert!(!said.contains("6.6.6.6"), "{said}");
}

#[test]
fn what_is_no_program_is_named() {
    let handler = include_bytes!("sdk_1.wat");
    let (_directory, file) = with_program(handler, "{ type = \"wagi\" }");
    says_last(command(&file), &["component `hello`", "wasi:cli/run@0.2.0"]);
}

#[test]
fn an_instance_that_sleeps_while_it_starts_leaves_others_their_turn() {
    let (_directory, file) = with_program(include_bytes!("slow_start.wat"), "{ type = \"wagi\" }");
    let host = Host::of(&file, "[limits]\nthreads = 1\n", &[]);
    assert_eq!(host.get("/compute?ms=50").0, 200);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| host.get("/hello"));
        }
        std::thread::sleep(Duration::from_millis(500));
        let started = Instant::now();
        assert_eq!(host.get("/compute?ms=50").0, 200);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    });
}
