//! File notes for the CRM's system to fetch: a folder each, named by the note's marker, with the note as `note.json` and as
//! text, and its documents beside.
//!
//! Each is written once: it is looked up by its marker among the receipts, in the folder, and in those into which the
//! system may have moved it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::folder::is_itself;
use super::receipts::{self, Receipt, Receipts, found, sync};
use crate::crm::{CrmError, FoundNote, is_step, rights};
use crate::domain::note::FileNote;
use crate::domain::outbox::FoundAttachment;
use crate::domain::{Date, ExternalId, Timestamp};

/// Folders in the outbound folder into which the CRM's system may move what it has fetched.
const FETCHED: [&str; 3] = ["done", "archive", "processed"];
/// The file of a note.
const NOTE: &str = "note.json";
/// The end of the name of a folder of documents whose note was fetched before they were there.
const DOCUMENTS: &str = ".documents";
/// The longest name of a document's file, in bytes.
const LONGEST_NAME: usize = 180;

/// The folder of file notes.
#[derive(Debug)]
pub(super) struct Outbound {
    path: PathBuf,
    receipts: Receipts,
    /// The notes that were seen, so that each is read once.
    known: Mutex<BTreeMap<String, Receipt>>,
}

/// A note as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    marker: String,
    note_type: String,
    note_subtype: Option<String>,
    subject: String,
    body: String,
    media_type: String,
    filed_against: Vec<ExternalId>,
    written_at: Timestamp,
}

impl Outbound {
    pub(super) fn new(path: PathBuf) -> Self {
        let receipts = Receipts::new(&path);
        Self { path, receipts, known: Mutex::default() }
    }

    /// Writes a note, unless it is there. Answers the marker as its id.
    ///
    /// # Errors
    /// Every error but [`CrmError::Unknown`] means that there is none.
    pub(super) fn create(&self, note: &FileNote, marker: &str, now: Timestamp) -> Result<ExternalId, CrmError> {
        let id = marked(marker)?;
        self.prepare()?;
        let refused = |error: io::Error| unwritten(&self.path, &error);
        if self.place(marker).map_err(refused)?.is_some() || self.receipts.is_written(marker).map_err(refused)? {
            return Ok(id);
        }
        let making = self.receipts.in_making(marker);
        // With its receipt, what an end of the process left there is whole and only to be moved.
        if self.receipts.of(marker).map_err(refused)?.is_none() {
            found(fs::remove_dir_all(&making)).map_err(refused)?;
            self.put_together(&making, note, marker, now).map_err(refused)?;
            let receipt = Receipt { filed_against: note.filed_against.clone(), made_on: day_of(now) };
            self.receipts.give(marker, &receipt).map_err(refused)?;
        }
        fs::rename(&making, self.path.join(marker)).map_err(refused)?;
        // It is there by now, if the power stays.
        sync(&self.path).map_err(|error| CrmError::Unknown { message: unwritten(&self.path, &error).to_string() })?;
        Ok(id)
    }

    fn put_together(&self, making: &Path, note: &FileNote, marker: &str, now: Timestamp) -> io::Result<()> {
        fs::create_dir_all(making)?;
        let FileNote { note_type, note_subtype, subject, body, media_type, filed_against } = note.clone();
        let is_text = media_type == "text/plain";
        let written = Written {
            marker: marker.to_owned(),
            note_type,
            note_subtype,
            subject,
            body,
            media_type,
            filed_against,
            written_at: now,
        };
        let text = if is_text { "note.txt" } else { "note.html" };
        write(making, text, written.body.as_bytes())?;
        write(making, NOTE, &serde_json::to_vec_pretty(&written)?)?;
        rights::of_folder(making)
    }

    /// The folder of a note that is where it was written, or where it was moved to.
    fn place(&self, marker: &str) -> io::Result<Option<PathBuf>> {
        let places = std::iter::once(self.path.join(marker));
        let places = places.chain(FETCHED.iter().map(|folder| self.path.join(folder).join(marker)));
        for place in places {
            if found(fs::symlink_metadata(&place))?.is_some_and(|found| found.is_dir()) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The notes filed against a client.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be read: then nothing is known of any.
    pub(super) fn find(&self, entity: &ExternalId) -> Result<Vec<FoundNote>, CrmError> {
        self.prepare()?;
        let known = self.all().map_err(|error| unwritten(&self.path, &error))?;
        let of_entity = known.into_iter().filter(|(_, receipt)| receipt.filed_against.contains(entity));
        let note = |(marker, receipt): (String, Receipt)| FoundNote {
            document_id: ExternalId(marker.clone()),
            marker: Some(marker),
            made_on: Some(receipt.made_on),
        };
        Ok(of_entity.map(note).collect())
    }

    /// The clients that a note is filed against; nobody where there is none.
    pub(super) fn filed_against(&self, id: &ExternalId) -> Result<Vec<ExternalId>, CrmError> {
        self.prepare()?;
        let known = self.all().map_err(|error| unwritten(&self.path, &error))?;
        Ok(known.get(id.as_str()).map(|receipt| receipt.filed_against.clone()).unwrap_or_default())
    }

    /// All notes that were written.
    fn all(&self) -> io::Result<BTreeMap<String, Receipt>> {
        let mut markers = self.receipts.markers()?;
        let folders = std::iter::once(self.path.clone()).chain(FETCHED.iter().map(|folder| self.path.join(folder)));
        for folder in folders {
            for entry in found(fs::read_dir(&folder))?.into_iter().flatten() {
                let entry = entry?;
                if let Ok(name) = entry.file_name().into_string()
                    && is_step(&name)
                    && entry.file_type()?.is_dir()
                    && entry.path().join(NOTE).try_exists()?
                {
                    markers.insert(name);
                }
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|marker, _| markers.contains(marker));
        for marker in markers {
            if known.contains_key(&marker) {
                continue;
            }
            if let Some(receipt) = self.receipt(&marker)? {
                known.insert(marker, receipt);
            }
        }
        Ok(known.clone())
    }

    /// A note's receipt; where somebody removed it, what the note itself says.
    fn receipt(&self, marker: &str) -> io::Result<Option<Receipt>> {
        if let Some(receipt) = self.receipts.of(marker)? {
            return Ok(Some(receipt));
        }
        let Some(place) = self.place(marker)? else { return Ok(None) };
        let written: Option<Written> = receipts::read(&place.join(NOTE))?;
        Ok(written.map(|written| Receipt { filed_against: written.filed_against, made_on: day_of(written.written_at) }))
    }

    /// Puts a document beside its note. Where that was fetched meanwhile, it stands in a folder of its own.
    ///
    /// # Errors
    /// Every error but [`CrmError::Unknown`] means that it is not there.
    pub(super) fn attach(&self, id: &ExternalId, filename: &str, content: &[u8]) -> Result<ExternalId, CrmError> {
        let marker = marked(id.as_str())?;
        let marker = marker.as_str();
        self.prepare()?;
        let refused = |error: io::Error| unwritten(&self.path, &error);
        let folder = match self.place(marker).map_err(refused)? {
            Some(place) => place,
            None => self.path.join(format!("{marker}{DOCUMENTS}")),
        };
        match fs::create_dir(&folder) {
            Ok(()) => rights::of_folder(&folder).map_err(refused)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(refused(error)),
        }
        is_itself(&folder)?;
        let name = free_name(&folder, &file_name(filename), content).map_err(refused)?;
        write(&folder, &name, content).map_err(refused)?;
        let given = self.receipts.give_document(marker, &name, content.len() as u64);
        given.map_err(|error| CrmError::Unknown { message: unwritten(&self.path, &error).to_string() })?;
        Ok(ExternalId(name))
    }

    /// The documents of a note: those that are there, and those that were.
    ///
    /// # Errors
    /// Returns an error if they cannot be read.
    pub(super) fn attachments_of(&self, id: &ExternalId) -> Result<Vec<FoundAttachment>, CrmError> {
        let marker = marked(id.as_str())?;
        self.prepare()?;
        self.documents(marker.as_str()).map_err(|error| unwritten(&self.path, &error))
    }

    fn documents(&self, marker: &str) -> io::Result<Vec<FoundAttachment>> {
        let mut documents: BTreeMap<String, FoundAttachment> = BTreeMap::new();
        for document in self.receipts.documents(marker)? {
            documents.insert(document.filename.clone(), document);
        }
        let beside = Some(self.path.join(format!("{marker}{DOCUMENTS}")));
        for folder in [self.place(marker)?, beside].into_iter().flatten() {
            for entry in found(fs::read_dir(&folder))?.into_iter().flatten() {
                let entry = entry?;
                let Ok(filename) = entry.file_name().into_string() else { continue };
                let described = entry.metadata()?;
                if described.is_file() && !is_of_note(&filename) && !filename.ends_with(".part") {
                    let (id, size) = (ExternalId(filename.clone()), Some(described.len()));
                    documents.insert(filename.clone(), FoundAttachment { id, filename, size });
                }
            }
        }
        Ok(documents.into_values().collect())
    }

    /// Makes the folder where it is missing; that in which it stands has to be there, as a disk that is not mounted is not.
    fn prepare(&self) -> Result<(), CrmError> {
        match fs::create_dir(&self.path) {
            Ok(()) => rights::of_folder(&self.path).map_err(|error| unwritten(&self.path, &error))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritten(&self.path, &error)),
        }
        is_itself(&self.path)?;
        if !self.path.is_dir() {
            return Err(unwritten(&self.path, &io::ErrorKind::NotADirectory.into()));
        }
        Ok(())
    }
}

/// Writes a file for others to fetch.
fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    receipts::write(folder, name, content, rights::of_file)
}

/// The day of a moment; a day more or less says nothing to whoever looks a note up.
fn day_of(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

/// A marker as the name of a folder.
fn marked(marker: &str) -> Result<ExternalId, CrmError> {
    if is_step(marker) {
        return Ok(ExternalId(marker.to_owned()));
    }
    Err(CrmError::Protocol { message: "the note's marker is no name that a folder can have".to_owned() })
}

fn is_of_note(name: &str) -> bool {
    [NOTE, "note.txt", "note.html"].contains(&name)
}

/// A name that a file can have on every system, and that leads nowhere.
fn file_name(given: &str) -> String {
    let plain = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
    let name: String = given.chars().map(plain).collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let room = LONGEST_NAME.saturating_sub(ending.len().min(20) + 1);
    let stem = &stem[..stem.floor_char_boundary(room)];
    let name = if ending.is_empty() { stem.to_owned() } else { format!("{stem}.{ending}") };
    if name.is_empty() || is_of_note(&name) { format!("document {name}").trim_end().to_owned() } else { name }
}

/// The name under which a document is put into a folder: another one where something else has it already.
fn free_name(folder: &Path, name: &str, content: &[u8]) -> io::Result<String> {
    let (stem, ending) =
        name.rsplit_once('.').map_or((name, String::new()), |(stem, ending)| (stem, format!(".{ending}")));
    for number in 1..1_000 {
        let tried = if number == 1 { name.to_owned() } else { format!("{stem} ({number}){ending}") };
        match found(fs::read(folder.join(&tried)))? {
            Some(there) if there != content => {}
            _ => return Ok(tried),
        }
    }
    Err(io::Error::other("too many documents of one name"))
}

/// The error of a folder of notes that cannot be used. Nothing was made, and none of them is for ever: the note waits until
/// somebody has seen to it.
fn unwritten(path: &Path, error: &io::Error) -> CrmError {
    let path = path.display();
    let message = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => format!(
            "this host may not write into the outbound folder {path}; give the user that it runs as the right to write there"
        ),
        io::ErrorKind::NotADirectory => format!(
            "the outbound folder {path} is no folder, or stands below something that is none; move what is there away, or \
             name another folder"
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("no space is left for the outbound folder {path}; make room there")
        }
        io::ErrorKind::NotFound => {
            format!(
                "the folder in which the outbound folder {path} is to stand is not there; see whether its disk is mounted"
            )
        }
        _ => return CrmError::Unreachable { message: format!("{path} cannot be written: {error}") },
    };
    CrmError::NotReady { message: format!("{message}. The note waits, and is tried again") }
}
