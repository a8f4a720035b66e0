//! Records that are set aside, and those that no longer are.

use super::super::StoreError;
use super::super::identity::{Exclusion, Identity};
use super::super::keys::{AsideKey, ExternalKey, PRACTICE, RecordKey, join};
use super::super::rows::{decode, encode};
use super::super::tables::{BookCounts, SET_ASIDE};
use super::pending::Pending;
use super::{IncomingRecord, Outcome};
use crate::domain::run::Run;
use crate::domain::stored::ExcludedRecord;
use crate::store::engine::{Readable, Write};

/// Brings the list of records that are set aside in line with what the incoming records became.
pub(super) fn settle(
    transaction: &Write,
    rows: &mut Pending<'_>,
    run: &Run,
    incoming_records: &[IncomingRecord],
    tallies: &mut BookCounts,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(SET_ASIDE)?;
    for incoming in incoming_records {
        let id = ExternalKey::from(&incoming.id);
        let known = rows.get(id)?;
        let before = known.as_ref().and_then(|known| known.set_aside);
        let now = match incoming.outcome {
            Outcome::Excluded { quarantined: true } => Some(Exclusion::Quarantined),
            Outcome::Excluded { quarantined: false } => Some(Exclusion::Skipped),
            Outcome::Client(_) | Outcome::Adviser(_) | Outcome::List(_) => None,
        };
        let key = rows.key(id);
        if let Some(before) = before.filter(|before| Some(*before) != now) {
            table.delete(&aside_key(before, &key))?;
            *tally(tallies, before) -= 1;
        }
        if let Some(now) = now {
            let kept =
                table.get(&aside_key(now, &key))?.map(|kept| decode::<ExcludedRecord>(kept.value())).transpose()?;
            if kept.is_none() {
                *tally(tallies, now) += 1;
            }
            let (found_by, since) = kept.map_or((run.id, rows.at), |kept| (kept.run, kept.since));
            let set_aside = ExcludedRecord {
                connection: run.connection.clone(),
                kind: rows.kind,
                external_id: incoming.id.clone(),
                quarantined: now == Exclusion::Quarantined,
                diagnostics: incoming.diagnostics.clone(),
                revision: rows.by.revision,
                run: found_by,
                since,
            };
            table.put(&aside_key(now, &key), encode(&set_aside)?.as_slice())?;
        }
        if before != now {
            let mut identity = known.unwrap_or_else(|| Identity::new(rows.content_version(incoming)));
            identity.set_aside = now;
            rows.set(id, identity);
        }
    }
    Ok(())
}

fn tally(tallies: &mut BookCounts, aside: Exclusion) -> &mut u64 {
    match aside {
        Exclusion::Skipped => &mut tallies.skipped,
        Exclusion::Quarantined => &mut tallies.quarantined,
    }
}

/// The key of a record that is set aside.
pub(in crate::store) fn aside_key(aside: Exclusion, key: &RecordKey) -> AsideKey {
    join([&PRACTICE.to_be_bytes(), &[u8::from(aside == Exclusion::Quarantined)], &key[4..]])
}
