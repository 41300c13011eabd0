//! Components composed with dependencies and middleware (`tests/guests/{greeted,greeter,middleware}`),
//! as Spin composes them.

use std::path::PathBuf;

use ureq::http::Request;

use crate::configuration::says_last;
use crate::support::{Host, command, guest, ok};

/// `greeted` with what it imports, and behind middleware at `/around`.
fn application(dependency: &str, middleware: &str) -> (tempfile::TempDir, PathBuf) {
    let [greeted, greeter, before] = ["greeted", "greeter", "middleware"].map(guest);
    let [greeted, greeter, before] = [&greeted, &greeter, &before].map(|file| file.display());
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("spin.toml");
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = \"composed\"\n\
         [[trigger.http]]\nroute = \"/plain\"\ncomponent = \"greeted\"\n\
         [[trigger.http]]\nroute = \"/around/...\"\ncomponent = \"greeted\"\n\
         dependencies.middleware = {middleware}\n\
         [component.greeted]\nsource = \"{greeted}\"\nkey_value_stores = [\"default\"]\n\
         environment = {{ LANGUAGE = \"ko\" }}\ndependencies.{dependency}\n\
         [component.greeter]\nsource = \"{greeter}\"\n\
         [component.before]\nsource = \"{before}\"\n"
    );
    std::fs::write(&file, manifest).expect("a manifest");
    std::fs::write(directory.path().join("broken.wasm"), b"\0asm\x0d\0\x01\0\x01").expect("a file");
    (directory, file)
}

const GREETER: &str = "\"test:parts/greeter\" = { component = \"greeter\" }";

/// The first has nothing of its component, the second its stores.
const TWICE: &str = "[{ component = \"before\" }, \
    { component = \"before\", inherit_configuration = [\"key_value_stores\"] }]";

#[test]
fn a_component_is_composed_with_what_its_manifest_names() {
    let (_directory, file) = application(GREETER, TWICE);
    let host = Host::of(&file, "", &[]);
    // What the component sees of its environment, its dependency does not.
    assert_eq!(host.get("/plain"), ok("hello, /plain, in no language |  | ko"));
    let response = host.response("/around/a");
    let stored: Vec<_> = response.headers().get_all("x-stored").iter().collect();
    assert_eq!(stored, ["true", "false"]);
    let said = response.into_body().read_to_string().expect("text");
    assert_eq!(said, "hello, /around/a, in no language | middleware,middleware | ko");
    assert_eq!(host.send(stopped(&host, "/around/a")), (403, String::new()));
}

/// A request that middleware lets nobody see.
fn stopped(host: &Host, path: &str) -> Request<()> {
    Request::get(host.url(path)).header("x-stop", "yes").body(()).expect("a request")
}

#[test]
fn an_answer_is_shared_with_nobody_whom_middleware_stops() {
    let (_directory, file) = application(GREETER, TWICE);
    let limits = "[component.greeted.limits]\nshared_cache_in_flight = 1\n";
    let host = Host::of(&file, limits, &[]);
    for path in ["/plain", "/around/a"] {
        // By the first the host learns that the component shares, and keeps the second.
        assert_eq!([(); 3].map(|()| host.get(path).0), [200; 3]);
    }
    assert_eq!(host.send(stopped(&host, "/plain")).0, 200);
    assert_eq!(host.send(stopped(&host, "/around/a")).0, 403);
    let hits = "http_shared_cache_hits_total{component=\"greeted\"} 2";
    assert!(host.admin("/metrics").1.contains(hits), "without middleware it is shared");
}

#[test]
fn a_dependency_inherits_what_it_is_given() {
    let all =
        "\"test:parts\" = { component = \"greeter\" }\ndependencies_inherit_configuration = true";
    for dependency in [
        all,
        "\"test:parts/greeter@0.1.0\" = { component = \"greeter\", inherit_configuration = true }",
        "\"test:parts/greeter\" = { component = \"greeter\", inherit_configuration = [\"environment\"] }",
    ] {
        let (_directory, file) = application(dependency, "[]");
        let host = Host::of(&file, "", &[]);
        assert_eq!(host.get("/plain"), ok("hello, /plain, in ko |  | ko"));
        assert_eq!(host.get("/around/a"), ok("hello, /around/a, in ko |  | ko"));
    }
}

#[test]
fn what_cannot_be_composed_is_named() {
    for (dependency, middleware, words) in [
        (
            "\"test:other/greeter\" = { component = \"greeter\" }",
            "[]",
            &["`test:other/greeter`", "imports nothing of this name"][..],
        ),
        (
            "\"test:parts/greeter\" = { component = \"greeter\", export = \"test:parts/other\" }",
            "[]",
            &["`test:parts/greeter`", "does not export `test:parts/other`"],
        ),
        (
            "\"test:parts\" = { component = \"greeter\" }\n\
             dependencies.\"test:parts/greeter\" = { component = \"greeter\" }",
            "[]",
            &["`test:parts/greeter@0.1.0` comes from `test:parts` already"],
        ),
        (
            GREETER,
            "[{ component = \"greeter\" }]",
            &["middleware", "it does not import wasi:http/handler"],
        ),
        (
            GREETER,
            "[{ path = \"broken.wasm\" }]",
            &["component `greeted-for-trigger1`", "broken.wasm"],
        ),
        (GREETER, "[{ path = \"gone.wasm\" }]", &["component `greeted-for-trigger1`", "gone.wasm"]),
    ] {
        let (_directory, file) = application(dependency, middleware);
        says_last(command(&file), words);
    }
}
