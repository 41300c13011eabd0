//! The compiler for wasm32-wasip2: rustup's, or Debian's where rustup cannot have the target.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, workspace};

pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Set to `debian` to try Debian's compiler on a machine that has rustup's target as well.
const CHOICE: &str = "JINMAEK_WASM_TOOLCHAIN";

const EXPLANATION: &str = "\
the compiler's target wasm32-wasip2 is missing, and this machine offers neither way to it:
  with rustup:  rustup target add wasm32-wasip2
  on Debian:    apt-get install rustc-web cargo-web rust-web-src wasi-libc lld
                (beside a rustup toolchain, whose linkers rust-lld and wasm-component-ld it uses)";

pub(crate) enum Toolchain {
    Rustup,
    /// Debian ships no compiled standard library for the target, so cargo compiles that too.
    Debian {
        linkers: PathBuf,
    },
}

impl Toolchain {
    /// Finds a compiler, adding rustup's target where that is all that is missing.
    pub(crate) fn find() -> Result<Self> {
        if env::var_os(CHOICE).is_some_and(|choice| choice == "debian") {
            return debian().context("Debian's compiler was asked for");
        }
        if has_target() || add_target() {
            return Ok(Self::Rustup);
        }
        debian().context(EXPLANATION)
    }

    /// `cargo build` for the target; packages and profile are the caller's.
    pub(crate) fn cargo_build(&self) -> Result<Command> {
        let mut cargo = match self {
            Self::Rustup => command::cargo(),
            Self::Debian { linkers } => debian_cargo(linkers)?,
        };
        cargo.args(["build", "--target", TARGET]);
        if matches!(self, Self::Debian { .. }) {
            cargo.arg("-Zbuild-std=std,panic_abort");
        }
        Ok(cargo)
    }
}

fn has_target() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    command::output(&mut rustc).is_some_and(|folder| Path::new(&folder).is_dir())
}

fn add_target() -> bool {
    if !command::exists("rustup") {
        return false;
    }
    eprintln!("Adding the compiler's target {TARGET} (once)");
    let added = command::run(Command::new("rustup").args(["target", "add", TARGET])).is_ok();
    added && has_target()
}

fn debian() -> Result<Toolchain> {
    let needed = ["/usr/bin/rustc", "/usr/bin/cargo", "/usr/lib/wasm32-wasi/libc.a"];
    for file in needed {
        if !Path::new(file).exists() {
            bail!("{file} is not there");
        }
    }
    let linkers = linkers().context("no rustup toolchain here has wasm-component-ld")?;
    Ok(Toolchain::Debian { linkers })
}

/// The folder of a rustup toolchain that holds rust-lld and wasm-component-ld.
fn linkers() -> Option<PathBuf> {
    let sysroot = command::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let target = format!("{}-unknown-linux-gnu/bin", env::consts::ARCH);
    let folder = Path::new(&sysroot).join("lib/rustlib").join(target);
    folder.join("wasm-component-ld").exists().then_some(folder)
}

fn debian_cargo(linkers: &Path) -> Result<Command> {
    let mut folders = vec![linkers.to_owned(), linkers.join("gcc-ld")];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let path: OsString = env::join_paths(folders)?;
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo
        .current_dir(workspace::root())
        .env("PATH", path)
        .env("RUSTC", "/usr/bin/rustc")
        // -Zbuild-std is offered to nightly compilers only; this lets a stable one take it.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Clink-self-contained=no -L/usr/lib/wasm32-wasi")
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN");
    Ok(cargo)
}
