//! Code that the manifest names by its URL and digest.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::configuration::says_last;
use crate::support::{Host, command, guest, ok, peer, refused};

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
