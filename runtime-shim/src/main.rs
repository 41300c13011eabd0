//! `runtime-shim up` serves an application, `runtime-shim migrate` changes its databases' schemas.

use std::env;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use runtime_shim::config::{Command, CommandLine, Environment};
use runtime_shim::{host, limits, spin_flags};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(error) => {
            let Some(said) = spin_flags::explained(&error) else { error.exit() };
            eprintln!("error: {said}");
            return ExitCode::FAILURE;
        }
    };
    if let Command::Compile(asked) = &command {
        // The host that started this tries by itself then, and says why it cannot.
        return host::compile_stdin(asked).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    match host::environment().and_then(|environment| run(command, environment)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", host::one_line(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, environment: Environment) -> Result<()> {
    host::start_log(command.log_format(), &environment);
    match command {
        Command::Up(mut up) => {
            up.application.compiler = env::current_exe().ok();
            host::serve(*up, environment, || ())
        }
        Command::Migrate(application) => host::migrate(&application, &environment, || ()),
        Command::Compile(asked) => host::compile_stdin(&asked),
        Command::Limits => {
            limits::print();
            Ok(())
        }
    }
}
