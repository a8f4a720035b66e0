//! Lists in CSV files: with commas, semicolons or tabs, in UTF-8, UTF-16 with its mark, or Windows-1252.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};

use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};

use super::columns::{Columns, MOST_COLUMNS, NoHeadings};
use super::file::{FileError, HEADING_ROWS, Take};
use super::row::{ListRow, RowFault};
use super::workbook::no_headings;

/// The longest row, in bytes. A quote that is opened and never closed makes one row of all that follows.
const LONGEST_ROW: usize = 64 << 10;

/// Bytes at the top from which the delimiter is told.
const TOP: usize = 64 << 10;

/// Reads a list.
pub(super) fn read(mut file: File, take: Take<'_>) -> Result<(), FileError> {
    let encoding = encoding_of(&mut file)?;
    let delimiter = delimiter_of(&mut file, encoding)?;
    file.rewind()?;
    let mut rows = reader(Decoded::new(&mut file, encoding), delimiter);
    let mut columns = None;
    let mut record = ::csv::StringRecord::new();
    let mut line = 1;
    while rows.read_record(&mut record).map_err(|error| unreadable(&error, line))? {
        line = record.position().map_or(line, ::csv::Position::line);
        if record.as_slice().len() > LONGEST_ROW {
            return Err(FileError::refused(format!(
                "Row {line} is longer than {} KB. A quotation mark in it is opened and not closed.",
                LONGEST_ROW >> 10
            )));
        }
        match columns {
            None => columns = Columns::find(record.iter()).ok(),
            Some(columns) => {
                let row = list_row(&record, columns, line);
                if !row.is_blank() {
                    take(row)?;
                }
            }
        }
    }
    Ok(())
}

fn reader<R: Read>(from: R, delimiter: u8) -> ::csv::Reader<R> {
    ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(from)
}

fn unreadable(error: &::csv::Error, line: u64) -> FileError {
    FileError::refused(format!("The file cannot be read after row {line}: {error}."))
}

fn list_row(record: &::csv::StringRecord, columns: Columns, line: u64) -> ListRow {
    let cell = |column: usize| record.get(column).unwrap_or_default().to_owned();
    let mut row = ListRow {
        number: u32::try_from(line).unwrap_or(u32::MAX),
        first_name: cell(columns.first_name),
        last_name: cell(columns.last_name),
        email: cell(columns.email),
        id: cell(columns.id),
        fault: None,
    };
    let is_filled = |column: usize| record.get(column).is_some_and(|cell| !cell.trim().is_empty());
    if record.len() > MOST_COLUMNS && (MOST_COLUMNS..record.len()).any(is_filled) {
        row.add_fault(RowFault::new("too-many-columns", format!("The row has more than {MOST_COLUMNS} columns.")));
    } else if (columns.count..record.len()).any(is_filled) {
        let message = "The row has more values than there are headings. A value with a comma in it needs quotation \
                       marks around it.";
        row.add_fault(RowFault::new("too-many-columns", message));
    } else if record.len() <= columns.last() && record.iter().any(|cell| !cell.trim().is_empty()) {
        row.add_fault(RowFault::new("too-few-columns", "The row ends before the last of the four columns."));
    }
    row.finish();
    row
}

/// By its byte order mark, else UTF-8 where all of it is, else Windows-1252 where nothing speaks against it.
fn encoding_of(file: &mut File) -> Result<&'static Encoding, FileError> {
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
    let refused = |row: u64, words: &str| {
        Err(FileError::refused(format!(
            "Row {row} is in an encoding that cannot be told: {words}. Save it as CSV UTF-8."
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

/// What is found out about the bytes of a file.
#[derive(Default)]
struct Found {
    bytes: u64,
    nuls: u64,
    nul: Option<u64>,
    /// Holds a letter beyond ASCII in UTF-8.
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

/// The delimiter with which the headings are found.
fn delimiter_of(file: &mut File, encoding: &'static Encoding) -> Result<u8, FileError> {
    file.rewind()?;
    let mut top = Vec::new();
    let read = Decoded::new(file, encoding).take(TOP as u64).read_to_end(&mut top);
    read.map_err(|error| FileError::refused(format!("The file cannot be read: {error}.")))?;
    let mut nearest: Option<NoHeadings> = None;
    for delimiter in [b',', b';', b'\t'] {
        let mut rows = reader(top.as_slice(), delimiter);
        let mut record = ::csv::ByteRecord::new();
        for _ in 0..HEADING_ROWS {
            if !rows.read_byte_record(&mut record).unwrap_or(false) {
                break;
            }
            let cells: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
            match Columns::find(cells.iter().map(AsRef::as_ref)) {
                Ok(_) => return Ok(delimiter),
                Err(missing) if nearest.as_ref().is_none_or(|known| known.found < missing.found) => {
                    nearest = Some(missing);
                }
                Err(_) => {}
            }
        }
    }
    Err(no_headings(nearest))
}

/// A file as UTF-8, decoded as it is read.
struct Decoded<'f> {
    file: &'f mut File,
    decoder: Decoder,
    bytes: Vec<u8>,
    /// What is decoded and not yet read.
    text: Vec<u8>,
    at: usize,
    is_over: bool,
    line: u64,
    after_return: bool,
}

impl<'f> Decoded<'f> {
    fn new(file: &'f mut File, encoding: &'static Encoding) -> Self {
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
                let words =
                    format!("row {} holds bytes that are no text in {}", self.line, self.decoder.encoding().name());
                Err(io::Error::new(io::ErrorKind::InvalidData, words))
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
