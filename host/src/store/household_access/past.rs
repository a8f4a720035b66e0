//! Staff's access that ended, and whose reasons are whose: the reasons themselves are rows of their own
//! ([`crate::store::access_reasons`]).

use uuid::Uuid;

use super::{ACCESS, AccessRow, Party, StaffRow};
use crate::domain::access::Role;
use crate::domain::{Timestamp, UserId};
use crate::store::StoreError;
use crate::store::access_reasons::{REASONS, forget, keep, text};
use crate::store::engine::{Readable as _, Write};
use crate::store::rows::{decode, encode, rows};

/// The access that ended and is remembered of a household, the latest.
const MOST_PAST: usize = 200;

/// Access of a member of the staff that ended.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct PastRow {
    pub given: StaffRow,
    /// The name of who ended it; none where its time was over.
    pub ended_by: Option<String>,
    pub ended_at: Timestamp,
}

impl PastRow {
    /// Whether it is the same access, wherever its reason stands.
    fn is_same(&self, other: &Self) -> bool {
        let parts = |of: &Self| (of.given.user, of.given.role, of.given.expires_at, of.given.given_at, of.ended_at);
        parts(self) == parts(other)
    }
}

rows! { PastRow { 0: given, 1: ended_by, 2: ended_at } }

/// Adds to the access that ended what was in force before and is no more, and forgets the oldest of too many.
pub(super) fn remember(
    transaction: &Write,
    before: &AccessRow,
    after: &mut AccessRow,
    (by, at): (Option<String>, Option<Timestamp>),
) -> Result<(), StoreError> {
    // One that is over stays where it stands until a person takes it away, or gives it anew.
    let ended: Vec<StaffRow> = before.staff.iter().filter(|given| !after.staff.contains(given)).cloned().collect();
    let is_told = |given: &StaffRow, past: &[PastRow]| past.iter().any(|past| past.given == *given);
    for given in ended {
        if is_told(&given, &after.past) {
            continue;
        }
        let at = at.unwrap_or(given.given_at);
        let (ended_by, ended_at) = match given.expires_at.filter(|end| *end <= at) {
            Some(end) => (None, end),
            None => (by.clone(), at),
        };
        after.past.push(PastRow { given, ended_by, ended_at });
    }
    // A household that was joined, parted and joined again brings the same each time.
    let mut known: Vec<PastRow> = Vec::with_capacity(after.past.len());
    let mut again = Vec::new();
    for past in after.past.drain(..) {
        if known.iter().any(|known| known.is_same(&past)) { again.extend(past.given.reason) } else { known.push(past) }
    }
    after.past = known;
    again.retain(|id| reasons_of(after).all(|kept| kept != *id));
    forget(transaction, again)?;
    // What was over by its time may have ended before what ended last.
    after.past.sort_by_key(|past| past.ended_at);
    let too_many = after.past.len().saturating_sub(MOST_PAST);
    let forgotten: Vec<PastRow> = after.past.drain(..too_many).collect();
    forget(transaction, forgotten.into_iter().filter_map(|past| past.given.reason))
}

/// The ids of the reasons of an access.
pub(super) fn reasons_of(row: &AccessRow) -> impl Iterator<Item = Uuid> {
    row.all_staff().filter_map(|given| given.reason)
}

/// An access for another household, with reasons of its own.
pub(super) fn copied(transaction: &Write, mut row: AccessRow) -> Result<AccessRow, StoreError> {
    let given = row.staff.iter_mut().chain(row.past.iter_mut().map(|past| &mut past.given));
    for given in given {
        let text = text(&transaction.open_table(REASONS)?, given.reason)?;
        given.reason = text.map(|text| keep(transaction, &text)).transpose()?;
    }
    Ok(row)
}

/// An access in whose row the reasons stand themselves.
struct FormerAccess {
    primary: Party,
    secondary: Option<Party>,
    staff: Vec<FormerStaff>,
    version: u64,
    chosen_by: Option<String>,
    chosen_at: Option<Timestamp>,
}

struct FormerStaff {
    user: UserId,
    role: Role,
    expires_at: Option<Timestamp>,
    reason: Option<String>,
    given_by: String,
    given_at: Timestamp,
}

rows! {
    FormerAccess { 0: primary, 1: secondary, 2: staff, 3: version, 4: chosen_by, 5: chosen_at }
    FormerStaff { 0: user, 1: role, 2: expires_at, 3: reason, 4: given_by, 5: given_at }
}

/// Moves the reasons out of the rows of access.
pub(in crate::store) fn part(transaction: &Write) -> Result<(), StoreError> {
    let mut with_reasons = Vec::new();
    for entry in transaction.open_table(ACCESS)?.scan(..)? {
        let (key, row) = entry?;
        let row: FormerAccess = decode(row.value())?;
        if row.staff.iter().any(|given| given.reason.is_some()) {
            with_reasons.push((*key.value(), row));
        }
    }
    for (key, FormerAccess { primary, secondary, staff, version, chosen_by, chosen_at }) in with_reasons {
        let given = staff.into_iter().map(|former| {
            let FormerStaff { user, role, expires_at, reason, given_by, given_at } = former;
            let reason = reason.map(|reason| keep(transaction, &reason)).transpose()?;
            Ok(StaffRow { user, role, expires_at, reason, of: None, given_by, given_at })
        });
        let staff = given.collect::<Result<_, StoreError>>()?;
        let row =
            AccessRow { primary, secondary, staff, version, chosen_by, chosen_at, past: Vec::new(), joined_at: None };
        transaction.open_table(ACCESS)?.put(&key, encode(&row)?.as_slice())?;
    }
    Ok(())
}
