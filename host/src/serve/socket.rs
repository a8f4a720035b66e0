//! The socket in the data folder, for commands of the same user on the same machine.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, io};

use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use super::error::SocketError;
use super::server::Server;

/// The interval at which it is looked whether the socket is still in its place: commands find no host where somebody
/// removed it.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The longest address of a socket, in bytes.
const LONGEST_ADDRESS: usize = 107;

/// The socket at which commands on this machine reach the host. One whose whole path is too long for the system is named from the
/// folder that the process is in, where it lies below that.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    let whole = data_dir.join("tidegate.sock");
    if whole.as_os_str().len() <= LONGEST_ADDRESS {
        return whole;
    }
    let from_here = env::current_dir().ok().and_then(|here| whole.strip_prefix(here).ok().map(Path::to_owned));
    from_here.unwrap_or(whole)
}

/// Refuses a data folder in which no socket can be made, before anything else is made in it.
///
/// # Errors
/// Names the path that is too long.
pub fn refuse_long(data_dir: &Path) -> Result<(), SocketError> {
    let path = socket_path(data_dir);
    if path.as_os_str().len() <= LONGEST_ADDRESS {
        return Ok(());
    }
    let why = format!("the system takes {LONGEST_ADDRESS} bytes at most, and this has {}", path.as_os_str().len());
    Err(SocketError { path, cure: SHORTER, source: io::Error::new(io::ErrorKind::InvalidInput, why) })
}

/// The advice where the path is too long.
const SHORTER: &str = "name a shorter data-dir, or start from a folder nearer to it";

/// The socket.
pub(super) struct LocalSocket {
    path: PathBuf,
    /// The listener; none once the socket was found removed.
    listener: tokio::sync::Mutex<Option<UnixListener>>,
}

impl LocalSocket {
    /// Makes it.
    ///
    /// # Errors
    /// Returns an error if the system refuses, with what to do.
    pub fn make(data_dir: &Path) -> Result<Self, SocketError> {
        let path = socket_path(data_dir);
        let listener = tokio::sync::Mutex::new(Some(listen(&path)?));
        Ok(Self { path, listener })
    }

    /// Serves who connects, until shut down. A socket that was removed is made again.
    pub async fn serve(&self, server: &Arc<Server>, shutdown: &CancellationToken) {
        let mut kept = self.listener.lock().await;
        while !shutdown.is_cancelled() {
            let listener = match kept.take().map_or_else(|| listen(&self.path), Ok) {
                Ok(listener) => kept.insert(listener),
                Err(error) => return tracing::error!(%error, cause = %error.source, "commands do not reach the host"),
            };
            let made = inode(&self.path);
            let mut looks = tokio::time::interval(LOOK_EVERY);
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = server.take_local(listener) => {}
                    _ = looks.tick() => if made.is_none() || inode(&self.path) != made {
                        tracing::warn!("the socket for commands was removed; it is made again");
                        break;
                    }
                }
            }
            *kept = None;
        }
    }

    /// Removes it.
    pub fn remove(&self) {
        drop(fs::remove_file(&self.path));
    }
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|found| found.ino())
}

/// The store's lock says that no other host is alive, so that a socket found here is left over.
fn listen(path: &Path) -> Result<UnixListener, SocketError> {
    let not_made = |source: io::Error| {
        let cure = match source.kind() {
            // What the system calls an address that is too long.
            io::ErrorKind::InvalidInput => SHORTER,
            _ => "see that the host may write to its data folder",
        };
        SocketError { path: path.to_owned(), cure, source }
    };
    drop(fs::remove_file(path));
    let listener = UnixListener::bind(path).map_err(not_made)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(not_made)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use tokio::net::UnixStream;

    use super::*;

    #[test]
    fn a_path_that_is_too_long_is_named_from_the_folder_of_the_process() {
        let here = env::current_dir().unwrap();
        let deep = "d".repeat(120);
        let refused = refuse_long(&Path::new("/elsewhere").join(&deep)).unwrap_err();
        assert!(refused.to_string().contains("shorter data-dir") && refused.source.to_string().contains("107 bytes"));
        assert!(refuse_long(&here.join("data")).is_ok());
        assert_eq!(socket_path(&here.join(&deep)), Path::new(&deep).join("tidegate.sock"));
        assert_eq!(socket_path(Path::new("/data")), Path::new("/data/tidegate.sock"));
        let elsewhere = Path::new("/elsewhere").join(&deep);
        assert_eq!(socket_path(&elsewhere), elsewhere.join("tidegate.sock"), "bind says that it is too long");
    }

    #[tokio::test]
    async fn a_socket_that_was_removed_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let socket = LocalSocket::make(folder.path()).unwrap();
        let path = socket_path(folder.path());
        let shutdown = CancellationToken::new();
        let server = Server::new(Router::new(), Vec::new(), shutdown.clone());
        let until = shutdown.clone();
        let serving = tokio::spawn(async move { socket.serve(&server, &until).await });
        UnixStream::connect(&path).await.unwrap();
        fs::remove_file(&path).unwrap();
        let again = async {
            while UnixStream::connect(&path).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(LOOK_EVERY * 3, again).await.expect("commands reach the host again");
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        shutdown.cancel();
        serving.await.unwrap();
    }
}
