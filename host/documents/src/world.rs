//! The world that a template sees: the job's files and data, the fonts, and the document's date as today. Nothing else.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use typst::diag::{FileError, FileResult, PackageError};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, World};

use crate::fonts::Fonts;
use crate::job::{DATA, Job};

/// Parsed sources by path, kept between jobs.
pub(crate) type Sources = Mutex<HashMap<FileId, Source>>;

/// One job on the typesetter's desk.
pub(crate) struct Desk<'a> {
    pub(crate) library: &'a LazyHash<Library>,
    pub(crate) fonts: &'a Fonts,
    pub(crate) sources: &'a Sources,
    pub(crate) job: &'a Job,
    /// The data as JSON text.
    pub(crate) data: Bytes,
    pub(crate) main: FileId,
}

impl Desk<'_> {
    /// The id of a path among the job's files.
    pub(crate) fn id(path: &str) -> Option<FileId> {
        VirtualPath::new(path).ok().map(|path| RootedPath::new(VirtualRoot::Project, path).intern())
    }

    fn bytes(&self, id: FileId) -> FileResult<&[u8]> {
        let path = match id.get().root() {
            VirtualRoot::Project => id.get().vpath().get_without_slash(),
            VirtualRoot::Package(_) => {
                let message = "packages are not fetched; put the file into the pack's folder `documents`";
                return Err(FileError::Package(PackageError::Other(Some(message.into()))));
            }
        };
        if path == DATA {
            return Ok(&self.data);
        }
        self.job.files.get(path).map(Vec::as_slice).ok_or_else(|| FileError::NotFound(path.into()))
    }

    /// The text of a file, where it is one of the job's.
    pub(crate) fn text(&self, id: FileId) -> Option<String> {
        self.bytes(id).ok().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.fonts.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let text = std::str::from_utf8(self.bytes(id)?).map_err(|_| FileError::InvalidUtf8)?;
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sources.get(&id).filter(|known| known.text() == text) {
            return Ok(known.clone());
        }
        let parsed = Source::new(id, text.to_owned());
        sources.insert(id, parsed.clone());
        Ok(parsed)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id.get().vpath().get_without_slash() == DATA && matches!(id.get().root(), VirtualRoot::Project) {
            return Ok(self.data.clone());
        }
        self.bytes(id).map(|bytes| Bytes::new(bytes.to_vec()))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.all.get(index).cloned()
    }

    /// The document's date, whatever the clock says: the same job has to make the same document.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        let made_at = self.job.made_at;
        Datetime::from_ymd(made_at.year.into(), made_at.month, made_at.day)
    }
}
