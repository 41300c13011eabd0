//! A start that is refused, in one line that says why.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Host, app, command, guest, ok, refused};

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
pub(crate) fn says_last(mut command: Command, words: &[&str]) {
    command.args(["--admin", "off"]);
    let said = refused(command);
    let last = said.trim_end().lines().last().unwrap_or_default();
    for word in words {
        assert!(last.contains(word), "`{word}` is not in: {last}");
    }
}

#[test]
fn what_is_wrong_with_the_manifest_is_named() {
    let databases = ("sqlite_databases = [\"default\"]", "sqlite_databases = [\"archive\"]");
    for ((from, to), words) in [
        (("environment =", "enviroment ="), &["`enviroment`", "component.conformance"][..]),
        (("conformance.wasm", "gone.wasm"), &["component `hello`", "gone.wasm", "build"]),
        (databases, &["archive", "sqlite_database"]),
    ] {
        let (_directory, file) = edited(|text| text.replacen(from, to, 1));
        says(command(&file), words);
    }
    says(command(Path::new("/nowhere/spin.toml")), &["/nowhere/spin.toml"]);
}

#[test]
fn what_is_wrong_with_the_command_line_is_named() {
    for (arguments, words) in [
        (&["--variable", "colour=red"][..], &["colour"][..]),
        (&["--tls-cert=cert.pem"], &["--tls-cert", "gateway"]),
        (&["--profile", "debug"], &["--profile debug"]),
        (&["--listen", "0.0.0.0:0"], &["token (set SPIN_VARIABLE_TOKEN)", "--allow-empty"]),
    ] {
        let mut command = command(&app());
        command.args(arguments);
        says(command, words);
    }
}

#[test]
fn variables_may_stand_in_a_file_of_the_working_directory() {
    let (directory, file) = edited(|text| {
        let text = text.replace("{ default = \"annyeong\" }", "{ required = true }");
        text.replace("{ default = \"\", secret = true }", "{ required = true }")
    });
    let host = |lines: &str| {
        std::fs::write(directory.path().join(".env"), lines).expect("a file");
        let mut command = command(&file);
        command.current_dir(directory.path());
        command
    };
    let both = ["greeting (set SPIN_VARIABLE_GREETING)", "token (set"];
    says(host("GREETING=1\n"), &both);
    let one = refused(host("SPIN_VARIABLE_GREETING='from a file' # as it says\n"));
    assert!(!one.contains(both[0]) && one.contains(both[1]), "{one}");
    let others = refused(host("PASSWORD=correct horse\nSPIN_VARIABLE_GREETING=1\n"));
    assert!(!others.contains("horse") && !others.contains(both[0]), "{others}");
    assert!(others.contains("a line is passed over") && others.contains(both[1]), "{others}");
    for own in ["SPIN_VARIABLE_TOKEN=two words\n", "NOTE=it's open\nSPIN_VARIABLE_TOKEN=1\n"] {
        let said = refused(host(own));
        assert!(said.contains("SPIN_VARIABLE_") && !said.contains("two words"), "{said}");
    }
}

#[test]
fn spins_own_tls_is_not_passed_over() {
    let mut command = command(&app());
    command.env("SPIN_TLS_CERT", "a.pem");
    says(command, &["SPIN_TLS_CERT", "gateway"]);
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
fn another_port_is_taken_if_one_may_be() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let host = Host::with("", &["--listen", &address, "--find-free-port"]);
    assert_ne!(host.address, address);
    assert_eq!(host.get("/hello").0, 200);
}

#[test]
fn data_is_there_before_the_first_request() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("data.sql");
    std::fs::write(&script, "insert into d values (1);\ninsert into d values (2);")
        .expect("a file");
    let script = format!("@{}", script.display());
    let table = "create table d (a integer)";
    let data = ["--sqlite", table, "--sqlite", &script, "--key-value", "a=b=c"];
    let host = Host::with("", &data);
    assert_eq!(host.post("/sql", "select sum(a) from d").1, "3\n");
    assert_eq!(host.get("/key-value?do=get&key=a").1, "b=c");
    for (flag, wrong, word) in [
        ("--sqlite", "create tabel d", "syntax error"),
        ("--sqlite", "@data.sql:other", "`other`"),
        ("--key-value", "a", "KEY=VALUE"),
    ] {
        let mut command = command(&app());
        command.args([flag, wrong]).current_dir(directory.path());
        says_last(command, &[flag, wrong, word]);
    }
}

#[test]
fn a_component_is_built_first_if_asked() {
    let (directory, file) = edited(|text| {
        let built = format!("cp {} own.wasm", guest("conformance").display());
        let line = text.lines().find(|line| line.starts_with("source")).expect("the source line");
        let own = format!("source = \"own.wasm\"\nbuild.command = \"{built}\"");
        text.replacen(line, &own, 1)
    });
    let host = Host::of(&file, "", &["--component-id", "hello", "--build"]);
    assert_eq!(host.get("/hello").0, 200);
    assert!(directory.path().join("own.wasm").is_file());
}

#[test]
fn a_component_is_an_application_too() {
    let host = Host::of(&guest("conformance"), "", &[]);
    assert_eq!(host.get("/any/hello"), (200, "hello".to_owned()));
    assert!(host.get("/.well-known/spin/info").1.contains("\"conformance\""));
}

/// The manifest with the source of `hello` replaced by a file with `content`.
/// Text is WebAssembly's text format.
pub(crate) fn with_hello(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let (directory, file) = edited(|text| {
        let line = text.lines().find(|line| line.starts_with("source")).expect("the source line");
        text.replacen(line, "source = \"own.wasm\"", 1)
    });
    let wasm = wat::parse_bytes(content).expect("it parses");
    std::fs::write(directory.path().join("own.wasm"), wasm).expect("a file");
    (directory, file)
}

#[test]
fn a_component_without_a_trigger_is_not_loaded() {
    let (_directory, file) =
        edited(|text| format!("{text}\n[component.idle]\nsource = \"nowhere.wasm\"\n"));
    assert_eq!(Host::of(&file, "", &[]).get("/hello"), (200, "hello".to_owned()));
}

#[test]
fn what_is_not_a_component_is_named() {
    let (_directory, file) = with_hello(b"\0asm no component");
    says_last(command(&file), &["component `hello`", "own.wasm", "not a WebAssembly component"]);
}

#[test]
fn an_import_that_is_not_there_is_named() {
    for name in [
        "fermyon:spin/llm@2.0.0",
        "fermyon:spin/mqtt@2.0.0",
        "fermyon:spin/redis@2.0.0",
        "spin:mqtt/mqtt@3.0.0",
        "spin:redis/redis@3.0.0",
        "wasi:http/types@0.2.0-rc-2023-12-05",
        "wasi:nn/graph@0.2.0",
    ] {
        let import = format!("(component (import \"{name}\" (instance (export \"f\" (func)))))");
        let (_directory, file) = with_hello(import.as_bytes());
        says_last(command(&file), &["component `hello`", name, "`uncalled_imports`"]);
    }
}

/// A component with `imports` whose handler of this version of WASI is `handle` of `module`.
pub(crate) fn handler(imports: &str, version: &str, module: &str) -> String {
    format!(
        r#"(component
        {imports}
        (import "wasi:http/types@{version}" (instance $types
            (export "incoming-request" (type (sub resource)))
            (export "response-outparam" (type (sub resource)))))
        (alias export $types "incoming-request" (type $request))
        (alias export $types "response-outparam" (type $out))
        (core module $m {module})
        (core instance $i (instantiate $m))
        (func $handle (param "request" (own $request)) (param "response-out" (own $out))
            (canon lift (core func $i "handle")))
        (instance $handler (export "handle" (func $handle)))
        (export "wasi:http/incoming-handler@{version}" (instance $handler)))"#
    )
}

/// One that traps when it is asked.
fn trapping(imports: &str, version: &str) -> String {
    handler(imports, version, "(func (export \"handle\") (param i32 i32) unreachable)")
}

/// Some toolchains import all that their SDK knows, whether it is called or not.
#[test]
fn an_import_that_is_never_called_can_be_named() {
    let imports = r#"(import "fermyon:spin/llm@2.0.0" (instance (export "infer" (func))))
        (import "spin:mqtt/mqtt@3.0.0" (instance (export "publish" (func async))))"#;
    let (directory, file) = with_hello(trapping(imports, "0.2.0").as_bytes());
    says_last(command(&file), &["fermyon:spin/llm@2.0.0", "spin:mqtt/mqtt@3.0.0"]);
    let manifest = std::fs::read_to_string(&file).expect("a manifest");
    let tool = "[component.hello.tool.runtime-shim]\n\
        uncalled_imports = [\"fermyon:spin/llm@2.0.0\", \"spin:mqtt/mqtt@3.0.0\"]\n";
    std::fs::write(&file, format!("{manifest}\n{tool}")).expect("a manifest");
    assert_eq!(Host::of(&file, "", &[]).get("/hello").0, 500, "it traps");
    drop(directory);
}

#[test]
fn drafts_that_became_a_release_are_taken_for_it() {
    let imports = r#"(import "wasi:clocks/monotonic-clock@0.3.0-rc-2026-03-15"
            (instance (export "now" (func (result u64)))))
        (import "wasi:clocks/monotonic-clock@0.3.0"
            (instance (export "now" (func (result u64)))))"#;
    let component = trapping(imports, "0.2.0-rc-2023-11-10");
    let (_directory, file) = with_hello(component.as_bytes());
    assert_eq!(Host::of(&file, "", &[]).get("/hello").0, 500, "it traps");
}

/// What SDKs for wasm32-wasip1 build is made a component by the host, as Spin does.
#[test]
fn a_core_module_is_made_a_component() {
    let (_directory, file) = with_hello(b"(module)");
    says_last(command(&file), &["component `hello`", "exports neither wasi:http/handler"]);
}

#[test]
fn a_static_response_asks_no_component() {
    let host = Host::start();
    let response = host.response("/fixed");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-fixed"]),
        (410, &"yes".parse().expect("a value"))
    );
    assert_eq!(response.into_body().read_to_string().expect("a body"), "gone");
    let (_, metrics) = host.admin("/metrics");
    let counted =
        "http_requests_total{component=\"static_response\",route=\"/fixed\",status=\"410\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn the_log_is_json_where_that_is_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let logs = directory.path().to_str().expect("text");
    let host = Host::with("", &["--log-format", "json", "--log-dir", logs]);
    host.get("/print?text=one");
    let line = host.line(|line| line.starts_with('{'));
    for part in ["\"component\":\"conformance\"", "\"stream\":\"stdout\"", "\"message\":\"one\""] {
        assert!(line.contains(part), "{line}");
    }
    let file = directory.path().join("conformance_stdout.txt");
    assert_eq!(std::fs::read_to_string(file).expect("a file"), "one\n");
}

#[test]
fn variables_come_from_the_command_line_before_the_environment() {
    let host = Host::with("", &["--variable", "greeting=line"]);
    assert_eq!(host.get("/variable?name=greeting"), (200, "line, world".to_owned()));
}

#[test]
fn a_variable_may_stand_in_a_file_of_its_own_or_with_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let (own, with_others) =
        (directory.path().join("greeting"), directory.path().join("others.toml"));
    std::fs::write(&own, "from a file").expect("a file");
    std::fs::write(&with_others, "token = \"from another\"\n").expect("a file");
    let own = format!("greeting=@{}", own.display());
    let with_others = format!("@{}", with_others.display());
    let host = Host::with("", &["--variable", &own, "--variable", &with_others]);
    assert_eq!(host.get("/variable?name=greeting"), (200, "from a file, world".to_owned()));
    let token = host.get("/people/kim/variable?name=token");
    assert_eq!(token, (200, "from another".to_owned()));
    for missing in ["greeting=@/nowhere/greeting", "@/nowhere/others.toml"] {
        let mut command = command(&app());
        command.args(["--variable", missing]);
        says(command, &[&format!("--variable {missing}"), "cannot read", "No such file"]);
    }
}

#[test]
fn a_runtime_config_gives_variables_limits_and_a_place_for_logs() {
    let config = "[[variables_provider]]\ntype = \"static\"\nvalues = { greeting = \"provided\" }\n\
                  [component.conformance.limits]\nrequest_body_bytes = 10\n";
    let logs = tempfile::tempdir().expect("a directory");
    let host = Host::with(&format!("log_dir = {:?}\n{config}", logs.path()), &[]);
    assert_eq!(host.get("/variable?name=greeting"), (200, "provided, world".to_owned()));
    host.get("/print?text=one");
    host.printed();
    let log = std::fs::read_to_string(logs.path().join("conformance_stdout.txt"));
    assert_eq!(log.expect("a file of the component"), "one\n");
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
fn of_an_application_with_other_triggers_those_asked_for_are_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("spin.toml");
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = \"mixed\"\n\
         [application.trigger.redis]\naddress = \"redis://127.0.0.1\"\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"hello\"\n\
         [[trigger.redis]]\nchannel = \"a\"\ncomponent = \"other\"\n\
         [component.hello]\nsource = \"{}\"\n[component.other]\nsource = \"gone.wasm\"\n",
        guest("conformance").display()
    );
    std::fs::write(&file, &manifest).expect("a manifest");
    assert_eq!(Host::of(&file, "", &["-c", "hello"]).get("/hello"), ok("hello"));
    says_last(command(&file), &["trigger.redis", "--component-id"]);
    let mut of_redis = command(&file);
    of_redis.args(["-c", "other"]);
    says_last(of_redis, &["none of the components"]);
    std::fs::write(&file, manifest.replace("trigger.http]]\nroute", "trigger.redis]]\nroute"))
        .expect("a manifest");
    says_last(command(&file), &["no [[trigger.http]]"]);
}

#[test]
fn every_limit_is_printed() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_runtime-shim")).arg("limits").output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("text");
    for row in runtime_shim::limits::TABLE {
        let shown = format!("{} {}", row.default, row.unit);
        let is_shown = |line: &str| line.starts_with(row.name) && line.contains(&shown);
        assert!(text.lines().any(is_shown) && text.contains(row.reason), "{}", row.name);
    }
}

/// What lies in the cache is native code.
#[test]
fn compiled_code_that_is_broken_or_not_the_hosts_own_is_compiled_anew() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (directory, manifest) = with_hello(trapping("", "0.2.0").as_bytes());
    let state = directory.path().join("state");
    let start = || {
        let state = state.to_str().expect("text");
        let host = Host::of(&manifest, "", &["--state-dir", state, "--component-id", "hello"]);
        assert_eq!(host.get("/hello").0, 500, "it traps");
    };
    start();
    let mut kept = std::fs::read_dir(state.join("compiled")).expect("the cache");
    let kept = kept.next().expect("a file").expect("its name").path();
    let file = || std::fs::metadata(&kept).expect("a file");
    let (first, mode) = (file().ino(), file().permissions().mode());
    assert_eq!(mode & 0o022, 0, "nobody else can write it");
    start();
    assert_eq!(file().ino(), first, "it is taken as it is");
    std::fs::set_permissions(&kept, PermissionsExt::from_mode(0o666)).expect("its owner may");
    start();
    assert_ne!(file().ino(), first, "somebody else could have written it");
    assert_eq!(file().permissions().mode() & 0o022, 0);
    let second = file().ino();
    std::fs::write(&kept, b"\x7fELF and then nothing").expect("its owner may");
    start();
    assert_ne!(file().ino(), second, "it was broken");
}

#[test]
fn a_cache_does_not_grow_without_end() {
    let (directory, manifest) = with_hello(trapping("", "0.2.0").as_bytes());
    let cache = directory.path().join("cache");
    std::fs::create_dir(&cache).expect("a directory");
    let own = |number| format!("{number:064}-0123456789abcdef-0.1.0-1");
    for number in 0..100 {
        std::fs::write(cache.join(own(number)), "an old version").expect("a file");
    }
    let foreign = cache.join("thesis-final.odt");
    std::fs::write(&foreign, "older").expect("a file");
    let option = cache.to_str().expect("text");
    Host::of(&manifest, "", &["--cache-dir", option, "--component-id", "hello"]);
    let kept: Vec<_> = std::fs::read_dir(&cache).expect("the cache").flatten().collect();
    assert_eq!(kept.len(), 64 + 1);
    assert!(foreign.exists(), "a file of somebody else");
    assert!(kept.iter().any(|file| file.metadata().is_ok_and(|file| file.len() > 1000)));
}
