//! The forms in which a site writes values: the rules that hold for the fields of every record.

use crate::{Calendar, Unknown};

/// The rules that hold for every field.
#[derive(Debug)]
pub struct Forms {
    /// The form in which it writes dates.
    pub calendar: Calendar,
    /// The words that it writes where it does not know.
    pub unknown: Unknown,
}
