//! Text files whose rows are lines and whose values stand between delimiters, as programs and people write them: with
//! commas, semicolons, tabs or bars, in UTF-8, UTF-16 with its mark, or Windows-1252.
//!
//! Serves the import of identity lists and connectors that read exports. Each line is accounted for, and a quotation mark
//! that is none swallows nothing.

mod decode;
mod records;

use std::io;

pub use self::decode::{Decoded, LONGEST_LINE, Line, encoding_of};
pub use self::records::{Quotes, Record, Records};

/// The error of a file that is no text of rows.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The file is in no encoding that is read; a sentence that says where and what to do.
    #[error("{0}")]
    NoText(String),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] io::Error),
}
