//! MySQL and MariaDB, which are started alike.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use super::{DatabaseServer, Engine, folder_of};
use crate::{command, workspace};

pub(super) fn mariadb_programs() -> Result<PathBuf, String> {
    folder_of("mariadbd", &["/usr/sbin".into()])
        .ok_or_else(|| "apt-get install mariadb-server".to_owned())
}

/// Debian stable has no MySQL, so it stands in a folder of its own.
pub(super) fn mysql_programs() -> Result<PathBuf, String> {
    let folder = env::var_os("JINMAEK_MYSQL")
        .map_or_else(|| workspace::path("target/tools/mysql"), PathBuf::from);
    if folder.join("mysqld").exists() {
        return Ok(folder);
    }
    let found = folder_of("mysqld", &[]);
    // MariaDB's package brings a program of that name as well.
    found
        .filter(|folder| {
            command::output(Command::new(folder.join("mysqld")).arg("--version"))
                .is_some_and(|version| !version.contains("MariaDB"))
        })
        .ok_or_else(|| {
            "MySQL is not here: .ci/install-mysql target/tools/mysql, or say where with JINMAEK_MYSQL"
                .to_owned()
        })
}

pub(super) fn initialise(server: &DatabaseServer) -> Result<()> {
    let data = format!("--datadir={}", server.path("data").display());
    let mut command = if server.engine == Engine::Mariadb {
        let mut command = Command::new("mariadb-install-db");
        command.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
        command.args(["--skip-test-db", &data]);
        command
    } else {
        let mut command = Command::new(server.programs.join("mysqld"));
        command.args(["--no-defaults", "--initialize-insecure", &data]);
        command
    };
    if geteuid().is_root() {
        command.arg("--user=root");
    }
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

pub(super) fn server(server: &DatabaseServer) -> Command {
    let name = if server.engine == Engine::Mariadb { "mariadbd" } else { "mysqld" };
    let mut command = Command::new(server.programs.join(name));
    command.args(["--no-defaults", "--bind-address=127.0.0.1"]);
    command.arg(format!("--port={}", server.port));
    command.arg(format!("--datadir={}", server.path("data").display()));
    command.arg(format!("--socket={}", server.path("socket").display()));
    command.arg(format!("--pid-file={}", server.path("pid").display()));
    if server.engine == Engine::Mysql {
        command.args(["--mysqlx=OFF", "--performance-schema=OFF"]);
    }
    if geteuid().is_root() {
        command.arg("--user=root");
    }
    command
}

pub(super) fn client(server: &DatabaseServer, database: Option<&str>, sql: &str) -> Command {
    let mut command = if server.engine == Engine::Mariadb {
        Command::new("mariadb")
    } else {
        Command::new(server.programs.join("mysql"))
    };
    command.args(["--no-defaults", "--user=root", "--batch", "--skip-column-names"]);
    command.arg(format!("--socket={}", server.path("socket").display()));
    command.args(["--execute", sql]).args(database);
    command
}

pub(super) fn create<'a>(name: &'a str, password: &str) -> Vec<(Option<&'a str>, String)> {
    let account = |account: &str, rights: &str| {
        [
            (None, format!("CREATE USER '{account}'@'%' IDENTIFIED BY '{password}'")),
            (None, format!("GRANT {rights} ON {name}.* TO '{account}'@'%'")),
        ]
    };
    let database = (None, format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
    let owner = account(&format!("{name}_owner"), "ALL");
    let server = account(name, "SELECT, INSERT, UPDATE, DELETE");
    [database].into_iter().chain(owner).chain(server).collect()
}
