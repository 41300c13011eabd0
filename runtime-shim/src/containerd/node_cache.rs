//! Compiled components that the pods of a node share, so that one of them compiles and the others start
//! at once.
//!
//! They lie outside of every container. Their folder is opened before containers are forked from this
//! process, and closed in each before a guest runs: no guest is ever in a process that has a way out.
//! Below it each user has a folder that nobody else can write (see `engine::Cache`): what is executed
//! was compiled by this host, for the same user, from a component with the same hash.

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::sync::{Mutex, PoisonError};

const FOLDER: &str = "/var/lib/jinmaek/compiled";
/// Every user makes a folder and nobody removes that of another, as in `/tmp`.
const MODE: u32 = 0o1777;

static OPENED: Mutex<Option<File>> = Mutex::new(None);

/// Where that fails, on a node whose disk cannot be written to, every pod compiles for itself.
pub(crate) fn open() {
    *OPENED.lock().unwrap_or_else(PoisonError::into_inner) = made().ok();
}

fn made() -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o755).create(FOLDER)?;
    let folder = File::open(FOLDER)?;
    folder.set_permissions(Permissions::from_mode(MODE))?;
    Ok(folder)
}

/// The folder of this process's user, as a path that leads there from inside a container.
pub(crate) fn of_this_user() -> Option<String> {
    let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = opened.as_ref()?.as_raw_fd();
    Some(format!("/proc/self/fd/{folder}/{}", rustix::process::geteuid().as_raw()))
}

pub(crate) fn close() {
    *OPENED.lock().unwrap_or_else(PoisonError::into_inner) = None;
}
