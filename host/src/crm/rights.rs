//! The rights of what is written for others to fetch.
//!
//! The host keeps all that it makes for its own user alone. The outbound folder is the one thing that another user has to
//! read, the CRM's system: it gets the rights that the umask gives with which the host was started.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// The umask with which the process was started: the system knows one number a process, which is the host's own by now.
static UMASK: AtomicU32 = AtomicU32::new(0o077);

/// Gives what is written from here on the rights of this umask.
pub fn give_by(umask: u32) {
    UMASK.store(umask & 0o777, Ordering::Relaxed);
}

/// Gives a folder its rights; where a link has taken its place, nothing gets any.
///
/// # Errors
/// Returns an error if the system refuses, or there is no such folder.
pub fn of_folder(path: &Path) -> io::Result<()> {
    let folder = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_DIRECTORY).open(path)?;
    give(&folder, 0o777)
}

/// Gives an open file its rights.
///
/// # Errors
/// Returns an error if the system refuses.
pub fn of_file(file: &File) -> io::Result<()> {
    give(file, 0o666)
}

fn give(file: &File, all: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(all & !UMASK.load(Ordering::Relaxed)))
}
