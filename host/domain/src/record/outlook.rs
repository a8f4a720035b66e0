//! How an outlook that may be unknown is written down: in JSON as its word or null, in the store's rows as its place in
//! the list of all, and behind the last of them where it is not known.
//!
//! Rows had the bare choice before it could be unknown, so that those are read as they are.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Outlook;

pub fn serialize<S: Serializer>(outlook: &Option<Outlook>, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return outlook.serialize(serializer);
    }
    let place = Outlook::ALL.iter().position(|known| Some(*known) == *outlook);
    // There are a handful of them.
    #[expect(clippy::cast_possible_truncation)]
    let place = place.unwrap_or(Outlook::ALL.len()) as u32;
    place.serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Outlook>, D::Error> {
    if deserializer.is_human_readable() {
        return Option::deserialize(deserializer);
    }
    let place = u32::deserialize(deserializer)? as usize;
    if place > Outlook::ALL.len() {
        return Err(D::Error::custom("there is no such outlook"));
    }
    Ok(Outlook::ALL.get(place).copied())
}
