//! What is done with each table of the store, and with whose key the rows of one are sealed in a backup.

use super::engine::{Key, Table, Value};
use super::subject::Subject;

/// The place in a row at which something stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// In the key, from this byte on.
    Key(usize),
    /// At the end of the key.
    KeyEnd,
    /// In the value, from this byte on.
    Value(usize),
}

/// With whose key the rows of a table are sealed: each thing has one of its own, which goes in the transaction that takes the
/// thing away.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// Nobody's: there is nothing of a client in the rows, or ids and numbers alone.
    Nobodys,
    /// The client's whose id stands there.
    OfClient(At),
    /// That of a CRM's record, whose connection and id stand in the key from these bytes on. Where the kind stands in it, too, a
    /// user's record is nobody's.
    OfRecord {
        /// The place of the connection.
        connection: usize,
        /// The place of the kind.
        kind: Option<usize>,
        /// The place of the id.
        id: usize,
    },
    /// The note's whose id stands there.
    OfNote(At),
    /// That of the event's note; the event's id stands there.
    OfEvent(At),
    /// The document's whose digest stands there.
    OfDocument(At),
    /// One of the row's own, by its key.
    OfRow(fn(&[u8]) -> Subject),
    /// Nobody's copy: a backup does not have them.
    NotCopied,
}

/// Something that is done with each table.
pub(super) trait Visitor {
    /// What it fails with.
    type Error;

    /// Does it.
    ///
    /// # Errors
    /// Returns an error if it cannot be done; the tables behind this one are not visited then.
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: Table<K, V>,
        whose: Whose,
    ) -> Result<(), Self::Error>;
}
