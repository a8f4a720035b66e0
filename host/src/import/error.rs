//! The error of a file that is not read as a list, and the receiver of the rows of one that is.

use std::error::Error;
use std::io;

use super::columns::NoHeadings;
use super::row::ListRow;
use crate::crm::kind::IdColumn;
use crate::delimited::TextError;

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
    /// The list unpacks to more than a list is, or has too many rows or parts.
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

impl From<TextError> for FileError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::NoText(message) => Self::unreadable(message),
            TextError::Disk(error) => error.into(),
        }
    }
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

    /// The headings were not found; says what is missing where they nearly were.
    pub(super) fn no_headings(nearest: Option<NoHeadings>, id: &IdColumn) -> Self {
        let nearest = nearest.map_or_else(|| "nothing stands there".to_owned(), |nearest| nearest.message);
        Self::NoHeadings { id_heading: id.heading, nearest }
    }
}

/// The receiver of the rows, one at a time.
pub(super) type Take<'t> = &'t mut dyn FnMut(ListRow) -> Result<(), FileError>;
