//! Copies of the store for backups: all rows of one moment, table by table. What is a client's, a CRM record's, a note's or a
//! document's is sealed with a key of its own, which no copy has. An erasure takes the keys away in the same transaction as the
//! rest, and every older copy forgets what they were of, wherever it lies.

mod reading;
mod subjects;
mod writing;

use std::io::{self, Read, Write as Output};

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};

pub use self::reading::{Restored, Restoring, check, restore};
#[cfg(test)]
pub use self::reading::{Rows, rows_of};
use super::migrations::FORMAT;
pub use super::subject_keys::{FileOfKeys, Fingerprint, SubjectKeys};
use super::{Store, StoreError, tombstones};

/// What a copy begins with.
const MAGIC: &[u8; 8] = b"tgcopy1\n";
/// The marks of what follows in a copy.
const END: u8 = 0;
const TABLE: u8 = 1;
const ROW: u8 = 2;
const SEALED_ROW: u8 = 3;
/// The longest row, in bytes.
const LONGEST_ROW: usize = 256 << 20;

/// What a copy holds, in numbers.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Copied {
    /// All rows.
    pub rows: u64,
    /// The rows, among those, that are sealed with a key of what they are of.
    pub sealed: u64,
    /// The rows, among those, whose key was taken away, so that nobody reads them.
    pub forgotten: u64,
    /// The rows, among those, whose key is not in the file of keys, and was not taken away either: it is older than the copy, or
    /// another store's.
    pub keyless: u64,
}

/// The reason why a copy was not made or read.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it is written to, or read from, failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The copy is none, or is damaged.
    #[error("it is no copy of a store, or is damaged: {0}")]
    Damaged(&'static str),
    /// There is a store in the folder.
    #[error("the folder has a store already")]
    StoreThere,
    /// Keys are missing that were not taken away.
    #[error(
        "the keys of {rows} of its rows are missing: the file of keys is older than the backup, or another host's. Name the newest"
    )]
    Keyless {
        /// The number of rows.
        rows: u64,
    },
    /// The copy is of another format.
    #[error(
        "it was made of a store of format {found}, and this version reads format {known}: use the version of tidegate that \
         made it, and bring the folder to this one by starting it"
    )]
    OtherFormat {
        /// The format of the copy.
        found: u32,
        /// The format of this version.
        known: u32,
    },
}

impl From<super::engine::Error> for CopyError {
    fn from(error: super::engine::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The seal of the rows of one copy.
struct Seal {
    copy: [u8; 16],
}

impl Seal {
    /// The cipher of a key in this copy: no two copies seal with the same, so that a row's number is nonce enough.
    fn cipher(&self, key: &[u8; 32]) -> ChaCha20Poly1305 {
        let of_copy = blake3::keyed_hash(key, &self.copy);
        ChaCha20Poly1305::new(of_copy.as_bytes().into())
    }

    fn nonce(number: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_be_bytes());
        nonce.into()
    }

    fn seal(&self, key: &[u8; 32], number: u64, (table, row): (&str, &[u8])) -> Result<Vec<u8>, CopyError> {
        let sealed = self.cipher(key).encrypt(&Self::nonce(number), Payload { msg: row, aad: table.as_bytes() });
        sealed.map_err(|_| CopyError::Damaged("a row is too long to be sealed"))
    }

    fn open(&self, key: &[u8; 32], number: u64, (table, row): (&str, &[u8])) -> Result<Vec<u8>, CopyError> {
        let opened = self.cipher(key).decrypt(&Self::nonce(number), Payload { msg: row, aad: table.as_bytes() });
        opened.map_err(|_| CopyError::Damaged("a row does not open with its key"))
    }
}

impl Store {
    /// Writes a copy of all rows as they are at one moment, while others go on writing. Keys that are new are kept before this
    /// answers; what is taken away meanwhile gets none.
    ///
    /// # Errors
    /// Returns an error if the store fails, or what is written to does.
    pub async fn write_copy<W: Output + Send + 'static>(&self, to: W) -> Result<(W, Copied), CopyError> {
        let engine = self.engine.clone();
        let written = tokio::task::spawn_blocking(move || {
            let snapshot = engine.snapshot().map_err(StoreError::from)?;
            writing::write(&snapshot, to)
        });
        let (to, copied, (made, seen)) = written.await.map_err(io::Error::other)??;
        if !made.is_empty() {
            self.keep_keys(made, seen).await?;
        }
        Ok((to, copied))
    }

    /// The mark by which the backups of this store, and of copies of it that were put back, are known to be its own.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn mark(&self) -> Result<String, StoreError> {
        let key = self.read(tombstones::key_seen).await?;
        let mark = blake3::derive_key("tidegate 2026-11 mark of a store", &key.map(|key| key.0).unwrap_or_default());
        Ok(blake3::Hash::from_bytes(mark).to_hex()[..16].to_owned())
    }

    /// The lines of the file of erasures, as it stands; none where nobody was erased yet.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn erasure_lines(&self) -> io::Result<Option<Vec<u8>>> {
        self.erasures.bytes()
    }
}

/// Reads exactly so many bytes.
fn take<const N: usize>(from: &mut impl Read) -> Result<[u8; N], CopyError> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(cut_off)?;
    Ok(bytes)
}

fn cut_off(error: io::Error) -> CopyError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CopyError::Damaged("it ends before its end"),
        _ => CopyError::Io(error),
    }
}
