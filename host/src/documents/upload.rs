//! The check of what is taken as a PDF: it begins and ends as readers of PDF look for it, and is not too large. What is
//! between is the reader's to trust or not; it is kept as it came, served as a download and never opened here.

use crate::store::documents::LARGEST_DOCUMENT;

/// The largest document, bytes.
pub const LARGEST: usize = LARGEST_DOCUMENT;

/// The distance into a file at which its header may begin, and from the end of what is no padding at which its last
/// line may stand: what readers allow. Programs and mail gateways put a byte order mark, a blank line or a heading of
/// theirs in front.
const SLACK: usize = 1024;

/// The beginnings of other kinds of file, whatever they hold further on.
const OTHERS: [&[u8]; 10] =
    [b"<", b"{", b"PK\x03\x04", b"MZ", b"\x7fELF", b"#!", b"GIF8", b"\x89PNG", b"\xff\xd8\xff", b"\xd0\xcf\x11\xe0"];

/// The reason why bytes are not taken as a PDF.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAPdf {
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than [`LARGEST`].
    #[error("the file is larger than {} MB", LARGEST >> 20)]
    TooLarge,
    /// The file has no header.
    #[error("the file is no PDF: it does not begin with %PDF- and a version")]
    NoHeader,
    /// The file has no end.
    #[error("the PDF is cut short: it does not end with %%EOF")]
    CutShort,
    /// The file has no table of its objects.
    #[error("the PDF is damaged: it has no startxref before its end")]
    NoTable,
}

/// Checks a whole file.
///
/// # Errors
/// Returns what is wrong with it.
pub(super) fn check(bytes: &[u8]) -> Result<(), NotAPdf> {
    if bytes.is_empty() {
        return Err(NotAPdf::Empty);
    }
    if bytes.len() > LARGEST {
        return Err(NotAPdf::TooLarge);
    }
    if !has_header(bytes) {
        return Err(NotAPdf::NoHeader);
    }
    let padding = bytes.iter().rev().take_while(|byte| is_padding(**byte)).count();
    let whole = &bytes[..bytes.len() - padding];
    let tail = &whole[whole.len().saturating_sub(SLACK)..];
    let end = memchr::memmem::rfind(tail, b"%%EOF").ok_or(NotAPdf::CutShort)?;
    if memchr::memmem::rfind(&tail[..end], b"startxref").is_none() {
        return Err(NotAPdf::NoTable);
    }
    Ok(())
}

/// Whether a version is behind the header's mark, near the beginning of a file that is of no other kind.
fn has_header(bytes: &[u8]) -> bool {
    let marks = ["\u{feff}".as_bytes(), b"\xff\xfe", b"\xfe\xff"];
    let text = marks.iter().find_map(|mark| bytes.strip_prefix(*mark)).unwrap_or(bytes).trim_ascii_start();
    let is_version = |rest: &[u8]| matches!(rest, [b'0'..=b'9', b'.', b'0'..=b'9', ..]);
    let top = &bytes[..bytes.len().min(SLACK + b"%PDF-1.7".len())];
    let mut found = memchr::memmem::find_iter(top, b"%PDF-");
    !OTHERS.iter().any(|other| text.starts_with(other)) && found.any(|at| is_version(&top[at + b"%PDF-".len()..]))
}

/// Whether a byte is one that fills files up behind their end: white space, NUL, the end-of-file mark of old systems,
/// unwritten flash.
fn is_padding(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0 | 0x1a | 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pdf_is_told_by_its_ends() {
        let judge = |bytes: &[u8], expected: Result<(), NotAPdf>| assert_eq!(check(bytes), expected);
        let whole = b"%PDF-1.7\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n";
        judge(whole, Ok(()));
        judge(b"", Err(NotAPdf::Empty));
        judge(b"PK\x03\x04", Err(NotAPdf::NoHeader));
        judge(b"%PDF-x.y\nstartxref\n%%EOF", Err(NotAPdf::NoHeader));
        judge(b"<html>%PDF-1.7 startxref %%EOF", Err(NotAPdf::NoHeader));
        judge(&whole[..whole.len() - 4], Err(NotAPdf::CutShort));
        judge(b"%PDF-1.7\n%%EOF", Err(NotAPdf::NoTable));
        judge(b"PK\x03\x04%PDF-1.7\nstartxref\n9\n%%EOF\n", Err(NotAPdf::NoHeader));
        judge(&[whole.as_slice(), &[b'x'; SLACK]].concat(), Err(NotAPdf::CutShort));
        let mut large = b"%PDF-1.7\n".to_vec();
        large.resize(LARGEST + 1, b' ');
        judge(&large, Err(NotAPdf::TooLarge));
    }

    #[test]
    fn what_readers_take_as_a_pdf_is_one() {
        let whole = b"%PDF-1.7\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n".as_slice();
        let heading = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n".as_slice();
        for before in [b"\xef\xbb\xbf".as_slice(), b"\n", b"\r\n\r\n ", b"\0\0", heading, &[b'\r'; SLACK]] {
            assert_eq!(check(&[before, whole].concat()), Ok(()), "{before:?}");
        }
        assert_eq!(check(&[&[b'\r'; SLACK + 1], whole].concat()), Err(NotAPdf::NoHeader));
        for after in [[b'\0'; 5_000], [b' '; 5_000], [b'\n'; 5_000], [0x1a; 5_000], [0xff; 5_000]] {
            assert_eq!(check(&[whole, &after].concat()), Ok(()), "{:?}", after[0]);
            assert_eq!(check(&[&whole[..whole.len() - 3], &after].concat()), Err(NotAPdf::CutShort));
        }
    }
}
