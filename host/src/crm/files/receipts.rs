//! What was written for the CRM to fetch: a receipt for each note, beside the folders of notes, which the CRM's system may
//! take away or move whenever it likes. So a note that was fetched is still known, and is not written again.
//!
//! A note is put together in a folder of its own that nobody else looks at, gets its receipt, and is then moved to where the
//! CRM's system finds it, in one step. A receipt without that folder beside it says that the step was done.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::outbox::FoundAttachment;
use crate::domain::{Date, ExternalId};

/// The folder of receipts in the outbound folder.
const RECEIPTS: &str = ".tidegate";
/// What a note's receipt is called, in a folder of the marker's name.
const NOTE: &str = "note.json";
/// The end of the name of a folder in which a note is put together.
const IN_MAKING: &str = ".part";
/// The largest receipt that is read.
const LARGEST: u64 = 1 << 20;

/// A note's receipt: by what it is looked up, and nothing of what it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Receipt {
    pub(super) filed_against: Vec<ExternalId>,
    pub(super) made_on: Date,
}

/// The receipt of a document.
#[derive(Debug, Serialize, Deserialize)]
struct DocumentReceipt {
    filename: String,
    size: u64,
}

/// The receipts in an outbound folder.
#[derive(Debug)]
pub(super) struct Receipts(PathBuf);

impl Receipts {
    pub(super) fn new(outbound: &Path) -> Self {
        Self(outbound.join(RECEIPTS))
    }

    /// The folder in which a note is put together.
    pub(super) fn in_making(&self, marker: &str) -> PathBuf {
        self.0.join(format!("{marker}{IN_MAKING}"))
    }

    /// The markers of all notes that were written.
    pub(super) fn markers(&self) -> io::Result<BTreeSet<String>> {
        let mut markers = BTreeSet::new();
        let mut in_making = BTreeSet::new();
        for entry in found(fs::read_dir(&self.0))?.into_iter().flatten() {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            match name.strip_suffix(IN_MAKING) {
                Some(marker) => drop(in_making.insert(marker.to_owned())),
                None => drop(markers.insert(name)),
            }
        }
        markers.retain(|marker| !in_making.contains(marker));
        Ok(markers)
    }

    /// Whether a note has its receipt, and whether the step behind it was done.
    pub(super) fn is_written(&self, marker: &str) -> io::Result<bool> {
        let has_receipt = self.0.join(marker).join(NOTE).try_exists()?;
        Ok(has_receipt && !self.in_making(marker).try_exists()?)
    }

    /// The receipt of a note.
    pub(super) fn of(&self, marker: &str) -> io::Result<Option<Receipt>> {
        read(&self.0.join(marker).join(NOTE))
    }

    /// Gives a note its receipt.
    pub(super) fn give(&self, marker: &str, receipt: &Receipt) -> io::Result<()> {
        let folder = self.0.join(marker);
        fs::create_dir_all(&folder)?;
        write(&folder, NOTE, &serde_json::to_vec(receipt)?, |_| Ok(()))?;
        sync(&self.0)
    }

    /// Gives a document of a note its receipt.
    pub(super) fn give_document(&self, marker: &str, filename: &str, size: u64) -> io::Result<()> {
        let folder = self.0.join(marker);
        fs::create_dir_all(&folder)?;
        let receipt = DocumentReceipt { filename: filename.to_owned(), size };
        write(
            &folder,
            &format!("{:032x}.document", xxhash_rust::xxh3::xxh3_128(filename.as_bytes())),
            &serde_json::to_vec(&receipt)?,
            |_| Ok(()),
        )
    }

    /// The documents of a note that have receipts.
    pub(super) fn documents(&self, marker: &str) -> io::Result<Vec<FoundAttachment>> {
        let mut documents = Vec::new();
        for entry in found(fs::read_dir(self.0.join(marker)))?.into_iter().flatten() {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "document")
                && let Some(DocumentReceipt { filename, size }) = read(&path)?
            {
                documents.push(FoundAttachment { id: ExternalId(filename.clone()), filename, size: Some(size) });
            }
        }
        Ok(documents)
    }
}

/// Nothing where it is not there.
pub(super) fn found<T>(looked: io::Result<T>) -> io::Result<Option<T>> {
    match looked {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file of JSON; none where it is not there or holds something else.
pub(super) fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> io::Result<Option<T>> {
    let Some(described) = found(fs::metadata(path))? else { return Ok(None) };
    if described.len() > LARGEST {
        return Ok(None);
    }
    Ok(found(fs::read(path))?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Writes a file so that it is there as a whole or not at all, and stays where the power fails. `give` gives it its rights. It
/// is made anew and never opened: others may write in the folder, and could have put a link to something else there.
pub(super) fn write(
    folder: &Path,
    name: &str,
    content: &[u8],
    give: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let beside = folder.join(format!("{name}{IN_MAKING}"));
    found(fs::remove_file(&beside))?;
    let mut file = File::create_new(&beside)?;
    file.write_all(content)?;
    give(&file)?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(name))?;
    sync(folder)
}

/// Makes what was renamed in a folder stay where the power fails.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
