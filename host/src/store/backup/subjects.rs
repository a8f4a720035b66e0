//! With whose key a row is sealed.

use std::collections::HashMap;

use crate::domain::RecordKind;
use crate::store::StoreError;
use crate::store::engine::Snapshot;
use crate::store::keys::{ConnectionNumber, ExternalKey};
use crate::store::outbox;
use crate::store::subject::Subject;
use crate::store::visitor::{At, Whose};

/// Knows with whose key the rows of a snapshot are sealed.
pub(super) struct Subjects {
    /// The notes by their events.
    notes: HashMap<[u8; 16], [u8; 16]>,
}

impl Subjects {
    pub fn of(snapshot: &Snapshot) -> Result<Self, StoreError> {
        let mut notes = HashMap::new();
        outbox::for_each_note(snapshot, |note| {
            notes.insert(note.event_id.0.into_bytes(), note.id.0.into_bytes());
        })?;
        Ok(Self { notes })
    }

    /// With whose key a row is sealed; none where with nobody's.
    pub fn of_row(&self, whose: Whose, key: &[u8], value: &[u8]) -> Option<Subject> {
        match whose {
            Whose::Nobodys | Whose::NotCopied => None,
            Whose::OfClient(at) => read(at, key, value).map(uuid::Uuid::from_bytes).map(Subject::client),
            Whose::OfRecord { connection, kind, id } => {
                let is_of_user = kind.is_some_and(|kind| key.get(kind) == Some(&(RecordKind::Adviser as u8 + 1)));
                let connection = ConnectionNumber(u16::from_be_bytes(read(At::Key(connection), key, value)?));
                let id = ExternalKey(read(At::Key(id), key, value)?);
                (!is_of_user).then(|| Subject::record(connection, id))
            }
            Whose::OfNote(at) => read(at, key, value).map(Subject::note),
            // An event without its note is one's own.
            Whose::OfEvent(at) => read(at, key, value)
                .map(|event: [u8; 16]| self.notes.get(&event).copied().unwrap_or(event))
                .map(Subject::note),
            Whose::OfDocument(at) => read(at, key, value).map(|digest: [u8; 32]| Subject::document(&digest)),
            Whose::OfRow(subject) => Some(subject(key)),
        }
    }
}

fn read<const N: usize>(at: At, key: &[u8], value: &[u8]) -> Option<[u8; N]> {
    let bytes = match at {
        At::Key(from) => key.get(from..from + N),
        At::KeyEnd => key.len().checked_sub(N).map(|from| &key[from..]),
        At::Value(from) => value.get(from..from + N),
    };
    bytes.and_then(|bytes| bytes.try_into().ok())
}
