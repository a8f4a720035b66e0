//! A person changes a client here: the values, their index entries, and the note that makes the next sync map the
//! record again, although the CRM did not touch it.

use super::super::identity::{ContentVersion, Identity};
use super::super::keys::{ExternalKey, own, record};
use super::super::rows::{decode, encode};
use super::super::tables::{CLIENTS, ClientRecord, IDENTITIES};
use super::super::{Store, StoreError};
use super::entries::Entries;
use crate::domain::address::AddressForms;
use crate::domain::edit::{LocalEdit, NewValue, Rules, apply};
use crate::domain::field::FieldError;
use crate::domain::history::remember_former;
use crate::domain::{ClientId, Date, E164, RecordKind, Timestamp};
use crate::store::engine::{Readable, Write};

/// The changes that a person wants to make to a client.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The client.
    pub client: ClientId,
    /// Fields with their new values; none empties a field.
    pub changes: Vec<(String, NewValue)>,
    /// The person who changes it.
    pub by: String,
    /// The moment of the change.
    pub at: Timestamp,
    /// The practice's day.
    pub today: Date,
    /// The written forms of addresses in the countries of the practice's packs.
    pub forms: AddressForms,
    /// Whether a number is of a mobile line.
    pub is_mobile: fn(&E164) -> bool,
}

impl Store {
    /// Changes fields of a client until the next sync; false where there is no such client.
    ///
    /// # Errors
    /// Returns an error if the store fails; inside, every field that cannot be changed so: nothing is changed then.
    pub async fn edit_client(&self, edit: Edit) -> Result<Result<bool, Vec<FieldError>>, StoreError> {
        self.write(move |transaction| write(transaction, &edit)).await
    }
}

fn write(transaction: &Write, edit: &Edit) -> Result<Result<bool, Vec<FieldError>>, StoreError> {
    let mut clients = transaction.open_table(CLIENTS)?;
    let stored = clients.get(&own(edit.client.0))?.map(|stored| decode::<ClientRecord>(stored.value()));
    let Some(mut stored) = stored.transpose()? else { return Ok(Ok(false)) };
    let before = stored.client.clone();
    let rules = Rules { today: edit.today, forms: &edit.forms, is_mobile: edit.is_mobile };
    let changes = match apply(&mut stored.client, &edit.changes, rules) {
        Ok(changes) => changes,
        Err(refused) => return Ok(Err(refused)),
    };
    if changes.is_empty() {
        return Ok(Ok(true));
    }
    for change in changes {
        // What the CRM supplied stays known through several edits of a field.
        let earlier = stored.edits.iter().position(|known| known.field == change.field);
        let from = earlier.map_or(change.from, |index| stored.edits.remove(index).from);
        let (field, to) = (change.field, change.to);
        // What no CRM supplies, none overrides.
        if from != to && stored.client.external_id.in_crm().is_some() {
            stored.edits.push(LocalEdit { field, from, to, by: edit.by.clone(), at: edit.at });
        }
    }
    remember_former(&mut stored.former, &before, &stored.client);
    stored.changed_at = edit.at.as_millisecond();
    let id = ExternalKey::from(&stored.client.external_id);
    let key = record(stored.connection, RecordKind::Client, id);
    let mut identities = transaction.open_table(IDENTITIES)?;
    let identity = identities.get(&key)?.map(|row| Identity::from_row(row.value()));
    if let Some(mut identity) = identity {
        identity.content_version = ContentVersion::NEVER;
        identities.put(&key, &identity.to_row())?;
        if identity.in_book {
            let mut entries = Entries::default();
            entries.replace((stored.connection, id, edit.client.0), Some(&before), Some(&stored.client));
            entries.write(transaction)?;
        }
    }
    clients.put(&own(edit.client.0), encode(&stored)?.as_slice())?;
    Ok(Ok(true))
}
