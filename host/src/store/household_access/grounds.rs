//! The grounds on which an account has access to households: what it is itself, its colleagues of teams, and the
//! households that it has opened in an emergency.

use std::collections::{BTreeSet, HashSet};

use super::{AccessRow, Party, emergency, index, professionals, teams};
use crate::domain::access::Role;
use crate::domain::access::emergency::EmergencyAccess;
use crate::domain::{HouseholdId, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::access::{StoredUser, user_in};
use crate::store::engine::Snapshot;

/// The grounds of an account at a moment.
pub(super) struct Grounds {
    /// The account.
    pub user: UserId,
    /// What it is in the rows of access.
    pub parties: Vec<Party>,
    /// Whether its role in the practice lets the person answer for a household.
    pub can_answer: bool,
    /// The colleagues of its teams who can answer for one.
    pub colleagues: Vec<Colleague>,
    /// The households that are open to it in an emergency.
    pub emergencies: Vec<EmergencyAccess>,
}

/// A colleague whose households a team looks after.
pub(super) struct Colleague {
    /// The team's name.
    pub team: String,
    /// The colleague's name.
    pub name: String,
    /// What the colleague is in the rows of access.
    pub parties: Vec<Party>,
}

/// The grounds of an account.
pub(super) fn of(transaction: &Snapshot, user: UserId, now: Timestamp) -> Result<Grounds, StoreError> {
    let mut in_teams: Vec<(String, UserId)> = Vec::new();
    for team in teams::of(transaction, user)? {
        for member in team.members.into_iter().filter(|member| *member != user) {
            if in_teams.iter().all(|(_, known)| *known != member) {
                in_teams.push((team.name.clone(), member));
            }
        }
    }
    let mut accounts = Vec::with_capacity(1 + in_teams.len());
    for id in [user].into_iter().chain(in_teams.iter().map(|(_, member)| *member)) {
        accounts.extend(user_in(transaction, id)?.filter(can_answer));
    }
    let mut parties = professionals::parties_of(transaction, &accounts)?;
    let can_answer = parties.contains_key(&user);
    // An associate can be the second of two by their account, and nobody's adviser in the CRM.
    for account in accounts.iter().filter(|account| account.user.role == Role::Associate) {
        parties.insert(account.user.id, vec![Party::Account(account.user.id)]);
    }
    let own = parties.remove(&user).unwrap_or_else(|| vec![Party::Account(user)]);
    let colleague = |(team, member)| {
        let account = accounts.iter().find(|account| account.user.id == member)?;
        Some(Colleague { team, name: account.user.name.clone(), parties: parties.remove(&member)? })
    };
    Ok(Grounds {
        user,
        parties: own,
        can_answer,
        colleagues: in_teams.into_iter().filter_map(colleague).collect(),
        emergencies: emergency::open_to(transaction, user, now)?,
    })
}

/// The households that an account has access to at a moment.
pub(super) fn households_of(
    transaction: &Snapshot,
    grounds: &Grounds,
    now: Timestamp,
) -> Result<HashSet<HouseholdId>, StoreError> {
    let now = index::millis(now);
    let table = transaction.open_table(index::ACCESS_OF)?;
    let mut households = HashSet::new();
    for party in &grounds.parties {
        index::for_each_of(&table, party, |household, ends| {
            let is_open = match ends {
                0 => true,
                index::PROFESSIONAL => grounds.can_answer,
                ends => now < ends,
            };
            if is_open {
                households.insert(household);
            }
        })?;
    }
    for party in grounds.colleagues.iter().flat_map(|colleague| &colleague.parties) {
        index::for_each_of(&table, party, |household, ends| {
            if ends == index::PROFESSIONAL {
                households.insert(household);
            }
        })?;
    }
    households.extend(grounds.emergencies.iter().map(|open| open.household));
    Ok(households)
}

/// Whether somebody's role in the practice lets them answer for a household.
pub(super) fn can_answer(stored: &StoredUser) -> bool {
    stored.user.role.can_be_secondary()
}

/// The accounts that may have a reason to see a household: its staff, its professionals with their teams, and whoever
/// opened it in an emergency.
pub(super) fn concerned(
    transaction: &Snapshot,
    household: HouseholdId,
    row: &AccessRow,
    now: Timestamp,
) -> Result<BTreeSet<UserId>, StoreError> {
    let mut users: BTreeSet<UserId> = row.staff.iter().map(|staff| staff.user).collect();
    for party in row.professionals() {
        let Some(user) = professionals::user_of(transaction, party)? else { continue };
        users.insert(user);
        users.extend(teams::of(transaction, user)?.into_iter().flat_map(|team| team.members));
    }
    users.extend(emergency::who_opened(transaction, household, now)?);
    Ok(users)
}
