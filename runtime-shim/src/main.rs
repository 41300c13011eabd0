//! `runtime-shim up` serves an application, `runtime-shim migrate` changes its databases' schemas.

use std::env;
use std::process::ExitCode;

use anyhow::Error;
use clap::Parser;
use runtime_shim::config::{Command, CommandLine};
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
    let environment = match host::environment() {
        Ok(environment) => environment,
        Err(error) => return failed(&error),
    };
    host::start_log(command.log_format(), &environment);
    let done = match command {
        Command::Up(mut up) => {
            up.application.compiler = env::current_exe().ok();
            host::serve(*up, environment, || ())
        }
        Command::Migrate(application) => host::migrate(&application, &environment, || ()),
        // The host that started this tries by itself then, and says why it cannot.
        Command::Compile(asked) => {
            return host::compile_stdin(&asked).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
        }
        Command::Limits => {
            limits::print();
            Ok(())
        }
    };
    done.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

fn failed(error: &Error) -> ExitCode {
    eprintln!("error: {}", host::one_line(error));
    ExitCode::FAILURE
}
