//! Access: who may do what. One function, [`authorize`], is asked before every call and page; it never looks anything
//! up. What each role may do is one table, [`RULES`], which the page and the documents show, too.

pub mod emergency;
pub mod household;
pub mod provider;
mod table;
pub mod team;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::household::Reason;
pub use self::table::{Grant, RULES, Rule, rule};
use crate::ids::{TokenId, UserId};
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

impl Role {
    /// All of them, in the order of the table's columns.
    pub const ALL: [Self; 6] =
        [Self::PracticeManager, Self::Adviser, Self::Associate, Self::Paraplanner, Self::Support, Self::Compliance];

    /// The role as programs know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PracticeManager => "practice_manager",
            Self::Adviser => "adviser",
            Self::Associate => "associate",
            Self::Paraplanner => "paraplanner",
            Self::Support => "support",
            Self::Compliance => "compliance",
        }
    }

    /// The role that programs know by this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// What somebody in this role does, in a few words.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::PracticeManager => "Connects the CRM and manages access.",
            Self::Adviser => "A professional who answers for households.",
            Self::Associate => "Works for an adviser.",
            Self::Paraplanner => "Prepares advice.",
            Self::Support => "Serves clients and staff.",
            Self::Compliance => "Watches over the practice: sees everything, changes nothing.",
        }
    }

    /// Whether somebody in this role can be the primary professional of a household.
    pub fn can_be_primary(self) -> bool {
        matches!(self, Self::Adviser | Self::PracticeManager)
    }

    /// Whether somebody in this role can be the secondary professional of a household.
    pub fn can_be_secondary(self) -> bool {
        self.can_be_primary() || self == Self::Associate
    }

    /// Whether somebody in this role can work in a household as staff: who watches over the practice changes nothing anywhere.
    pub fn can_be_staff(self) -> bool {
        self != Self::Compliance
    }

    /// Whether somebody in this role can give a token this scope: where it lets them do something besides making tokens.
    pub fn has(self, scope: Scope) -> bool {
        let mut rules = RULES.iter().filter(|rule| rule.scope == scope && rule.action != Action::ManageTokens);
        rules.any(|rule| !matches!(rule.grant(self), Grant::Denied(_)))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PracticeManager => "practice manager",
            other => other.as_str(),
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

/// A part of what its maker may do, which an API token can be given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Sees what its maker sees.
    Read,
    /// Reports events and looks after their file notes.
    Events,
    /// Makes and changes clients and goals.
    Write,
    /// Starts and cancels runs.
    Sync,
    /// Does whatever its maker may do.
    Manage,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Read, Self::Events, Self::Write, Self::Sync, Self::Manage];

    /// The scope as programs know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Events => "events",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Manage => "manage",
        }
    }

    /// The scope that programs know by this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// What a token with this scope may do.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Read => "See what you see.",
            Self::Events => "Report events and look after their file notes.",
            Self::Write => "Make and change clients and goals.",
            Self::Sync => "Start and cancel syncs.",
            Self::Manage => "Do whatever you may do.",
        }
    }

    fn covers(self, needed: Self) -> bool {
        self == Self::Manage || self == needed
    }

    /// The message to a token that lacks it.
    fn missing(self) -> &'static str {
        match self {
            Self::Read => "This token lacks the scope `read`. Ask a practice manager for a token that has it.",
            Self::Events => "This token lacks the scope `events`. Ask a practice manager for a token that has it.",
            Self::Write => "This token lacks the scope `write`. Ask a practice manager for a token that has it.",
            Self::Sync => "This token lacks the scope `sync`. Ask a practice manager for a token that has it.",
            Self::Manage => "This token lacks the scope `manage`. Ask a practice manager for a token that has it.",
        }
    }
}

/// The identity of the one who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// A person who signed in.
    Person {
        /// The person's account.
        user: UserId,
        /// Whether the person confirmed within the last quarter of an hour who they are.
        is_fresh: bool,
    },
    /// A program with an API token.
    Token {
        /// The token.
        id: TokenId,
        /// The person who made it; none where the machine's operator or the bootstrap token did.
        maker: Option<UserId>,
    },
    /// A program with the token of the settings.
    BootstrapToken,
    /// Whoever can open the data folder of this machine.
    Operator,
    /// The host itself, by its settings.
    Host,
}

/// The one who asks: a person who signed in, a program with a token, or the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The identity of the one who asks.
    pub who: Who,
    /// The person's name, or what the token is for.
    pub name: String,
    /// The role that the one who asks has in the practice.
    pub role: Role,
    /// The scopes of a token; none where all that the role may do is allowed.
    pub scopes: Option<Vec<Scope>>,
}

impl Actor {
    /// The practice's own: an operator, the bootstrap token or the host.
    pub fn of_the_practice(who: Who, name: &str) -> Self {
        Self { who, name: name.to_owned(), role: Role::PracticeManager, scopes: None }
    }

    /// The account of the one who asks: the person's, or that of whom the token stands for.
    pub fn account(&self) -> Option<UserId> {
        match self.who {
            Who::Person { user, .. } => Some(user),
            Who::Token { maker, .. } => maker,
            Who::BootstrapToken | Who::Operator | Who::Host => None,
        }
    }

    /// Whether nothing has to be confirmed before credentials, roles or secrets change: a person has just signed in, and
    /// nobody else has a password to give.
    pub fn is_fresh(&self) -> bool {
        !matches!(self.who, Who::Person { is_fresh: false, .. })
    }

    /// Whether a token of this scope would do no more than the one who asks may.
    pub fn has(&self, scope: Scope) -> bool {
        self.role.has(scope) && self.scopes.as_ref().is_none_or(|own| own.iter().any(|own| own.covers(scope)))
    }
}

/// An action that can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// See households, clients, and where their values come from.
    ReadBook,
    /// See what is of no household, or of all: the quarantine, what runs changed, findings, previews.
    ReadWholeBook,
    /// Add clients, in a household of their own.
    AddClients,
    /// Remove and restore the clients of a household, or add a partner.
    WriteBook,
    /// Link clients to the CRM, import their ids there, decide who in the CRM they are, and about many who left it at once.
    ManageBook,
    /// Change a client here until the next sync.
    EditClients,
    /// Say how far the practice is with a goal, and how often it comes again.
    ChangeGoals,
    /// Manage who answers for a household, and who else has access to it.
    ManageHouseholds,
    /// Open a household to which one has no access, for a time and with a reason.
    OpenInEmergency,
    /// See file notes and their delivery.
    ReadNotes,
    /// Report an event of a household, or deliver its note again.
    WriteNotes,
    /// See connections and their runs.
    ReadRuns,
    /// Start or cancel a run.
    ControlRuns,
    /// Add, change, authorise or remove a connection, and exchange its pack.
    ManageConnections,
    /// Make backups, and see which there are.
    ManageBackups,
    /// See who works in the practice, and in which role.
    ReadPeople,
    /// Invite, disable and reset accounts, and change roles.
    ManagePeople,
    /// Make and revoke API tokens of one's own.
    ManageTokens,
    /// See who did, saw, exported or was refused what.
    ReadAudit,
    /// Take all that is kept of a client along, and see what is kept of whom, who was erased and who is due.
    ExportClients,
    /// Erase clients, lift erasures, and place legal holds.
    EraseClients,
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

/// The reason why what is allowed in some households is denied for what is of the whole practice.
const NOT_IN_HOUSEHOLD: &str = "This is about the whole practice, and this account works in the households that it has access to. Ask a practice \
     manager to do it.";
/// The reason why what is allowed in some households is denied in this one.
const NO_ACCESS: &str = "This account has no access to this household. Ask a practice manager for it.";

/// The households in which somebody may do something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// The whole practice.
    Practice {
        /// The reason.
        because: &'static str,
    },
    /// The households that the account has access to.
    Households {
        /// The reason.
        because: &'static str,
    },
    /// Nowhere.
    Nowhere {
        /// The reason, and who can change that.
        because: &'static str,
    },
}

/// Where `actor` may do `action`: for lists, which are filtered by it.
pub fn reach(actor: &Actor, action: Action) -> Reach {
    let rule = rule(action);
    let reach = match rule.grant(actor.role) {
        Grant::Denied(because) => return Reach::Nowhere { because },
        Grant::InHouseholds(because) => Reach::Households { because },
        Grant::Allowed(because) => Reach::Practice { because },
    };
    match &actor.scopes {
        Some(scopes) if !scopes.iter().any(|scope| scope.covers(rule.scope)) => {
            Reach::Nowhere { because: rule.scope.missing() }
        }
        _ => reach,
    }
}

/// Whether `actor` may do `action`: in a household, given the reasons for which the account has access to it, or, with
/// none, in the whole practice.
pub fn authorize(actor: &Actor, action: Action, household: Option<&[Reason]>) -> Decision {
    match (reach(actor, action), household) {
        (Reach::Nowhere { because }, _) => Decision::Deny { because },
        (Reach::Practice { because }, _) => Decision::Allow { because },
        (Reach::Households { .. }, None) => Decision::Deny { because: NOT_IN_HOUSEHOLD },
        (Reach::Households { because }, Some(reasons)) => {
            if reasons.iter().any(|reason| reason.allows(action)) {
                Decision::Allow { because }
            } else {
                Decision::Deny { because: NO_ACCESS }
            }
        }
    }
}

#[cfg(test)]
mod tests;
