//! Teams: a few rows, read as a whole.

use std::collections::{BTreeSet, HashSet};

use super::index::{self, ACCESS_OF};
use super::professionals;
use crate::domain::access::team::{MOST_TEAMS, Team};
use crate::domain::text::as_it_reads;
use crate::domain::{HouseholdId, TeamId, UserId};
use crate::store::access::all_users;
use crate::store::audit::scope;
use crate::store::engine::{Readable, Snapshot, Table};
use crate::store::keys::{OwnKey, own, uuid_at_end};
use crate::store::rows::{decode, encode, rows};
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError};

/// The teams: [`TeamRow`].
const TEAMS: Table<&OwnKey, &[u8]> = Table::new("teams");

/// The members whom the log of each household names who join or leave a team; of more it has the number, and the entry that it is by
/// has them all.
const MOST_NAMED: usize = 3;

/// A team as it is stored.
struct TeamRow {
    name: String,
    members: Vec<UserId>,
}

rows! { TeamRow { 0: name, 1: members } }

/// Whether a team was kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TeamOutcome {
    /// It was.
    Saved(Team),
    /// Another team has the name; nothing changed.
    NameTaken,
    /// There are as many as there may be; nothing changed.
    TooMany,
    /// It is gone by now; nothing changed.
    NotFound,
    /// It is another one by now than was seen; nothing changed.
    Stale,
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(TEAMS, Whose::Nobodys)
}

impl Store {
    /// All teams, in the order in which they were made.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn teams(&self) -> Result<Vec<Team>, StoreError> {
        self.read(|transaction| all(&transaction.open_table(TEAMS)?)).await
    }

    /// Keeps a team: a new one, or another form of one that is there, of the one that was `seen` where that is said.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_team(&self, team: Team, is_new: bool, seen: Option<Team>) -> Result<TeamOutcome, StoreError> {
        let (members, seen_by_it) = self.seen_by_team(team.id, team.members.clone()).await?;
        let told = scope::current();
        self.write(move |transaction| {
            let mut table = transaction.open_table(TEAMS)?;
            let others: Vec<Team> = all(&table)?;
            let known = others.iter().find(|other| other.id == team.id);
            let is_there = known.is_some();
            if !is_new && !is_there {
                return Ok(TeamOutcome::NotFound);
            }
            // What is told of it is of the members that it had a moment ago.
            let is_as_read = known.map(|known| known.members.as_slice()).unwrap_or_default() == members;
            if !is_as_read || seen.is_some_and(|seen| known != Some(&seen)) {
                return Ok(TeamOutcome::Stale);
            }
            let reads = as_it_reads(&team.name);
            let is_taken = |other: &Team| other.id != team.id && as_it_reads(&other.name) == reads;
            if others.iter().any(is_taken) {
                return Ok(TeamOutcome::NameTaken);
            }
            if !is_there && others.len() >= MOST_TEAMS {
                return Ok(TeamOutcome::TooMany);
            }
            let before = known.map(|known| known.members.as_slice());
            tell(told.as_deref(), team.id, (before.unwrap_or_default(), &team.members), seen_by_it);
            let row = TeamRow { name: team.name.clone(), members: team.members.clone() };
            table.put(&own(team.id.0), encode(&row)?.as_slice())?;
            Ok(TeamOutcome::Saved(team))
        })
        .await
    }

    /// Takes a team away; answers whether there was one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_team(&self, id: TeamId) -> Result<bool, StoreError> {
        let (_, seen_by_it) = self.seen_by_team(id, Vec::new()).await?;
        let told = scope::current();
        self.write_in_any_case(move |transaction| {
            let mut table = transaction.open_table(TEAMS)?;
            let Some(team) = all(&table)?.into_iter().find(|team| team.id == id) else { return Ok(false) };
            tell(told.as_deref(), id, (&team.members, &[]), seen_by_it);
            Ok(table.delete(&own(id.0))?)
        })
        .await
    }

    /// The members of a team, and the households that are seen by it as it is, or as it would be with these members: those that one of
    /// them answers for.
    async fn seen_by_team(
        &self,
        id: TeamId,
        members: Vec<UserId>,
    ) -> Result<(Vec<UserId>, BTreeSet<HouseholdId>), StoreError> {
        self.read(move |transaction| {
            let known = all(&transaction.open_table(TEAMS)?)?.into_iter().find(|team| team.id == id);
            let known = known.map(|team| team.members).unwrap_or_default();
            let mut accounts = all_users(transaction)?;
            accounts.retain(|stored| {
                let is_of_it = known.contains(&stored.user.id) || members.contains(&stored.user.id);
                is_of_it && stored.user.role.can_be_secondary()
            });
            let parties = professionals::parties_of(transaction, &accounts)?;
            Ok((known, index::answered_for(&transaction.open_table(ACCESS_OF)?, parties.values().flatten())?))
        })
        .await
    }
}

/// Tells the log of each household that is seen by a team, where its members become others.
fn tell(
    told: Option<&scope::Pending>,
    team: TeamId,
    (before, after): (&[UserId], &[UserId]),
    seen_by_it: BTreeSet<HouseholdId>,
) {
    // Nobody sees more by being alone in a team.
    if before.iter().chain(after).collect::<HashSet<_>>().len() < 2 {
        return;
    }
    let joining = after.iter().filter(|user| !before.contains(user)).map(|user| format!("account {user} joins"));
    let leaving = before.iter().filter(|user| !after.contains(user)).map(|user| format!("account {user} leaves"));
    let (joining, leaving): (Vec<String>, Vec<String>) = (joining.collect(), leaving.collect());
    let mut changes = if joining.len() + leaving.len() <= MOST_NAMED {
        [joining, leaving].concat()
    } else {
        vec![format!("{} join and {} leave", joining.len(), leaving.len())]
    };
    changes.retain(|change| !change.is_empty());
    if let Some(told) = told.filter(|_| !changes.is_empty()) {
        let what = format!("{} team {team}", changes.join(", "));
        told.done_to(seen_by_it.into_iter().map(|household| (household, what.clone())));
    }
}

/// The teams that an account is in.
pub(super) fn of(transaction: &Snapshot, user: UserId) -> Result<Vec<Team>, StoreError> {
    let mut teams = all(&transaction.open_table(TEAMS)?)?;
    teams.retain(|team| team.members.contains(&user));
    Ok(teams)
}

fn all(table: &impl Readable<&'static OwnKey, &'static [u8]>) -> Result<Vec<Team>, StoreError> {
    let mut teams = Vec::new();
    for entry in table.scan(..)? {
        let (key, row) = entry?;
        let TeamRow { name, members } = decode(row.value())?;
        teams.push(Team { id: TeamId(uuid_at_end(key.value())), name, members });
    }
    Ok(teams)
}
