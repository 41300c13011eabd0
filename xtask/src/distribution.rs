//! `cargo xtask dist`: the host as it is distributed and measured, optimised over all crates at once
//! and by which of its code is hot (profile-guided optimisation).
//!
//! Which code is hot was measured once and is kept in the repository. It is known by the names of
//! functions, of which versions of Rust and of dependencies and the features of both are part:
//! another host compiles as well, only slower code comes out, until `--train` has measured it.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::{command, image, workspace};

/// From the root, one for each set of features, as `llvm-profdata` wrote it, compressed.
const PROFILES: &str = "runtime-shim/profiles";
/// A host that was built otherwise, to be measured in place of this one.
const PROGRAM: &str = "JINMAEK_DIST";
/// Hot functions stand together, so that fewer pages of code are in use.
const HOT_TOGETHER: &str = "-Clink-arg=-Wl,-z,keep-text-section-prefix";

/// What the host does while it is measured: every import of `bench`, and the visits of people.
const TRAINING: [&[&str]; 2] = [
    &[
        "bench",
        "--alone",
        "--rounds",
        "1",
        "--seconds",
        "4",
        "--chart",
        "target/training/bench.svg",
    ],
    &["load", "--steady", "--minutes", "1"],
];

#[derive(Args)]
pub(crate) struct Options {
    /// A feature of the package runtime-shim; `containerd` also makes the shim of a node
    #[arg(long)]
    features: Vec<String>,
    /// Measure anew which code is hot, and keep it for this and later builds: some 30 minutes more
    #[arg(long)]
    train: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.train {
        train(&options.features)?;
    }
    let program = build(&options.features)?;
    println!("{}", program.parent().unwrap_or(&program).display());
    Ok(())
}

/// The host that is measured, built where that is needed.
pub(crate) fn program() -> Result<PathBuf> {
    let given = env::var_os(PROGRAM).map(|program| fs::canonicalize(program).context(PROGRAM));
    given.unwrap_or_else(|| build(&[]))
}

fn build(features: &[String]) -> Result<PathBuf> {
    let profile = unpack(&profile(features))?;
    if profile.is_none() {
        eprintln!("Nobody has measured yet which code is hot with these features (--train)");
    }
    let hot = profile.map(|profile| format!("-Cprofile-use={}", profile.display()));
    let flags: Vec<_> = hot.into_iter().chain([HOT_TOGETHER.to_owned()]).collect();
    compile(&workspace::path("target"), &flags, features)
}

fn profile(features: &[String]) -> PathBuf {
    let mut name = vec!["host".to_owned()];
    name.extend_from_slice(features);
    workspace::path(PROFILES).join(name.join("-")).with_extension("profdata.gz")
}

fn compile(target: &Path, flags: &[String], features: &[String]) -> Result<PathBuf> {
    let program = target.join("dist/runtime-shim");
    if !program.exists() {
        eprintln!("Compiling the host with wasmtime: about 15 minutes on two cores, once");
    }
    let mut cargo = command::cargo();
    cargo.args(["build", "--profile", "dist", "--package", "runtime-shim", "--target-dir"]);
    cargo.arg(target).env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    for feature in features {
        cargo.args(["--features", feature]);
    }
    command::run(&mut cargo)?;
    Ok(program)
}

/// Named by its content: cargo compiles anew when a path changes, and looks at no profile itself.
fn unpack(packed: &Path) -> Result<Option<PathBuf>> {
    if !packed.exists() {
        return Ok(None);
    }
    let packed = fs::read(packed)?;
    let folder = workspace::path("target/profiles");
    let profile = folder.join(image::hexadecimal(&packed)).with_extension("profdata");
    if !profile.exists() {
        fs::create_dir_all(&folder)?;
        let half = profile.with_extension("new");
        std::io::copy(&mut GzDecoder::new(&packed[..]), &mut File::create(&half)?)?;
        fs::rename(&half, &profile)?;
    }
    Ok(Some(profile))
}

fn train(features: &[String]) -> Result<()> {
    let profdata = llvm_profdata()?;
    let folder = workspace::path("target/training");
    let counts = folder.join("counts");
    let flags = [format!("-Cprofile-generate={}", counts.display())];
    let counting = compile(&folder, &flags, features)?;
    // What ran while it was compiled has counted too: build scripts and macros.
    if counts.exists() {
        fs::remove_dir_all(&counts)?;
    }
    for work in TRAINING {
        command::run(Command::new(env::current_exe()?).args(work).env(PROGRAM, &counting))?;
    }
    let merged = folder.join("merged.profdata");
    let mut merge = Command::new(profdata);
    command::run(merge.args(["merge", "--sparse"]).arg(&counts).arg("--output").arg(&merged))?;
    fs::create_dir_all(workspace::path(PROFILES))?;
    let packed = folder.join("merged.profdata.gz");
    let mut encoder = GzEncoder::new(File::create(&packed)?, Compression::best());
    std::io::copy(&mut File::open(merged)?, &mut encoder)?;
    encoder.finish()?;
    fs::rename(packed, profile(features))?;
    Ok(())
}

/// That of the compiler itself: another one may not read what it counts.
fn llvm_profdata() -> Result<PathBuf> {
    let libraries = command::output(Command::new("rustc").args(["--print", "target-libdir"]));
    let libraries = PathBuf::from(libraries.context("there is no rustc")?);
    let program = libraries.with_file_name("bin").join("llvm-profdata");
    program.exists().then_some(program).context("rustup component add llvm-tools")
}
