//! The bytes of an export, read at any place, and text made of them.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use xxhash_rust::xxh3::Xxh3Default;

use super::folder::Opened;
use super::looks::Look;
use crate::crm::CrmError;
use crate::delimited::{Decoded, TextError, encoding_of};

/// The largest export in UTF-16, in bytes as UTF-8: it is held in memory, because no line of it can be cut out as bytes.
const LARGEST_DECODED: u64 = 64 << 20;
/// Bytes that are read at once where a whole file is.
const PIECE: usize = 256 << 10;

/// The content of an export.
#[derive(Debug)]
pub(super) enum Content {
    /// The file itself.
    File(File),
    /// Its text in UTF-8, where the file is in an encoding that is read as a whole.
    Memory(Bytes),
}

/// A content with what its bytes are.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) content: Content,
    pub(super) encoding: &'static Encoding,
    /// The place where the text begins, behind its mark.
    pub(super) begins: u64,
    /// XXH3-128 of the whole file.
    pub(super) digest: u128,
}

impl Text {
    /// The text of a file.
    ///
    /// # Errors
    /// Returns an error if its encoding cannot be told, or it cannot be read.
    pub(super) fn of(opened: &mut Opened) -> Result<Self, CrmError> {
        let Opened { file, name, .. } = opened;
        let failed = |error: TextError| match error {
            TextError::NoText(message) => CrmError::NotReady { message: format!("{name} cannot be read: {message}") },
            TextError::Disk(error) => CrmError::Unreachable { message: format!("{name} cannot be read: {error}") },
        };
        let digest = digest(file).map_err(|error| failed(error.into()))?;
        let encoding = encoding_of(file).map_err(failed)?;
        let mut mark = [0; 3];
        let length = file.read_at(&mut mark, 0).map_err(|error| failed(error.into()))?;
        let begins = Encoding::for_bom(&mark[..length]).map_or(0, |(_, length)| length as u64);
        if encoding != UTF_16LE && encoding != UTF_16BE {
            let file = file.try_clone().map_err(|error| failed(error.into()))?;
            return Ok(Self { content: Content::File(file), encoding, begins, digest });
        }
        file.rewind().map_err(|error| failed(error.into()))?;
        let mut text = Vec::new();
        let read = Decoded::new(&mut *file, encoding).take(LARGEST_DECODED + 1).read_to_end(&mut text);
        read.map_err(|error| failed(TextError::NoText(error.to_string())))?;
        if text.len() as u64 > LARGEST_DECODED {
            let message = format!("{name} is in UTF-16 and larger than {} MB; save it as UTF-8", LARGEST_DECODED >> 20);
            return Err(CrmError::TooLarge { message });
        }
        Ok(Self { content: Content::Memory(text.into()), encoding: UTF_8, begins: 0, digest })
    }

    /// Whether it begins with what stood in the file before, so that it has only grown.
    pub(super) fn has_grown_from(&self, before: &Look, size: u64) -> bool {
        let Content::File(file) = &self.content else { return false };
        before.size > 0
            && before.size < size
            && digest_of(file, before.size).is_ok_and(|begin| format!("{begin:032x}") == before.digest)
    }

    /// Whether its last line has an end.
    pub(super) fn ends_with_a_line(&self, size: u64) -> io::Result<bool> {
        let last = match &self.content {
            Content::File(_) if size == 0 => None,
            Content::File(_) => self.bytes(size - 1, 1)?.first().copied(),
            Content::Memory(text) => text.last().copied(),
        };
        Ok(matches!(last, Some(b'\n' | b'\r')))
    }

    /// The bytes at a place.
    pub(super) fn bytes(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        match &self.content {
            Content::File(file) => file.read_exact_at(&mut bytes, start)?,
            Content::Memory(text) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let piece = start.checked_add(length).and_then(|end| text.get(start..end));
                bytes.copy_from_slice(piece.ok_or(io::ErrorKind::UnexpectedEof)?);
            }
        }
        Ok(bytes)
    }

    /// A reader from a place to the end.
    pub(super) fn reader(&self, from: u64) -> Reader<'_> {
        Reader { text: self, at: from }
    }

    /// Whether the file still holds what was read.
    pub(super) fn is_unchanged(&self) -> bool {
        match &self.content {
            Content::File(file) => digest(file).is_ok_and(|now| now == self.digest),
            Content::Memory(_) => true,
        }
    }
}

/// XXH3-128 of a whole file.
fn digest(file: &File) -> io::Result<u128> {
    digest_of(file, u64::MAX)
}

/// XXH3-128 of so many bytes at a file's beginning.
fn digest_of(file: &File, size: u64) -> io::Result<u128> {
    let (mut hasher, mut at, mut piece) = (Xxh3Default::new(), 0, vec![0; PIECE]);
    loop {
        let room = usize::try_from(size - at).unwrap_or(PIECE).min(PIECE);
        let read = file.read_at(&mut piece[..room], at)?;
        if read == 0 {
            return Ok(hasher.digest128());
        }
        hasher.update(&piece[..read]);
        at += read as u64;
    }
}

/// Reads a text from a place on.
pub(super) struct Reader<'t> {
    text: &'t Text,
    at: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &self.text.content {
            Content::File(file) => file.read_at(into, self.at)?,
            Content::Memory(text) => {
                let rest = text.get(usize::try_from(self.at).unwrap_or(usize::MAX)..).unwrap_or_default();
                let length = rest.len().min(into.len());
                into[..length].copy_from_slice(&rest[..length]);
                length
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}
