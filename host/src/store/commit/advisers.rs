//! Merging advisers.

use super::super::StoreError;
use super::super::identity::Identity;
use super::super::keys::ExternalKey;
use super::super::rows::{decode, encode};
use super::super::tables::{ADVISERS, BookCounts};
use super::pending::Pending;
use super::{IncomingRecord, Outcome};
use crate::domain::run::Run;
use crate::domain::stored::{Origin, StoredAdviser};
use crate::store::engine::{Readable, Write};

/// Keeps the advisers among the incoming records. One that was known and is set aside now keeps its last values.
pub(super) fn merge(
    transaction: &Write,
    rows: &mut Pending<'_>,
    run: &Run,
    incoming_records: Vec<IncomingRecord>,
    tallies: &mut BookCounts,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(ADVISERS)?;
    for incoming in incoming_records {
        let id = ExternalKey::from(&incoming.id);
        let content_version = rows.content_version(&incoming);
        let mut identity = rows.get(id)?.unwrap_or_else(|| Identity::new(content_version));
        identity.content_version = content_version;
        if let Outcome::Adviser(adviser) = incoming.outcome {
            let key = rows.key(id);
            let known = table.get(&key)?.map(|known| decode::<StoredAdviser>(known.value())).transpose()?;
            let changed_at = match known {
                Some(known) if known.adviser == adviser => known.origin.changed_at,
                _ => rows.at,
            };
            if !identity.in_book {
                identity.in_book = true;
                tallies.advisers += 1;
            }
            let origin = Origin { connection: run.connection.clone(), revision: rows.by.revision, changed_at };
            let stored = StoredAdviser { adviser, origin, diagnostics: incoming.diagnostics };
            table.put(&key, encode(&stored)?.as_slice())?;
        }
        rows.set(id, identity);
    }
    Ok(())
}
