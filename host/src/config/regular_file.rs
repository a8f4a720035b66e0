//! Files that settings name and that are read whole: the settings themselves, secrets and the logo. Others than regular files are
//! refused: a pipe that nobody writes into would be waited for without end, and what comes by one can be read only once, while
//! the settings are read by each command anew.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

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

/// A warning about a file with a secret that every account of this machine can read or change, which `named` names; none where
/// it is closed to others, or where whoever runs the container hands it in.
pub fn open_to_others(named: &str, path: &Path) -> Option<String> {
    let mode = mode_open_to_all(path)?;
    let mounts = fs::read_to_string(MOUNTS).unwrap_or_default();
    let is_handed_in = path.canonicalize().is_ok_and(|path| is_handed_in(&path, &mounts));
    let path = path.display();
    (!is_handed_in).then(|| {
        format!("{named}: {path} is open to others on this machine (mode {mode:o}); close it with `chmod 600`")
    })
}

/// The mode of a file that every account of this machine can read or change; none where that needs more, be it only the right to
/// get into its folder.
fn mode_open_to_all(path: &Path) -> Option<u32> {
    let mode = |path: &Path| Some(fs::metadata(path).ok()?.permissions().mode() & 0o777);
    let path = path.canonicalize().ok()?;
    let is_reached = path.ancestors().skip(1).all(|folder| mode(folder).is_some_and(|mode| mode & 0o001 != 0));
    mode(&path).filter(|mode| mode & 0o006 != 0 && is_reached)
}

/// Where the system lists what is mounted, as this process sees it (proc_pid_mountinfo(5)).
const MOUNTS: &str = "/proc/self/mountinfo";

/// The folder into which engines of containers mount secrets, all of them or one by one.
const SECRETS: &str = "/run/secrets";

/// Whether a file lies on a mount by which engines hand secrets into a container: memory that cannot be written, as of
/// Kubernetes and Swarm, or something of its own under [`SECRETS`], as of Compose and Podman. Its mode is not for anybody in the
/// container to change, and nobody but the program is there. A plain folder of that name is no mount, and is looked at.
fn is_handed_in(path: &Path, mounts: &str) -> bool {
    let fields = |line: &str| {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(4);
        let (point, options) = (unescaped(mount.next()?), mount.next()?);
        let is_read_only = options.split(',').any(|option| option == "ro");
        let is_memory = matches!(system.split(' ').next(), Some("tmpfs" | "ramfs"));
        Some((point, is_read_only && is_memory))
    };
    // The last one hides those before it at the same place.
    let own = mounts.lines().filter_map(fields).filter(|(point, _)| path.starts_with(point));
    let own = own.max_by_key(|(point, _)| point.components().count());
    own.is_some_and(|(point, is_closed_memory)| is_closed_memory || point.starts_with(SECRETS))
}

/// A path of that list, in which blanks, tabs, line ends and backslashes are octal numbers.
fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let number = more.get(..3).filter(|_| *first == b'\\').and_then(|digits| str::from_utf8(digits).ok());
        match number.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[3..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
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

    /// Kubernetes', Swarm's, Compose's and Podman's, beside folders of an image, of a machine and of a service.
    #[test]
    fn what_a_container_is_handed_is_told_from_what_lies_on_its_disk() {
        let mounts = "\
            2201 2050 0:312 / / rw,relatime - overlay overlay rw,lowerdir=/l\n\
            2202 2201 0:315 / /run rw,nosuid - tmpfs tmpfs rw,mode=755\n\
            2310 2201 0:290 / /etc/tidegate/my\\040secrets ro,relatime - tmpfs tmpfs rw,size=8192k\n\
            2311 2202 0:291 / /run/secrets ro,relatime shared:7 - tmpfs tmpfs rw\n\
            2312 2202 8:1 /srv/crm-password /run/secrets/crm-password rw,relatime - ext4 /dev/sda1 rw\n\
            2313 2201 8:1 /srv/settings /etc/tidegate ro,relatime - ext4 /dev/sda1 rw\n\
            2314 2201 0:292 / /scratch rw,relatime - tmpfs tmpfs rw\n";
        for (path, expected) in [
            ("/etc/tidegate/my secrets/..2026_03/key", true),
            ("/run/secrets/key", true),
            ("/run/secrets/crm-password", true),
            ("/etc/tidegate/key", false),
            ("/scratch/key", false),
            ("/run/secrets-of-others/key", false),
            ("/data/key", false),
        ] {
            assert_eq!(is_handed_in(Path::new(path), mounts), expected, "{path}");
        }
        // A machine's own folder of that name, and a list that cannot be read.
        let machine = "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n25 24 0:22 / /run rw - tmpfs tmpfs rw\n";
        for mounts in [machine, "", "odd\n - \n"] {
            assert!(!is_handed_in(Path::new("/run/secrets/key"), mounts), "{mounts}");
        }
    }

    #[test]
    fn a_warning_names_what_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "s3cret").unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        set(folder.path(), 0o755);
        set(&path, 0o600);
        assert_eq!(open_to_others("--key-file", &path), None);
        set(&path, 0o644);
        let warning = open_to_others("--key-file", &path).unwrap();
        assert!(warning.starts_with("--key-file: /") && warning.contains("mode 644"), "{warning}");
    }
}
