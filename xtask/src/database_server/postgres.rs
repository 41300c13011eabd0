use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::fs::{Gid, Uid, chown};
use rustix::process::geteuid;

use super::{DatabaseServer, folder_of};
use crate::command;

/// PostgreSQL refuses to run as root; Debian's package brings this account for it.
const ACCOUNT: &str = "postgres";

pub(super) fn programs() -> Result<PathBuf, String> {
    let mut places: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    places.sort();
    places.reverse();
    folder_of("initdb", &places).ok_or_else(|| "apt-get install postgresql".to_owned())
}

/// A program of PostgreSQL, as an account that it accepts.
fn program(server: &DatabaseServer, name: &str) -> Command {
    let mut command = account(&server.programs.join(name));
    command.current_dir(server.folder.path());
    command
}

fn account(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups", "--"]).arg(program);
    command
}

/// The certificate of the authority that signed the server's.
pub(super) const AUTHORITY: &str = "authority.crt";

/// A key, and a certificate for 127.0.0.1 by an authority of our own.
const CERTIFY: &str = "
umask 077
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $key -keyout authority.key -out authority.crt -subj /CN=authority
openssl req $key -keyout server.key -out server.csr -subj /CN=server
printf 'subjectAltName=IP:127.0.0.1' > names
openssl x509 -req -in server.csr -out server.crt -CA authority.crt -CAkey authority.key -CAcreateserial -extfile names
";

pub(super) fn initialise(server: &DatabaseServer) -> Result<()> {
    if geteuid().is_root() {
        let id = |flag: &str| {
            command::output(Command::new("id").args([flag, ACCOUNT]))
                .and_then(|id| id.parse::<u32>().ok())
                .with_context(|| format!("there is no account {ACCOUNT}"))
        };
        let (user, group) = (Uid::from_raw(id("-u")?), Gid::from_raw(id("-g")?));
        chown(server.folder.path(), Some(user), Some(group))?;
    }
    let mut command = account(Path::new("sh"));
    let output = command.args(["-ec", CERTIFY]).current_dir(server.folder.path()).output()?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    let mut command = program(server, "initdb");
    command.arg("--pgdata").arg(server.path("data")).args(["--username", ACCOUNT]);
    command.args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
    command.args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
    command.output().map(drop).context("cannot run initdb")
}

pub(super) fn server(server: &DatabaseServer) -> Command {
    let mut command = program(server, "postgres");
    command.arg("-D").arg(server.path("data")).args(["-p", &server.port.to_string()]);
    command.arg("-k").arg(server.folder.path());
    for (setting, file) in [("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key")] {
        command.args(["-c", &format!("{setting}={}", server.path(file).display())]);
    }
    command.args(["-c", "ssl=on"]);
    // Only the machine's own crash would lose what is not synced.
    command.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
    command
}

pub(super) fn client(server: &DatabaseServer, database: Option<&str>, sql: &str) -> Command {
    let mut command = Command::new(server.programs.join("psql"));
    command.arg("--host").arg(server.folder.path()).args(["--port", &server.port.to_string()]);
    command.args(["--username", ACCOUNT, "--dbname", database.unwrap_or("postgres")]);
    command.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--field-separator=\t"]);
    command.args(["--set=ON_ERROR_STOP=1", "--command", sql]);
    command
}

pub(super) fn create<'a>(name: &'a str, password: &str) -> Vec<(Option<&'a str>, String)> {
    vec![
        (None, format!("CREATE ROLE {name}_owner LOGIN PASSWORD '{password}'")),
        (None, format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'")),
        (None, format!("CREATE DATABASE {name} OWNER {name}_owner")),
        (
            Some(name),
            format!(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {name}_owner \
                 GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name}"
            ),
        ),
    ]
}
