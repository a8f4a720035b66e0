//! What is taken as a PDF: it begins and ends as one, and is not too large. What stands between is the reader's to trust
//! or not; it is served as a download and never opened here.

use crate::store::documents::LARGEST_DOCUMENT;

/// The largest document, bytes.
pub const LARGEST: usize = LARGEST_DOCUMENT;

/// So much of one that is too large is read before it is refused, in bytes: a sender who is still sending when the
/// connection ends sees no answer.
pub const READ_TO_ITS_END: usize = 4 * LARGEST;

/// How far into a file its first line may begin, and how far from its end the last may stand: what readers allow.
const SLACK: usize = 1024;

/// Why bytes are no PDF that is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAPdf {
    /// Nothing came.
    #[error("the file is empty")]
    Empty,
    /// More than [`LARGEST`].
    #[error("the file is larger than {} MB", LARGEST >> 20)]
    TooLarge,
    /// No header.
    #[error("the file is no PDF: it does not begin with %PDF-")]
    NoHeader,
    /// No end.
    #[error("the PDF is cut short: it does not end with %%EOF")]
    CutShort,
    /// No table of its objects.
    #[error("the PDF is damaged: it has no startxref before its end")]
    NoTable,
}

/// Checks a whole file.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(bytes: &[u8]) -> Result<(), NotAPdf> {
    if bytes.is_empty() {
        return Err(NotAPdf::Empty);
    }
    if bytes.len() > LARGEST {
        return Err(NotAPdf::TooLarge);
    }
    let version = bytes.strip_prefix(b"%PDF-").and_then(|rest| rest.get(..3));
    if !version.is_some_and(|v| v[0].is_ascii_digit() && v[1] == b'.' && v[2].is_ascii_digit()) {
        return Err(NotAPdf::NoHeader);
    }
    let tail = &bytes[bytes.len().saturating_sub(SLACK)..];
    let end = memchr::memmem::rfind(tail, b"%%EOF").ok_or(NotAPdf::CutShort)?;
    if memchr::memmem::rfind(&tail[..end], b"startxref").is_none() {
        return Err(NotAPdf::NoTable);
    }
    Ok(())
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
        let mut trailing = whole.to_vec();
        trailing.extend([b' '; SLACK]);
        judge(&trailing, Err(NotAPdf::CutShort));
        let mut large = b"%PDF-1.7\n".to_vec();
        large.resize(LARGEST + 1, b' ');
        judge(&large, Err(NotAPdf::TooLarge));
    }
}
