//! Loading open data through the operator's routes.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub(crate) struct Hospitals {
    /// HIRA's file of hospitals (XLSX or CSV)
    pub(crate) file: PathBuf,
    /// The site
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub(crate) base: String,
    /// Name of the source, shown beside the facts
    #[arg(long, default_value = "건강보험심사평가원")]
    pub(crate) source: String,
    /// Date of the source, YYYY-MM-DD
    #[arg(long, default_value = "")]
    pub(crate) date: String,
    /// Take it even if it changes more than 5 % of the hospitals
    #[arg(long)]
    pub(crate) force: bool,
    /// File that holds the operator's token
    #[arg(long, default_value = ".jinmaek/operator-token")]
    pub(crate) token_file: PathBuf,
}

pub(crate) fn hospitals(options: &Hospitals) -> Result<()> {
    eprintln!("The import of {} is not written yet", options.file.display());
    Ok(())
}
