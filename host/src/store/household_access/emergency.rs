//! Households that were opened in an emergency: kept for ever, and found by who has them open and by whether a practice
//! manager has looked at them.

use std::ops::Bound;

use super::{lookups, resolved};
use crate::domain::access::emergency::EmergencyAccess;
use crate::domain::access::household::Chosen;
use crate::domain::{EmergencyId, HouseholdId, Timestamp, UserId};
use crate::store::access_reasons::{self, REASONS};
use crate::store::emergency_rows::{EMERGENCIES, EmergencyRow, OPEN, get, ids_of, open_key, put, row_of};
use crate::store::engine::{Snapshot, Table};
use crate::store::keys::{OwnKey, own, uuid_at_end};
use crate::store::page::{Page, PageRequest, cursor_of};
use crate::store::rows::decode;
use crate::store::tables::HOUSEHOLDS;
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError};

/// The ids of those that no practice manager has looked at.
const UNREVIEWED: Table<&OwnKey, ()> = Table::new("emergency-access-unreviewed");

/// The name of the list.
const LIST: &str = "emergency-access";

/// Which of them are listed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct EmergencyFilter {
    /// Those of this account.
    pub user: Option<UserId>,
    /// Those that no practice manager has looked at.
    pub unreviewed: bool,
}

/// The outcome of opening a household.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opened {
    /// It is open.
    Yes(EmergencyAccess),
    /// The person has it open already, by this; nothing changed.
    Already(EmergencyAccess),
    /// The person has as many open as one may have; nothing changed.
    TooMany,
    /// There is no such household.
    NoHousehold,
}

/// The outcome of ending one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It is over by this.
    Yes(EmergencyAccess),
    /// It was over before; nothing changed.
    Already(EmergencyAccess),
    /// There is no such access.
    NotThere,
}

/// The outcome of a review.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reviewed {
    /// It is kept.
    Yes(EmergencyAccess),
    /// Somebody looked at it before; nothing changed.
    Already(EmergencyAccess),
    /// There is no such access.
    NotThere,
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(EMERGENCIES, Whose::Nobodys)?;
    visitor.table(OPEN, Whose::Nobodys)?;
    visitor.table(UNREVIEWED, Whose::Nobodys)?;
    lookups::visit(visitor)
}

impl Store {
    /// Opens a household to somebody who has fewer than `most` open.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn open_in_emergency(&self, access: EmergencyAccess, most: usize) -> Result<Opened, StoreError> {
        self.write(move |transaction| {
            let Some(household) = resolved(&transaction.open_table(HOUSEHOLDS)?, access.household)? else {
                return Ok(Opened::NoHousehold);
            };
            let access = EmergencyAccess { household, ..access };
            let mut emergencies = transaction.open_table(EMERGENCIES)?;
            let mut open = transaction.open_table(OPEN)?;
            let mut count = 0;
            for id in ids_of(&open, access.user)? {
                match row_of(&emergencies, id)? {
                    Some(known) if known.is_open(access.opened_at) && known.household == household => {
                        lookups::note_found(transaction, access.user, access.opened_at, false)?;
                        return known.shown(id, &transaction.open_table(REASONS)?).map(Opened::Already);
                    }
                    Some(known) if known.is_open(access.opened_at) => count += 1,
                    _ => drop(open.delete(&open_key(access.user, id))?),
                }
            }
            if count >= most {
                return Ok(Opened::TooMany);
            }
            let reason = access_reasons::keep_as(transaction, access.id.0, &access.reason)?;
            put(&mut emergencies, access.id, &EmergencyRow::opened(&access, reason))?;
            open.put(&open_key(access.user, access.id), ())?;
            transaction.open_table(UNREVIEWED)?.put(&own(access.id.0), ())?;
            lookups::note_found(transaction, access.user, access.opened_at, true)?;
            Ok(Opened::Yes(access))
        })
        .await
    }

    /// Ends one before its time, where it is not over yet.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_emergency(&self, id: EmergencyId, by: Chosen) -> Result<Ended, StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut emergencies = transaction.open_table(EMERGENCIES)?;
            let Some(mut row) = row_of(&emergencies, id)? else { return Ok(Ended::NotThere) };
            let reasons = transaction.open_table(REASONS)?;
            if !row.is_open(by.at) {
                return row.shown(id, &reasons).map(Ended::Already);
            }
            row.end(by);
            put(&mut emergencies, id, &row)?;
            let access = row.shown(id, &reasons)?;
            transaction.open_table(OPEN)?.delete(&open_key(access.user, id))?;
            Ok(Ended::Yes(access))
        })
        .await
    }

    /// Keeps what a practice manager found.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn review_emergency(
        &self,
        id: EmergencyId,
        by: Chosen,
        finding: Option<String>,
    ) -> Result<Reviewed, StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut emergencies = transaction.open_table(EMERGENCIES)?;
            let Some(mut row) = row_of(&emergencies, id)? else { return Ok(Reviewed::NotThere) };
            let shown = |row: EmergencyRow| row.shown(id, &transaction.open_table(REASONS)?);
            if row.is_reviewed() {
                return shown(row).map(Reviewed::Already);
            }
            let keep = |text: String| access_reasons::keep_as(transaction, access_reasons::of_finding(id.0), &text);
            row.review(by, finding.map(keep).transpose()?);
            put(&mut emergencies, id, &row)?;
            let access = shown(row)?;
            transaction.open_table(UNREVIEWED)?.delete(&own(id.0))?;
            // It is over, or it could not be reviewed: nobody has it open by now.
            transaction.open_table(OPEN)?.delete(&open_key(access.user, id))?;
            Ok(Reviewed::Yes(access))
        })
        .await
    }

    /// One of them.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn emergency(&self, id: EmergencyId) -> Result<Option<EmergencyAccess>, StoreError> {
        self.read(move |transaction| get(&transaction.open_table(EMERGENCIES)?, &transaction.open_table(REASONS)?, id))
            .await
    }

    /// A page of them, the newest first.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn emergencies(
        &self,
        filter: EmergencyFilter,
        page: PageRequest,
    ) -> Result<Page<EmergencyAccess>, StoreError> {
        let before = page.text::<EmergencyId>(LIST)?;
        self.read(move |transaction| {
            let end = before.map(|before| own(before.0));
            let range = (Bound::Unbounded, end.as_ref().map_or(Bound::Unbounded, Bound::Excluded));
            let (emergencies, reasons) = (transaction.open_table(EMERGENCIES)?, transaction.open_table(REASONS)?);
            let mut items: Vec<EmergencyAccess> = Vec::new();
            let mut is_full = |id: EmergencyId, row: EmergencyRow| {
                if filter.user.is_some_and(|user| user != row.user) {
                    return Ok(false);
                }
                let is_full = items.len() >= page.limit();
                if !is_full {
                    items.push(row.shown(id, &reasons)?);
                }
                Ok::<_, StoreError>(is_full)
            };
            let mut is_more = false;
            if filter.unreviewed {
                // Few at a time, among all that there ever were.
                for entry in transaction.open_table(UNREVIEWED)?.scan_back(range)? {
                    let id = EmergencyId(uuid_at_end(entry?.0.value()));
                    let Some(row) = row_of(&emergencies, id)? else { continue };
                    if is_full(id, row)? {
                        is_more = true;
                        break;
                    }
                }
            } else {
                for entry in emergencies.scan_back(range)? {
                    let (key, row) = entry?;
                    let id = EmergencyId(uuid_at_end(key.value()));
                    if is_full(id, decode(row.value())?)? {
                        is_more = true;
                        break;
                    }
                }
            }
            let next = items.last().filter(|_| is_more);
            let next = next.map(|last| cursor_of(LIST, last.id.to_string().as_bytes()));
            Ok(Page { items, next })
        })
        .await
    }

    /// The number of those that no practice manager has looked at.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn unreviewed_emergencies(&self) -> Result<usize, StoreError> {
        self.read(|transaction| Ok(transaction.open_table(UNREVIEWED)?.scan(..)?.count())).await
    }

    /// Those that are open to an account at a moment.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn emergencies_open_to(&self, user: UserId, now: Timestamp) -> Result<Vec<EmergencyAccess>, StoreError> {
        self.read(move |transaction| open_to(transaction, user, now)).await
    }

    /// Those that are open at a moment, whoever has them open.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn open_emergencies(&self, now: Timestamp) -> Result<Vec<EmergencyAccess>, StoreError> {
        self.read(move |transaction| all_open(transaction, now)).await
    }
}

/// Those that are open to an account at a moment, each with its household as it is now.
pub(super) fn open_to(
    transaction: &Snapshot,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<EmergencyAccess>, StoreError> {
    let (emergencies, reasons) = (transaction.open_table(EMERGENCIES)?, transaction.open_table(REASONS)?);
    let households = transaction.open_table(HOUSEHOLDS)?;
    let mut open = Vec::new();
    for id in ids_of(&transaction.open_table(OPEN)?, user)? {
        let Some(access) = get(&emergencies, &reasons, id)?.filter(|access| access.is_open(now)) else { continue };
        if let Some(household) = resolved(&households, access.household)? {
            open.push(EmergencyAccess { household, ..access });
        }
    }
    Ok(open)
}

/// The accounts to which a household is open in an emergency.
pub(super) fn who_opened(
    transaction: &Snapshot,
    household: HouseholdId,
    now: Timestamp,
) -> Result<Vec<UserId>, StoreError> {
    let households = transaction.open_table(HOUSEHOLDS)?;
    let mut users = Vec::new();
    for access in all_open(transaction, now)? {
        if resolved(&households, access.household)? == Some(household) {
            users.push(access.user);
        }
    }
    Ok(users)
}

fn all_open(transaction: &Snapshot, now: Timestamp) -> Result<Vec<EmergencyAccess>, StoreError> {
    let (emergencies, reasons) = (transaction.open_table(EMERGENCIES)?, transaction.open_table(REASONS)?);
    let mut open = Vec::new();
    for entry in transaction.open_table(OPEN)?.scan(..)? {
        let id = EmergencyId(uuid_at_end(entry?.0.value()));
        open.extend(get(&emergencies, &reasons, id)?.filter(|access| access.is_open(now)));
    }
    Ok(open)
}
