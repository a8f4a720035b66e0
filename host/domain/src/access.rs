//! Access: who may do what. One function, [`authorize`], is asked before every call and page; it never looks anything
//! up.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::UserId;
use crate::value::EmailAddress;

/// The role of a user in the practice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Connects the CRM and manages access.
    PracticeManager,
    /// A professional who answers for households.
    Adviser,
    /// Works for an adviser.
    Associate,
    /// Prepares advice.
    Paraplanner,
    /// Serves clients and staff.
    Support,
    /// Watches over the practice: sees everything, changes nothing.
    Compliance,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PracticeManager => "practice manager",
            Self::Adviser => "adviser",
            Self::Associate => "associate",
            Self::Paraplanner => "paraplanner",
            Self::Support => "support",
            Self::Compliance => "compliance",
        })
    }
}

/// Somebody's account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct User {
    /// The account's id.
    pub id: UserId,
    /// The address under which the person signs in; case does not matter.
    pub email: EmailAddress,
    /// The name by which colleagues know the person.
    pub name: String,
    /// The role that the one who asks has in the practice.
    pub role: Role,
}

/// The one who asks: a person who signed in, or a program with a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The person's name, or what the token is for.
    pub name: String,
    /// The role that the one who asks has in the practice.
    pub role: Role,
}

/// An action that can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// See households, clients, where their values come from, and what is in quarantine.
    ReadBook,
    /// Make, link or remove clients of the practice, import their ids in the CRM, decide who in the CRM they are.
    WriteBook,
    /// Change a client here until the next sync.
    EditClients,
    /// See connections and their runs.
    ReadRuns,
    /// Start or cancel a run.
    ControlRuns,
    /// Say how far the practice is with a goal, and how often it comes again.
    ChangeGoals,
    /// Add, change, authorise or remove a connection.
    ManageConnections,
    /// See file notes and their delivery.
    ReadNotes,
    /// Report an event of a household, or deliver its note again.
    WriteNotes,
    /// Say who answers for a household.
    ManageHouseholds,
}

impl Action {
    /// All actions.
    pub const ALL: &[Self] = &[
        Self::ReadBook,
        Self::WriteBook,
        Self::EditClients,
        Self::ReadRuns,
        Self::ControlRuns,
        Self::ManageConnections,
        Self::ChangeGoals,
        Self::ReadNotes,
        Self::WriteNotes,
        Self::ManageHouseholds,
    ];

    fn changes_something(self) -> bool {
        matches!(
            self,
            Self::WriteBook
                | Self::EditClients
                | Self::ControlRuns
                | Self::ManageConnections
                | Self::ChangeGoals
                | Self::WriteNotes
                | Self::ManageHouseholds
        )
    }
}

/// The answer of [`authorize`], with the reason as a sentence for the person who asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The action is allowed.
    Allow {
        /// The reason.
        because: &'static str,
    },
    /// The action is denied.
    Deny {
        /// The reason, and who can change that.
        because: &'static str,
    },
}

/// Whether `actor` may do `action`. Advisers and staff work in the households that they are given; until a household
/// is given to somebody, all of them are closed.
pub fn authorize(actor: &Actor, action: Action) -> Decision {
    match actor.role {
        Role::PracticeManager => Decision::Allow { because: "A practice manager manages the whole practice." },
        Role::Compliance if action.changes_something() => Decision::Deny {
            because: "Compliance sees everything and changes nothing. Ask a practice manager to do this.",
        },
        Role::Compliance => Decision::Allow { because: "Compliance sees everything." },
        Role::Adviser | Role::Associate | Role::Paraplanner | Role::Support => match action {
            Action::ReadRuns => Decision::Allow { because: "All staff see how the sync is going." },
            Action::ControlRuns => {
                Decision::Deny { because: "Runs are for practice managers. Ask one of them to start or cancel it." }
            }
            Action::ManageHouseholds => Decision::Deny {
                because: "Who answers for a household is for practice managers to say. Ask one of them.",
            },
            Action::ManageConnections => Decision::Deny {
                because: "Connections are for practice managers. Ask one of them to add, change or authorise it.",
            },
            Action::ReadBook
            | Action::WriteBook
            | Action::EditClients
            | Action::ChangeGoals
            | Action::ReadNotes
            | Action::WriteNotes => {
                Decision::Deny { because: "This account has access to no household. Ask a practice manager for it." }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_what_they_may_do() {
        use Action::{ReadBook, ReadNotes, ReadRuns};
        let check = |role, allowed: &[Action]| {
            let actor = Actor { name: "Ayda Khan".to_owned(), role };
            for action in Action::ALL {
                let is_allowed = matches!(authorize(&actor, *action), Decision::Allow { .. });
                assert_eq!(is_allowed, allowed.contains(action), "{role}: {action:?}");
            }
        };
        check(Role::PracticeManager, Action::ALL);
        check(Role::Compliance, &[ReadBook, ReadRuns, ReadNotes]);
        for role in [Role::Adviser, Role::Associate, Role::Paraplanner, Role::Support] {
            check(role, &[ReadRuns]);
        }
    }
}
