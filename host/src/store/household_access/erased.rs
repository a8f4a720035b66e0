//! What is left of the access to households where somebody is erased: that there was access stays, and the words about the person go.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::ACCESS;
use super::{AccessRow, StaffRow};
use crate::domain::access::household::Chosen;
use crate::domain::privacy::NamedBy;
use crate::domain::{EmergencyId, HouseholdId, Timestamp};
use crate::store::StoreError;
use crate::store::access_reasons::{self, REASONS};
use crate::store::emergency_rows::{EMERGENCIES, EmergencyRow, OPEN, open_key, put};
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::{own, uuid_at_end};
use crate::store::rows::{decode, encode};

/// Who ended what was open of a household that nobody is left in.
const ENDED_BY: &str = "the erasure of the client";

/// The person who is erased, and the households that they were in.
pub(in crate::store) struct Erased<'e> {
    /// What a text may name the person by; none where that is not known any more.
    pub named: Option<&'e NamedBy>,
    /// The households that the person is or was in.
    pub been: &'e HashSet<HouseholdId>,
    /// Those of them that nobody else is or was in.
    pub alone: &'e HashSet<HouseholdId>,
}

impl Erased<'_> {
    /// Whether a reason that is about these households goes: all of it where they were the person's alone, and where it names the
    /// person else.
    fn takes(&self, about: &[HouseholdId], text: &str) -> bool {
        if about.iter().any(|household| self.alone.contains(household)) {
            return true;
        }
        let is_theirs = about.iter().any(|household| self.been.contains(household));
        self.named.is_some_and(
            |named| if is_theirs { named.is_by_any_name_in(text) } else { named.is_by_whole_name_in(text) },
        )
    }
}

/// Takes the words about an erased person away, and ends what is open of households that nobody is left in. Answers the number of
/// reasons that went of each household that others are in, too.
pub(in crate::store) fn erase(
    transaction: &Write,
    erased: &Erased<'_>,
    emptied: &[HouseholdId],
    at: Timestamp,
) -> Result<BTreeMap<HouseholdId, u64>, StoreError> {
    let mut gone: Vec<Uuid> = Vec::new();
    let mut told: BTreeMap<HouseholdId, u64> = BTreeMap::new();
    let mut changed = Vec::new();
    {
        let texts = transaction.open_table(REASONS)?;
        let mut look = |household: HouseholdId, about: &[HouseholdId], id: Option<Uuid>| {
            let text = access_reasons::text(&texts, id)?;
            let goes = text.is_some_and(|text| erased.takes(about, &text));
            if goes {
                gone.extend(id);
                if !erased.alone.contains(&household) {
                    *told.entry(household).or_default() += 1;
                }
            }
            Ok::<_, StoreError>(goes)
        };
        for entry in transaction.open_table(ACCESS)?.scan(..)? {
            let (key, row) = entry?;
            let household = HouseholdId(uuid_at_end(key.value()));
            let row: AccessRow = decode(row.value())?;
            let mut goes = false;
            for StaffRow { reason, of, .. } in row.all_staff() {
                // One that came with a household that was joined to this one is about the people of both.
                let is_gone = look(household, &[of.unwrap_or(household)], *reason)?;
                goes |= is_gone || (of.is_some() && look(household, &[household], *reason)?);
            }
            if goes {
                changed.push((household, row));
            }
        }
        for entry in transaction.open_table(EMERGENCIES)?.scan(..)? {
            let row: EmergencyRow = decode(entry?.1.value())?;
            row.texts().try_for_each(|id| look(row.household, &[row.household], Some(id)).map(drop))?;
        }
    }
    // Whoever looked at the access before changes it no more as it was: the words would come back.
    let mut access = transaction.open_table(ACCESS)?;
    for (household, row) in changed {
        let row = AccessRow { version: row.version + 1, ..row };
        access.put(&own(household.0), encode(&row)?.as_slice())?;
    }
    access_reasons::forget(transaction, gone)?;
    end_of_emptied(transaction, emptied, at)?;
    Ok(told)
}

fn end_of_emptied(transaction: &Write, emptied: &[HouseholdId], at: Timestamp) -> Result<(), StoreError> {
    let mut emergencies = transaction.open_table(EMERGENCIES)?;
    let mut of_emptied = Vec::new();
    for entry in emergencies.scan(..)? {
        let (key, row) = entry?;
        let row: EmergencyRow = decode(row.value())?;
        if emptied.contains(&row.household) {
            of_emptied.push((EmergencyId(uuid_at_end(key.value())), row));
        }
    }
    let mut open = transaction.open_table(OPEN)?;
    access_reasons::forget(transaction, of_emptied.iter().flat_map(|(_, row)| row.texts()))?;
    for (id, mut row) in of_emptied.into_iter().filter(|(_, row)| row.is_open(at)) {
        row.end(Chosen { by: ENDED_BY.to_owned(), at });
        put(&mut emergencies, id, &row)?;
        open.delete(&open_key(row.user, id))?;
    }
    Ok(())
}
