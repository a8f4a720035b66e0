//! Errors of connections that cannot be changed or put to work as somebody wanted.

use std::path::PathBuf;

use crate::crm::SiteUnusable;
use crate::crm::oauth::OAuthError;
use crate::crm::parse::FieldError;
use crate::domain::{ConnectionName, RevisionDigest, RevisionId};
use crate::pack::PackError;
use crate::queue::NotDone;
use crate::store::StoreError;

/// The reason why a change of a connection was not made. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum IntegrationError {
    /// No connection has this name.
    #[error("there is no connection `{0}`")]
    Unknown(ConnectionName),
    /// The connection is in the settings file, where alone it is changed.
    #[error("the connection `{0}` is in the settings file; change it there and start the host again")]
    InFile(ConnectionName),
    /// Some of what was given does not fit.
    #[error("{}", in_words(.0))]
    Invalid(Vec<FieldError>),
    /// The connection's state does not allow it.
    #[error("{0}")]
    WrongState(String),
    /// The revision has no such file, or none that is edited.
    #[error("the revision has no file `{0}` that is edited here")]
    NoFile(String),
    /// The draft is not kept any more.
    #[error("this draft is not kept any more: it was staged or given up, or is older than two weeks")]
    NoDraft,
    /// The site cannot be reached to authorise the connection.
    #[error("Nobody can be sent to {site}: {source}. Check the forward host, or try again later.")]
    NobodyThere {
        /// The site's host.
        site: String,
        /// The error of asking the site.
        source: OAuthError,
    },
    /// The host's own address is none that a site could send people back to.
    #[error("{0}")]
    NoRequest(#[source] OAuthError),
    /// The connection cannot be put to work.
    #[error(transparent)]
    NotAtWork(#[from] ConnectError),
    /// The content of the pack's folder cannot be put in force.
    #[error("nothing was changed: {0}")]
    NothingChanged(#[source] ConnectError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The reason why a connection cannot be put to work.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kept values of the connection cannot be used, or not any more.
    #[error("{}", in_words(.0))]
    Unusable(Vec<FieldError>),
    /// The connection's pack cannot be loaded.
    #[error(transparent)]
    Pack(#[from] PackUnavailable),
    /// The queue of packs to be loaded is full, or the host failed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// The pack's revision cannot be told from another.
    #[error(
        "the pack's revision {digest} begins like another that was in force here, {id}, and clients could not tell the two \
         apart; change anything in its rules"
    )]
    RevisionLikeAnother {
        /// The whole digest.
        digest: RevisionDigest,
        /// The short form of the revision that rows have.
        id: RevisionId,
    },
    /// Nothing can be made of it that speaks to its site.
    #[error(transparent)]
    Site(#[from] SiteUnusable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The reason why there is no pack for a connection.
#[derive(Debug, thiserror::Error)]
pub enum PackUnavailable {
    /// No folder has the pack's name.
    #[error("there is no pack `{pack}` in {}; `tidegate pack list` shows the packs there", packs_dir.display())]
    NoFolder {
        /// The pack's name.
        pack: String,
        /// The folder in which packs are looked for.
        packs_dir: PathBuf,
    },
    /// The pack reads another CRM than the connection's.
    #[error("the pack `{pack}` reads the CRM `{reads}`, and this connection's is `{wanted}`; choose another pack")]
    OfAnotherCrm {
        /// The pack's name.
        pack: String,
        /// The CRM that it reads.
        reads: String,
        /// The connection's.
        wanted: &'static str,
    },
    /// The pack does not load.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The folder that was kept of a revision is not what it was.
    #[error(
        "the kept files of revision {revision}, which was in force, cannot be used{}. Put what stands in the pack's folder \
         in force (`tidegate pack activate --connection {connection}`), or go back to the revision before (`tidegate pack \
         rollback --connection {connection}`)", reason(source.as_deref())
    )]
    NotAsKept {
        /// The revision.
        revision: RevisionId,
        /// The connection that has it.
        connection: ConnectionName,
        /// What is wrong with the files; none where they are those of another revision.
        source: Option<Box<PackError>>,
    },
}

/// A connection of the settings file that cannot be put to work, so that the host does not start.
#[derive(Debug, thiserror::Error)]
#[error("the connection `{connection}`")]
pub struct NotOpened {
    /// The connection's name.
    pub connection: ConnectionName,
    /// The reason why it cannot be put to work.
    pub source: ConnectError,
}

fn reason(source: Option<&PackError>) -> String {
    source.map_or_else(|| ": they were changed".to_owned(), |source| format!(": {source}"))
}

fn in_words(errors: &[FieldError]) -> String {
    errors.iter().map(FieldError::message).collect::<Vec<_>>().join("; ")
}
