//! The parts of a workbook: a ZIP archive of XML texts, each unpacked as it is read and no further than a list needs.
//!
//! There is no other way to a part than this one, so that nothing is read that is not counted: the bytes of a part and of
//! all parts together, how far a part unpacks, and how much of it stands between one piece and the next.

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _};

use quick_xml::Reader;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::super::error::FileError;

/// Parts that a workbook may have.
const MOST_PARTS: usize = 1_000;
/// The most bytes that one part may unpack to. A sheet of 250,000 rows has about 60 MB.
const LARGEST_PART: u64 = 128 << 20;
/// The most bytes that a part which is held in memory may unpack to.
const LARGEST_HELD: u64 = 32 << 20;
/// The most bytes that all parts together may unpack to.
const LARGEST_WHOLE: u64 = 192 << 20;
/// The most times its size that a part over 4 MB may unpack to; sheets come to some twenty.
const HIGHEST_RATIO: u64 = 80;
/// Elements within each other; a cell's text stands in seven.
const DEEPEST: u32 = 100;
/// Bytes of one tag, or of one text; the longest text of a cell has 32,767 characters.
const LONGEST_PIECE: u64 = 1 << 20;

/// The parts of a workbook's archive.
pub(super) struct Parts<'f> {
    archive: ZipArchive<BufReader<&'f File>>,
    /// The place of each part in the archive, by its name in lower case: spreadsheet programs do not mind the case.
    places: HashMap<String, usize>,
    /// Bytes unpacked so far.
    unpacked: u64,
}

impl<'f> Parts<'f> {
    /// Opens the archive.
    ///
    /// # Errors
    /// Returns an error if it is none, or holds what should not be in a list.
    pub(super) fn open(file: &'f File) -> Result<Self, FileError> {
        let listed = listed_parts(file)?;
        if listed > MOST_PARTS {
            return Err(FileError::TooLarge(format!("The workbook has {listed} parts; {MOST_PARTS} are allowed.")));
        }
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged_by)?;
        let mut places = HashMap::new();
        for place in 0..archive.len() {
            let part = archive.by_index_raw(place).map_err(damaged_by)?;
            let name = part.name().map_err(damaged_by)?.replace('\\', "/").to_ascii_lowercase();
            refuse_by_name(&name)?;
            if places.insert(name, place).is_some() {
                return Err(damaged());
            }
        }
        Ok(Self { archive, places, unpacked: 0 })
    }

    /// A part that is read piece by piece; none where there is none of this name.
    ///
    /// # Errors
    /// Returns an error if it cannot be unpacked.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Part<'_, 'f>>, FileError> {
        self.open_part(name, LARGEST_PART)
    }

    /// A part of which all is held in memory.
    ///
    /// # Errors
    /// Returns an error if it cannot be unpacked.
    pub(super) fn read_held(&mut self, name: &str) -> Result<Option<Part<'_, 'f>>, FileError> {
        self.open_part(name, LARGEST_HELD)
    }

    fn open_part(&mut self, name: &str, most: u64) -> Result<Option<Part<'_, 'f>>, FileError> {
        let Some(place) = self.places.get(&name.to_ascii_lowercase()) else { return Ok(None) };
        let from = self.archive.by_index(*place).map_err(damaged_by)?;
        let packed = from.compressed_size();
        let whole = &mut self.unpacked;
        let (size, piece, is_over) = (0, 0, false);
        let bounded = Bounded { from: BufReader::new(from), packed, most, size, piece, whole, is_over };
        let mut reader = Reader::from_reader(bounded);
        reader.config_mut().expand_empty_elements = true;
        Ok(Some(Part { reader, name: name.to_owned(), buffer: Vec::new(), depth: 0 }))
    }
}

/// One part as it is read.
pub(super) struct Part<'p, 'f> {
    reader: Reader<Bounded<'p, 'f>>,
    name: String,
    buffer: Vec<u8>,
    depth: u32,
}

/// A piece of a part.
pub(super) enum Piece<'b> {
    /// A tag that opens an element.
    Open(Tag<'b>),
    /// The end of an element.
    Close(End<'b>),
    /// Text.
    Text(String),
}

/// A tag that opens an element.
pub(super) struct Tag<'b>(BytesStart<'b>);

/// The end of an element.
pub(super) struct End<'b>(BytesEnd<'b>);

impl End<'_> {
    /// The element's name, without what is before a colon.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }
}

impl Tag<'_> {
    /// The element's name, without what is before a colon.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// An attribute's value by its name, without what is before a colon.
    ///
    /// # Errors
    /// Returns an error if the tag is none.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<String>, FileError> {
        for attribute in self.0.attributes().with_checks(false) {
            let attribute = attribute.map_err(damaged_by)?;
            if attribute.key.local_name().into_inner() == name {
                let value = quick_xml::escape::unescape(&attribute.value).map_err(damaged_by)?;
                return Ok(Some(value.into_owned()));
            }
        }
        Ok(None)
    }

    /// Whether an attribute says yes.
    ///
    /// # Errors
    /// Returns an error if the tag is none.
    pub(super) fn is(&self, name: &str) -> Result<bool, FileError> {
        Ok(self.attribute(name)?.is_some_and(|value| matches!(value.as_str(), "1" | "true" | "on")))
    }
}

impl Part<'_, '_> {
    /// The next piece; none at the end.
    ///
    /// # Errors
    /// Returns an error if the part is damaged, or more than a list needs.
    pub(super) fn next(&mut self) -> Result<Option<Piece<'_>>, FileError> {
        self.buffer.clear();
        self.reader.get_mut().piece = 0;
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(_) if self.reader.get_ref().is_over => return Err(too_large(&self.name, self.reader.get_ref().most)),
            Err(_) => return Err(damaged()),
        };
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > DEEPEST {
            return Err(strange(&self.name));
        }
        Ok(Some(match event {
            Event::Start(tag) | Event::Empty(tag) => Piece::Open(Tag(tag)),
            Event::End(end) => Piece::Close(End(end)),
            Event::Text(text) => Piece::Text(text.xml10_content().into_owned()),
            Event::CData(text) => Piece::Text(text.xml10_content().into_owned()),
            Event::GeneralRef(of) => {
                let named = || quick_xml::escape::resolve_predefined_entity(&of).map(str::to_owned);
                let letter = of.resolve_char_ref().map_err(damaged_by)?;
                Piece::Text(letter.map(String::from).or_else(named).ok_or_else(|| strange(&self.name))?)
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => Piece::Text(String::new()),
            Event::DocType(_) => return Err(strange(&self.name)),
            Event::Eof => return Ok(None),
        }))
    }
}

/// A part's bytes, counted as they are unpacked.
struct Bounded<'p, 'f> {
    from: BufReader<ZipFile<'p, BufReader<&'f File>>>,
    packed: u64,
    most: u64,
    size: u64,
    /// The bytes that were unpacked since the last piece.
    piece: u64,
    whole: &'p mut u64,
    is_over: bool,
}

impl Read for Bounded<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Bounded<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let is_steep = self.size > 4 << 20 && self.size / self.packed.max(1) > HIGHEST_RATIO;
        if is_steep || self.size > self.most || *self.whole > LARGEST_WHOLE || self.piece > LONGEST_PIECE {
            self.is_over = true;
            return Err(io::Error::other("too large"));
        }
        self.from.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.size += count as u64;
        self.piece += count as u64;
        *self.whole += count as u64;
        self.from.consume(count);
    }
}

/// The number of parts that an archive can list at most: the library holds the whole list in memory, however long it
/// is, before it tells its length.
fn listed_parts(mut file: &File) -> io::Result<usize> {
    const ENTRY: &[u8] = b"PK\x01\x02";
    let mut buffer = vec![0; 64 << 10];
    let (mut count, mut held) = (0, 0);
    file.rewind()?;
    loop {
        let read = file.read(&mut buffer[held..])?;
        if read == 0 {
            return Ok(count);
        }
        // The end of each piece stays in front of the next, so that what lies across both is found once.
        let end = held + read;
        count += memchr::memmem::find_iter(&buffer[..end], ENTRY).count();
        held = end.min(ENTRY.len() - 1);
        buffer.copy_within(end - held..end, 0);
    }
}

fn refuse_by_name(name: &str) -> Result<(), FileError> {
    if name.ends_with("vbaproject.bin") || name.starts_with("xl/macrosheets/") {
        return Err(FileError::Active(MACROS));
    }
    if name.starts_with("xl/externallinks/") {
        return Err(FileError::Active(
            "The workbook takes values from other workbooks. Copy the list, paste it as values into a new workbook, and \
             save that.",
        ));
    }
    if name == "xl/workbook.bin" {
        return Err(FileError::of_another_kind(
            "The file is a binary Excel workbook (.xlsb). Save it as .xlsx or as CSV.",
        ));
    }
    if name == "content.xml" {
        return Err(FileError::of_another_kind(
            "The file is an OpenDocument sheet (.ods). Save it as .xlsx or as CSV.",
        ));
    }
    if name == "index/document.iwa" {
        return Err(FileError::of_another_kind("The file is a Numbers spreadsheet. Export it as .xlsx or as CSV."));
    }
    Ok(())
}

/// The refusal of a workbook with macros.
pub(super) const MACROS: &str = "The workbook holds macros. Save the list as .xlsx, which has none, or as CSV.";

/// The workbook is not what it should be.
pub(super) fn damaged() -> FileError {
    FileError::unreadable(DAMAGED)
}

/// The same, as what reads it says.
pub(super) fn damaged_by(error: impl Error + Send + Sync + 'static) -> FileError {
    FileError::Unreadable { message: DAMAGED.to_owned(), source: Some(Box::new(error)) }
}

const DAMAGED: &str = "The workbook is damaged and cannot be read. Save it again, or save the list as CSV.";

fn strange(name: &str) -> FileError {
    FileError::unreadable(format!(
        "The part {name} of the workbook holds markup that no spreadsheet program writes. Save the list as CSV."
    ))
}

fn too_large(name: &str, most: u64) -> FileError {
    FileError::TooLarge(format!(
        "The part {name} of the workbook unpacks to more than a list needs ({} MB at most, in rows of usual length). \
         Copy the list into a new workbook, or save it as CSV.",
        most >> 20
    ))
}
