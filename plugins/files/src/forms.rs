//! The forms in which exports write values: the rules that hold for the fields of every record.

use tidegate_sdk::read::{Calendar, Unknown};

/// The rules that hold for every field.
#[derive(Debug)]
pub(crate) struct Forms {
    pub calendar: Calendar,
    pub unknown: Unknown,
}
