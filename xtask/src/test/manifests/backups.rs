//! The very scripts that the CronJobs run, on servers like those of the cluster: a backup is worth
//! what its restore is.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};

use crate::database_server::{DatabaseServer, Engine};
use crate::{token, workspace};

pub(super) const ALL: [(Engine, &str); 3] = [
    (Engine::Mysql, "a backup of MySQL is restored"),
    (Engine::Mariadb, "a backup of MariaDB is restored"),
    (Engine::Postgres, "a backup of PostgreSQL is restored"),
];

/// Longer than the scripts keep a backup.
const TOO_OLD: Duration = Duration::from_secs(20 * 24 * 60 * 60);

/// What a database holds: more than ASCII, and what SQL escapes.
const TEXT: &str = "진맥 👩‍⚕️ it''s";
const ROWS: &str = "SELECT text FROM things ORDER BY id";

struct Scripts<'a> {
    server: &'a DatabaseServer,
    name: &'static str,
    password: String,
    backups: tempfile::TempDir,
}

/// Rows are there again after everything was lost, and a file that is broken loses nothing.
pub(super) fn restored(server: &DatabaseServer) -> Result<()> {
    let password = token::random()?;
    let name = "backed_up";
    server.create_with(name, password.clone())?;
    let scripts = Scripts { server, name, password, backups: tempfile::tempdir()? };
    scripts.sql(&format!(
        "CREATE TABLE things (id BIGINT PRIMARY KEY, text VARCHAR(100)); \
         INSERT INTO things VALUES (1, '{TEXT}'), (2, NULL)"
    ))?;
    let before = scripts.sql(ROWS)?;
    ensure!(before.contains("진맥"), "the rows are not there to begin with: {before:?}");

    let old = scripts.old_backup()?;
    scripts.run("backup.sh")?;
    ensure!(!old.exists(), "a backup of twenty days ago is still kept");
    let backup = scripts.only_backup()?;

    scripts.sql("DELETE FROM things")?;
    scripts.sql("CREATE TABLE younger (id BIGINT PRIMARY KEY)")?;
    scripts.run("restore.sh")?;
    ensure!(scripts.sql(ROWS)? == before, "other rows than before: {:?}", scripts.sql(ROWS)?);
    ensure!(scripts.sql("SELECT * FROM younger").is_err(), "a table of after the backup is there");
    scripts.serving_account_may_write()?;

    let whole = fs::read(&backup)?;
    fs::write(&backup, &whole[..whole.len() / 2])?;
    ensure!(scripts.run("restore.sh").is_err(), "half a backup was restored");
    ensure!(!scripts.sql(ROWS)?.is_empty(), "half a backup took the rows");
    fs::remove_file(&backup)?;
    ensure!(scripts.run("restore.sh").is_err(), "there was no backup to restore");
    Ok(())
}

impl Scripts<'_> {
    fn run(&self, script: &str) -> Result<()> {
        let engine = self.server.engine().name();
        let file = workspace::path("k8s/spinkube/base/databases").join(engine).join(script);
        let mut bash = Command::new("bash");
        bash.arg(file);
        bash.env("DATABASE", self.name);
        bash.env("DATABASE_HOST", "127.0.0.1");
        bash.env("DATABASE_PORT", self.server.port.to_string());
        bash.env("DATABASE_USER", format!("{}_owner", self.name));
        bash.env("BACKUPS", self.backups.path());
        bash.env("MYSQL_PWD", &self.password).env("PGPASSWORD", &self.password);
        bash.env("PATH", self.server.path_with_programs()?);
        let output = bash.output().with_context(|| format!("cannot run {script}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{script}: {}", said.trim());
        Ok(())
    }

    /// As the owner of the schema, as a migration would.
    fn sql(&self, sql: &str) -> Result<String> {
        let sql = match self.server.engine() {
            Engine::Postgres => format!("SET ROLE {}_owner; {sql}", self.name),
            // The client's own default is three bytes for a letter.
            Engine::Mariadb | Engine::Mysql => format!("SET NAMES utf8mb4; {sql}"),
        };
        self.server.sql(Some(self.name), &sql)
    }

    /// On PostgreSQL the right to new tables is a setting of the database, which a restore could
    /// lose. MySQL and MariaDB keep rights apart from databases.
    fn serving_account_may_write(&self) -> Result<()> {
        if self.server.engine() != Engine::Postgres {
            return Ok(());
        }
        self.sql("CREATE TABLE later (id BIGINT PRIMARY KEY)")?;
        let insert = |table: &str| {
            let sql = format!("SET ROLE {}; INSERT INTO {table} (id) VALUES (9)", self.name);
            self.server.sql(Some(self.name), &sql)
        };
        insert("things").context("the serving account and a restored table")?;
        insert("later").context("the serving account and a table of after the restore")?;
        self.sql("DELETE FROM things WHERE id = 9; DROP TABLE later").map(drop)
    }

    /// A file of an old backup.
    fn old_backup(&self) -> Result<PathBuf> {
        let suffix = if self.server.engine() == Engine::Postgres { "dump" } else { "sql.gz" };
        let file = self.backups.path().join(format!("{}-20200101T000000Z.{suffix}", self.name));
        File::create(&file)?.set_modified(SystemTime::now() - TOO_OLD)?;
        Ok(file)
    }

    fn only_backup(&self) -> Result<PathBuf> {
        let mut files = fs::read_dir(self.backups.path())?.collect::<Result<Vec<_>, _>>()?;
        ensure!(files.len() == 1, "one backup, and nothing beside it: {files:?}");
        Ok(files.remove(0).path())
    }
}
