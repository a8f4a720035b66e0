//! Reading a pack's files, each bounded in size.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{PackError, limits};

/// A text file of a pack.
///
/// # Errors
/// Names the file that is missing, too large, or no text.
pub(super) fn read_text(path: &Path) -> Result<String, PackError> {
    let bytes = read(path, limits::TEXT_FILE)?;
    String::from_utf8(bytes).map_err(|_| refused(path, "it is not UTF-8 text"))
}

/// A file of at most `most` bytes.
///
/// # Errors
/// Names the file that is missing or too large.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, PackError> {
    let unreadable = |e: std::io::Error| PackError::Io(format!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(refused(path, &format!("it is larger than {} kB", most >> 10)));
    }
    Ok(bytes)
}

/// The pack is refused because of this file.
pub(super) fn refused(path: &Path, why: &str) -> PackError {
    PackError::Refused(format!("{}: {why}", path.display()))
}
