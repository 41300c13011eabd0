//! Every developer command: `cargo xtask …`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bench;
mod chart;
mod command;
mod components;
mod database_server;
mod distribution;
mod e2e;
mod image;
mod import;
mod lighthouse;
mod load;
mod process;
mod scripts;
mod seed;
mod server;
mod test;
mod token;
mod toolchain;
mod top;
#[cfg(test)]
mod tree;
mod up;
mod verify_export;
mod workspace;

/// Jinmaek's developer commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Build what is stale and serve the site with sample hospitals
    Up(up::Options),
    /// Compile components to target/components/NAME.wasm
    Build(components::Options),
    /// Compile the host as it is distributed, to target/dist/
    Dist(distribution::Options),
    /// Run every test that this machine can run, and say what it could not
    Test(test::Options),
    /// Compare our host with a native program and with the real Spin
    Bench(bench::Options),
    /// Let three hundred people visit the site at once, and then more, until it is full
    Load(load::Options),
    /// Measure pages with Lighthouse, as on a phone and on a desktop
    Lighthouse(lighthouse::Options),
    /// Show in the terminal what hosts tell at /metrics: CPU, memory, requests, response time
    Top(top::Options),
    /// Write the application as a container image, and push it
    Image(image::Options),
    /// Show on a cluster what k8s/ promises, and keep what was seen
    E2e(e2e::Options),
    /// Load open data into a running site
    #[command(subcommand)]
    Import(Import),
    /// Fill the databases of board and review with synthetic data
    Seed(seed::Options),
    /// Check a file of the public export offline: both logs, every signature
    VerifyExport(verify_export::Options),
}

#[derive(Subcommand)]
enum Import {
    /// Hospitals from HIRA's file (XLSX, or CSV in UTF-8 or cp949)
    Hospitals(import::Hospitals),
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Up(options) => up::run(options),
        Command::Build(options) => components::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Dist(options) => distribution::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Load(options) => load::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Lighthouse(options) => lighthouse::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Top(options) => top::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Image(options) => image::run(&options).map(|()| ExitCode::SUCCESS),
        Command::E2e(options) => e2e::run(&options),
        Command::Import(Import::Hospitals(options)) => {
            import::hospitals(&options).map(|()| ExitCode::SUCCESS)
        }
        Command::Seed(options) => seed::run(&options).map(|()| ExitCode::SUCCESS),
        Command::VerifyExport(options) => verify_export::run(&options).map(|()| ExitCode::SUCCESS),
    }
}
