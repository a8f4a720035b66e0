//! The rights of what is written for others to fetch.
//!
//! The host keeps all that it makes for its own user alone. The outbound folder is the one thing that another user has to
//! read, the CRM's system: it gets the rights that the umask gives with which the host was started.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// The umask with which the process was started: the system knows one number a process, which is the host's own by now.
static UMASK: AtomicU32 = AtomicU32::new(0o077);

/// Gives what is written from here on the rights of this umask.
pub fn give_by(umask: u32) {
    UMASK.store(umask & 0o777, Ordering::Relaxed);
}

/// Gives a folder its rights.
///
/// # Errors
/// Returns an error if the system refuses.
pub fn of_folder(path: &Path) -> io::Result<()> {
    set(path, 0o777)
}

/// Gives a file its rights.
///
/// # Errors
/// Returns an error if the system refuses.
pub fn of_file(path: &Path) -> io::Result<()> {
    set(path, 0o666)
}

fn set(path: &Path, all: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(all & !UMASK.load(Ordering::Relaxed)))
}
