//! The site that is visited, on three real database servers with synthetic data.

use anyhow::{Context, Result, bail};
use rustix::process::Pid;

use crate::database_server::{DatabaseServer, Engine};
use crate::test::session::{Databases, Site};
use crate::{distribution, seed, up};

/// As in a cluster.
const SERVERS: [(&str, Engine); 3] =
    [("auth", Engine::Mysql), ("board", Engine::Mariadb), ("review", Engine::Postgres)];

pub(super) struct Started {
    site: Site,
    servers: Vec<(&'static str, DatabaseServer)>,
}

/// What takes part, and whose time and memory are read.
pub(super) struct Process {
    pub(super) name: String,
    pub(super) root: Pid,
}

impl Started {
    pub(super) fn start(scale: f64) -> Result<Self> {
        let mut servers = Vec::new();
        for (component, engine) in SERVERS {
            match DatabaseServer::start(engine)? {
                Ok(server) => servers.push((component, server)),
                Err(how) => bail!("{component} needs a real {}: {how}", engine.name()),
            }
        }
        let databases = servers
            .iter()
            .map(|(component, server)| Ok((*component, server.create(component)?)))
            .collect::<Result<Vec<_>>>()?;
        let databases = Databases::of(databases)?;
        let site = Site::by(&distribution::program()?, &databases, "load")?;
        up::forward_signals(site.process())?;
        let url = |component| {
            let found = databases.of.iter().find(|(name, _)| *name == component);
            found.map(|(_, database)| database.owner_url.clone()).unwrap_or_default()
        };
        seed::run(&seed::Options {
            board: url("board"),
            review: url("review"),
            // The sample hospitals are there.
            force: true,
            ..seed::Options::new(scale)
        })
        .context("filling the databases")?;
        Ok(Self { site, servers })
    }

    pub(super) fn base(&self) -> &str {
        self.site.base()
    }

    pub(super) fn processes(&self) -> Vec<Process> {
        let host = self.site.process().map(|root| ("runtime-shim".to_owned(), root));
        let servers = self.servers.iter().filter_map(|(component, server)| {
            Some((format!("{} ({component})", server.engine().name()), server.process()?))
        });
        host.into_iter().chain(servers).map(|(name, root)| Process { name, root }).collect()
    }

    pub(super) fn stop(self) -> Result<()> {
        self.site.stop()
    }
}
