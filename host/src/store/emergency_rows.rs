//! The rows of households that were opened in an emergency, and of those that are open. Serves accounts, whose end is the end of what
//! they have open, and households' access.

use uuid::Uuid;

use super::access_reasons::Texts;
use super::engine::{Readable, Table, Write, WriteTable};
use super::keys::{OwnKey, PRACTICE, join, own, span, uuid_at_end};
use super::rows::{decode, encode, rows};
use super::{StoreError, access_reasons};
use crate::domain::access::emergency::{EmergencyAccess, is_open};
use crate::domain::access::household::Chosen;
use crate::domain::{EmergencyId, HouseholdId, Timestamp, UserId};

/// All of them, by id: [`EmergencyRow`].
pub(super) const EMERGENCIES: Table<&OwnKey, &[u8]> = Table::new("emergency-access");
/// `practice · account · id` of those that nobody has ended, some of which are over by their time.
pub(super) const OPEN: Table<&OpenKey, ()> = Table::new("emergency-access-open");

pub(super) type OpenKey = [u8; 4 + 16 + 16];

/// One of them as it is stored.
pub(super) struct EmergencyRow {
    pub(super) user: UserId,
    pub(super) household: HouseholdId,
    /// The id of the reason.
    reason: Option<Uuid>,
    opened_at: Timestamp,
    ends_at: Timestamp,
    ended_by: Option<String>,
    ended_at: Option<Timestamp>,
    reviewed_by: Option<String>,
    reviewed_at: Option<Timestamp>,
    /// The id of what was found.
    finding: Option<Uuid>,
}

rows! {
    EmergencyRow {
        0: user, 1: household, 3: opened_at, 4: ends_at, 5: ended_by, 6: ended_at, 7: reviewed_by, 8: reviewed_at,
        10: reason, 11: finding
    }
}

impl EmergencyRow {
    /// The row of one that is opened, for the reason of this id.
    pub(super) fn opened(access: &EmergencyAccess, reason: Uuid) -> Self {
        let EmergencyAccess { user, household, opened_at, ends_at, .. } = *access;
        Self {
            user,
            household,
            reason: Some(reason),
            opened_at,
            ends_at,
            ended_by: None,
            ended_at: None,
            reviewed_by: None,
            reviewed_at: None,
            finding: None,
        }
    }

    /// The access, with its texts.
    pub(super) fn shown(self, id: EmergencyId, reasons: &impl Texts) -> Result<EmergencyAccess, StoreError> {
        let chosen = |by: Option<String>, at: Option<Timestamp>| by.zip(at).map(|(by, at)| Chosen { by, at });
        Ok(EmergencyAccess {
            id,
            user: self.user,
            household: self.household,
            reason: access_reasons::text(reasons, self.reason)?.unwrap_or_default(),
            opened_at: self.opened_at,
            ends_at: self.ends_at,
            ended: chosen(self.ended_by, self.ended_at),
            reviewed: chosen(self.reviewed_by, self.reviewed_at),
            finding: access_reasons::text(reasons, self.finding)?,
        })
    }

    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        is_open(self.ended_at.is_some(), self.ends_at, now)
    }

    pub(super) fn is_reviewed(&self) -> bool {
        self.reviewed_at.is_some()
    }

    pub(super) fn end(&mut self, Chosen { by, at }: Chosen) {
        (self.ended_by, self.ended_at) = (Some(by), Some(at));
    }

    pub(super) fn review(&mut self, Chosen { by, at }: Chosen, finding: Option<Uuid>) {
        (self.reviewed_by, self.reviewed_at, self.finding) = (Some(by), Some(at), finding);
    }

    /// The ids of its texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = Uuid> {
        self.reason.into_iter().chain(self.finding)
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
        let Some(mut row) = row_of(&emergencies, id)?.filter(|row| row.is_open(by.at)) else { continue };
        ended.push((row.household, format!("ends what account {user} opened in an emergency")));
        row.end(by.clone());
        put(&mut emergencies, id, &row)?;
    }
    Ok(ended)
}

/// Ends all that is open of some households; answers the household and the account of each.
pub(super) fn end_all_in(
    transaction: &Write,
    households: &[HouseholdId],
    by: &Chosen,
) -> Result<Vec<(HouseholdId, UserId)>, StoreError> {
    let mut ended = Vec::new();
    let mut open = transaction.open_table(OPEN)?;
    let mut keys = Vec::new();
    for entry in open.scan(..)? {
        keys.push(*entry?.0.value());
    }
    let mut emergencies = transaction.open_table(EMERGENCIES)?;
    for key in keys {
        let id = EmergencyId(uuid_at_end(&key));
        let is_of_them = |row: &EmergencyRow| households.contains(&row.household) && row.is_open(by.at);
        let Some(mut row) = row_of(&emergencies, id)?.filter(is_of_them) else { continue };
        ended.push((row.household, row.user));
        row.end(by.clone());
        put(&mut emergencies, id, &row)?;
        open.delete(&key)?;
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

pub(super) fn row_of(
    emergencies: &impl Readable<&'static OwnKey, &'static [u8]>,
    id: EmergencyId,
) -> Result<Option<EmergencyRow>, StoreError> {
    emergencies.get(&own(id.0))?.map(|row| decode(row.value())).transpose()
}

pub(super) fn get(
    emergencies: &impl Readable<&'static OwnKey, &'static [u8]>,
    reasons: &impl Texts,
    id: EmergencyId,
) -> Result<Option<EmergencyAccess>, StoreError> {
    row_of(emergencies, id)?.map(|row| row.shown(id, reasons)).transpose()
}

pub(super) fn put(
    emergencies: &mut WriteTable<'_, &'static OwnKey, &'static [u8]>,
    id: EmergencyId,
    row: &EmergencyRow,
) -> Result<(), StoreError> {
    Ok(emergencies.put(&own(id.0), encode(row)?.as_slice())?)
}

/// One whose texts stand in its row.
struct FormerEmergency {
    user: UserId,
    household: HouseholdId,
    reason: Option<String>,
    opened_at: Timestamp,
    ends_at: Timestamp,
    ended_by: Option<String>,
    ended_at: Option<Timestamp>,
    reviewed_by: Option<String>,
    reviewed_at: Option<Timestamp>,
    finding: Option<String>,
}

rows! {
    FormerEmergency {
        0: user, 1: household, 2: reason, 3: opened_at, 4: ends_at, 5: ended_by, 6: ended_at, 7: reviewed_by,
        8: reviewed_at, 9: finding
    }
}

/// Moves the texts out of the rows.
pub(super) fn part_texts(transaction: &Write) -> Result<(), StoreError> {
    let mut former = Vec::new();
    for entry in transaction.open_table(EMERGENCIES)?.scan(..)? {
        let (key, row) = entry?;
        former.push((EmergencyId(uuid_at_end(key.value())), decode::<FormerEmergency>(row.value())?));
    }
    for (id, former) in former {
        let part = |id: Uuid, text: Option<String>| {
            text.map(|text| access_reasons::keep_as(transaction, id, &text)).transpose()
        };
        let row = EmergencyRow {
            user: former.user,
            household: former.household,
            reason: part(id.0, former.reason)?,
            opened_at: former.opened_at,
            ends_at: former.ends_at,
            ended_by: former.ended_by,
            ended_at: former.ended_at,
            reviewed_by: former.reviewed_by,
            reviewed_at: former.reviewed_at,
            finding: part(access_reasons::of_finding(id.0), former.finding)?,
        };
        put(&mut transaction.open_table(EMERGENCIES)?, id, &row)?;
    }
    Ok(())
}
