//! Handing over the households of somebody who leaves: what becomes of each, shown before it is done, and done in one
//! transaction.

use super::index::{self, ACCESS_OF};
use super::{ACCESS, AccessRow, Party, grounds, party_of, professionals, put, stored};
use crate::domain::access::Role;
use crate::domain::access::household::{Chosen, Professional};
use crate::domain::account::Account;
use crate::domain::{HouseholdId, Timestamp, UserId};
use crate::store::access::{StoredUser, all_users, user_in};
use crate::store::audit::scope;
use crate::store::engine::Snapshot;
use crate::store::reader::Reader;
use crate::store::{Store, StoreError, emergency_rows};

/// The part that somebody has in a household.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The primary professional.
    Primary,
    /// The secondary professional.
    Secondary,
    /// Staff, in this role.
    Staff(Role),
}

impl Part {
    /// As the audit log has it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Staff(_) => "staff",
        }
    }
}

/// A household that somebody has a part in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HandOver {
    /// The household.
    pub household: HouseholdId,
    /// The version of its access.
    pub version: u64,
    /// The part; where there are several, the first of the order in which they stand above.
    pub part: Part,
    /// The secondary professional, where the part is that of the primary.
    pub secondary: Option<Professional>,
    /// The moment at which the part ends by itself, or ended.
    pub ends_at: Option<Timestamp>,
}

impl HandOver {
    /// Whether the part is over by its time: what is left of it goes with a hand-over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// The version of such a list: another one where another household is in it, or its access was changed.
    pub fn version_of(list: &[Self]) -> String {
        let mut hash = blake3::Hasher::new();
        for of in list {
            hash.update(of.household.0.as_bytes());
            hash.update(&of.version.to_be_bytes());
        }
        hash.finalize().to_hex()[..16].to_owned()
    }
}

/// The numbers of what a hand-over was about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passed {
    /// The households that were handed over.
    pub households: usize,
    /// Those that were open in an emergency, which has ended.
    pub emergencies: usize,
}

/// The outcome of [`Store::hand_over`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HandedOver {
    /// It is done.
    Yes(Passed),
    /// The households are others by now than those that were shown, or somebody changed one; nothing changed.
    Stale,
}

impl Store {
    /// The households that somebody has a part in, by their ids, with the account's parties: also those of somebody who is
    /// disabled, or whose role lets them answer for none.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn parts_of(&self, user: UserId) -> Result<Vec<HandOver>, StoreError> {
        self.read(move |transaction| {
            let parties = parties_of(transaction, user)?;
            let households = index::named_in(&transaction.open_table(ACCESS_OF)?, &parties)?;
            let access = transaction.open_table(ACCESS)?;
            let reader = Reader::open(transaction)?;
            let mut parts = Vec::with_capacity(households.len());
            for household in households {
                let Some(row) = stored(&access, household)? else { continue };
                let Some(part) = part_of(&row, user, &parties) else { continue };
                let (version, secondary) = (row.version, row.secondary.filter(|_| part == Part::Primary));
                let secondary = secondary.map(|second| second.shown(|number| reader.name_of(number))).transpose()?;
                let given = row.staff.iter().find(|given| given.user == user && matches!(part, Part::Staff(_)));
                let ends_at = given.and_then(|given| given.expires_at);
                parts.push(HandOver { household, version, part, secondary, ends_at });
            }
            Ok(parts)
        })
        .await
    }

    /// The accounts that are named as a professional of households and cannot answer for any, with the number of those.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn left_with_households(&self) -> Result<Vec<(Account, usize)>, StoreError> {
        self.read(|transaction| {
            let cannot = |stored: &StoredUser| stored.disabled_at.is_some() || !stored.user.role.can_be_primary();
            let users: Vec<StoredUser> = all_users(transaction)?.into_iter().filter(cannot).collect();
            if users.is_empty() {
                return Ok(Vec::new());
            }
            let parties = professionals::named_as(transaction, &users)?;
            let access_of = transaction.open_table(ACCESS_OF)?;
            let mut left = Vec::new();
            for stored in users {
                let of = parties.get(&stored.user.id).map(Vec::as_slice).unwrap_or_default();
                // Who was named here may be a second professional; whom the CRM names has to be able to be the first.
                let is_secondary = stored.disabled_at.is_none() && grounds::can_answer(&stored);
                let of = of.iter().filter(|party| !is_secondary || matches!(party, Party::OfCrm(..)));
                let count = index::answered_for(&access_of, of)?.len();
                if count > 0 {
                    left.push((stored.into(), count));
                }
            }
            Ok(left)
        })
        .await
    }

    /// The number of households for which nobody was named.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn households_of_nobody(&self) -> Result<usize, StoreError> {
        self.read(|transaction| {
            Ok(index::answered_for(&transaction.open_table(ACCESS_OF)?, &[Party::FirstAdviser])?.len())
        })
        .await
    }

    /// Hands the households of `from` over to `to`, where they are still those of `shown`: who was their primary or
    /// secondary professional is that no more, and has no access as staff.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn hand_over(
        &self,
        from: UserId,
        to: Professional,
        shown: Vec<HandOver>,
        chosen: Chosen,
    ) -> Result<HandedOver, StoreError> {
        let parties = self.read(move |transaction| parties_of(transaction, from)).await?;
        let told = scope::current();
        self.write(move |transaction| {
            let households = index::named_in(&transaction.open_table(ACCESS_OF)?, &parties)?;
            if !households.iter().eq(shown.iter().map(|shown| &shown.household)) {
                return Ok(HandedOver::Stale);
            }
            let mut rows = Vec::with_capacity(shown.len());
            {
                let access = transaction.open_table(ACCESS)?;
                for shown in &shown {
                    match stored(&access, shown.household)? {
                        Some(row) if row.version == shown.version => rows.push((shown.household, row)),
                        _ => return Ok(HandedOver::Stale),
                    }
                }
            }
            let whose = |part: Option<Part>| part.map_or("", Part::as_str);
            let done = |(household, row): &(HouseholdId, AccessRow)| {
                (*household, format!("{} from account {from}", whose(part_of(row, from, &parties))))
            };
            let mut done: Vec<_> = rows.iter().map(done).collect();
            let to = party_of(transaction, to)?;
            for (household, before) in &rows {
                let after = handed(before, (from, &parties), &to, &chosen);
                put(transaction, *household, Some(before), after)?;
            }
            // What somebody opened as a member of the practice is not theirs any more either.
            let ended = emergency_rows::end_all_of(transaction, from, &chosen)?;
            let passed = Passed { households: rows.len(), emergencies: ended.len() };
            if let Some(told) = told.as_ref().filter(|_| passed.emergencies > 0) {
                told.came_of_it(format!("{} open in an emergency, which ends", passed.emergencies));
            }
            done.extend(ended);
            if let Some(told) = told {
                told.done_to(done.into_iter());
            }
            Ok(HandedOver::Yes(passed))
        })
        .await
    }
}

/// The access after it was handed over.
fn handed(before: &AccessRow, (from, parties): (UserId, &[Party]), to: &Party, chosen: &Chosen) -> AccessRow {
    let mut after = before.clone();
    if parties.contains(&after.primary) {
        after.primary = to.clone();
    }
    if after.secondary.as_ref().is_some_and(|second| parties.contains(second)) {
        after.secondary = Some(to.clone());
    }
    if after.secondary.as_ref() == Some(&after.primary) {
        after.secondary = None;
    }
    after.staff.retain(|staff| staff.user != from);
    if let Party::Account(user) = to
        && [Some(&after.primary), after.secondary.as_ref()].contains(&Some(to))
    {
        after.staff.retain(|staff| staff.user != *user);
    }
    AccessRow { version: before.version + 1, chosen_by: Some(chosen.by.clone()), chosen_at: Some(chosen.at), ..after }
}

fn part_of(row: &AccessRow, user: UserId, parties: &[Party]) -> Option<Part> {
    if parties.contains(&row.primary) {
        return Some(Part::Primary);
    }
    if row.secondary.as_ref().is_some_and(|second| parties.contains(second)) {
        return Some(Part::Secondary);
    }
    row.staff.iter().find(|staff| staff.user == user).map(|staff| Part::Staff(staff.role))
}

/// What an account is named as, whatever its role and state; not as the first adviser, which another one is by then.
fn parties_of(transaction: &Snapshot, user: UserId) -> Result<Vec<Party>, StoreError> {
    let Some(stored) = user_in(transaction, user)? else { return Ok(Vec::new()) };
    let mut parties = professionals::named_as(transaction, &[stored])?.remove(&user).unwrap_or_default();
    parties.retain(|party| *party != Party::FirstAdviser);
    Ok(parties)
}
