//! The operator's token of a site on this machine.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// 256 bits: nobody guesses it.
const BYTES: usize = 32;

/// Where the token of the site that keeps its state in `folder` is.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("operator-token")
}

/// The token of that site, made at random the first time. Only this user can read it.
pub(crate) fn load_or_create(folder: &Path) -> Result<String> {
    let file = file(folder);
    if let Ok(token) = fs::read_to_string(&file) {
        return Ok(token.trim().to_owned());
    }
    create(&file).with_context(|| format!("cannot write {}", file.display()))
}

/// A secret that nobody has, in hexadecimal.
pub(crate) fn random() -> Result<String> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn create(file: &Path) -> Result<String> {
    let token = random()?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)?
        .write_all(token.as_bytes())?;
    Ok(token)
}
