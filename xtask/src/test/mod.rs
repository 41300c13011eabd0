//! Every test this machine can run.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub(crate) struct Options {
    /// Only steps, or files of tests/, whose name contains this
    filter: Option<String>,
}

pub(crate) fn run(_: &Options) -> Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
