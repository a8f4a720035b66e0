//! The files of a connection's revisions as operators read and edit them: held against the plugin as they are typed, and
//! staged as a revision of their own.

use std::path::{Path, PathBuf};

use super::error::{ConnectError, IntegrationError};
use super::revisions::{beginning_of_digest, unchanged};
use super::staging::{Brought, Staged};
use super::{Integration, Integrations};
use crate::crm::parse::FieldError;
use crate::domain::{ConnectionName, RevisionDigest};
use crate::pack::{
    EditableFile, Edited, FileText, LARGEST_EDITED, MOST_EDITED, PackError, Problem, editable_files, editable_text,
    place_of, with_line_ends_of,
};
use crate::queue;

/// The place of a gate's line in the files: the file and, where it can be told, the line.
pub type Place = (String, Option<usize>);

impl Integrations {
    /// The files of a revision of a connection that an operator edits.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn rule_files(
        &self,
        name: &ConnectionName,
        revision: &str,
    ) -> Result<(RevisionDigest, Vec<EditableFile>), IntegrationError> {
        let (_, digest, folder) = self.kept_folder(name, revision).await?;
        Ok((digest, self.on_thread(move || editable_files(&folder)).await?))
    }

    /// The text of such a file, or that which the pack's own begins with where only a base has it so far.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn rule_file(
        &self,
        name: &ConnectionName,
        revision: &str,
        path: &str,
    ) -> Result<(RevisionDigest, FileText), IntegrationError> {
        let (_, digest, folder) = self.kept_folder(name, revision).await?;
        let file = path.to_owned();
        match self.on_thread(move || editable_text(&folder, &file)).await? {
            Some(text) => Ok((digest, text)),
            None => Err(IntegrationError::NoFile(path.chars().take(LONGEST_PATH).collect())),
        }
    }

    /// The same of a file that is edited: the pack's own.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub(super) async fn own_rule_file(
        &self,
        name: &ConnectionName,
        revision: &str,
        path: &str,
    ) -> Result<(RevisionDigest, String), IntegrationError> {
        let (digest, file) = self.rule_file(name, revision, path).await?;
        match of_base(path, &file) {
            Some(error) => Err(IntegrationError::Invalid(vec![error])),
            None => Ok((digest, file.text)),
        }
    }

    /// What is wrong with a revision's files as they are edited. Nothing is changed, and nothing kept.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says. Problems are no error.
    pub async fn check_edit(
        &self,
        name: &ConnectionName,
        revision: &str,
        edited: &Edited,
    ) -> Result<Vec<Problem>, IntegrationError> {
        let (one, digest, folder) = self.kept_folder(name, revision).await?;
        let edited = self.in_their_form(&folder, edited).await?;
        let revision = self.known_revision(name, &digest.to_string()).await?;
        let dialect = one.spec.dialect.clone();
        let work = move || revision.problems_of(&folder, &edited, &dialect);
        Ok(queue::QUESTIONS.run(work).await.map_err(ConnectError::from)?)
    }

    /// Stages a revision's files as they are edited, as a revision of their own. `in_force` is the revision that was in force
    /// for whoever edited them, where they saw which one.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says. What does not go through the gates is no error.
    pub async fn stage_edited(
        &self,
        name: &ConnectionName,
        (revision, edited): (&str, &Edited),
        in_force: Option<&str>,
        who: &str,
    ) -> Result<Staged, IntegrationError> {
        let in_force = in_force.map(|seen| beginning_of_digest("in_force", seen)).transpose()?;
        let _changing = self.0.changing.lock().await;
        let (one, base, folder) = self.kept_folder(name, revision).await?;
        if let (Some(seen), Some(now)) = (in_force, self.0.store.active(name.clone()).await?)
            && !now.digest.to_string().starts_with(&seen)
        {
            return Err(unchanged(&format!(
                "{} put revision {} in force meanwhile. Look at what it changed; to go on from {} all the same, send it again \
                 with that one as what is in force",
                now.by.who,
                now.digest.short(),
                base.short()
            )));
        }
        let edited = self.in_their_form(&folder, edited).await?;
        if edited.is_empty() {
            return Err(unchanged(&format!("the files are those of revision {}", base.short())));
        }
        self.lead(&one, Brought::Edited(base, edited), who).await
    }

    /// The places of the files that lines of a gate are about.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn places_of(
        &self,
        name: &ConnectionName,
        (revision, edited): (&str, &Edited),
        lines: Vec<String>,
    ) -> Result<Vec<Option<Place>>, IntegrationError> {
        let (one, _, folder) = self.kept_folder(name, revision).await?;
        let (edited, dialect) = (edited.clone(), one.spec.dialect.clone());
        let find = move || lines.iter().map(|line| place_of(&folder, &edited, &dialect, line)).collect();
        Ok(queue::QUESTIONS.run(find).await.map_err(ConnectError::from)?)
    }

    /// Whether packs are taken that nobody signed: what is edited here has no signature.
    pub fn takes_unsigned(&self) -> bool {
        self.0.config.pack_keys.allow_unsigned
    }

    /// The files that differ from those that are kept, with the ends of lines that those have. Bounded.
    async fn in_their_form(&self, folder: &Path, edited: &Edited) -> Result<Edited, IntegrationError> {
        let mut errors = Vec::new();
        if edited.len() > MOST_EDITED {
            errors.push(FieldError::new("files", format!("at most {MOST_EDITED} files are edited in one go")));
        }
        for (path, text) in edited.iter().take(MOST_EDITED) {
            if text.len() > LARGEST_EDITED {
                errors.push(wrong(path, TOO_LARGE));
            }
        }
        if !errors.is_empty() {
            return Err(IntegrationError::Invalid(errors));
        }
        let (folder, edited) = (folder.to_owned(), edited.clone());
        let work = move || {
            let (mut changed, mut errors) = (Edited::new(), Vec::new());
            for (path, typed) in edited {
                match editable_text(&folder, &path)? {
                    None => errors.push(wrong(&path, "the revision has no file of this path that is edited")),
                    Some(file) if file.base.is_some() => errors.extend(of_base(&path, &file)),
                    Some(file) => {
                        let text = with_line_ends_of(&file.text, &typed);
                        if text != file.text {
                            changed.insert(path, text);
                        }
                    }
                }
            }
            Ok((changed, errors))
        };
        let (changed, errors) = self.on_thread(work).await?;
        if errors.is_empty() { Ok(changed) } else { Err(IntegrationError::Invalid(errors)) }
    }

    /// A connection, a revision that it had staged or in force, and the folder that is kept of it.
    async fn kept_folder(
        &self,
        name: &ConnectionName,
        revision: &str,
    ) -> Result<(Integration, RevisionDigest, PathBuf), IntegrationError> {
        let one = self.one(name).await?;
        let digest = self.known_digest(&one.spec, revision).await?;
        let folder = self.0.kept.folder(digest);
        Ok((one, digest, folder))
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PackError> + Send + 'static,
    ) -> Result<T, IntegrationError> {
        let done = queue::QUESTIONS.run(work).await.map_err(ConnectError::from)?;
        done.map_err(|error| ConnectError::from(super::error::PackUnavailable::from(error)).into())
    }
}

/// The message about a text that is no file of a pack any more.
const TOO_LARGE: &str = "a file has at most 1 MB";

/// A file's text as it was typed, with the ends of lines that it had. Bounded.
pub(super) fn bounded(path: &str, original: &str, typed: &str) -> Result<String, IntegrationError> {
    if typed.len() > LARGEST_EDITED {
        return Err(IntegrationError::Invalid(vec![wrong(path, TOO_LARGE)]));
    }
    Ok(with_line_ends_of(original, typed))
}

fn wrong(path: &str, message: &str) -> FieldError {
    FieldError::new(format!("files/{}", escaped(path)), message)
}

/// The error about an edited file that is a base's; none of the pack's own.
fn of_base(path: &str, file: &FileText) -> Option<FieldError> {
    let (base, own) = (file.base.as_ref()?, &file.own_path);
    Some(wrong(path, &format!("it is a file of the base `{base}`; edit `{own}`, the pack's own, in its place")))
}

/// The longest path that an answer repeats.
const LONGEST_PATH: usize = 200;

/// A path as a part of a JSON Pointer.
fn escaped(path: &str) -> String {
    let path: String = path.chars().take(LONGEST_PATH).collect();
    path.replace('~', "~0").replace('/', "~1")
}
