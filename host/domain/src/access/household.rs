//! Household access: who answers for a household, who else works in it, and why somebody may see it.

use jiff::tz::TimeZone;

use super::{Action, Role, rule};
use crate::ids::{ConnectionName, ExternalId, HouseholdId, UserId};
use crate::value::Timestamp;

/// The roles in which staff work in a household.
pub const STAFF_ROLES: [Role; 4] = [Role::Adviser, Role::Associate, Role::Paraplanner, Role::Support];
/// The most staff that a household is given besides its professionals.
pub const MOST_STAFF: usize = 50;
/// The most letters of the reason for which somebody is given access.
pub const LONGEST_REASON: usize = 500;

/// A professional who answers for a household.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Professional {
    /// Somebody with an account.
    Account(UserId),
    /// A user of the CRM: by their account as soon as one is linked to it.
    OfCrm {
        /// The connection of the CRM.
        connection: ConnectionName,
        /// The user's id there.
        external_id: ExternalId,
    },
    /// Nobody was named: the first adviser of the practice.
    FirstAdviser,
}

/// A member of the staff who works in a household.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaffAccess {
    /// The person's account.
    pub user: UserId,
    /// The person's role in this household.
    pub role: Role,
    /// The moment from which on the person has no access any more; none where it does not end by itself.
    pub expires_at: Option<Timestamp>,
    /// The reason for which it was given.
    pub reason: Option<String>,
    /// The name of who gave it.
    pub given_by: String,
    /// The moment at which it was given.
    pub given_at: Timestamp,
}

/// Access of a member of the staff that ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastAccess {
    /// What was given.
    pub given: StaffAccess,
    /// The name of who took it away or changed it; none where its time was over.
    pub ended_by: Option<String>,
    /// The moment at which it ended.
    pub ended_at: Timestamp,
}

/// A decision of a person about a household's access.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chosen {
    /// The name of the person.
    pub by: String,
    /// The moment of the decision.
    pub at: Timestamp,
}

/// The access to a household. A primary professional is always there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HouseholdAccess {
    /// The household; where it was asked for by one that was merged into it, this one.
    pub household: HouseholdId,
    /// The professional who answers for it, and whose name documents have.
    pub primary: Professional,
    /// A second professional.
    pub secondary: Option<Professional>,
    /// The staff who work in it besides, each once.
    pub staff: Vec<StaffAccess>,
    /// The staff's access that ended, the latest first: also what was changed to something else.
    pub past: Vec<PastAccess>,
    /// The number of this version, which every change raises.
    pub version: u64,
    /// The moment at which those who had access to another household came to have it here, because the sync joined that one to this; none
    /// where it never did.
    pub joined_at: Option<Timestamp>,
    /// The last decision of a person; none where all of it is what the CRM proposed.
    pub chosen: Option<Chosen>,
}

impl HouseholdAccess {
    /// The same as it is at a moment: what is over by then is among what ended.
    pub fn as_of(mut self, now: Timestamp) -> Self {
        let (over, in_force): (Vec<_>, Vec<_>) =
            self.staff.into_iter().partition(|given| given.expires_at.is_some_and(|end| end <= now));
        self.staff = in_force;
        self.past.extend(over.into_iter().filter_map(|given| {
            let ended_at = given.expires_at?;
            Some(PastAccess { given, ended_by: None, ended_at })
        }));
        self.past.sort_by_key(|past| std::cmp::Reverse(past.ended_at));
        self
    }

    /// What was given to staff: what is in force, and what ended.
    pub fn all_staff(&self) -> impl Iterator<Item = &StaffAccess> {
        self.staff.iter().chain(self.past.iter().map(|past| &past.given))
    }
}

/// The reason why somebody has access to a household.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The person is the primary professional.
    Primary,
    /// The person is the secondary professional.
    Secondary,
    /// The person was given access, in this role.
    Staff {
        /// The role in this household.
        role: Role,
        /// The moment at which it ends.
        expires_at: Option<Timestamp>,
        /// The reason for which it was given.
        reason: Option<String>,
    },
    /// A team that the person is in looks after the households of this colleague.
    Team {
        /// The name of the team.
        team: String,
        /// The colleague's name.
        colleague: String,
    },
    /// The person opened it in an emergency.
    Emergency {
        /// The moment at which it ends.
        until: Timestamp,
        /// The reason that the person gave.
        reason: String,
    },
}

impl Reason {
    /// The role in which the person works in the household; none: their own.
    fn role(&self) -> Option<Role> {
        match self {
            Self::Staff { role, .. } => Some(*role),
            Self::Primary | Self::Secondary | Self::Team { .. } | Self::Emergency { .. } => None,
        }
    }

    /// Whether it lets the person do the action, by the table of roles.
    pub(super) fn allows(&self, action: Action) -> bool {
        self.role().is_none_or(|role| !matches!(rule(action).grant(role), super::Grant::Denied(_)))
    }

    /// The reason in a sentence about the person of this name, with times of the practice's zone.
    pub fn sentence(&self, name: &str, zone: &TimeZone) -> String {
        let until = |moment: &Timestamp| end_in_words(*moment, zone);
        match self {
            Self::Primary => format!("{name} is the primary professional of this household."),
            Self::Secondary => format!("{name} is the secondary professional of this household."),
            Self::Staff { role, expires_at, reason } => {
                let mut sentence = format!("{name} was given access as {role}");
                if let Some(moment) = expires_at {
                    sentence.push_str(&format!(", until {}", until(moment)));
                }
                match reason {
                    Some(reason) => sentence.push_str(&format!(": “{reason}”.")),
                    None => sentence.push('.'),
                }
                sentence
            }
            Self::Team { team, colleague } => {
                format!("{name} is in the team {team} with {colleague}, a professional of this household.")
            }
            Self::Emergency { until: moment, reason } => {
                format!("{name} opened this household in an emergency, until {}: “{reason}”.", until(moment))
            }
        }
    }
}

/// What is said of an end that [`is_too_late`].
pub const TOO_LATE: &str = "Choose a day before 2262, or none: then it does not end by itself.";

/// Whether an end is later than moments can be kept.
pub fn is_too_late(end: Timestamp) -> bool {
    i64::try_from(end.as_nanosecond()).is_err()
}

/// The moment at which something ends, in the practice's zone: `the end of 1 Dec 2026` at midnight, as a last day is chosen, and
/// `1 Dec 2026, 5:00 pm` at any other.
pub fn end_in_words(end: Timestamp, zone: &TimeZone) -> String {
    let end = end.to_zoned(zone.clone());
    let is_midnight = end.start_of_day().is_ok_and(|begin| begin == end);
    match end.date().yesterday() {
        Ok(last) if is_midnight => format!("the end of {}", last.strftime("%-d %b %Y")),
        _ => end.strftime("%-d %b %Y, %-I:%M %P").to_string(),
    }
}

/// A household that an account saw for the reasons that it has for access, and not as part of the whole book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The account.
    pub user: UserId,
    /// Whether the person acts, and not a token of theirs: what they opened in an emergency counts.
    pub in_person: bool,
    /// The household.
    pub household: HouseholdId,
    /// The moment of the look.
    pub at: Timestamp,
}
