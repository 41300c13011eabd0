//! `runtime-shim up` serves an application, `runtime-shim migrate` changes its databases' schemas.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{self, ExitCode};

use clap::Parser;
use runtime_shim::config::{Command, CommandLine, Environment, Up};
use runtime_shim::host::Ended;
use runtime_shim::{host, limits, spin_flags};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Is set in a process that was started again.
const STARTED_AGAIN: &str = "RUNTIME_SHIM_STARTED_AGAIN";

fn main() -> ExitCode {
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(error) => {
            let Some(said) = spin_flags::explained(&error) else { error.exit() };
            eprintln!("error: {said}");
            return ExitCode::FAILURE;
        }
    };
    let environment = host::environment_of_the_process();
    host::start_log(command.log_format(), &environment);
    let done = match command {
        Command::Up(up) => serve(*up, environment),
        Command::Migrate(application) => host::migrate(&application, &environment, || ()),
        Command::Limits => {
            limits::print();
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", host::one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// A compiler's memory, some 40 MiB, would stay with the allocator for as long as the process
/// serves. So it begins anew with what is compiled now; where that fails, it serves with it.
fn serve(up: Up, environment: Environment) -> anyhow::Result<()> {
    let again = env::var_os(STARTED_AGAIN).is_none();
    if let Ended::Compiled = host::serve(up.clone(), environment.clone(), again, || ())? {
        let program = env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
        let mut program = process::Command::new(program);
        let error = program.args(env::args_os().skip(1)).env(STARTED_AGAIN, "1").exec();
        tracing::debug!("not started again: {error}");
        host::serve(up, environment, false, || ())?;
    }
    Ok(())
}
