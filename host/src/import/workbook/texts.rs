//! Texts that a workbook's cells share, and texts of cells.

use super::super::error::FileError;
use super::parts::{Parts, Piece};

/// The longest text that is kept, in bytes; a cell holds 32,767 characters at most.
const LONGEST: usize = 128 << 10;

/// The texts that cells share, one behind the other.
#[derive(Default)]
pub(super) struct Texts {
    all: String,
    /// The end of each text.
    ends: Vec<u32>,
}

impl Texts {
    /// Reads them.
    ///
    /// # Errors
    /// Returns an error if their part is damaged, or more than a list needs.
    pub(super) fn read(parts: &mut Parts<'_>, name: &str) -> Result<Self, FileError> {
        let mut texts = Self::default();
        let Some(mut part) = parts.read_held(name)? else { return Ok(texts) };
        let mut text = CellText::default();
        while let Some(piece) = part.next()? {
            match piece {
                Piece::Open(tag) => text.open(tag.name()),
                Piece::Text(piece) => text.add(&piece),
                Piece::Close(end) if end.name() == "si" => {
                    texts.all.push_str(&text.take());
                    texts.ends.push(u32::try_from(texts.all.len()).unwrap_or(u32::MAX));
                }
                Piece::Close(end) => text.close(end.name()),
            }
        }
        Ok(texts)
    }

    /// The text of this number.
    pub(super) fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.all.get(start..end)
    }
}

/// A text that is put together from its runs, without the reading aids beside them.
#[derive(Default)]
pub(super) struct CellText {
    text: String,
    is_text: bool,
    is_aid: bool,
}

impl CellText {
    pub(super) fn open(&mut self, name: &str) {
        match name {
            "t" => self.is_text = true,
            "rPh" => self.is_aid = true,
            _ => {}
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        match name {
            "t" => self.is_text = false,
            "rPh" => self.is_aid = false,
            _ => {}
        }
    }

    pub(super) fn add(&mut self, piece: &str) {
        if self.is_text && !self.is_aid {
            add_bounded(&mut self.text, piece);
        }
    }

    /// The text so far; the next begins.
    pub(super) fn take(&mut self) -> String {
        (self.is_text, self.is_aid) = (false, false);
        decoded(&std::mem::take(&mut self.text))
    }
}

/// Adds to a text as long as it may be; what is longer is not used.
pub(super) fn add_bounded(text: &mut String, piece: &str) {
    if text.len() <= LONGEST {
        text.push_str(piece);
    }
}

/// Spreadsheet programs write a control character as `_x000D_`.
pub(super) fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let code = rest.get(at + 2..at + 7).and_then(|code| code.strip_suffix('_'));
        let letter = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        let (kept, used) = match letter {
            Some(letter) => (Some(letter), at + 7),
            None => (None, at + 2),
        };
        decoded.push_str(if kept.is_some() { &rest[..at] } else { &rest[..used] });
        decoded.extend(kept);
        rest = &rest[used..];
    }
    decoded.push_str(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn escaped_controls_are_decoded() {
        let check = |text: &str, expected: &str| assert_eq!(decoded(text), expected);
        check("a_x000D_b", "a\rb");
        check("_x005F_x000D_", "_x000D_");
        check("_x_xā_x00", "_x_xā_x00");
        check("_xD800__x0041_", "_xD800_A");
    }
}
