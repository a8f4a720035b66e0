//! What kind of file a list is, and reading it row by row, whichever kind.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use super::row::ListRow;
use super::{csv, workbook};
use crate::crm::kind::IdColumn;
use crate::domain::import::ListSource;

/// Rows that a list may have.
pub(super) const MOST_ROWS: u32 = 250_000;

/// Rows at the top among which the headings are looked for.
pub(super) const HEADING_ROWS: usize = 10;

/// The reason why a file as a whole is not read: a sentence for a person, which names the row where there is one.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file is not one that is read.
    #[error("{0}")]
    Refused(String),
    /// The disk, or who takes the rows, failed.
    #[error("{0}")]
    Failed(String),
}

impl FileError {
    /// Refused with this sentence.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The receiver of the rows, one at a time.
pub(super) type Take<'t> = &'t mut dyn FnMut(ListRow) -> Result<(), FileError>;

/// Reads a list and hands its rows on, one after the other; answers what else is in the file. What the file is, is told
/// from its content; its name does not matter. `sheet` is the sheet of a workbook to be read, where a person names one,
/// and `id` the column of the CRM's ids.
///
/// # Errors
/// Where the file is refused as a whole, or `take` fails.
pub(super) fn read(
    mut file: File,
    sheet: Option<&str>,
    id: &'static IdColumn,
    take: Take<'_>,
) -> Result<ListSource, FileError> {
    let mut head = [0; 64];
    file.rewind()?;
    let length = file.read(&mut head)?;
    file.rewind()?;
    let mut rows = 0;
    let mut counted = |row: ListRow| {
        rows += 1;
        if rows > MOST_ROWS {
            let message =
                format!("The list has more than {MOST_ROWS} rows: row {} is one too many. Split it.", row.number);
            return Err(FileError::Refused(message));
        }
        take(row)
    };
    let text = head[..length].strip_prefix("\u{feff}".as_bytes()).unwrap_or(&head[..length]).trim_ascii_start();
    let source = match &head[..length] {
        [] => return Err(FileError::refused("The file is empty.")),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => workbook::read(&file, sheet, id, &mut counted)?,
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            return Err(FileError::refused(
                "The file is an older Excel workbook (.xls) or one with a password. Save it as .xlsx without a \
                 password, or as CSV.",
            ));
        }
        [b'%', b'P', b'D', b'F', ..] => return Err(FileError::refused(NO_LIST)),
        [0x1f, 0x8b, ..] | [b'R', b'a', b'r', ..] | [0x7f, b'E', b'L', b'F', ..] | [0x89, b'P', b'N', b'G', ..] => {
            return Err(FileError::refused(NO_LIST));
        }
        _ if text.starts_with(b"<") => {
            return Err(FileError::refused(
                "The file is a web page or XML, whatever its name ends in. Open it in a spreadsheet program and save the \
                 list as .xlsx or as CSV.",
            ));
        }
        _ => csv::read(file, id, &mut counted)?,
    };
    if rows == 0 {
        return Err(FileError::refused("The list has headings and no row under them."));
    }
    Ok(source)
}

const NO_LIST: &str = "The file is neither a CSV file nor an .xlsx workbook. Save the list as one of them.";
