//! Compiled components that the pods of a node share, so that one of them compiles and the others start
//! at once.
//!
//! They lie outside of every container. Their folder is opened before containers are forked from this
//! process, and closed in each before a guest runs. What is open is a mount of that folder alone
//! (open_tree(2), Linux 5.2): nothing is above its root, so no path of an image leads from it to the node.
//! Below it each user has a folder that nobody else can write (see `engine::Cache`): what is executed
//! was compiled by this host, for the same user, from a component with the same hash.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

use parking_lot::Mutex;
use rustix::fs::CWD;
use rustix::mount::{OpenTreeFlags, open_tree};

const FOLDER: &str = "/var/lib/jinmaek/compiled";
/// Every user makes a folder and nobody removes that of another, as in `/tmp`.
const MODE: u32 = 0o1777;

static OPENED: Mutex<Option<OwnedFd>> = Mutex::new(None);

/// Where that fails, on a node whose disk cannot be written to or whose kernel is older, every pod
/// compiles for itself.
pub(crate) fn open() {
    *OPENED.lock() = made().ok();
}

fn made() -> io::Result<OwnedFd> {
    DirBuilder::new().recursive(true).mode(0o755).create(FOLDER)?;
    fs::set_permissions(FOLDER, Permissions::from_mode(MODE))?;
    let alone = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    Ok(open_tree(CWD, FOLDER, alone)?)
}

/// The folder of this process's user, as a path that leads there from inside a container.
pub(crate) fn of_this_user() -> Option<String> {
    let opened = OPENED.lock();
    let folder = opened.as_ref()?.as_raw_fd();
    Some(format!("/proc/self/fd/{folder}/{}", rustix::process::geteuid().as_raw()))
}

pub(crate) fn close() {
    *OPENED.lock() = None;
}
