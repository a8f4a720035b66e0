//! What does not fit in a file of events, and the texts and names that do not.

use crate::domain::text::is_visible;

/// What does not fit, with the keys that lead to it.
pub(super) type Wrong = (Vec<String>, String);

/// The most characters of a label, and of a member's name.
pub(super) const LONGEST_NAME: usize = 80;

/// Why people could not read a text that a page shows in a line; none where they can.
pub(super) fn unreadable(text: &str, most: usize) -> Option<String> {
    if !text.contains(is_visible) {
        return Some("has to be a text that people can read".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Some("has to be one line, without control characters".to_owned());
    }
    (text.chars().count() > most).then(|| format!("has {} characters, and may have {most}", text.chars().count()))
}

/// Names of members of data, as templates write them: `next_steps`.
pub(super) fn is_member(name: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= LONGEST_NAME && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(is_inner)
}
