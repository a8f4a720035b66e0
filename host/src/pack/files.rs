//! Reading a pack's files, each bounded in size, and none from outside the pack's folder.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::{PackError, limits};

/// A text file of a pack.
///
/// # Errors
/// Names the file that is missing, too large, or no text.
pub(super) fn read_text(pack: &Path, path: &Path) -> Result<String, PackError> {
    let bytes = read(pack, path, limits::TEXT_FILE)?;
    String::from_utf8(bytes).map_err(|_| refused(path, "it is not UTF-8 text"))
}

/// A file of at most `most` bytes in the folder `pack`. Links among the pack's own files are followed, because containers
/// are given files by such; one that leads elsewhere could lead to a secret.
///
/// # Errors
/// Names the file that is missing, too large, no file, or outside the pack.
pub(super) fn read(pack: &Path, path: &Path, most: u64) -> Result<Vec<u8>, PackError> {
    let unreadable = PackError::io(path.display());
    let inside = pack.canonicalize().map_err(&unreadable)?;
    let real = path.canonicalize().map_err(&unreadable)?;
    if !real.starts_with(inside) {
        return Err(refused(path, "it is a link that leads out of the pack's folder; put the file itself there"));
    }
    // A pipe would hold the reader up for ever.
    if !fs::metadata(&real).map_err(&unreadable)?.is_file() {
        return Err(refused(path, "it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(real).map_err(&unreadable)?.take(most + 1).read_to_end(&mut bytes).map_err(&unreadable)?;
    if bytes.len() as u64 > most {
        return Err(refused(path, &format!("it is larger than {} kB", most >> 10)));
    }
    Ok(bytes)
}

/// The pack is refused because of this file.
pub(super) fn refused(path: &Path, why: &str) -> PackError {
    PackError::Refused { path: path.to_owned(), why: why.to_owned() }
}
