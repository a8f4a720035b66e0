//! The kinds of file that a list can be, and reading one row by row, whichever its kind.

use std::fs::File;
use std::io::{Read as _, Seek as _};

use super::error::{FileError, Take};
use super::row::ListRow;
use super::{csv, workbook};
use crate::crm::kind::IdColumn;
use crate::domain::import::ListSource;
use crate::domain::text::excerpt;

/// Rows that a list may have.
pub(super) const MOST_ROWS: u32 = 250_000;

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
