//! One record of an export: where it is, and what stands in it.

/// The place of a record in its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: u64,
    pub(super) length: u32,
    /// The line on which it begins, from 1.
    pub(super) line: u32,
}

/// What stands in a record.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Cells {
    /// The values of the wanted columns, in their order.
    Whole(Vec<String>),
    /// The record cannot be used as it is.
    Damaged {
        /// The id that it has all the same, as written.
        id: Option<String>,
        /// The reason, behind "the row … is damaged:".
        why: String,
    },
}

/// How a file ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// As it should.
    Whole,
    /// Behind a record that can be read and has no end of its line: it may be cut in its last value.
    Open,
    /// In the middle of a record.
    Cut,
}
