//! How a site writes what it writes: the rules that hold for the fields of every record.

use crate::{Calendar, Unknown};

/// The rules that hold for every field.
#[derive(Debug)]
pub struct Forms {
    /// How it writes dates.
    pub calendar: Calendar,
    /// What it writes where it does not know.
    pub unknown: Unknown,
}
