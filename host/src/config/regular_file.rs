//! Files that settings name and that are read whole: the settings themselves, secrets and the logo. Others than regular files are
//! refused: a pipe that nobody writes into would be waited for without end, and what comes by one can be read only once, while
//! the settings are read by each command anew.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// A regular file, to be read.
///
/// # Errors
/// What the system said, or [`io::ErrorKind::InvalidInput`] where it is none.
pub fn open(path: &Path) -> io::Result<File> {
    // A pipe is opened at once, to be looked at.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        let message = "isn't a regular file; a folder, a pipe or a device is not read";
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }
}

/// What a regular file of at most so many bytes holds.
///
/// # Errors
/// Returns what is wrong with the file, in a sentence that begins with its path.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidInput => format!("{} {error}", path.display()),
        _ => format!("{} cannot be read: {error}", path.display()),
    };
    let file = open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        let most = if most < 1 << 20 { format!("{} KB", most >> 10) } else { format!("{} MB", most >> 20) };
        return Err(format!("{} is larger than {most}", path.display()));
    }
    Ok(bytes)
}

/// The mode of a file that every account of this machine can read or change; none where that needs more, be it only the right to
/// get into its folder.
pub(super) fn mode_open_to_all(path: &Path) -> Option<u32> {
    let mode = |path: &Path| Some(fs::metadata(path).ok()?.permissions().mode() & 0o777);
    let path = path.canonicalize().ok()?;
    let is_reached = path.ancestors().skip(1).all(|folder| mode(folder).is_some_and(|mode| mode & 0o001 != 0));
    mode(&path).filter(|mode| mode & 0o006 != 0 && is_reached)
}

#[cfg(test)]
pub(super) mod tests {
    use std::ffi::CString;
    use std::fs::Permissions;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    /// Makes a pipe that nobody writes into.
    #[expect(unsafe_code, reason = "the system's call has no safe interface here")]
    pub fn make_pipe(path: &Path) {
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: `name` ends with a zero byte and lives until the call is over.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        make_pipe(&pipe);
        for path in [pipe.as_path(), folder.path(), Path::new("/dev/zero"), Path::new("/dev/null")] {
            let why = read(path, 10).unwrap_err();
            assert!(why.starts_with(&path.display().to_string()) && why.contains("isn't a regular file"), "{why}");
        }
        let missing = folder.path().join("missing");
        assert!(read(&missing, 10).unwrap_err().contains("missing cannot be read: No such file"));
    }

    #[test]
    fn a_file_is_read_up_to_the_size_that_it_may_have() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("secret"), folder.path().join("link"));
        fs::write(&path, [b'a'; 2 << 10]).unwrap();
        // Secrets of containers are links.
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link, 2 << 10).unwrap().len(), 2 << 10);
        assert!(read(&path, 1 << 10).unwrap_err().ends_with("is larger than 1 KB"));
    }

    #[test]
    fn a_file_is_open_to_all_only_where_all_can_get_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "s3cret").unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        for (mode, folders, expected) in [
            (0o644, 0o755, Some(0o644)),
            (0o602, 0o711, Some(0o602)),
            (0o644, 0o700, None),
            (0o640, 0o755, None),
            (0o600, 0o755, None),
        ] {
            set(&path, mode);
            set(folder.path(), folders);
            assert_eq!(mode_open_to_all(&path), expected, "{mode:o} in a folder of {folders:o}");
        }
    }
}
