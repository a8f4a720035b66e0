//! Documents that go with file notes: kept by the digest of their bytes, in pieces, so that a large one neither fills
//! the page cache nor needs a contiguous stretch of the file. The same bytes are kept once.

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::keys::PRACTICE;
use super::tables::{decode, encode};
use super::{Store, StoreError};
use crate::domain::{DocumentId, Timestamp};

/// The largest document, in bytes.
pub const LARGEST_DOCUMENT: usize = 25 * 1024 * 1024;

/// Bytes of a piece.
const PIECE: usize = 256 * 1024;

/// What is known of a document: [`DocumentFacts`].
const DOCUMENTS: TableDefinition<'static, (u32, [u8; 32]), &[u8]> = TableDefinition::new("documents");
/// Its bytes, by the number of the piece.
const PIECES: TableDefinition<'static, (u32, [u8; 32], u32), &[u8]> = TableDefinition::new("document-pieces");

/// Where a document comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The host made it.
    Made,
    /// Somebody brought it.
    Uploaded,
}

/// A document with its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// BLAKE3 of the bytes.
    pub id: DocumentId,
    /// What the file is called: `Best Life Plan.pdf`.
    pub filename: String,
    /// `application/pdf`.
    pub media_type: String,
    /// When it was kept, or made.
    pub kept_at: Timestamp,
    /// Where it comes from.
    pub source: Source,
    /// Characters that no font has and that stand in it as U+FFFD.
    pub replaced: String,
    /// The bytes.
    pub content: Vec<u8>,
}

/// What is known of a document without its bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DocumentFacts {
    /// What the file is called.
    pub filename: String,
    /// `application/pdf`.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Where it comes from.
    pub source: Source,
    /// Characters that no font has and that stand in it as U+FFFD.
    pub replaced: String,
    /// When it was kept, in milliseconds since 1970.
    kept_at: i64,
}

impl DocumentFacts {
    /// When it was kept.
    pub fn kept_at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.kept_at).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl Document {
    /// A document of these bytes that somebody brought.
    pub fn new(filename: String, media_type: String, content: Vec<u8>, now: Timestamp) -> Self {
        let id = DocumentId(*blake3::hash(&content).as_bytes());
        let (source, replaced) = (Source::Uploaded, String::new());
        Self { id, filename, media_type, kept_at: now, source, replaced, content }
    }

    /// The same, made by the host with these characters replaced.
    #[must_use]
    pub fn made(self, replaced: String) -> Self {
        Self { source: Source::Made, replaced, ..self }
    }
}

impl Store {
    /// Keeps a document. Where its bytes are kept already, under whatever name, nothing changes.
    ///
    /// # Errors
    /// Where it is too large, or the store fails.
    pub async fn put_document(&self, document: Document) -> Result<(), StoreError> {
        self.write(move |transaction| put(transaction, &document)).await
    }

    /// A document with its bytes.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn document(&self, id: DocumentId) -> Result<Option<Document>, StoreError> {
        self.read(move |transaction| {
            let Some(facts) = facts(transaction, id)? else { return Ok(None) };
            let mut content = Vec::with_capacity(usize::try_from(facts.size).unwrap_or_default());
            for entry in transaction.open_table(PIECES)?.range((PRACTICE, id.0, 0)..=(PRACTICE, id.0, u32::MAX))? {
                content.extend_from_slice(entry?.1.value());
            }
            let kept_at = facts.kept_at();
            let DocumentFacts { filename, media_type, source, replaced, .. } = facts;
            Ok(Some(Document { id, filename, media_type, kept_at, source, replaced, content }))
        })
        .await
    }

    /// What is known of a document, without reading its bytes.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn document_facts(&self, id: DocumentId) -> Result<Option<DocumentFacts>, StoreError> {
        self.read(move |transaction| facts(transaction, id)).await
    }
}

/// What is known of a document, in a transaction of somebody else's.
pub(super) fn facts(transaction: &ReadTransaction, id: DocumentId) -> Result<Option<DocumentFacts>, StoreError> {
    let kept = transaction.open_table(DOCUMENTS)?.get((PRACTICE, id.0))?;
    kept.map(|kept| decode(kept.value())).transpose()
}

/// Makes the tables that are missing.
pub(super) fn make_tables(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(DOCUMENTS)?;
    transaction.open_table(PIECES)?;
    Ok(())
}

/// Keeps a document in a transaction of somebody else's.
pub(super) fn put(transaction: &WriteTransaction, document: &Document) -> Result<(), StoreError> {
    if document.content.len() > LARGEST_DOCUMENT {
        let size = document.content.len() >> 20;
        return Err(StoreError::Failed(format!(
            "a document of {size} MB is larger than {} MB",
            LARGEST_DOCUMENT >> 20
        )));
    }
    let key = (PRACTICE, document.id.0);
    let mut documents = transaction.open_table(DOCUMENTS)?;
    if documents.get(key)?.is_some() {
        return Ok(());
    }
    let facts = DocumentFacts {
        filename: document.filename.clone(),
        media_type: document.media_type.clone(),
        size: document.content.len() as u64,
        source: document.source,
        replaced: document.replaced.clone(),
        kept_at: document.kept_at.as_millisecond(),
    };
    documents.insert(key, encode(&facts)?.as_slice())?;
    let mut pieces = transaction.open_table(PIECES)?;
    for (number, piece) in (0..).zip(document.content.chunks(PIECE)) {
        pieces.insert((PRACTICE, document.id.0, number), piece)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(filename: &str, content: Vec<u8>) -> Document {
        let at = Timestamp::from_millisecond(1_800_000_000_123).unwrap();
        Document::new(filename.to_owned(), "application/pdf".to_owned(), content, at)
    }

    #[tokio::test]
    async fn a_document_comes_back_as_it_was_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for size in [0, 1, PIECE, 3 * PIECE + 7] {
            let mut kept = document("a.pdf", (0..size).map(|at| (at % 251) as u8).collect());
            if size == 1 {
                kept = kept.made("中".to_owned());
            }
            store.put_document(kept.clone()).await.unwrap();
            assert_eq!(store.document(kept.id).await.unwrap(), Some(kept));
        }
        assert_eq!(store.document(DocumentId([0; 32])).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_same_bytes_are_one_document_and_too_many_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let first = document("a.pdf", b"%PDF-1.7".to_vec());
        store.put_document(first.clone()).await.unwrap();
        store.put_document(document("b.pdf", b"%PDF-1.7".to_vec())).await.unwrap();
        assert_eq!(store.document(first.id).await.unwrap(), Some(first.clone()));
        assert_eq!(store.document_facts(first.id).await.unwrap().map(|facts| facts.size), Some(8));
        let large = document("c.pdf", vec![0; LARGEST_DOCUMENT + 1]);
        assert!(store.put_document(large).await.is_err());
    }
}
