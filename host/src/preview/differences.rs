//! The files of a preview: the records that differ, the file notes that would read otherwise, and its summary beside them.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Preview;
use crate::domain::made::{Difference, MadeState};
use crate::domain::{ClientId, ExternalId, PreviewId, RecordKind};

/// The difference that the change would make to one record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordDifference {
    /// The kind of record.
    pub kind: RecordKind,
    /// The client in the practice; none where nobody was made of it.
    pub id: Option<ClientId>,
    /// The record's id in the CRM; that of the client, where it is a list.
    pub external_id: ExternalId,
    /// The difference.
    #[serde(flatten)]
    pub difference: Difference,
}

impl RecordDifference {
    /// The client in the practice whom a rule would newly leave out, and with them what their lists hold.
    pub(super) fn left_out(&self) -> Option<ClientId> {
        let Difference { was, becomes, .. } = self.difference;
        let is_left_out = (was, becomes) == (MadeState::Mapped, MadeState::Skipped);
        self.id.filter(|_| self.kind == RecordKind::Client && is_left_out)
    }
}

/// The differences that are wanted: those that fit all that is given.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Filter {
    /// The kind of record.
    pub kind: Option<RecordKind>,
    /// A field that differs.
    pub field: Option<String>,
    /// The code of a diagnostic that appears or disappears.
    pub code: Option<String>,
    /// The state that the record comes to, where it was in another.
    pub becomes: Option<MadeState>,
}

impl Filter {
    pub(super) fn fits(&self, one: &RecordDifference) -> bool {
        let Difference { was, becomes, fields, appearing, disappearing } = &one.difference;
        let has_code = |code: &str| appearing.iter().chain(disappearing).any(|diagnostic| diagnostic.code == code);
        self.kind.is_none_or(|kind| kind == one.kind)
            && self.field.as_deref().is_none_or(|field| fields.iter().any(|other| other.field == field))
            && self.code.as_deref().is_none_or(has_code)
            && self.becomes.is_none_or(|wanted| wanted == *becomes && was != becomes)
    }
}

/// The file of a preview's differences.
pub(super) fn path(folder: &Path, id: PreviewId) -> PathBuf {
    folder.join(format!("{id}.jsonl"))
}

/// The file of the notes that would read otherwise.
pub(super) fn notes_path(folder: &Path, id: PreviewId) -> PathBuf {
    folder.join(format!("{id}.notes.jsonl"))
}

fn summary_path(folder: &Path, id: PreviewId) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// Keeps the summary of a preview, whole or not at all.
pub(super) fn keep_summary(folder: &Path, preview: &Preview) -> io::Result<()> {
    let path = summary_path(folder, preview.id);
    let unfinished = path.with_extension("unfinished");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    let written = file.write_all(&serde_json::to_vec(preview)?).and_then(|()| fs::rename(&unfinished, path));
    written.inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// The summary of a preview that is done.
pub(super) fn summary(folder: &Path, id: PreviewId) -> io::Result<Preview> {
    Ok(serde_json::from_slice(&fs::read(summary_path(folder, id))?)?)
}

/// Removes the files of all other previews.
pub(super) fn retain(folder: &Path, kept: &[PreviewId]) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let id = path.file_name().and_then(|name| name.to_str()?.split('.').next()?.parse::<PreviewId>().ok());
        if id.is_none_or(|id| !kept.contains(&id)) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}
