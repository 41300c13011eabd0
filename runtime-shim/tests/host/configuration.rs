//! A start that is refused, in one line that says why.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Host, app, command, refused};

/// The tests' manifest with `edit` done to it, in a directory of its own.
fn edited(edit: impl Fn(String) -> String) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let manifest = std::fs::read_to_string(app().join("spin.toml")).expect("the manifest");
    let manifest = manifest.replace("../../../target", target.to_str().expect("text"));
    let file = directory.path().join("spin.toml");
    std::fs::write(&file, edit(manifest)).expect("a manifest");
    std::fs::create_dir(directory.path().join("assets")).expect("a directory");
    (directory, file)
}

fn says(mut command: Command, words: &[&str]) {
    command.args(["--admin", "off"]);
    let said = refused(command);
    assert_eq!(said.trim_end().lines().count(), 1, "one line: {said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

/// Like `says`, after lines that tell of compiling.
fn says_last(mut command: Command, words: &[&str]) {
    command.args(["--admin", "off"]);
    let said = refused(command);
    let last = said.trim_end().lines().last().unwrap_or_default();
    for word in words {
        assert!(last.contains(word), "`{word}` is not in: {last}");
    }
}

#[test]
fn an_unknown_key_is_named() {
    let (_directory, file) = edited(|text| text.replace("environment =", "enviroment ="));
    says(command(&file), &["`enviroment`", "spin.toml:", "component.conformance"]);
}

#[test]
fn a_missing_component_file_is_named() {
    let (_directory, file) = edited(|text| text.replacen("conformance.wasm", "gone.wasm", 1));
    says(command(&file), &["component `hello`", "gone.wasm", "build"]);
}

#[test]
fn a_missing_manifest_is_named() {
    says(command(Path::new("/nowhere/spin.toml")), &["/nowhere/spin.toml"]);
}

#[test]
fn missing_variables_are_named() {
    let (_directory, file) =
        edited(|text| text.replace("{ default = \"annyeong\" }", "{ required = true }"));
    says(command(&file), &["greeting", "SPIN_VARIABLE_GREETING"]);
}

#[test]
fn an_undeclared_variable_is_named() {
    let mut command = command(&app());
    command.args(["--variable", "colour=red"]);
    says(command, &["colour"]);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut listening = command(&app());
    listening.args(["--listen", &address]);
    says(listening, &[&address, "in use"]);
    let mut command = command(&app());
    command.args(["--admin", &address]);
    let said = refused(command);
    assert!(said.contains(&address) && said.contains("--admin"), "{said}");
}

#[test]
fn a_port_of_another_host_is_not_shared() {
    let host = Host::start();
    let mut command = command(&app());
    command.args(["--listen", &host.address]);
    says(command, &[&host.address, "in use"]);
}

#[test]
fn an_empty_secret_is_refused_on_a_public_address() {
    let mut command = command(&app());
    command.args(["--listen", "0.0.0.0:0"]);
    says(command, &["token", "SPIN_VARIABLE_TOKEN", "--allow-empty-secrets"]);
}

#[test]
fn a_database_that_is_nowhere_is_named() {
    let (_directory, file) = edited(|text| {
        text.replace("sqlite_databases = [\"default\"]", "sqlite_databases = [\"archive\"]")
    });
    says(command(&file), &["archive", "sqlite_database"]);
}

/// The manifest with the source of `hello` replaced by a file with `content`.
fn with_hello(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let (directory, file) = edited(|text| {
        let line = text.lines().find(|line| line.starts_with("source")).expect("the source line");
        text.replacen(line, "source = \"own.wasm\"", 1)
    });
    std::fs::write(directory.path().join("own.wasm"), content).expect("a file");
    (directory, file)
}

#[test]
fn what_is_not_a_component_is_named() {
    let (_directory, file) = with_hello(b"no wasm");
    says_last(command(&file), &["component `hello`", "own.wasm", "not a WebAssembly component"]);
}

#[test]
fn an_import_that_is_not_there_is_named() {
    // `(component (import "fermyon:spin/variables@2.0.0" (instance)))`, which no toolchain of today makes.
    let name = b"fermyon:spin/variables@2.0.0";
    let mut wasm = b"\0asm\x0d\0\x01\0\x07\x03\x01\x42\0".to_vec();
    wasm.extend([10, 5 + name.len() as u8, 1, 0, name.len() as u8]);
    wasm.extend(name);
    wasm.extend([5, 0]);
    let (_directory, file) = with_hello(&wasm);
    says_last(command(&file), &["component `hello`", "fermyon:spin/variables@2.0.0"]);
}

#[test]
fn variables_come_from_the_command_line_before_the_environment() {
    let host = Host::with("", &["--variable", "greeting=line"]);
    assert_eq!(host.get("/variable?name=greeting"), (200, "line, world".to_owned()));
}

#[test]
fn a_runtime_config_gives_variables_and_limits() {
    let config = "[[variables_provider]]\ntype = \"static\"\nvalues = { greeting = \"provided\" }\n\
                  [component.conformance.limits]\nrequest_body_bytes = 10\n";
    let host = Host::with(config, &[]);
    assert_eq!(host.get("/variable?name=greeting"), (200, "provided, world".to_owned()));
    assert_eq!(host.post("/echo", "0123456789").0, 200);
    assert_eq!(host.post("/echo", "0123456789a").0, 413);
}

#[test]
fn only_the_components_asked_for_are_served() {
    let host = Host::with("", &["--component-id", "hello"]);
    assert_eq!(host.get("/hello").0, 200);
    assert_eq!(host.get("/headers").0, 404);
}

#[test]
fn every_limit_is_printed() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_runtime-shim")).arg("limits").output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("text");
    for name in ["max_connections", "request_body_bytes", "chain_depth", "sqlite_wait_ms"] {
        assert!(text.contains(name), "{name}");
    }
}
