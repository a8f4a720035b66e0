//! The rows of households that were opened in an emergency, and of those that are open. Serves accounts, whose end is the end of what
//! they have open, and households' access.

use super::StoreError;
use super::engine::{Readable, Table, Write, WriteTable};
use super::keys::{OwnKey, PRACTICE, join, own, span, uuid_at_end};
use super::rows::{decode, encode, rows};
use crate::domain::access::emergency::EmergencyAccess;
use crate::domain::access::household::Chosen;
use crate::domain::{EmergencyId, HouseholdId, Timestamp, UserId};

/// All of them, by id: [`EmergencyRow`].
pub(super) const EMERGENCIES: Table<&OwnKey, &[u8]> = Table::new("emergency-access");
/// `practice · account · id` of those that nobody has ended, some of which are over by their time.
pub(super) const OPEN: Table<&OpenKey, ()> = Table::new("emergency-access-open");

pub(super) type OpenKey = [u8; 4 + 16 + 16];

/// One of them as it is stored.
pub(super) struct EmergencyRow {
    user: UserId,
    household: HouseholdId,
    reason: String,
    opened_at: Timestamp,
    ends_at: Timestamp,
    ended_by: Option<String>,
    ended_at: Option<Timestamp>,
    reviewed_by: Option<String>,
    reviewed_at: Option<Timestamp>,
    finding: Option<String>,
}

rows! {
    EmergencyRow {
        0: user, 1: household, 2: reason, 3: opened_at, 4: ends_at, 5: ended_by, 6: ended_at, 7: reviewed_by,
        8: reviewed_at, 9: finding
    }
}

impl EmergencyRow {
    pub(super) fn shown(self, id: EmergencyId) -> EmergencyAccess {
        let chosen = |by: Option<String>, at: Option<Timestamp>| by.zip(at).map(|(by, at)| Chosen { by, at });
        EmergencyAccess {
            id,
            user: self.user,
            household: self.household,
            reason: self.reason,
            opened_at: self.opened_at,
            ends_at: self.ends_at,
            ended: chosen(self.ended_by, self.ended_at),
            reviewed: chosen(self.reviewed_by, self.reviewed_at),
            finding: self.finding,
        }
    }
}

impl From<EmergencyAccess> for EmergencyRow {
    fn from(access: EmergencyAccess) -> Self {
        let parts = |chosen: Option<Chosen>| chosen.map(|chosen| (chosen.by, chosen.at)).unzip();
        let (ended_by, ended_at) = parts(access.ended);
        let (reviewed_by, reviewed_at) = parts(access.reviewed);
        Self {
            user: access.user,
            household: access.household,
            reason: access.reason,
            opened_at: access.opened_at,
            ends_at: access.ends_at,
            ended_by,
            ended_at,
            reviewed_by,
            reviewed_at,
            finding: access.finding,
        }
    }
}

pub(super) fn open_key(user: UserId, id: EmergencyId) -> OpenKey {
    join([&PRACTICE.to_be_bytes(), user.0.as_bytes(), id.0.as_bytes()])
}

/// Ends all that somebody has open; answers the households, as the log of each has it.
pub(super) fn end_all_of(
    transaction: &Write,
    user: UserId,
    by: &Chosen,
) -> Result<Vec<(HouseholdId, String)>, StoreError> {
    let mut ended = Vec::new();
    let mut open = transaction.open_table(OPEN)?;
    let mut emergencies = transaction.open_table(EMERGENCIES)?;
    for id in ids_of(&open, user)? {
        open.delete(&open_key(user, id))?;
        if let Some(access) = get(&emergencies, id)?.filter(|access| access.is_open(by.at)) {
            ended.push((access.household, format!("ends what account {user} opened in an emergency")));
            put(&mut emergencies, &EmergencyAccess { ended: Some(by.clone()), ..access })?;
        }
    }
    Ok(ended)
}

pub(super) fn ids_of(open: &impl Readable<&'static OpenKey, ()>, user: UserId) -> Result<Vec<EmergencyId>, StoreError> {
    let (first, last) = span::<{ size_of::<OpenKey>() }>(&own(user.0));
    let mut ids = Vec::new();
    for entry in open.scan(&first..=&last)? {
        ids.push(EmergencyId(uuid_at_end(entry?.0.value())));
    }
    Ok(ids)
}

pub(super) fn get(
    emergencies: &impl Readable<&'static OwnKey, &'static [u8]>,
    id: EmergencyId,
) -> Result<Option<EmergencyAccess>, StoreError> {
    let row = emergencies.get(&own(id.0))?.map(|row| decode::<EmergencyRow>(row.value())).transpose()?;
    Ok(row.map(|row| row.shown(id)))
}

pub(super) fn put(
    emergencies: &mut WriteTable<'_, &'static OwnKey, &'static [u8]>,
    access: &EmergencyAccess,
) -> Result<(), StoreError> {
    let row = EmergencyRow::from(access.clone());
    Ok(emergencies.put(&own(access.id.0), encode(&row)?.as_slice())?)
}
