//! HTTPS to peers of an authority of one's own (`[[client_tls]]` of the runtime config file).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::configuration::says_last;
use crate::support::{Host, command, encoded, guest};

/// An authority, and certificates of it for `localhost` and for a client.
const CERTIFY: &str = "
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $key -keyout authority.key -out authority.crt -subj /CN=authority
printf 'subjectAltName=DNS:localhost' > names
for name in server client; do
  openssl req $key -keyout $name.key -out $name.csr -subj /CN=$name
  openssl x509 -req -in $name.csr -out $name.crt -CA authority.crt -CAkey authority.key -CAcreateserial -extfile names
done
";

fn certificates(directory: &Path) {
    let made = Command::new("sh").args(["-ec", CERTIFY]).current_dir(directory).output();
    let made = made.expect("a shell");
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
}

/// Answers `hello` over TLS; where `clients` is set, only clients of the authority.
fn peer(directory: &Path, clients: bool) -> SocketAddr {
    let read = |name: &str| {
        let file = CertificateDer::pem_file_iter(directory.join(name)).expect("a file");
        file.collect::<Result<Vec<_>, _>>().expect("certificates")
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = if clients {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(read("authority.crt"));
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(directory.join("server.key")).expect("a key");
    let tls = Arc::new(builder.with_single_cert(read("server.crt"), key).expect("a certificate"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&tls)).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
            // Who does not trust it says so here.
            if stream.read(&mut [0; 1024]).is_ok() && stream.write_all(answer).is_ok() {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    address
}

fn application(directory: &Path) -> PathBuf {
    let file = directory.join("spin.toml");
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = \"secure\"\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"conformance\"\n\
         [component.conformance]\nsource = \"{}\"\nallowed_outbound_hosts = [\"https://*:*\"]\n\
         key_value_stores = [\"default\"]\nsqlite_databases = [\"default\"]\n",
        guest("conformance").display()
    );
    std::fs::write(&file, manifest).expect("a manifest");
    file
}

fn table(directory: &Path, more: &str) -> String {
    format!(
        "[[client_tls]]\ncomponent_ids = [\"conformance\"]\nhosts = [\"LocalHost\"]\n\
         ca_roots_file = \"{}\"\n{more}",
        directory.join("authority.crt").display()
    )
}

#[test]
fn a_component_trusts_and_shows_what_its_runtime_config_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    certificates(directory);
    let [open, closed] = [false, true].map(|clients| peer(directory, clients));
    let file = application(directory);
    let asked = |host: &Host, name: &str, peer: SocketAddr| {
        let url = encoded(&format!("https://{name}:{}/", peer.port()));
        host.get(&format!("/outbound?url={url}"))
    };
    let plain = Host::of(&file, "", &[]);
    assert_eq!(asked(&plain, "localhost", open).0, 422, "nobody vouches for it");
    let mut command = command(&file);
    command.env("SSL_CERT_FILE", directory.join("authority.crt"));
    let of_machine = Host::run(command, tempfile::tempdir().expect("a directory"));
    assert_eq!(asked(&of_machine, "localhost", open).0, 200, "the machine vouches for it");
    let trusting = Host::of(&file, &table(directory, ""), &[]);
    assert_eq!(asked(&trusting, "localhost", open).0, 200);
    assert_eq!(asked(&trusting, "127.0.0.1", open).0, 422, "another name");
    assert_eq!(asked(&trusting, "localhost", closed).0, 422, "it shows no certificate");
    let [chain, key] = ["client.crt", "client.key"].map(|name| directory.join(name));
    let shown = format!(
        "client_cert_file = \"{}\"\nclient_private_key_file = \"{}\"\n",
        chain.display(),
        key.display()
    );
    let showing = Host::of(&file, &table(directory, &shown), &[]);
    assert_eq!(asked(&showing, "localhost", closed).0, 200);
}

#[test]
fn what_is_wrong_with_it_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    certificates(directory);
    let file = application(directory);
    for (table, words) in [
        (
            table(directory, "").replace("authority.crt", "gone.crt"),
            &["client_tls", "gone.crt"][..],
        ),
        (table(directory, "").replace("authority.crt", "server.key"), &["holds no certificate"]),
        (table(directory, "").replace("\"LocalHost\"", ""), &["one at least"]),
        (
            table(directory, "ca_use_webpki_roots = false\n").replacen("ca_roots_file", "# ", 1),
            &["it trusts nobody"],
        ),
        (table(directory, "").replace("LocalHost", "localhost:1"), &["`localhost:1`", "port"]),
        (table(directory, "").replace("[\"conformance\"]", "[\"other\"]"), &["component `other`"]),
        (table(directory, "client_cert_file = \"a\"\n"), &["belong together"]),
        (table(directory, "ca = 1\n"), &["`ca`"]),
    ] {
        let config = directory.join("runtime-config.toml");
        std::fs::write(&config, table).expect("written");
        let mut command = command(&file);
        command.arg("--runtime-config-file").arg(config);
        says_last(command, words);
    }
}
