//! The client program of each database: it is where the database is, and xtask needs no driver.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};
use percent_encoding::percent_decode_str;
use ureq::http::Uri;

use crate::database_server;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
    Mysql,
}

/// A database, and the program that talks to it.
pub(super) struct Client {
    engine: Engine,
    program: PathBuf,
    arguments: Vec<String>,
    /// Passwords are here: arguments are shown to every user of the machine.
    environment: Vec<(&'static str, String)>,
}

/// A client that is being written to.
pub(super) struct Stream {
    child: Child,
    input: Option<BufWriter<ChildStdin>>,
    errors: File,
}

impl Engine {
    /// Has the database count what the planner wants to know. Nobody does that to an SQLite file
    /// in use, so its plans are those without.
    pub(super) fn analyze(self, table: &str) -> String {
        match self {
            Self::Sqlite => "SELECT 1".to_owned(),
            // A row of a GIN index waits in a list of its own until a vacuum.
            Self::Postgres => format!("VACUUM ANALYZE {table}"),
            Self::Mysql => format!("ANALYZE TABLE {table}"),
        }
    }

    /// The transaction that holds everything, so that a failure leaves nothing. Not on MySQL,
    /// where a change of indexes commits and one so large would take longer to undo than to do.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "PRAGMA cache_size = -262144; BEGIN IMMEDIATE;\n",
            Self::Postgres => "SET maintenance_work_mem = '512MB'; BEGIN;\n",
            Self::Mysql => "SET autocommit = 0, unique_checks = 0;\n",
        }
    }
}

impl Client {
    /// For the database at `url`; that of `sqlite:default` is `local`.
    pub(super) fn new(url: &str, local: &Path) -> Result<Self> {
        if url == super::LOCAL {
            return Self::sqlite(local);
        }
        // The URL is in no error, because a password is in it.
        let uri: Uri = url.parse().ok().context("the URL of a database is malformed")?;
        match uri.scheme_str() {
            Some("postgres" | "postgresql") => Self::postgres(&Account::of(&uri)?),
            Some("mysql") => Self::mysql(&Account::of(&uri)?),
            _ => bail!("a database's URL is {}, postgres://… or mysql://…", super::LOCAL),
        }
    }

    fn sqlite(file: &Path) -> Result<Self> {
        if !file.exists() {
            bail!("{} is not there: start the site once with `cargo xtask up`", file.display());
        }
        let arguments = ["-bail", "-batch", "-separator", "\t", &file.to_string_lossy()];
        Ok(Self {
            engine: Engine::Sqlite,
            program: "sqlite3".into(),
            arguments: arguments.map(str::to_owned).into(),
            environment: Vec::new(),
        })
    }

    fn postgres(account: &Account) -> Result<Self> {
        let arguments = [
            "--no-psqlrc",
            "--quiet",
            "--no-align",
            "--tuples-only",
            "--field-separator=\t",
            "--set=ON_ERROR_STOP=1",
        ];
        Ok(Self {
            engine: Engine::Postgres,
            program: "psql".into(),
            arguments: arguments.map(str::to_owned).into(),
            environment: vec![
                ("PGHOST", account.host.clone()),
                ("PGPORT", account.port.unwrap_or(5432).to_string()),
                ("PGUSER", account.user.clone()),
                ("PGPASSWORD", account.password.clone()),
                ("PGDATABASE", account.database.clone()),
                // The server's notices are not for whoever waits for the bar.
                ("PGOPTIONS", "-c client_min_messages=warning".to_owned()),
            ],
        })
    }

    /// With the first program that the server takes.
    fn mysql(account: &Account) -> Result<Self> {
        let arguments = [
            "--no-defaults".to_owned(),
            "--batch".to_owned(),
            "--skip-column-names".to_owned(),
            "--default-character-set=utf8mb4".to_owned(),
            "--protocol=tcp".to_owned(),
            format!("--host={}", account.host),
            format!("--port={}", account.port.unwrap_or(3306)),
            format!("--user={}", account.user),
            format!("--database={}", account.database),
        ];
        let mut failures = Vec::new();
        for program in database_server::mysql_clients() {
            let client = Self {
                engine: Engine::Mysql,
                program,
                arguments: arguments.to_vec(),
                environment: vec![("MYSQL_PWD", account.password.clone())],
            };
            match client.query("SELECT 1") {
                Ok(_) => return Ok(client),
                Err(error) => failures.push(error.to_string()),
            }
        }
        bail!("{}", failures.join("; "))
    }

    pub(super) fn engine(&self) -> Engine {
        self.engine
    }

    /// What the statements print: a line for each row, a tab between columns.
    pub(super) fn query(&self, sql: &str) -> Result<String> {
        let mut output = tempfile::tempfile()?;
        let mut stream = self.stream(output.try_clone()?.into())?;
        stream.send(&format!("{sql};\n"))?;
        stream.finish()?;
        output.rewind()?;
        let mut text = String::new();
        output.read_to_string(&mut text)?;
        Ok(text)
    }

    pub(super) fn stream(&self, output: Stdio) -> Result<Stream> {
        let errors = tempfile::tempfile()?;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors.try_clone()?)
            .spawn()
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        let input = child.stdin.take().map(BufWriter::new);
        Ok(Stream { child, input, errors })
    }
}

impl Stream {
    pub(super) fn send(&mut self, text: &str) -> Result<()> {
        let input = self.input.as_mut().context("the client has ended")?;
        input.write_all(text.as_bytes()).context("the client has ended")
    }

    /// Waits until everything is done. An error is what the client said.
    pub(super) fn finish(mut self) -> Result<()> {
        // Dropping it ends the client's input; that it has ended is told by its status.
        let _ = self.input.take().map(|mut input| input.flush());
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let mut said = String::new();
        self.errors.rewind()?;
        self.errors.read_to_string(&mut said)?;
        bail!("the database's client failed ({status}): {}", said.trim());
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // An unfinished one is not worth finishing; an error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a URL says.
struct Account {
    host: String,
    port: Option<u16>,
    user: String,
    password: String,
    database: String,
}

impl Account {
    fn of(uri: &Uri) -> Result<Self> {
        let authority = uri.authority().context("the URL of a database has no host")?.as_str();
        let (account, _) =
            authority.rsplit_once('@').context("the URL of a database has no user")?;
        let (user, password) = account.split_once(':').unwrap_or((account, ""));
        Ok(Self {
            host: uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16(),
            user: decoded(user)?,
            password: decoded(password)?,
            database: decoded(uri.path().trim_start_matches('/'))?,
        })
    }
}

fn decoded(text: &str) -> Result<String> {
    Ok(percent_decode_str(text)
        .decode_utf8()
        .context("the URL of a database is malformed")?
        .into_owned())
}
