//! Index entries that a group writes and removes.

use uuid::Uuid;

use super::super::StoreError;
use super::super::index::{contact_keys, look_keys, name_keys, naming_key};
use super::super::keys::{ConnectionNumber, ContactKey, ExternalKey, LookKey, NameKey, NamingKey};
use super::super::tables::{CONTACTS, LOOKS, NAMES, NAMING};
use crate::domain::Client;
use crate::store::engine::{Write, WriteTable};

/// Index entries to write and to remove, by table.
#[derive(Default)]
pub(super) struct Entries {
    names: Changed<{ size_of::<NameKey>() }>,
    contacts: Changed<{ size_of::<ContactKey>() }>,
    naming: Changed<{ size_of::<NamingKey>() }>,
    looks: Changed<{ size_of::<LookKey>() }>,
}

/// Keys to remove and keys to write.
#[derive(Default)]
struct Changed<const KEY: usize> {
    removed: Vec<[u8; KEY]>,
    added: Vec<[u8; KEY]>,
}

impl<const KEY: usize> Changed<KEY> {
    fn replace(&mut self, before: &[[u8; KEY]], after: &[[u8; KEY]]) {
        self.removed.extend(before.iter().filter(|key| !after.contains(key)));
        self.added.extend(after.iter().filter(|key| !before.contains(key)));
    }

    /// Writes what differs, sorted. The entries lie all over the table, so that there are no gaps to fill at once.
    fn write(mut self, mut table: WriteTable<'_, &'static [u8; KEY], ()>) -> Result<(), StoreError> {
        self.removed.sort_unstable();
        for key in &self.removed {
            table.delete(key)?;
        }
        self.added.sort_unstable();
        for key in &self.added {
            table.put(key, ())?;
        }
        Ok(())
    }
}

impl Entries {
    /// Entries with room for those of so many new clients: mostly three by name at most, two by contact.
    pub fn with_room_for(clients: usize) -> Self {
        let mut entries = Self::default();
        entries.names.added.reserve(3 * clients);
        entries.contacts.added.reserve(2 * clients);
        entries
    }

    /// Replaces the entries of what was shown of a client by those of what is shown now.
    pub fn replace(
        &mut self,
        (connection, id, client_id): (ConnectionNumber, ExternalKey, Uuid),
        before: Option<&Client>,
        after: Option<&Client>,
    ) {
        let names = |client| name_keys(client, client_id);
        self.names.replace(&before.map(names).unwrap_or_default(), &after.map(names).unwrap_or_default());
        let contacts = |client| contact_keys(client, connection, id);
        self.contacts.replace(&before.map(contacts).unwrap_or_default(), &after.map(contacts).unwrap_or_default());
        let named = |client: &Client| {
            let named = client.partner_external_id.as_ref().map(ExternalKey::from).filter(|named| *named != id);
            named.map(|named| naming_key(connection, named, id))
        };
        self.naming.replace(before.and_then(named).as_slice(), after.and_then(named).as_slice());
        if id.is_unlinked() {
            let looks = |client| look_keys(client, client_id);
            self.looks.replace(&before.map(looks).unwrap_or_default(), &after.map(looks).unwrap_or_default());
        }
    }

    /// Writes them.
    pub fn write(self, transaction: &Write) -> Result<(), StoreError> {
        self.names.write(transaction.open_table(NAMES)?)?;
        self.contacts.write(transaction.open_table(CONTACTS)?)?;
        self.naming.write(transaction.open_table(NAMING)?)?;
        self.looks.write(transaction.open_table(LOOKS)?)
    }
}
