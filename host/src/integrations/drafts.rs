//! Drafts: files of a revision as somebody is editing them on the pages, kept until they are staged or given up, so that
//! what was typed outlives a reload, a wrong turn and the host. They expire.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::IntegrationError;
use super::{Integrations, editing};
use crate::domain::{ConnectionName, RevisionDigest, Timestamp};
use crate::pack::{Edited, GateOutcome};
use crate::queue;
use crate::store::StoreError;
use crate::store::connections::By;

/// The drafts that are kept, the newest ones …
const KEPT: usize = 50;
/// … and none for longer.
const DAYS: i64 = 14;

/// Files of a revision as somebody is editing them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RuleDraft {
    /// Its id.
    pub id: Uuid,
    /// The connection.
    pub connection: ConnectionName,
    /// The revision whose files are edited.
    pub base: RevisionDigest,
    /// The revision that was in force when the editing began, or of which its editor was told since.
    pub in_force: Option<RevisionDigest>,
    /// The person who edits, and when they last did.
    pub by: By,
    /// The files that were changed, by their paths.
    pub files: Edited,
    /// The gates that refused it when it was staged as it is now; empty where it was not.
    #[serde(default)]
    pub refused: Vec<GateOutcome>,
}

/// A file as it was typed.
#[derive(Clone, Debug)]
pub struct Typed<'a> {
    /// The draft that it belongs to; none where one is to be begun.
    pub draft: Option<Uuid>,
    /// The revision whose file it is, by the beginning of its digest.
    pub revision: &'a str,
    /// The file's path.
    pub path: &'a str,
    /// The text.
    pub text: &'a str,
    /// The revision that its editor saw as in force.
    pub in_force: Option<RevisionDigest>,
}

impl Integrations {
    /// Keeps a file as it was typed, in its draft or in a new one. What is typed back to what is kept is no change.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn keep_draft(
        &self,
        name: &ConnectionName,
        typed: Typed<'_>,
        who: &str,
    ) -> Result<RuleDraft, IntegrationError> {
        let (base, original) = self.own_rule_file(name, typed.revision, typed.path).await?;
        let known = match typed.draft {
            Some(id) => Some(self.draft(name, id).await?),
            None => None,
        };
        let by = By { who: who.to_owned(), at: Timestamp::now() };
        let mut draft = known.filter(|known| known.base == base).unwrap_or_else(|| RuleDraft {
            id: Uuid::now_v7(),
            connection: name.clone(),
            base,
            in_force: None,
            by: by.clone(),
            files: Edited::new(),
            refused: Vec::new(),
        });
        let text = editing::bounded(typed.path, &original, typed.text)?;
        let is_other = draft.files.get(typed.path).unwrap_or(&original) != &text;
        if is_other {
            draft.refused.clear();
        }
        if text == original {
            draft.files.remove(typed.path);
        } else {
            draft.files.insert(typed.path.to_owned(), text);
        }
        (draft.by, draft.in_force) = (by, typed.in_force.or(draft.in_force));
        self.write_draft(draft).await
    }

    /// Keeps which gates refused a draft.
    ///
    /// # Errors
    /// Returns an error if its file cannot be written.
    pub async fn keep_refused(
        &self,
        mut draft: RuleDraft,
        refused: Vec<GateOutcome>,
    ) -> Result<RuleDraft, IntegrationError> {
        draft.refused = refused;
        self.write_draft(draft).await
    }

    /// A draft of a connection.
    ///
    /// # Errors
    /// [`IntegrationError::NoDraft`], or where its file cannot be read.
    pub async fn draft(&self, name: &ConnectionName, id: Uuid) -> Result<RuleDraft, IntegrationError> {
        let path = path(&self.drafts(), id);
        let draft = on_thread(move || fs::read(path)).await;
        let draft = match draft {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(IntegrationError::NoDraft),
            draft => {
                serde_json::from_slice::<RuleDraft>(&draft.map_err(broken)?).map_err(|_| IntegrationError::NoDraft)?
            }
        };
        if draft.connection == *name { Ok(draft) } else { Err(IntegrationError::NoDraft) }
    }

    /// Gives up a draft, or forgets one that was staged.
    ///
    /// # Errors
    /// Returns an error if its file cannot be removed.
    pub async fn discard_draft(&self, name: &ConnectionName, id: Uuid) -> Result<RuleDraft, IntegrationError> {
        let draft = self.draft(name, id).await?;
        let path = path(&self.drafts(), id);
        on_thread(move || fs::remove_file(path)).await.map_err(broken)?;
        Ok(draft)
    }

    async fn write_draft(&self, draft: RuleDraft) -> Result<RuleDraft, IntegrationError> {
        let folder = self.drafts();
        on_thread(move || write(&folder, draft)).await.map_err(broken)
    }

    fn drafts(&self) -> PathBuf {
        self.0.config.server.data_dir.join("drafts")
    }
}

async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    queue::QUESTIONS.run(work).await.map_err(io::Error::other)?
}

fn broken(error: io::Error) -> IntegrationError {
    match error.kind() {
        io::ErrorKind::StorageFull => StoreError::NoSpace { free: 0 }.into(),
        _ => StoreError::Fault(error.into()).into(),
    }
}

fn path(folder: &Path, id: Uuid) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// Writes a draft, whole or not at all, and removes what has expired.
fn write(folder: &Path, draft: RuleDraft) -> io::Result<RuleDraft> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let (to, unfinished) = (path(folder, draft.id), folder.join(format!("{}.unfinished", Uuid::new_v4())));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written = file
        .write_all(&serde_json::to_vec(&draft)?)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&unfinished, to));
    written.inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    expire(folder, Timestamp::now())?;
    Ok(draft)
}

/// Removes drafts that are too old or too many, by when they were last written.
fn expire(folder: &Path, now: Timestamp) -> io::Result<()> {
    let mut known = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let at = entry.metadata()?.modified()?;
        let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
        known.push((at, entry.path()));
    }
    known.sort_unstable_by(|one, other| other.cmp(one));
    let oldest = now.as_second() - DAYS * 24 * 60 * 60;
    for (place, (at, path)) in known.iter().enumerate() {
        if place >= KEPT || at.as_second() < oldest {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> RuleDraft {
        RuleDraft {
            id: Uuid::now_v7(),
            connection: "main".parse().unwrap(),
            base: RevisionDigest([1; 32]),
            in_force: Some(RevisionDigest([1; 32])),
            by: By { who: "Pat Lee".to_owned(), at: Timestamp::UNIX_EPOCH },
            files: Edited::from([("rules.toml".to_owned(), text.to_owned())]),
            refused: Vec::new(),
        }
    }

    #[test]
    fn the_newest_drafts_are_kept_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("drafts");
        let drafts: Vec<RuleDraft> =
            (0..KEPT + 3).map(|number| write(&place, draft(&format!("é = {number}\r\n"))).unwrap()).collect();
        assert_eq!(fs::read_dir(&place).unwrap().count(), KEPT, "and nothing unfinished");
        let last = drafts.last().unwrap();
        let read: RuleDraft = serde_json::from_slice(&fs::read(path(&place, last.id)).unwrap()).unwrap();
        assert_eq!(&read, last);
        expire(&place, Timestamp::from_second(Timestamp::now().as_second() + (DAYS + 1) * 24 * 60 * 60).unwrap())
            .unwrap();
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "none is kept for longer than two weeks");
    }
}
