//! The practice's logo: a picture that documents can show.

use std::path::Path;

use super::regular_file;

/// The largest file, bytes.
const LARGEST: u64 = 2 << 20;

/// A logo as documents take it.
#[derive(Clone, PartialEq, Debug)]
pub struct Logo {
    /// `png`, `jpg` or `svg`.
    pub format: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Reads the file and tells by its first bytes what it is.
///
/// # Errors
/// Returns what is wrong with it, and what would be right.
pub fn read(path: &Path) -> Result<Logo, String> {
    let bytes = regular_file::read(path, LARGEST)?;
    match format(&bytes) {
        Some(format) => Ok(Logo { format, bytes }),
        None => Err(format!("{} is neither a PNG nor a JPEG nor an SVG file", path.display())),
    }
}

fn format(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("png");
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Some("jpg");
    }
    let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim_start();
    // Behind an XML declaration and comments comes the one element.
    (text.starts_with('<') && text.contains("<svg")).then_some("svg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_told_by_their_first_bytes() {
        let check = |bytes: &[u8], expected| assert_eq!(format(bytes), expected);
        check(b"\x89PNG\r\n\x1a\n....", Some("png"));
        check(b"\xff\xd8\xff\xe0", Some("jpg"));
        check(b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", Some("svg"));
        check(b"GIF89a", None);
        check(b"<html></html>", None);
        check(b"", None);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logo.gif");
        assert!(read(&path).unwrap_err().contains("logo.gif cannot be read"));
        std::fs::write(&path, "GIF89a").unwrap();
        assert!(read(&path).unwrap_err().contains("neither a PNG"));
        std::fs::write(&path, vec![0; (LARGEST + 1) as usize]).unwrap();
        assert!(read(&path).unwrap_err().contains("larger than 2 MB"));
    }
}
