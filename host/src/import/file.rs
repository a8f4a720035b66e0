//! The kinds of file that a list can be, and reading one row by row, whichever its kind.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use super::row::ListRow;
use super::{csv, workbook};
use crate::crm::kind::IdColumn;
use crate::domain::import::ListSource;
use crate::domain::text::excerpt;

/// Rows that a list may have.
pub(super) const MOST_ROWS: u32 = 250_000;

/// Rows at the top among which the headings are looked for.
pub(super) const HEADING_ROWS: usize = 10;

/// The reason why a file as a whole is not read: sentences for a person, which name the row where there is one, and
/// what to do.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file is neither a CSV file nor a workbook, but something else.
    #[error("{0}")]
    OfAnotherKind(String),
    /// The file is a workbook that does more than hold a list: macros, values from elsewhere.
    #[error("{0}")]
    Active(&'static str),
    /// The file is larger than a list is, or has more rows or parts.
    #[error("{0}")]
    TooLarge(String),
    /// The file is empty, or has nothing under its headings.
    #[error("{0}")]
    NoRows(&'static str),
    /// The headings are not where they belong.
    #[error(
        "The headings First Name, Last Name, Email and {id_heading} are not in the first {HEADING_ROWS} rows: {nearest}."
    )]
    NoHeadings {
        /// The heading of the column of ids.
        id_heading: &'static str,
        /// The headings that are missing where they nearly were.
        nearest: String,
    },
    /// The sheet with the list is not there, or hidden.
    #[error("{0}")]
    NoSheet(String),
    /// The file is damaged, or in an encoding that cannot be told.
    #[error("{message}")]
    Unreadable {
        /// The message: what is wrong, and what to do.
        message: String,
        /// The reader's error.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The disk failed.
    #[error("the file could not be read: {0}")]
    Disk(#[from] io::Error),
    /// The receiver of the rows takes no more.
    #[error("the store takes no more rows")]
    NotTaken,
}

impl FileError {
    /// The error of another program's file.
    pub(super) fn of_another_kind(message: impl Into<String>) -> Self {
        Self::OfAnotherKind(message.into())
    }

    /// The error of a file that cannot be read, where no other error says why.
    pub(super) fn unreadable(message: impl Into<String>) -> Self {
        Self::Unreadable { message: message.into(), source: None }
    }
}

/// The receiver of the rows, one at a time.
pub(super) type Take<'t> = &'t mut dyn FnMut(ListRow) -> Result<(), FileError>;

/// Reads a list and hands its rows on, one after the other; answers what else is in the file. What the file is, is told
/// from its content; its `name` only says what its sender takes it for. `sheet` is the sheet of a workbook to be read, where
/// a person names one, and `id` the column of the CRM's ids.
///
/// # Errors
/// Returns an error if the file is refused as a whole, or `take` fails.
pub(super) fn read(
    mut file: File,
    (name, sheet): (&str, Option<&str>),
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
            return Err(FileError::TooLarge(message));
        }
        take(row)
    };
    let text = head[..length].strip_prefix("\u{feff}".as_bytes()).unwrap_or(&head[..length]).trim_ascii_start();
    let source = match &head[..length] {
        [] => return Err(FileError::NoRows("The file is empty.")),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => workbook::read(&file, sheet, id, &mut counted)?,
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            return Err(FileError::of_another_kind(
                "The file is an older Excel workbook (.xls) or one with a password. Save it as .xlsx without a \
                 password, or as CSV.",
            ));
        }
        [b'%', b'P', b'D', b'F', ..] => return Err(FileError::of_another_kind(NO_LIST)),
        [0x1f, 0x8b, ..] | [b'R', b'a', b'r', ..] | [0x7f, b'E', b'L', b'F', ..] | [0x89, b'P', b'N', b'G', ..] => {
            return Err(FileError::of_another_kind(NO_LIST));
        }
        _ if text.starts_with(b"<") => {
            return Err(FileError::of_another_kind(
                "The file is a web page or XML, whatever its name ends in. Open it in a spreadsheet program and save the \
                 list as .xlsx or as CSV.",
            ));
        }
        _ => csv::read(file, id, &mut counted).map_err(|error| match error {
            FileError::NoHeadings { .. } | FileError::Unreadable { .. } if is_called_workbook(name) => {
                let name = excerpt(name, 100);
                let message = format!("The file “{name}” holds no workbook. Save the list as .xlsx or as CSV.");
                FileError::of_another_kind(message)
            }
            error => error,
        })?,
    };
    if rows == 0 {
        return Err(FileError::NoRows("The list has headings and no row under them."));
    }
    Ok(source)
}

/// Whether a file is called as workbooks are.
fn is_called_workbook(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["xlsx", "xlsm", "xls"].iter().any(|one| extension.eq_ignore_ascii_case(one))
}

const NO_LIST: &str = "The file is neither a CSV file nor an .xlsx workbook. Save the list as one of them.";
