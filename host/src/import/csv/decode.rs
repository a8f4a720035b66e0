//! The text of a CSV file: which encoding it is in, decoded as it is read, and taken a line at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _};

use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};

use super::super::error::FileError;

/// The encoding of a file: what its byte order mark says, else UTF-8 where all of it is, else Windows-1252 where
/// nothing speaks against it.
pub(super) fn encoding_of(file: &mut File) -> Result<&'static Encoding, FileError> {
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
        Err(FileError::unreadable(format!(
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

/// A file as UTF-8, decoded as it is read.
pub(super) struct Decoded<'f> {
    file: &'f mut File,
    decoder: Decoder,
    bytes: Vec<u8>,
    /// Text that is decoded and not yet read.
    text: Vec<u8>,
    at: usize,
    is_over: bool,
    line: u64,
    after_return: bool,
}

impl<'f> Decoded<'f> {
    pub(super) fn new(file: &'f mut File, encoding: &'static Encoding) -> Self {
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

impl Decoded<'_> {
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

impl Read for Decoded<'_> {
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
pub(super) struct Line {
    /// The line's number, from 1.
    pub number: u64,
    /// The line's text.
    pub text: String,
    /// Whether the line is longer than [`LONGEST_LINE`], and cut there.
    pub is_cut: bool,
}

/// The longest line that is kept, in bytes. A row of a list has some hundred.
pub(super) const LONGEST_LINE: usize = 64 << 10;

/// The lines of a text.
pub(super) struct Lines<R> {
    from: BufReader<R>,
    /// Lines so far.
    count: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from: BufReader::new(from), count: 0 }
    }

    /// Lines so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The next line.
    ///
    /// # Errors
    /// Returns an error if the text holds bytes that are none, or the disk fails.
    pub(super) fn next(&mut self) -> Result<Option<Line>, FileError> {
        let (mut kept, mut is_cut, mut is_any) = (Vec::new(), false, false);
        loop {
            let read = self.from.fill_buf().map_err(|error| unreadable(error, self.count + 1))?;
            if read.is_empty() {
                break;
            }
            is_any = true;
            let end = memchr::memchr(b'\n', read);
            let piece = &read[..end.unwrap_or(read.len())];
            let room = LONGEST_LINE - kept.len();
            is_cut |= piece.len() > room;
            kept.extend_from_slice(&piece[..piece.len().min(room)]);
            let used = end.map_or(read.len(), |at| at + 1);
            self.from.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !is_any {
            return Ok(None);
        }
        self.count += 1;
        Ok(Some(Line { number: self.count, text: String::from_utf8_lossy(&kept).into_owned(), is_cut }))
    }
}

fn unreadable(error: io::Error, line: u64) -> FileError {
    match error.kind() {
        io::ErrorKind::InvalidData => FileError::unreadable(format!("The file cannot be read at row {line}: {error}.")),
        _ => error.into(),
    }
}
