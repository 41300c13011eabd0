//! Code that the manifest names by its URL and digest.

use std::cell::OnceCell;
use std::fmt::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::configuration::says_last;
use crate::support::{Host, command, guest, ok, peer, refused, terminate, until, wait};

fn digest(code: &[u8]) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(code) {
        write!(digest, "{byte:02x}").expect("text");
    }
    digest
}

/// `greeted` with a part, both fetched.
fn application(directory: &Path, [component, part]: [SocketAddr; 2], digest: &str) -> PathBuf {
    let file = directory.join("spin.toml");
    let greeter = self::digest(&std::fs::read(guest("greeter")).expect("the guest"));
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = \"fetched\"\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"greeted\"\n\
         [component.greeted]\nkey_value_stores = [\"default\"]\n\
         source = {{ url = \"http://a:secret@{component}/a?token=b\", digest = \"{digest}\" }}\n\
         dependencies.\"test:parts\" = {{ url = \"http://{part}/b\", digest = \"{greeter}\" }}\n"
    );
    std::fs::write(&file, manifest).expect("a manifest");
    file
}

fn serves(code: &[u8]) -> SocketAddr {
    let head = format!("200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", code.len());
    peer([head.as_bytes(), code].concat())
}

#[test]
fn code_is_fetched_once_and_looked_at_each_time() {
    let (greeted, greeter) = [guest("greeted"), guest("greeter")]
        .map(|file| std::fs::read(file).expect("a guest"))
        .into();
    let moved = format!(
        "302 Found\r\nlocation: http://{}/c\r\ncontent-length: 0\r\n\r\n",
        serves(&greeted)
    );
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join("state");
    let here = ["--state-dir", state.to_str().expect("a name")];
    let file = application(directory.path(), [peer(&moved), serves(&greeter)], &digest(&greeted));
    let answer = ok("hello, /, in no language |  | ");
    assert_eq!(Host::of(&file, "", &here).get("/"), answer);

    // From now on nobody has it any more.
    let gone = peer("404 Not Found\r\ncontent-length: 0\r\n\r\n");
    application(directory.path(), [gone; 2], &digest(&greeted));
    assert_eq!(Host::of(&file, "", &here).get("/"), answer);
    let kept = state.join("downloads").join(digest(&greeted).replace("sha256:", "") + ".wasm");
    std::fs::write(&kept, b"another one's").expect("written");
    let mut command = command(&file);
    command.args(here);
    says_last(command, &["component `greeted`", "cannot download", "404"]);
}

#[test]
fn what_has_another_digest_is_refused() {
    let greeted = std::fs::read(guest("greeted")).expect("a guest");
    let directory = tempfile::tempdir().expect("a directory");
    let wanted = digest(b"something else");
    let file = application(directory.path(), [serves(&greeted); 2], &wanted);
    let state = directory.path().join("state");
    let mut command = command(&file);
    command.arg("--state-dir").arg(&state);
    let said = refused(command);
    for word in ["component `greeted`", &digest(&greeted), &wanted] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    assert!(!said.contains("secret") && !said.contains("token"), "{said}");
    let kept = std::fs::read_dir(state.join("downloads")).expect("the folder").count();
    assert_eq!(kept, 0, "nothing of it is kept");
}

/// The host, about to fetch what is at `from`, with limits.
fn fetching(directory: &Path, from: SocketAddr, limits: &str) -> Command {
    let mut command = command(&application(directory, [from; 2], &digest(b"")));
    let config = directory.join("runtime.toml");
    std::fs::write(&config, format!("[limits]\n{limits}\n")).expect("a config file");
    command.arg("--state-dir").arg(directory.join("state"));
    command.arg("--runtime-config-file").arg(config);
    command
}

#[test]
fn what_is_too_large_or_too_slow_is_given_up_by_the_name_of_the_limit() {
    let directory = tempfile::tempdir().expect("a directory");
    let large = fetching(directory.path(), serves(&[0; 1_001]), "download_bytes = 1000");
    says_last(large, &["cannot download", "1000 bytes", "download_bytes"]);
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let slow = fetching(directory.path(), address, "download_ms = 300");
    says_last(slow, &["cannot download", "300 ms", "download_ms"]);
}

#[test]
fn a_signal_ends_the_host_while_it_fetches() {
    let directory = tempfile::tempdir().expect("a directory");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let mut host = fetching(directory.path(), address, "").spawn().expect("the host runs");
    silent.set_nonblocking(true).expect("a listener");
    let asked = OnceCell::new();
    until(120, "it asks", || silent.accept().is_ok_and(|connection| asked.set(connection).is_ok()));
    terminate(&host);
    assert!(wait(&mut host, Duration::from_secs(5)).success());
}
