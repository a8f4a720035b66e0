//! The proposal of the CRM for a household's professionals, made once: when the household is made, or the CRM first names
//! somebody.

use std::collections::HashMap;
use std::iter;

use super::past::{self, PastRow};
use super::{ACCESS, AccessRow, Maker, Party, StaffRow, index, put, put_by, stored};
use crate::domain::access::Role;
use crate::domain::access::household::Chosen;
use crate::domain::audit::{Act, By, Subject, THIS_MACHINE};
use crate::domain::{ExternalId, HouseholdId, Timestamp};
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::{own, uuid_at_end};
use crate::store::rows::{decode, encode};
use crate::store::tables::{CLIENTS, ClientRecord, HOUSEHOLDS, HouseholdRecord};
use crate::store::{StoreError, access_reasons, audit, emergency_rows};

/// The name of who does what a sync brings with it.
const THE_SYNC: &str = "the sync";

/// Proposes the professionals of households that have none yet.
pub(in crate::store) fn propose(
    transaction: &Write,
    households: impl IntoIterator<Item = HouseholdId>,
) -> Result<(), StoreError> {
    for household in households {
        let before = stored(&transaction.open_table(ACCESS)?, household)?;
        let is_open = before.as_ref().is_none_or(|row| row.primary == Party::FirstAdviser && row.chosen_by.is_none());
        if !is_open {
            continue;
        }
        let Some((primary, secondary)) = proposed(transaction, household)? else { continue };
        let row = AccessRow {
            primary,
            secondary,
            staff: before.as_ref().map(|before| before.staff.clone()).unwrap_or_default(),
            version: before.as_ref().map_or(1, |before| before.version + 1),
            chosen_by: None,
            chosen_at: None,
            past: before.as_ref().map(|before| before.past.clone()).unwrap_or_default(),
            joined_at: before.as_ref().and_then(|before| before.joined_at),
        };
        if before.as_ref().is_none_or(|before| (&before.primary, &before.secondary) != (&row.primary, &row.secondary)) {
            put(transaction, household, before.as_ref(), row)?;
        }
    }
    Ok(())
}

/// Gives a household that parted from another the access of that one, so that nobody who served its people loses them.
pub(in crate::store) fn take_over(transaction: &Write, from: HouseholdId, to: HouseholdId) -> Result<(), StoreError> {
    let (row, known) = {
        let access = transaction.open_table(ACCESS)?;
        (stored(&access, from)?, stored(&access, to)?)
    };
    match (row, known) {
        (Some(row), None) => {
            // What the CRM proposed says nothing that its own adviser does not.
            if row.chosen_by.is_some() || !row.staff.is_empty() {
                let detail = format!("it parted from household {from}: who has access to that has it here, too");
                tell(transaction, to, "household_access.part", detail)?;
            }
            let row = past::copied(transaction, AccessRow { version: 1, joined_at: None, ..row })?;
            put(transaction, to, None, row).map(drop)
        }
        _ => Ok(()),
    }
}

/// Takes a household that was merged into another out of the index, and gives those who had access to it access to that
/// one: nobody who served its people loses them. Its row says who had access to it.
pub(in crate::store) fn join(
    transaction: &Write,
    from: HouseholdId,
    to: HouseholdId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (lost, kept) = {
        let access = transaction.open_table(ACCESS)?;
        (stored(&access, from)?, stored(&access, to)?)
    };
    index::replace(transaction, from, lost.as_ref(), None)?;
    let (Some(lost), Some(kept)) = (lost, kept) else { return end_emergencies(transaction, [from, to], at) };
    forget_reasons_of(transaction, from, &lost)?;
    let mut after = kept.clone();
    let given = |user, role| {
        let reason =
            Some(access_reasons::keep(transaction, "Answered for the household that was joined to this one.")?);
        let given_by = THE_SYNC.to_owned();
        Ok::<_, StoreError>(StaffRow { user, role, expires_at: None, reason, of: None, given_by, given_at: at })
    };
    for party in [Some(lost.primary), lost.secondary].into_iter().flatten() {
        let is_known = party == after.primary || after.secondary.as_ref() == Some(&party);
        match party {
            _ if is_known => {}
            Party::FirstAdviser => {}
            party if after.secondary.is_none() => after.secondary = Some(party),
            Party::Account(user) => after.staff.push(given(user, Role::Adviser)?),
            // A third professional of the CRM without an account has no place; the row of the household has them.
            Party::OfCrm(..) => {}
        }
    }
    let of_lost = |given: StaffRow| StaffRow { of: given.of.or(Some(from)), ..given };
    for staff in lost.staff.into_iter().map(of_lost) {
        let is_professional =
            [Some(&after.primary), after.secondary.as_ref()].contains(&Some(&Party::Account(staff.user)));
        let known = after.staff.iter_mut().find(|known| known.user == staff.user);
        let ended = match known {
            // The access that ends later goes on, whichever household it was given to.
            Some(known) if !is_professional && known.ends_before(&staff) => Some(std::mem::replace(known, staff)),
            Some(_) => Some(staff),
            None if is_professional => Some(staff),
            None => {
                after.staff.push(staff);
                None
            }
        };
        let by_time = ended.as_ref().and_then(|given| given.expires_at).filter(|end| *end <= at);
        let (ended_by, ended_at) = by_time.map_or((Some(THE_SYNC.to_owned()), at), |end| (None, end));
        after.past.extend(ended.map(|given| PastRow { given, ended_by, ended_at }));
    }
    let came = (&after.secondary, &after.staff) != (&kept.secondary, &kept.staff);
    after.past.extend(lost.past.into_iter().map(|past| PastRow { given: of_lost(past.given), ..past }));
    after.past.sort_by_key(|past| past.ended_at);
    tell_of_join(transaction, from, to, (&kept, &after))?;
    if after != kept {
        after.version += 1;
        after.joined_at = if came { Some(at) } else { after.joined_at };
        put_by(transaction, to, (Some(&kept), after), (Some(THE_SYNC.to_owned()), Some(at)))?;
    }
    end_emergencies(transaction, [from, to], at)
}

/// Tells the log who came to have access to a household to which another was joined.
fn tell_of_join(
    transaction: &Write,
    from: HouseholdId,
    to: HouseholdId,
    (before, after): (&AccessRow, &AccessRow),
) -> Result<(), StoreError> {
    let secondary = after.secondary.as_ref().filter(|second| before.secondary.as_ref() != Some(second));
    let secondary = secondary.map(|second| match second {
        Party::Account(user) => format!("secondary account {user}"),
        Party::OfCrm(_, id) => format!("secondary user {id} of the CRM"),
        Party::FirstAdviser => "secondary the first adviser".to_owned(),
    });
    let staff = after.staff.iter().filter(|given| !before.staff.contains(given));
    let staff = staff.map(|given| format!("account {} as {}", given.user, given.role.as_str()));
    let came = iter::once(format!("household {from} was joined to it")).chain(secondary).chain(staff);
    tell(transaction, to, "household_access.join", came.collect::<Vec<_>>().join("; "))?;
    tell(transaction, from, "household_access.join", format!("it was joined to household {to}"))
}

/// Tells the log of a household what the sync did to the access to it.
fn tell(transaction: &Write, household: HouseholdId, verb: &str, detail: String) -> Result<(), StoreError> {
    let act = Act::done(By::host("sync"), THIS_MACHINE, verb, Subject::new("household", household));
    audit::append(transaction, Act { household: Some(household), detail, ..act }).map(drop)
}

/// Leaves the row of a household that was joined to another without its reasons, which are the other's from then on.
fn forget_reasons_of(transaction: &Write, household: HouseholdId, row: &AccessRow) -> Result<(), StoreError> {
    let staff = row.staff.iter().map(|given| StaffRow { reason: None, ..given.clone() }).collect();
    let row = AccessRow { staff, past: Vec::new(), ..row.clone() };
    Ok(transaction.open_table(ACCESS)?.put(&own(household.0), encode(&row)?.as_slice())?)
}

/// Ends what is open in an emergency of households that are joined: it was opened for the people of one of them, and would show those
/// of the other.
fn end_emergencies(transaction: &Write, [from, to]: [HouseholdId; 2], at: Timestamp) -> Result<(), StoreError> {
    let by = Chosen { by: "the sync, which joined two households".to_owned(), at };
    for (opened, user) in emergency_rows::end_all_in(transaction, &[from, to], &by)? {
        let of = if opened == from { format!(" of household {from}") } else { String::new() };
        let detail = format!("ends what account {user} opened in an emergency{of}: household {from} was joined to it");
        tell(transaction, to, "emergency.end", detail)?;
    }
    Ok(())
}

/// Makes the one who made a household its primary professional, where that one can be; else gives them access to it, and
/// the first adviser of the practice answers for it.
pub(in crate::store) fn made_by(
    transaction: &Write,
    household: Option<HouseholdId>,
    by: Maker,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(household) = household else { return Ok(()) };
    let Some(before) = stored(&transaction.open_table(ACCESS)?, household)? else { return Ok(()) };
    let Maker { user, role, name } = by;
    let mut after = before.clone();
    if role.can_be_primary() {
        after.primary = Party::Account(user);
        (after.chosen_by, after.chosen_at) = (Some(name), Some(at));
    } else {
        // Nobody was chosen: as soon as the CRM names an adviser, that is the primary.
        after.staff.push(StaffRow {
            user,
            role,
            expires_at: None,
            reason: Some(access_reasons::keep(transaction, "Made the household.")?),
            of: None,
            given_by: name,
            given_at: at,
        });
    }
    put(transaction, household, Some(&before), after).map(drop)
}

/// The professionals whom the CRM names for a household: those of its primary client.
fn proposed(transaction: &Write, household: HouseholdId) -> Result<Option<(Party, Option<Party>)>, StoreError> {
    let record = transaction.open_table(HOUSEHOLDS)?.get(&own(household.0))?.map(|row| decode(row.value()));
    let Some(HouseholdRecord::Of { connection, members }) = record.transpose()? else { return Ok(None) };
    let clients = transaction.open_table(CLIENTS)?;
    let mut people: Vec<ClientRecord> = Vec::with_capacity(members.len());
    for (_, client) in members {
        let row = clients.get(&own(client))?.map(|row| decode(row.value()));
        people.extend(row.transpose()?);
    }
    let primary = people.iter().position(|person| !person.client.is_partner).unwrap_or(0);
    let Some(person) = people.into_iter().nth(primary) else { return Ok(None) };
    let of_crm = |id| Party::OfCrm(connection, id);
    let first = person.client.adviser_external_id.map_or(Party::FirstAdviser, of_crm);
    let second = person.client.secondary_adviser_external_id.map(of_crm).filter(|second| *second != first);
    Ok(Some((first, second)))
}

/// The professionals whom people chose before households had rows of their access, by household.
pub(in crate::store) type ChosenBefore = HashMap<HouseholdId, (ExternalId, Chosen)>;

/// Makes the rows of all households of a store that has none yet.
pub(in crate::store) fn fill(transaction: &Write, chosen: &ChosenBefore) -> Result<(), StoreError> {
    let mut households = Vec::new();
    for entry in transaction.open_table(HOUSEHOLDS)?.scan(..)? {
        let (key, row) = entry?;
        if let HouseholdRecord::Of { connection, .. } = decode(row.value())? {
            households.push((HouseholdId(uuid_at_end(key.value())), connection));
        }
    }
    propose(transaction, households.iter().map(|(household, _)| *household))?;
    for (household, connection) in households {
        let Some((id, Chosen { by, at })) = chosen.get(&household).cloned() else { continue };
        let Some(before) = stored(&transaction.open_table(ACCESS)?, household)? else { continue };
        let primary = Party::OfCrm(connection, id);
        let secondary = before.secondary.clone().filter(|second| *second != primary);
        let row = AccessRow { primary, secondary, chosen_by: Some(by), chosen_at: Some(at), ..before.clone() };
        put(transaction, household, Some(&before), row)?;
    }
    Ok(())
}
