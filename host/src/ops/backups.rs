//! Backups: making one, and keeping the file of their keys as it has to be.

use super::{Kind, Refusal, audited, may};
use crate::app::App;
use crate::backup::{self, BackupError, Made};
use crate::domain::Timestamp;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::store::audit::scope;

/// Makes a backup, as the settings say.
///
/// # Errors
/// Returns an error if the settings say nothing of backups, or it could not be made, or does not open again.
pub async fn make(app: &App, actor: &Actor, now: Timestamp) -> Result<Made, Refusal> {
    audited(app, actor, ("backups.make", Subject::of_kind("backup")), async move {
        may(actor, Action::ManageBackups)?;
        let Some(to) = &app.config.backup else { return Err(Refusal::new(Kind::WrongState, NOT_SET)) };
        // Its keys are kept without an entry of their own.
        let made = scope::apart(backup::make(&app.store, &app.config.server.data_dir, to, now)).await?;
        scope::detail(&format!("{} rows, {} bytes", made.copied.rows, made.bytes));
        Ok(made)
    })
    .await
}

/// Writes the file of keys anew after somebody was erased; answers what is left to do where that did not succeed. It is tried again
/// until it is done.
pub(super) async fn forget_erased(app: &App, now: Timestamp) -> Option<&'static str> {
    let to = app.config.backup.as_ref()?;
    match scope::apart(backup::renew_keys(&app.store, to, now, true)).await {
        Ok(()) => None,
        Err(error) => {
            tracing::error!(%error, "a client was erased, and the keys beside the backups could not be written anew");
            Some(NOT_RENEWED)
        }
    }
}

impl Refusal {
    /// The folder of backups cannot be read. The path and the system's reason are in it: nothing else tells a disk that is not mounted
    /// from a right that the host lacks.
    pub fn no_list_of_backups(error: BackupError) -> Self {
        tracing::error!(%error, "the folder of backups could not be read");
        let message = format!(
            "The backup folder can’t be read: {error}. No backup was changed. Check that its disk is mounted and that the account \
             the host runs under can read it."
        );
        Self::new(Kind::Unavailable, message).because(error)
    }
}

const NOT_RENEWED: &str = "The keys beside the backups could not be written anew, so that backups may still open the client: the log \
                           says why. It is done once the folder of backups can be read and written again.";

const NOT_SET: &str = "Nothing was made: the settings name no folder and no key for backups. Set folder and key-file under \
                       [backup]; `tidegate backup key FILE` makes a key.";

impl From<BackupError> for Refusal {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            BackupError::Io { ref source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                let message =
                    "Nothing was kept: the disk of the backups is full. Free some space there, or keep fewer of them.";
                Self::new(Kind::NoSpace, message).because(error)
            }
            BackupError::Busy => {
                let message = "Nothing was made: a backup is being made already. Try again when it is done.";
                Self::new(Kind::WrongState, message)
            }
            other @ (BackupError::OtherStore(_)
            | BackupError::KeysAway(_)
            | BackupError::Keys { .. }
            | BackupError::Fork(_)) => {
                Self::new(Kind::WrongState, format!("Nothing was kept: {other}.")).because(other)
            }
            other => {
                tracing::error!(error = %other, "a backup could not be made");
                let message = "Nothing was kept: the backup could not be written, or does not open again. The log says which file \
                               failed, and why.";
                Self::new(Kind::Internal, message).because(other)
            }
        }
    }
}
