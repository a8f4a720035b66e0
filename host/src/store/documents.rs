//! Documents that go with file notes: kept by the digest of their name and bytes, in pieces, so that a large one neither
//! fills the page cache nor needs a contiguous stretch of the file. The same bytes under another name are another
//! document: a file's name often names a client, and must not come back to somebody who brought it under another.

use std::ops::RangeInclusive;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::engine::{Readable, Snapshot, Table, Write};
use super::keys::PRACTICE;
use super::rows::{decode, encode, row_choices, rows};
use super::subject::Subject;
use super::visitor::{At, Visitor, Whose};
use super::{Store, StoreError, subject_keys};
use crate::domain::{DocumentId, NoteId, Timestamp, UserId};

/// The largest document, in bytes.
pub const LARGEST_DOCUMENT: usize = 25 * 1024 * 1024;

/// The time for which a document that somebody uploaded is kept for an event to name it.
pub const KEPT_UNCLAIMED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Bytes of a piece.
const PIECE: usize = 256 * 1024;

/// The facts of each document: [`DocumentFacts`].
const DOCUMENTS: Table<(u32, [u8; 32]), &[u8]> = Table::new("documents");
/// Its bytes, by the number of the piece.
const PIECES: Table<(u32, [u8; 32], u32), &[u8]> = Table::new("document-pieces");
/// The documents that somebody uploaded and no event has named yet: when, in milliseconds since 1970.
const UNCLAIMED: Table<(u32, [u8; 32]), i64> = Table::new("documents-unclaimed");
/// The accounts that uploaded a document, and when, in milliseconds since 1970: each may name it in an event.
const BROUGHT: Table<(u32, [u8; 32], [u8; 16]), i64> = Table::new("documents-brought");

/// The notes that a document went with, in the order in which they were written.
const NOTES_WITH: Table<(u32, [u8; 32], [u8; 16]), ()> = Table::new("document-notes");

/// The source of a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The host made it.
    Made,
    /// A person or program uploaded it.
    Uploaded,
}

/// A document with its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// The digest of the name and the bytes; of the bytes alone where an earlier version kept it.
    pub id: DocumentId,
    /// The name of the file: `Best Life Plan.pdf`.
    pub filename: String,
    /// `application/pdf`.
    pub media_type: String,
    /// The moment at which it was kept, or made.
    pub kept_at: Timestamp,
    /// The source of the document.
    pub source: Source,
    /// Characters that no font has and that stand in it as U+FFFD.
    pub replaced: String,
    /// The bytes.
    pub content: Vec<u8>,
}

/// The facts of a document without its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DocumentFacts {
    /// The name of the file.
    pub filename: String,
    /// `application/pdf`.
    pub media_type: String,
    /// The size in bytes.
    pub size: u64,
    /// The source of the document.
    pub source: Source,
    /// Characters that no font has and that stand in it as U+FFFD.
    pub replaced: String,
    /// The moment at which it was kept, in milliseconds since 1970.
    kept_at: i64,
}

rows! { DocumentFacts { 0: filename, 1: media_type, 2: size, 3: source, 4: replaced, 5: kept_at } }
row_choices! { Source { 0: Made, 1: Uploaded } }

impl DocumentFacts {
    /// The moment at which it was kept.
    pub fn kept_at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.kept_at).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl Document {
    /// A document of this name and these bytes that somebody brought.
    pub fn new(filename: String, media_type: String, content: Vec<u8>, now: Timestamp) -> Self {
        let id = id(&filename, &content);
        let (source, replaced) = (Source::Uploaded, String::new());
        Self { id, filename, media_type, kept_at: now, source, replaced, content }
    }

    /// The same, made by the host with these characters replaced.
    #[must_use]
    pub fn made(self, replaced: String) -> Self {
        Self { source: Source::Made, replaced, ..self }
    }
}

/// BLAKE3 of a document's name and bytes. The name's length in front keeps the two apart.
fn id(filename: &str, content: &[u8]) -> DocumentId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(filename.len() as u64).to_le_bytes());
    hasher.update(filename.as_bytes());
    hasher.update(content);
    DocumentId(hasher.finalize().into())
}

impl Store {
    /// Keeps a document that somebody brought, for good once an event names it, else for [`KEPT_UNCLAIMED`]. One of the
    /// same name and bytes is kept once, and everybody who brought it may name it for as long.
    ///
    /// # Errors
    /// Returns an error if it is too large, or the store fails.
    pub async fn put_document(&self, document: Document, by: Option<UserId>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            if let Some(UserId(by)) = by {
                let key = (PRACTICE, document.id.0, *by.as_bytes());
                transaction.open_table(BROUGHT)?.put(key, document.kept_at.as_millisecond())?;
            }
            let mut unclaimed = transaction.open_table(UNCLAIMED)?;
            let key = (PRACTICE, document.id.0);
            if put(transaction, &document)? || unclaimed.get(key)?.is_some() {
                unclaimed.put(key, document.kept_at.as_millisecond())?;
            }
            Ok(())
        })
        .await
    }

    /// Removes documents that somebody brought and no event named in [`KEPT_UNCLAIMED`]; answers how many.
    ///
    /// # Errors
    /// Returns an error if the store fails; nothing is removed then.
    pub async fn forget_unclaimed_documents(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write_in_any_case(move |transaction| {
            let unclaimed = transaction.open_table(UNCLAIMED)?;
            let is_over = |brought: i64| now.as_millisecond() - brought >= KEPT_UNCLAIMED.as_millis() as i64;
            let mut over = Vec::new();
            for entry in unclaimed.scan(..)? {
                let (key, brought) = entry?;
                if is_over(brought.value()) {
                    over.push(key.value());
                }
            }
            drop(unclaimed);
            for (_, id) in &over {
                remove(transaction, DocumentId(*id))?;
            }
            let mut brought = transaction.open_table(BROUGHT)?;
            let mut ended = Vec::new();
            for entry in brought.scan(..)? {
                let (key, at) = entry?;
                if is_over(at.value()) {
                    ended.push(key.value());
                }
            }
            for key in ended {
                brought.delete(key)?;
            }
            Ok(over.len())
        })
        .await
    }

    /// A document with its bytes.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn document(&self, id: DocumentId) -> Result<Option<Document>, StoreError> {
        self.read(move |transaction| {
            let Some(facts) = facts(transaction, id)? else { return Ok(None) };
            let mut content = Vec::with_capacity(usize::try_from(facts.size).unwrap_or_default());
            for entry in transaction.open_table(PIECES)?.scan((PRACTICE, id.0, 0)..=(PRACTICE, id.0, u32::MAX))? {
                content.extend_from_slice(entry?.1.value());
            }
            let kept_at = facts.kept_at();
            let DocumentFacts { filename, media_type, source, replaced, .. } = facts;
            Ok(Some(Document { id, filename, media_type, kept_at, source, replaced, content }))
        })
        .await
    }

    /// Whether this account uploaded a document in the last [`KEPT_UNCLAIMED`].
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn has_brought(&self, id: DocumentId, by: UserId) -> Result<bool, StoreError> {
        let key = (PRACTICE, id.0, *by.0.as_bytes());
        self.read(move |transaction| Ok(transaction.open_table(BROUGHT)?.get(key)?.is_some())).await
    }

    /// The facts of a document, without reading its bytes.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn document_facts(&self, id: DocumentId) -> Result<Option<DocumentFacts>, StoreError> {
        self.read(move |transaction| facts(transaction, id)).await
    }
}

/// The facts of a document, in a transaction of somebody else's.
pub(super) fn facts(transaction: &Snapshot, id: DocumentId) -> Result<Option<DocumentFacts>, StoreError> {
    let kept = transaction.open_table(DOCUMENTS)?.get((PRACTICE, id.0))?;
    kept.map(|kept| decode(kept.value())).transpose()
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(DOCUMENTS, Whose::OfDocument(At::Key(4)))?;
    visitor.table(PIECES, Whose::OfDocument(At::Key(4)))?;
    visitor.table(UNCLAIMED, Whose::OfDocument(At::Key(4)))?;
    visitor.table(BROUGHT, Whose::OfDocument(At::Key(4)))?;
    visitor.table(NOTES_WITH, Whose::OfDocument(At::Key(4)))
}

/// Keeps a document for good, in the transaction of the event that names it.
///
/// # Errors
/// Returns an error if it was removed since the event was checked: the event is refused when it is sent again.
pub(super) fn claim(transaction: &Write, id: DocumentId, with: NoteId) -> Result<(), StoreError> {
    let key = (PRACTICE, id.0);
    went_with(transaction, id, with)?;
    transaction.open_table(UNCLAIMED)?.delete(key)?;
    match transaction.open_table(DOCUMENTS)?.get(key)? {
        Some(_) => Ok(()),
        None => Err(StoreError::DocumentRemoved(id)),
    }
}

/// The keys of what is kept beside a document.
fn of(id: DocumentId) -> RangeInclusive<(u32, [u8; 32], [u8; 16])> {
    (PRACTICE, id.0, [0; 16])..=(PRACTICE, id.0, [0xff; 16])
}

/// The notes that a document went with, the first of them first.
pub(super) fn notes_with(
    transaction: &Snapshot,
    id: DocumentId,
) -> Result<impl Iterator<Item = Result<NoteId, StoreError>>, StoreError> {
    let entries = transaction.open_table(NOTES_WITH)?.scan(of(id))?;
    Ok(entries.map(|entry| Ok(NoteId(Uuid::from_bytes(entry?.0.value().2)))))
}

/// Keeps that a document went with a note.
pub(super) fn went_with(transaction: &Write, id: DocumentId, note: NoteId) -> Result<(), StoreError> {
    Ok(transaction.open_table(NOTES_WITH)?.put((PRACTICE, id.0, note.0.into_bytes()), ())?)
}

/// Forgets that a document went with a note, which is no more.
pub(super) fn forget_note(transaction: &Write, id: DocumentId, note: NoteId) -> Result<(), StoreError> {
    transaction.open_table(NOTES_WITH)?.delete((PRACTICE, id.0, note.0.into_bytes()))?;
    Ok(())
}

/// Removes a document with its bytes; answers whether it was kept.
pub(super) fn remove(transaction: &Write, id: DocumentId) -> Result<bool, StoreError> {
    let key = (PRACTICE, id.0);
    transaction.open_table(UNCLAIMED)?.delete(key)?;
    transaction.open_table(BROUGHT)?.delete_range(of(id))?;
    transaction.open_table(NOTES_WITH)?.delete_range(of(id))?;
    transaction.open_table(PIECES)?.delete_range((PRACTICE, id.0, 0)..=(PRACTICE, id.0, u32::MAX))?;
    subject_keys::forget(transaction, [Subject::document(&id.0)])?;
    Ok(transaction.open_table(DOCUMENTS)?.delete(key)?)
}

/// Keeps a document in a transaction of somebody else's; answers whether it was not kept before.
pub(super) fn put(transaction: &Write, document: &Document) -> Result<bool, StoreError> {
    if document.content.len() > LARGEST_DOCUMENT {
        return Err(StoreError::DocumentTooLarge { size: document.content.len() });
    }
    let key = (PRACTICE, document.id.0);
    let mut documents = transaction.open_table(DOCUMENTS)?;
    if documents.get(key)?.is_some() {
        return Ok(false);
    }
    let facts = DocumentFacts {
        filename: document.filename.clone(),
        media_type: document.media_type.clone(),
        size: document.content.len() as u64,
        source: document.source,
        replaced: document.replaced.clone(),
        kept_at: document.kept_at.as_millisecond(),
    };
    documents.put(key, encode(&facts)?.as_slice())?;
    let mut pieces = transaction.open_table(PIECES)?;
    for (number, piece) in (0..).zip(document.content.chunks(PIECE)) {
        pieces.put((PRACTICE, document.id.0, number), piece)?;
    }
    Ok(true)
}
