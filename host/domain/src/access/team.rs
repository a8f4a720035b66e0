//! Teams: colleagues who look after one another's households.

use crate::ids::{TeamId, UserId};

/// The most teams of a practice.
pub const MOST_TEAMS: usize = 200;
/// The most members of a team.
pub const MOST_MEMBERS: usize = 50;
/// The most letters of a team's name.
pub const LONGEST_NAME: usize = 100;

/// A team: each of its members has access to the households that another one answers for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Team {
    /// The team's id.
    pub id: TeamId,
    /// The name, which no other team has.
    pub name: String,
    /// The accounts of its members, each once.
    pub members: Vec<UserId>,
}

impl Team {
    /// The version of it: another one where its name or a member is another.
    pub fn version(&self) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(self.name.as_bytes());
        for member in &self.members {
            // No name has a letter like this one, so that no name ends in members.
            hash.update(b"\0").update(member.0.as_bytes());
        }
        hash.finalize().to_hex()[..16].to_owned()
    }
}
