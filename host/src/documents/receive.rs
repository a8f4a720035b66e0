//! Taking in a document that somebody sends: piece by piece into a file without a name, checked when it is whole, and
//! only then read into memory and kept, one at a time.

use std::io::SeekFrom;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use super::upload::{LARGEST, NotAPdf, check};
use crate::domain::{DocumentId, Timestamp, UserId};
use crate::intake::NotRead;
use crate::store::audit::scope;
use crate::store::documents::Document;
use crate::store::{Store, StoreError};

/// The longest name of a file, in characters.
const LONGEST_NAME: usize = 120;

/// Takes documents in. Cheap to clone.
#[derive(Clone)]
pub struct Uploads {
    store: Store,
    folder: PathBuf,
    in_memory: Arc<Semaphore>,
}

/// A document that was taken in and is kept.
#[derive(Debug)]
pub struct Kept {
    /// The document's id, which follows from its name and its bytes.
    pub id: DocumentId,
    /// The name that the file has from now on.
    pub filename: String,
    /// `application/pdf`.
    pub media_type: String,
    /// The size in bytes.
    pub size: usize,
}

/// The reason why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// The upload is no PDF, or too large.
    #[error(transparent)]
    NotAPdf(#[from] NotAPdf),
    /// The upload broke off, was too slow, or could not be read.
    #[error(transparent)]
    NotRead(#[from] NotRead),
    /// The disk failed.
    #[error("the document could not be kept for checking: {0}")]
    Io(#[from] std::io::Error),
    /// The store failed, or has no space.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Uploads {
    /// Takes documents in by files in `folder`, which nobody else sees, and keeps them in the store.
    pub fn new(store: Store, folder: PathBuf) -> Self {
        Self { store, folder, in_memory: Arc::new(Semaphore::new(1)) }
    }

    /// Takes in a PDF as it comes, and keeps it as brought by an account. Who calls has a place and a time for it.
    ///
    /// # Errors
    /// Fails as [`NotTaken`] says; nothing is left of it then.
    pub async fn keep<E: std::fmt::Display>(
        &self,
        name: Option<&str>,
        pieces: impl Stream<Item = Result<Bytes, E>>,
        by: Option<UserId>,
        now: Timestamp,
    ) -> Result<Kept, NotTaken> {
        let mut file = self.spool(pieces).await?;
        // Held until the store has it: the store writes one after the other, and those that wait would all be in memory.
        let _one = self.in_memory.acquire().await.map_err(|_| NotRead::Busy)?;
        let mut content = Vec::with_capacity(usize::try_from(file.metadata().await?.len()).unwrap_or(LARGEST));
        file.seek(SeekFrom::Start(0)).await?;
        file.read_to_end(&mut content).await?;
        check(&content)?;
        self.store.space().admit()?;
        let document = Document::new(file_name(name), "application/pdf".to_owned(), content, now);
        let (filename, media_type) = (document.filename.clone(), document.media_type.clone());
        let kept = Kept { id: document.id, filename, media_type, size: document.content.len() };
        scope::about(document.id);
        self.store.put_document(document, by).await?;
        Ok(kept)
    }

    async fn spool<E: std::fmt::Display>(
        &self,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<File, NotTaken> {
        let mut file = File::from_std(tempfile::tempfile_in(&self.folder)?);
        let mut pieces = std::pin::pin!(pieces);
        let mut size = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| NotRead::BrokeOff(error.to_string()))?;
            size += piece.len();
            if size > LARGEST {
                return Err(NotAPdf::TooLarge.into());
            }
            file.write_all(&piece).await?;
        }
        file.flush().await?;
        Ok(file)
    }
}

/// The name for a file that comes from anywhere: the last part of what was given, without what names of files do not
/// hold, ending in `.pdf`.
fn file_name(given: Option<&str>) -> String {
    let given = given.unwrap_or_default().trim_end_matches(['/', '\\']);
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|letter| !super::is_odd_in_a_file_name(*letter)).collect();
    let is_filling = |letter: char| letter == '.' || letter.is_whitespace();
    let stem = plain.trim_matches(is_filling);
    let stem =
        stem.strip_suffix(".pdf").or_else(|| stem.strip_suffix(".PDF")).unwrap_or(stem).trim_end_matches(is_filling);
    let stem: String = stem.chars().take(LONGEST_NAME).collect();
    if stem.is_empty() { "Document.pdf".to_owned() } else { format!("{stem}.pdf") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n";

    async fn receive(pieces: Vec<Result<Bytes, String>>) -> Result<Document, NotTaken> {
        let (data_dir, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(data_dir.path()).unwrap();
        let uploads = Uploads::new(store.clone(), folder.path().to_owned());
        let kept = uploads.keep(Some("plan.pdf"), futures::stream::iter(pieces), None, Timestamp::UNIX_EPOCH).await;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
        let document = store.document(kept?.id).await.unwrap().unwrap();
        Ok(document)
    }

    #[tokio::test]
    async fn a_document_comes_in_pieces_and_is_refused_where_it_is_too_large() {
        let pieces = PDF.chunks(7).map(|piece| Ok(Bytes::from_static(piece))).collect();
        let taken = receive(pieces).await.unwrap();
        assert_eq!((taken.content.as_slice(), taken.filename.as_str()), (PDF, "plan.pdf"));

        let megabyte = Bytes::from(vec![b' '; 1 << 20]);
        let pieces = (0..30).map(|at| if at < 28 { Ok(megabyte.clone()) } else { Err("too long".to_owned()) });
        assert!(matches!(receive(pieces.collect()).await, Err(NotTaken::NotAPdf(NotAPdf::TooLarge))));
        let broken = vec![Ok(Bytes::from_static(PDF)), Err("reset".to_owned())];
        assert!(matches!(receive(broken).await, Err(NotTaken::NotRead(NotRead::BrokeOff(_)))));
        assert!(matches!(receive(Vec::new()).await, Err(NotTaken::NotAPdf(NotAPdf::Empty))));
    }

    #[test]
    fn names_of_files_lose_what_does_not_belong_there() {
        let check = |given: &str, expected: &str| assert_eq!(file_name(Some(given)), expected);
        check("Plan – Mārama.pdf", "Plan – Mārama.pdf");
        check("../../etc/passwd", "passwd.pdf");
        check("C:\\plans\\a.PDF", "a.pdf");
        check("plans/a.pdf/", "a.pdf");
        check("a.pdf.", "a.pdf");
        check(" a . .pdf . ", "a.pdf");
        check("a\u{E0041}\u{FE0F}b.pdf", "a\u{FE0F}b.pdf");
        check(".pdf", "pdf.pdf");
        check("a\r\nb\u{202E}\".exe", "ab.exe.pdf");
        check("", "Document.pdf");
        assert_eq!(file_name(None), "Document.pdf");
        assert_eq!(file_name(Some(&"é".repeat(500))).chars().count(), LONGEST_NAME + 4);
    }
}
