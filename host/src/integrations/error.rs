//! Why connections are not as somebody wanted them.

use std::path::PathBuf;

use crate::crm::SiteUnusable;
use crate::crm::oauth::OAuthError;
use crate::crm::spec::FieldError;
use crate::domain::{ConnectionName, RevisionDigest, RevisionId};
use crate::pack::PackError;
use crate::queue::NotDone;
use crate::store::StoreError;

/// Why connections are not as somebody wanted them. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum IntegrationError {
    /// There is none of this name.
    #[error("there is no connection `{0}`")]
    Unknown(ConnectionName),
    /// It is in the settings file.
    #[error("the connection `{0}` is in the settings file; change it there and start the host again")]
    InFile(ConnectionName),
    /// What was given does not fit.
    #[error("{}", in_words(.0))]
    Invalid(Vec<FieldError>),
    /// Its state does not allow it.
    #[error("{0}")]
    WrongState(String),
    /// Its site cannot be asked to authorise it.
    #[error("Nobody can be sent to {site}: {source}. Check the forward host, or try again later.")]
    NobodyThere {
        /// The site's host.
        site: String,
        /// What happened.
        source: OAuthError,
    },
    /// The host's own address is none that a site could send people back to.
    #[error("{0}")]
    NoRequest(#[source] OAuthError),
    /// It cannot be put to work.
    #[error(transparent)]
    NotAtWork(#[from] ConnectError),
    /// What is in its pack's folder cannot be put in force.
    #[error("nothing was changed: {0}")]
    NothingChanged(#[source] ConnectError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a connection cannot be put to work.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// What is kept of it cannot be used, or not any more.
    #[error("{}", in_words(.0))]
    Unusable(Vec<FieldError>),
    /// Its pack cannot be loaded.
    #[error(transparent)]
    Pack(#[from] PackUnavailable),
    /// Others wait for packs to be loaded, or the host failed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// Its pack cannot be told from another.
    #[error(
        "the pack's revision {digest} begins like another that was in force here, {id}, and clients could not tell the two \
         apart; change anything in its rules"
    )]
    RevisionLikeAnother {
        /// The whole digest.
        digest: RevisionDigest,
        /// What rows have of it.
        id: RevisionId,
    },
    /// Nothing can be made of it that speaks to its site.
    #[error(transparent)]
    Site(#[from] SiteUnusable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why there is no pack for a connection.
#[derive(Debug, thiserror::Error)]
pub enum PackUnavailable {
    /// There is no folder of its name.
    #[error("there is no pack `{pack}` in {}; `tidegate pack list` shows the packs there", packs_dir.display())]
    NoFolder {
        /// The pack's name.
        pack: String,
        /// Where packs are.
        packs_dir: PathBuf,
    },
    /// It reads another CRM than the connection's.
    #[error("the pack `{pack}` reads the CRM `{reads}`, and this connection's is `{wanted}`; choose another pack")]
    OfAnotherCrm {
        /// The pack's name.
        pack: String,
        /// The CRM that it reads.
        reads: String,
        /// The connection's.
        wanted: &'static str,
    },
    /// It does not load.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// A connection of the settings file that cannot be put to work, so that the host does not start.
#[derive(Debug, thiserror::Error)]
#[error("the connection `{connection}`")]
pub struct NotOpened {
    /// Its name.
    pub connection: ConnectionName,
    /// Why.
    pub source: ConnectError,
}

fn in_words(errors: &[FieldError]) -> String {
    errors.iter().map(FieldError::message).collect::<Vec<_>>().join("; ")
}
