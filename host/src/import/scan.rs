//! Looking at a workbook before it is opened: what it would unpack to, and what should not be in a list.
//!
//! The library that reads workbooks trusts them in a few places, such as how many texts they announce. What it would
//! trust is checked here, by unpacking each part once into nothing, within bounds.

use std::fs::File;
use std::io::{BufReader, Read};

use memchr::memmem;
use zip::ZipArchive;

use super::file::FileError;

/// Parts that a workbook may have.
const MOST_PARTS: usize = 1_000;
/// What one part may unpack to, in bytes. A sheet of 250,000 rows has about 60 MB.
const LARGEST_PART: u64 = 128 << 20;
/// What the texts of a workbook may unpack to, in bytes; they are all held in memory at once.
const LARGEST_TEXTS: u64 = 32 << 20;
/// What all parts together may unpack to, in bytes.
const LARGEST_WHOLE: u64 = 192 << 20;
/// How many times its size a part over 4 MB may unpack to; sheets come to some twenty.
const HIGHEST_RATIO: u64 = 80;
/// Bytes between two tags; the longest text of a cell has 32,767 characters.
const LONGEST_TEXT: usize = 1 << 20;

/// Refuses what is no plain workbook, or would cost too much to open.
pub(super) fn scan(file: &File) -> Result<(), FileError> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|_| broken())?;
    if archive.len() > MOST_PARTS {
        return Err(FileError::refused(format!("The workbook has {} parts; {MOST_PARTS} are allowed.", archive.len())));
    }
    let mut is_workbook = false;
    let mut whole = 0;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| broken())?;
        let name = part.name().map_err(|_| broken())?.to_ascii_lowercase();
        refuse_by_name(&name)?;
        is_workbook |= name == "xl/workbook.xml";
        if !(name.ends_with(".xml") || name.ends_with(".rels")) {
            continue;
        }
        let packed = part.compressed_size();
        let most = if name.ends_with("sharedstrings.xml") { LARGEST_TEXTS } else { LARGEST_PART };
        let most = most.min(LARGEST_WHOLE - whole);
        if part.size() > most {
            return Err(bomb(&name, most));
        }
        whole += unpack(part, &name, packed, most)?;
    }
    if is_workbook { Ok(()) } else { Err(FileError::refused(OTHER)) }
}

const OTHER: &str = "The file is a ZIP archive and no .xlsx workbook. Save the list as .xlsx or as CSV.";

fn refuse_by_name(name: &str) -> Result<(), FileError> {
    if name.ends_with("vbaproject.bin") || name.starts_with("xl/macrosheets/") {
        return Err(FileError::refused(MACROS));
    }
    if name.starts_with("xl/externallinks/") {
        return Err(FileError::refused(
            "The workbook takes values from other workbooks. Copy the list, paste it as values into a new workbook, and \
             save that.",
        ));
    }
    if name == "xl/workbook.bin" {
        return Err(FileError::refused("The file is a binary Excel workbook (.xlsb). Save it as .xlsx or as CSV."));
    }
    if name == "content.xml" {
        return Err(FileError::refused("The file is an OpenDocument sheet (.ods). Save it as .xlsx or as CSV."));
    }
    Ok(())
}

const MACROS: &str = "The workbook holds macros. Save the list as .xlsx, which has none, or as CSV.";

/// Unpacks a part into nothing and answers its size.
fn unpack(mut part: impl Read, name: &str, packed: u64, most: u64) -> Result<u64, FileError> {
    let is_texts = name.ends_with("sharedstrings.xml");
    let is_types = name == "[content_types].xml";
    let is_data = is_texts || name.starts_with("xl/worksheets/");
    // The end of each piece stays in front of the next, so that what lies across both is found.
    const OVERLAP: usize = 64;
    let mut buffer = vec![0; OVERLAP + (64 << 10)];
    let (mut size, mut held, mut since_tag) = (0_u64, 0_usize, 0_usize);
    loop {
        let read = part.read(&mut buffer[held..]).map_err(|_| broken())?;
        if read == 0 {
            break;
        }
        let new = &buffer[held..held + read];
        since_tag = match memchr::memrchr(b'<', new) {
            Some(at) => read - at,
            None => since_tag + read,
        };
        if since_tag > LONGEST_TEXT {
            return Err(bomb(name, most));
        }
        let window = &buffer[..held + read];
        if is_types && memmem::find(window, b"macroEnabled").is_some() {
            return Err(FileError::refused(MACROS));
        }
        if is_texts && announces_too_much(window) {
            return Err(bomb(name, most));
        }
        if is_data && memmem::find(window, b"<!").is_some() {
            return Err(FileError::refused(format!(
                "The part {name} of the workbook holds markup that no spreadsheet program writes. Save the list as CSV."
            )));
        }
        size += read as u64;
        if size > most || (size > 4 << 20 && size / packed.max(1) > HIGHEST_RATIO) {
            return Err(bomb(name, most));
        }
        let end = held + read;
        held = end.min(OVERLAP);
        buffer.copy_within(end - held..end, 0);
    }
    Ok(size)
}

/// Whether the number of texts is one that memory would be set aside for without need. Only a short number says it.
fn announces_too_much(window: &[u8]) -> bool {
    memmem::find_iter(window, b"uniqueCount").any(|at| {
        let rest = &window[at + b"uniqueCount".len()..];
        let digits = rest.iter().skip_while(|byte| matches!(byte, b'=' | b'"' | b'\'' | b' '));
        digits.take_while(|byte| !matches!(byte, b'"' | b'\'' | b'>')).count() > 7
    })
}

fn broken() -> FileError {
    FileError::refused("The workbook is damaged and cannot be opened. Save it again, or save the list as CSV.")
}

fn bomb(name: &str, most: u64) -> FileError {
    FileError::refused(format!(
        "The part {name} of the workbook unpacks to more than a list needs ({} MB at most, in rows of usual length). \
         Copy the list into a new workbook, or save it as CSV.",
        most >> 20
    ))
}
