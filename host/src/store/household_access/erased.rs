//! What is left of the access to households where somebody is erased: that there was access stays, and the words about the person go.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use uuid::Uuid;

use super::ACCESS;
use super::{AccessRow, StaffRow, stored};
use crate::domain::access::household::Chosen;
use crate::domain::privacy::{NamedBy, Text};
use crate::domain::{EmergencyId, HouseholdId, Timestamp};
use crate::store::StoreError;
use crate::store::access_reasons::{self, REASONS};
use crate::store::emergency_rows::{EMERGENCIES, EmergencyRow, OPEN, open_key, put};
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::{own, uuid_at_end};
use crate::store::rows::{decode, encode};
use crate::store::tables::{CLIENTS, ClientRecord};

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

/// A reason, and the households that it is about.
struct Reason {
    household: HouseholdId,
    about: Vec<HouseholdId>,
    id: Uuid,
    text: Text,
}

impl Erased<'_> {
    /// Whether a reason that is about these households goes: all of it where they were the person's alone, and where it names the
    /// person else, and not one of these `others`.
    fn takes(&self, Reason { about, text, .. }: &Reason, others: &[NamedBy]) -> bool {
        if about.iter().any(|household| self.alone.contains(household)) {
            return true;
        }
        let is_theirs = about.iter().any(|household| self.been.contains(household));
        self.named.is_some_and(
            |named| if is_theirs { named.is_by_any_name_in(text) } else { named.is_meant_in(text, others) },
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
    let mut gone = reasons(transaction, |reason| erased.takes(reason, &[]))?;
    // Most erasures name nobody elsewhere: who else a text may be about is looked for only where one does.
    let others = others_in(transaction, erased, &gone)?;
    gone.retain(|reason| erased.takes(reason, &others));
    let mut told: BTreeMap<HouseholdId, u64> = BTreeMap::new();
    let mut access = transaction.open_table(ACCESS)?;
    for Reason { household, .. } in &gone {
        if !erased.alone.contains(household) {
            *told.entry(*household).or_default() += 1;
        }
    }
    for household in gone.iter().map(|reason| reason.household).collect::<BTreeSet<_>>() {
        // Whoever looked at the access before changes it no more as it was: the words would come back.
        if let Some(row) = stored(&access, household)? {
            let row = AccessRow { version: row.version + 1, ..row };
            access.put(&own(household.0), encode(&row)?.as_slice())?;
        }
    }
    drop(access);
    access_reasons::forget(transaction, gone.iter().map(|reason| reason.id))?;
    end_of_emptied(transaction, emptied, at)?;
    Ok(told)
}

/// The reasons, of staff access and of what was opened in an emergency, that are wanted.
fn reasons(transaction: &Write, is_wanted: impl Fn(&Reason) -> bool) -> Result<Vec<Reason>, StoreError> {
    let texts = transaction.open_table(REASONS)?;
    let mut found = Vec::new();
    let mut keep = |household: HouseholdId, about: Vec<HouseholdId>, id: Option<Uuid>| {
        if let (Some(text), Some(id)) = (access_reasons::text(&texts, id)?, id) {
            found.extend(Some(Reason { household, about, id, text: text.as_str().into() }).filter(&is_wanted));
        }
        Ok::<_, StoreError>(())
    };
    for entry in transaction.open_table(ACCESS)?.scan(..)? {
        let (key, row) = entry?;
        let household = HouseholdId(uuid_at_end(key.value()));
        let row: AccessRow = decode(row.value())?;
        for StaffRow { reason, of, .. } in row.all_staff() {
            // One that came with a household that was joined to this one is about the people of both.
            keep(household, of.iter().copied().chain([household]).collect(), *reason)?;
        }
    }
    for entry in transaction.open_table(EMERGENCIES)?.scan(..)? {
        let row: EmergencyRow = decode(entry?.1.value())?;
        row.texts().try_for_each(|id| keep(row.household, vec![row.household], Some(id)))?;
    }
    Ok(found)
}

/// The other clients, also those who left the book, whom reasons about others' households may name in place of the person.
fn others_in(transaction: &Write, erased: &Erased<'_>, reasons: &[Reason]) -> Result<Vec<NamedBy>, StoreError> {
    let is_elsewhere = |reason: &&Reason| !reason.about.iter().any(|household| erased.been.contains(household));
    let texts: Vec<&Text> = reasons.iter().filter(is_elsewhere).map(|reason| &reason.text).collect();
    let Some(named) = erased.named.filter(|_| !texts.is_empty()) else { return Ok(Vec::new()) };
    let mut others = Vec::new();
    for entry in transaction.open_table(CLIENTS)?.scan(..)? {
        let row: ClientRecord = decode(entry?.1.value())?;
        let other = NamedBy::of(&row.client, &row.former, &row.last_changes);
        if other.is_like(named, &texts) {
            others.push(other);
        }
    }
    Ok(others)
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
