//! The reason why an engine did not do what it was asked.

use std::error::Error as StdError;

/// The error of the database.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// The reason why an engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the file open.
    #[error("another process has it open")]
    Locked,
    /// The stored data is not what was written, or is no database.
    #[error(transparent)]
    Corrupt(Cause),
    /// The disk or the file failed. The engine does nothing more until it is opened anew.
    #[error(transparent)]
    Broken(Cause),
    /// The engine was asked for what cannot be: a table that was never made or is open already, or a value of more than
    /// 3 GB.
    #[error(transparent)]
    Misused(Cause),
}
