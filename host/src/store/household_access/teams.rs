//! Teams: a few rows, read as a whole.

use crate::domain::access::team::{MOST_TEAMS, Team};
use crate::domain::text::as_it_reads;
use crate::domain::{TeamId, UserId};
use crate::store::engine::{Readable, Snapshot, Table};
use crate::store::keys::{OwnKey, own, uuid_at_end};
use crate::store::rows::{decode, encode, rows};
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError};

/// The teams: [`TeamRow`].
const TEAMS: Table<&OwnKey, &[u8]> = Table::new("teams");

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

    /// Keeps a team: a new one, or another form of one that is there.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_team(&self, team: Team, is_new: bool) -> Result<TeamOutcome, StoreError> {
        self.write(move |transaction| {
            let mut table = transaction.open_table(TEAMS)?;
            let others: Vec<Team> = all(&table)?;
            let is_there = others.iter().any(|other| other.id == team.id);
            if !is_new && !is_there {
                return Ok(TeamOutcome::NotFound);
            }
            let reads = as_it_reads(&team.name);
            let is_taken = |other: &Team| other.id != team.id && as_it_reads(&other.name) == reads;
            if others.iter().any(is_taken) {
                return Ok(TeamOutcome::NameTaken);
            }
            if !is_there && others.len() >= MOST_TEAMS {
                return Ok(TeamOutcome::TooMany);
            }
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
        self.write_in_any_case(move |transaction| Ok(transaction.open_table(TEAMS)?.delete(&own(id.0))?)).await
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
