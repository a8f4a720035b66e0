//! The reason why the host does not serve, or not any more.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::app::NotTakenUp;

/// The reason why the host does not serve, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program listens at the address.
    #[error("{address} is in use by another program; choose another with {setting}")]
    InUse {
        /// The address.
        address: SocketAddr,
        /// The setting that names the address.
        setting: String,
    },
    /// The system refuses to listen there.
    #[error("{address} cannot be listened on; choose another with {setting}")]
    NotListening {
        /// The address.
        address: SocketAddr,
        /// The setting that names the address.
        setting: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The work that earlier processes left cannot be taken up.
    #[error(transparent)]
    NotTakenUp(#[from] NotTakenUp),
    /// The socket for commands cannot be made.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The socket for commands went away, and could not be made again.
    #[error("the socket for commands cannot be used any more")]
    SocketGone,
    /// The store's file failed while the host ran.
    #[error("the store's file failed ({0}); start the host again once the disk is well")]
    StoreFailed(String),
}

/// The reason why the socket for commands cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be made; {cure}", path.display())]
pub struct SocketError {
    /// The path at which it was to be.
    pub path: PathBuf,
    /// The advice: what may help.
    pub cure: &'static str,
    /// The error of the system.
    pub source: io::Error,
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::serve::listen;
    use crate::serve::socket::LocalSocket;

    #[tokio::test]
    async fn an_address_that_is_taken_is_told_from_one_that_is_refused() {
        let taken = listen(([127, 0, 0, 1], 0).into(), "--listen").await.unwrap();
        let address = taken.local_addr().unwrap();
        let error = listen(address, "--listen").await.unwrap_err();
        assert!(matches!(error, ServeError::InUse { .. }));
        assert_eq!(error.to_string(), format!("{address} is in use by another program; choose another with --listen"));
        // An address of nobody's here (RFC 5737).
        let error = listen(([192, 0, 2, 1], 0).into(), "--listen").await.unwrap_err();
        let ServeError::NotListening { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(error.source().is_some());
    }

    #[test]
    fn a_socket_that_cannot_be_made_says_where_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let error = LocalSocket::make(&folder.path().join("gone")).err().unwrap();
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
        assert!(
            error.to_string().ends_with("tidegate.sock cannot be made; see that the host may write to its data folder")
        );
    }
}
