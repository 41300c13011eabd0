//! What a cluster is given: `k8s/`, rendered, checked against schemas and policies, and its backups
//! restored on real database servers.

use anyhow::Result;

use super::node::{run_files, unable};
use super::session::Session;
use super::tally::Tally;
use super::{Outcome, Step};
use crate::command;
use tools::Tools;

mod backups;
mod tools;

pub(crate) fn run(session: &mut Session, step: &Step) -> Result<Outcome> {
    if let Some(outcome) = unable()? {
        return Ok(outcome);
    }
    let tools = match Tools::install() {
        Ok(tools) => tools,
        Err(how) => return Ok(Outcome::NotRun(how)),
    };
    if !command::exists("promtool") {
        return Ok(Outcome::NotRun("apt-get install prometheus, for promtool".to_owned()));
    }
    let mut tally = run_files(&session.files(step)?, |suite| {
        suite.env("JINMAEK_KUSTOMIZE", &tools.kustomize);
        suite.env("JINMAEK_KUBECONFORM", &tools.kubeconform);
    })?;
    for (engine, what) in backups::ALL {
        tally += match session.database_server(engine)? {
            Ok(server) => match backups::restored(server) {
                Ok(()) => Tally::success(),
                Err(error) => {
                    eprintln!("✖ {what}: {error:#}");
                    Tally::failure()
                }
            },
            Err(how) => {
                eprintln!("not run: {what}: {how}");
                Tally::skip()
            }
        };
    }
    Ok(Outcome::Ran(tally))
}
