//! Links of a note's clients at the moment it goes out, read in the transaction that takes it up.

use crate::domain::note::Note;
use crate::domain::outbox::ClientLink;
use crate::store::StoreError;
use crate::store::connection_numbers::connection_names;
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::own;
use crate::store::rows::decode;
use crate::store::tables::{CLIENTS, ClientRecord};

/// The links of the note's clients to a CRM; of clients of whom the store knows nothing, nothing is said.
pub(super) fn of(transaction: &Write, note: &Note) -> Result<Vec<ClientLink>, StoreError> {
    let clients = transaction.open_table(CLIENTS)?;
    let names = connection_names(transaction)?;
    let mut links = Vec::with_capacity(note.clients.len());
    for id in &note.clients {
        let Some(stored) = clients.get(&own(id.0))? else { continue };
        let ClientRecord { connection, client, .. } = decode(stored.value())?;
        let link = client.external_id.in_crm().and_then(|id| Some((names.get(&connection)?.clone(), id.clone())));
        links.push(ClientLink { name: client.full_name(), link });
    }
    Ok(links)
}
