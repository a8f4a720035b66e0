//! The text of a CSV file: which encoding it is in, decoded as it is read, and taken a line at a time.

use std::io::{self, BufRead, BufReader, Read, Seek};

use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};

use super::TextError;

/// The encoding of a file: what its byte order mark says, else UTF-8 where all of it is, else Windows-1252 where
/// nothing speaks against it.
///
/// # Errors
/// Returns an error if it cannot be told, or the disk fails.
pub fn encoding_of(file: &mut (impl Read + Seek)) -> Result<&'static Encoding, TextError> {
    file.rewind()?;
    let mut head = [0; 3];
    let length = file.read(&mut head)?;
    if let Some((encoding, _)) = Encoding::for_bom(&head[..length]) {
        return Ok(encoding);
    }
    file.rewind()?;
    let mut found = Found::default();
    let mut bytes = BufReader::new(file).bytes();
    let mut rest_of_letter = 0;
    let mut line = 1_u64;
    while let Some(byte) = bytes.next().transpose()? {
        found.look_at(byte, line, &mut rest_of_letter);
        line += u64::from(byte == b'\n');
    }
    if rest_of_letter > 0 {
        found.not_utf_8.get_or_insert(line);
    }
    let refused = |row: u64, message: &str| {
        Err(TextError::NoText(format!(
            "Row {row} is in an encoding that cannot be told: {message}. Save it as CSV UTF-8."
        )))
    };
    match found {
        Found { nul: Some(row), nuls, bytes, .. } if nuls > bytes / 10 => {
            refused(row, "it looks like UTF-16 without a mark")
        }
        Found { not_utf_8: None, .. } => Ok(UTF_8),
        Found { not_utf_8: Some(row), is_utf_8: true, .. } => refused(row, "the rows before or after it are UTF-8"),
        Found { undefined: Some(row), .. } => refused(row, "it is neither UTF-8 nor Windows-1252"),
        Found { .. } => Ok(WINDOWS_1252),
    }
}

/// The findings about the bytes of a file.
#[derive(Default)]
struct Found {
    bytes: u64,
    nuls: u64,
    nul: Option<u64>,
    /// Whether it holds a letter beyond ASCII in UTF-8.
    is_utf_8: bool,
    not_utf_8: Option<u64>,
    /// Holds a byte that Windows-1252 does not have.
    undefined: Option<u64>,
}

impl Found {
    fn look_at(&mut self, byte: u8, line: u64, rest_of_letter: &mut u8) {
        self.bytes += 1;
        if byte == 0 {
            self.nuls += 1;
            self.nul.get_or_insert(line);
        }
        if matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d) {
            self.undefined.get_or_insert(line);
        }
        // Not all that passes here is UTF-8, but Windows-1252 text does not pass; the decoder finds the rest.
        match (*rest_of_letter, byte) {
            (0, 0..=0x7f) => {}
            (0, 0xc2..=0xdf) => *rest_of_letter = 1,
            (0, 0xe0..=0xef) => *rest_of_letter = 2,
            (0, 0xf0..=0xf4) => *rest_of_letter = 3,
            (rest @ 1.., 0x80..=0xbf) => {
                *rest_of_letter = rest - 1;
                self.is_utf_8 |= rest == 1;
            }
            _ => {
                *rest_of_letter = 0;
                self.not_utf_8.get_or_insert(line);
            }
        }
    }
}

/// A file as UTF-8, decoded as it is read, its lines ended alike.
pub struct Decoded<R> {
    file: R,
    decoder: Decoder,
    bytes: Vec<u8>,
    /// Text that is decoded and not yet read.
    text: Vec<u8>,
    at: usize,
    is_over: bool,
    line: u64,
    after_return: bool,
}

impl<R: Read> Decoded<R> {
    /// A file that is in this encoding, with its mark or without.
    pub fn new(file: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self {
            file,
            decoder,
            bytes: vec![0; 32 << 10],
            text: Vec::new(),
            at: 0,
            is_over: false,
            line: 1,
            after_return: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let read = self.file.read(&mut self.bytes)?;
        self.is_over = read == 0;
        self.text.resize(self.decoder.max_utf8_buffer_length(read).unwrap_or(read * 3 + 16), 0);
        let (result, _, written) =
            self.decoder.decode_to_utf8_without_replacement(&self.bytes[..read], &mut self.text, self.is_over);
        self.text.truncate(written);
        self.at = 0;
        self.end_lines_alike();
        self.line += memchr::memchr_iter(b'\n', &self.text).count() as u64;
        match result {
            encoding_rs::DecoderResult::InputEmpty => Ok(()),
            _ => {
                let message =
                    format!("row {} holds bytes that are no text in {}", self.line, self.decoder.encoding().name());
                Err(io::Error::new(io::ErrorKind::InvalidData, message))
            }
        }
    }
}

impl<R> Decoded<R> {
    /// Makes every end of a line a line feed: lines are counted by them.
    fn end_lines_alike(&mut self) {
        if !self.after_return && memchr::memchr(b'\r', &self.text).is_none() {
            return;
        }
        let mut after_return = self.after_return;
        self.text.retain_mut(|byte| {
            let is_second = after_return && *byte == b'\n';
            after_return = *byte == b'\r';
            if after_return {
                *byte = b'\n';
            }
            !is_second
        });
        self.after_return = after_return;
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.is_over {
            self.fill()?;
        }
        let length = into.len().min(self.text.len() - self.at);
        into[..length].copy_from_slice(&self.text[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// A line of a text, without its end.
pub struct Line {
    /// The line's number, from 1.
    pub number: u64,
    /// The line's text.
    pub text: String,
    /// Whether the line is longer than [`LONGEST_LINE`], and cut there.
    pub is_cut: bool,
    /// The place of its first byte in what is read …
    pub start: u64,
    /// … and that behind its end.
    pub end: u64,
    /// Whether an end of a line stands behind it; the last may have none.
    pub is_ended: bool,
}

/// The longest line that is kept, in bytes. A row of a list has some hundred.
pub const LONGEST_LINE: usize = 64 << 10;

/// The lines of a text, ended by a line feed, a carriage return or both.
pub struct Lines<R> {
    from: BufReader<R>,
    encoding: &'static Encoding,
    /// Lines so far.
    count: u64,
    /// Bytes so far.
    at: u64,
}

impl<R: Read> Lines<R> {
    /// The lines of what is in this encoding, of which every byte of an end of a line is one: UTF-16 is decoded before.
    pub fn new(from: R, encoding: &'static Encoding) -> Self {
        Self { from: BufReader::new(from), encoding, count: 0, at: 0 }
    }

    /// Lines so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The next line.
    ///
    /// # Errors
    /// Returns an error if the text holds bytes that are none, or the disk fails.
    pub fn next(&mut self) -> Result<Option<Line>, TextError> {
        let start = self.at;
        let (mut kept, mut is_cut, mut is_ended) = (Vec::new(), false, false);
        loop {
            let read = self.from.fill_buf().map_err(|error| unreadable(error, self.count + 1))?;
            if read.is_empty() {
                break;
            }
            let end = memchr::memchr2(b'\n', b'\r', read);
            let is_return = end.is_some_and(|end| read[end] == b'\r');
            let piece = &read[..end.unwrap_or(read.len())];
            let room = LONGEST_LINE - kept.len();
            is_cut |= piece.len() > room;
            kept.extend_from_slice(&piece[..piece.len().min(room)]);
            let used = end.map_or(read.len(), |at| at + 1);
            self.consume(used);
            if is_return {
                let next = self.from.fill_buf().map_err(|error| unreadable(error, self.count + 1))?;
                let used = usize::from(next.first() == Some(&b'\n'));
                self.consume(used);
            }
            if end.is_some() {
                is_ended = true;
                break;
            }
        }
        if self.at == start {
            return Ok(None);
        }
        self.count += 1;
        let (text, _) = self.encoding.decode_without_bom_handling(&kept);
        let text = text.into_owned();
        Ok(Some(Line { number: self.count, text, is_cut, start, end: self.at, is_ended }))
    }

    fn consume(&mut self, bytes: usize) {
        self.from.consume(bytes);
        self.at += bytes as u64;
    }
}

fn unreadable(error: io::Error, line: u64) -> TextError {
    match error.kind() {
        io::ErrorKind::InvalidData => TextError::NoText(format!("The file cannot be read at row {line}: {error}.")),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_three_ways_and_know_their_places() {
        let text = "a\nbb\r\nc\r\rlast";
        let mut lines = Lines::new(text.as_bytes(), UTF_8);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let of_text = &text[line.start as usize..line.end as usize];
            assert_eq!(of_text.trim_end_matches(['\r', '\n']), line.text);
            found.push((line.number, line.text, line.is_ended));
        }
        let expected = [(1, "a", true), (2, "bb", true), (3, "c", true), (4, "", true), (5, "last", false)];
        assert_eq!(found, expected.map(|(number, text, is_ended)| (number, text.to_owned(), is_ended)));
        let mut lines = Lines::new(&b"M\xe4ia\n"[..], WINDOWS_1252);
        assert_eq!(lines.next().unwrap().unwrap().text, "M\u{e4}ia");
    }
}
