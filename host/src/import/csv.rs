//! Lists in CSV files: with commas, semicolons, tabs or bars, in UTF-8, UTF-16 with its mark, or Windows-1252.
//!
//! Each line of the file is accounted for: it is above the list, is a row, goes on with a row before it, or is blank.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _};

use encoding_rs::{Encoding, UTF_8};

use super::columns::{Columns, MOST_COLUMNS, NoHeadings};
use super::error::{FileError, HEADING_ROWS, Take};
use super::row::{ListRow, RowFault};
use crate::crm::kind::IdColumn;
use crate::delimited::{Decoded, Line, Quotes, Record, Records, encoding_of};
use crate::domain::import::ListSource;

/// Bytes at the top from which the delimiter is told.
const TOP: usize = 64 << 10;

/// Reads a list.
pub(super) fn read(mut file: File, id: &'static IdColumn, take: Take<'_>) -> Result<ListSource, FileError> {
    let encoding = encoding_of(&mut file)?;
    let delimiter = delimiter_of(&mut file, encoding, id)?;
    file.rewind()?;
    let mut list = List {
        records: Records::new(Decoded::new(&mut file, encoding), UTF_8, delimiter),
        source: ListSource::default(),
        take,
    };
    if let Ok(columns) = headings(&mut list.records, usize::MAX, id)? {
        list.rows(columns)?;
    }
    Ok(list.source)
}

/// Reads on until the headings, at most so many rows.
fn headings<R: Read>(
    records: &mut Records<R>,
    most: usize,
    id: &IdColumn,
) -> Result<Result<Columns, NoHeadings>, FileError> {
    let mut nearest = NoHeadings { found: 0, message: "nothing stands there".to_owned() };
    for _ in 0..most {
        let Some(mut record) = records.next()? else { break };
        let whole = Columns::find(record.values.iter().map(String::as_str), id);
        let found = whole.or_else(|missing| {
            // What is above a list may hold a quotation mark that is none; the headings are on a line of theirs.
            let is_long = record.lines.len() > 1;
            records.give_back(&mut record.lines);
            let first = records.plain(&record.lines[0]);
            if is_long { Columns::find(first.iter().map(String::as_str), id) } else { Err(missing) }
        });
        match found {
            Ok(columns) => return Ok(Ok(columns)),
            Err(missing) if missing.found > nearest.found || nearest.found == 0 => nearest = missing,
            Err(_) => {}
        }
    }
    Ok(Err(nearest))
}

/// The delimiter with which the headings are found.
fn delimiter_of(file: &mut File, encoding: &'static Encoding, id: &IdColumn) -> Result<char, FileError> {
    file.rewind()?;
    let mut top = Vec::new();
    let read = Decoded::new(file, encoding).take(TOP as u64).read_to_end(&mut top);
    read.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => FileError::unreadable(format!("The file cannot be read: {error}.")),
        _ => error.into(),
    })?;
    let mut nearest: Option<NoHeadings> = None;
    // A spreadsheet program takes a first line `sep=;` as the delimiter's name.
    let said = top.strip_prefix(b"sep=").or_else(|| top.strip_prefix(b"\"sep=")).and_then(|rest| rest.first());
    let said = said.filter(|byte| byte.is_ascii_punctuation() && **byte != b'"').map(|byte| char::from(*byte));
    for delimiter in said.into_iter().chain([',', ';', '\t', '|']) {
        match headings(&mut Records::new(Cursor::new(&top), UTF_8, delimiter), HEADING_ROWS, id)? {
            Ok(_) => return Ok(delimiter),
            Err(missing) if nearest.as_ref().is_none_or(|known| known.found < missing.found) => nearest = Some(missing),
            Err(_) => {}
        }
    }
    Err(FileError::no_headings(nearest, id))
}

/// The list as far as it is read.
struct List<'t, R> {
    records: Records<R>,
    source: ListSource,
    take: Take<'t>,
}

impl<R: Read> List<'_, R> {
    fn rows(&mut self, columns: Columns) -> Result<(), FileError> {
        self.source.above = self.records.read_lines();
        while let Some(mut record) = self.records.next()? {
            if is_swallowing(&record, columns) {
                let (first, last) = (record.lines[0].number, record.lines[record.lines.len() - 1].number);
                let message = format!(
                    "A quotation mark is opened in row {first} and closed in row {last}, so that it is not certain \
                     which value belongs to which row. Compare the row with the file."
                );
                for line in &record.lines {
                    let values = self.records.alone(line);
                    self.row(line, &values, columns, Some(&message))?;
                }
                continue;
            }
            let message = "A quotation mark is opened in this row and never closed. Compare the row with the file.";
            let doubt = (record.quotes == Quotes::Open).then_some(message);
            self.source.continued += record.lines.len() as u64 - 1;
            let first = record.lines.swap_remove(0);
            self.row(&first, &record.values, columns, doubt)?;
        }
        self.source.lines = self.records.read_lines();
        Ok(())
    }

    /// Hands a row on that begins on this line.
    fn row(&mut self, line: &Line, values: &[String], columns: Columns, doubt: Option<&str>) -> Result<(), FileError> {
        if values.iter().all(|value| value.trim().is_empty()) {
            self.source.blank += 1;
            return Ok(());
        }
        let mut row = list_row(line, values, columns);
        row.doubt = doubt.map(|message| RowFault::new("stray-quote", message));
        (self.take)(row)
    }
}

/// Whether a value with line breaks in it has swallowed rows, because a quotation mark is where none belongs.
fn is_swallowing(record: &Record, columns: Columns) -> bool {
    if record.lines.len() == 1 {
        return false;
    }
    let has_too_many = record.values.iter().skip(columns.count).any(|value| !value.trim().is_empty());
    record.quotes == Quotes::Odd
        || record.values.len() <= columns.last()
        || has_too_many
        || record.values.iter().enumerate().any(|(place, value)| holds_rows(place, value, record.delimiter, columns))
}

/// Whether lines of a value are rows: an email is where the emails are, or no email and a number where the ids are.
/// The value's last line goes on behind the value and says nothing.
fn holds_rows(place: usize, value: &str, delimiter: char, columns: Columns) -> bool {
    let Some((lines, _)) = value.rsplit_once('\n') else { return false };
    lines.split('\n').enumerate().any(|(index, line)| {
        let before = if index == 0 { place } else { 0 };
        let cells: Vec<&str> = line.split(delimiter).map(str::trim).collect();
        let cell = |column: usize| column.checked_sub(before).and_then(|at| cells.get(at)).copied();
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        // A value's own first cell is the value's beginning, whatever it looks like.
        let is_inside = cells.len() > 1 && (index > 0 || columns.email.max(columns.id) > place);
        is_inside
            && match (cell(columns.email), cell(columns.id)) {
                (Some(email), _) if email.contains('@') => true,
                (None | Some(""), Some(id)) => is_id(id),
                _ => false,
            }
    })
}

fn list_row(line: &Line, values: &[String], columns: Columns) -> ListRow {
    let cell = |column: usize| values.get(column).cloned().unwrap_or_default();
    let mut row = ListRow {
        number: u32::try_from(line.number).unwrap_or(u32::MAX),
        first_name: cell(columns.first_name),
        last_name: cell(columns.last_name),
        email: cell(columns.email),
        id: cell(columns.id),
        ..ListRow::default()
    };
    let is_filled = |column: usize| values.get(column).is_some_and(|cell| !cell.trim().is_empty());
    if line.is_cut {
        row.add_fault(RowFault::new("too-long", "The row is longer than 64 KB."));
    } else if values.len() > MOST_COLUMNS && (MOST_COLUMNS..values.len()).any(is_filled) {
        row.add_fault(RowFault::new("too-many-columns", format!("The row has more than {MOST_COLUMNS} columns.")));
    } else if (columns.count..values.len()).any(is_filled) {
        let message = "The row has more values than there are headings. A value with a comma in it needs quotation \
                       marks around it.";
        row.add_fault(RowFault::new("too-many-columns", message));
    } else if values.len() <= columns.last() {
        row.add_fault(RowFault::new("too-few-columns", "The row ends before the last of the four columns."));
    }
    row.finish(columns.id_heading, columns.id_form);
    row
}
