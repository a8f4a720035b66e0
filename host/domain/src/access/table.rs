//! The table of what each role may do, an action a row. Whatever asks, shows or documents it reads it here.

use super::{Action, Role, Scope};

/// The answer of the table for one role and one action, with the reason as a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    /// It is allowed in the whole practice.
    Allowed(&'static str),
    /// It is allowed in the households that the person has access to.
    InHouseholds(&'static str),
    /// It is denied; the reason says who can do it.
    Denied(&'static str),
}

impl Grant {
    /// The answer in a word or two, as the table shows it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed(_) => "yes",
            Self::InHouseholds(_) => "in their households",
            Self::Denied(_) => "no",
        }
    }

    /// The reason.
    pub fn because(self) -> &'static str {
        match self {
            Self::Allowed(because) | Self::InHouseholds(because) | Self::Denied(because) => because,
        }
    }
}

/// One row: an action, and what each role is answered.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The action.
    pub action: Action,
    /// The action in words, as the beginning of a sentence.
    pub label: &'static str,
    /// The scope that a token needs for it.
    pub scope: Scope,
    /// By role, in the order of [`Role::ALL`].
    grants: [Grant; Role::ALL.len()],
}

impl Rule {
    /// The answer for a role.
    pub fn grant(&self, role: Role) -> Grant {
        self.grants[role as usize]
    }
}

/// The row of an action.
pub fn rule(action: Action) -> &'static Rule {
    &RULES[action as usize]
}

const MANAGES: Grant = Grant::Allowed("A practice manager manages the whole practice.");
const SEES: Grant = Grant::Allowed("Compliance sees everything.");
const CHANGES_NOTHING: Grant =
    Grant::Denied("Compliance sees everything and changes nothing. Ask a practice manager to do this.");
const IN_HOUSEHOLDS: Grant = Grant::InHouseholds("Advisers and staff work in the households that they have access to.");

/// The row of an action that practice managers may do; all other staff are answered alike.
const fn row(action: Action, label: &'static str, scope: Scope, staff: Grant, compliance: Grant) -> Rule {
    Rule { action, label, scope, grants: [MANAGES, staff, staff, staff, staff, compliance] }
}

/// The table, in the order of [`Action`].
pub const RULES: [Rule; 21] = [
    row(Action::ReadBook, "See households, clients, goals and covers", Scope::Read, IN_HOUSEHOLDS, SEES),
    row(
        Action::ReadWholeBook,
        "See the quarantine, and what syncs found and changed",
        Scope::Read,
        Grant::Denied(
            "What a sync found and changed is of the whole practice, for practice managers and compliance to see.",
        ),
        SEES,
    ),
    row(
        Action::AddClients,
        "Add clients",
        Scope::Write,
        Grant::Allowed("All staff may add clients, and work in their households."),
        CHANGES_NOTHING,
    ),
    row(Action::WriteBook, "Remove clients, add partners", Scope::Write, IN_HOUSEHOLDS, CHANGES_NOTHING),
    row(
        Action::ManageBook,
        "Link clients, import lists, decide about clients in review",
        Scope::Write,
        Grant::Denied("Links, lists and reviews are about the whole practice. Ask a practice manager."),
        CHANGES_NOTHING,
    ),
    row(Action::EditClients, "Change a client’s details", Scope::Write, IN_HOUSEHOLDS, CHANGES_NOTHING),
    row(Action::ChangeGoals, "Change a goal’s status", Scope::Write, IN_HOUSEHOLDS, CHANGES_NOTHING),
    row(
        Action::ManageHouseholds,
        "Manage household access",
        Scope::Manage,
        Grant::Denied("Who has access to a household is for practice managers to say. Ask one of them."),
        CHANGES_NOTHING,
    ),
    row(
        Action::OpenInEmergency,
        "Open a household in an emergency",
        Scope::Write,
        Grant::Allowed("All staff may, for a time and with a reason that a practice manager looks at."),
        CHANGES_NOTHING,
    ),
    row(Action::ReadNotes, "See file notes", Scope::Read, IN_HOUSEHOLDS, SEES),
    row(
        Action::WriteNotes,
        "Record events, and deliver their file notes",
        Scope::Events,
        IN_HOUSEHOLDS,
        CHANGES_NOTHING,
    ),
    row(
        Action::ReadRuns,
        "See connections and how the sync is going",
        Scope::Read,
        Grant::Allowed("All staff see how the sync is going."),
        SEES,
    ),
    row(
        Action::ControlRuns,
        "Start and cancel syncs",
        Scope::Sync,
        Grant::Denied("Runs are for practice managers. Ask one of them to start or cancel it."),
        CHANGES_NOTHING,
    ),
    row(
        Action::ManageConnections,
        "Manage integrations and their packs",
        Scope::Manage,
        Grant::Denied("Connections are for practice managers. Ask one of them to add, change or authorise it."),
        CHANGES_NOTHING,
    ),
    row(
        Action::ManageBackups,
        "Make backups",
        Scope::Manage,
        Grant::Denied("Backups are for practice managers. Ask one of them."),
        CHANGES_NOTHING,
    ),
    row(
        Action::ReadPeople,
        "See who works in the practice",
        Scope::Read,
        Grant::Allowed("All staff know who their colleagues are."),
        SEES,
    ),
    row(
        Action::ManagePeople,
        "Invite people, change roles, disable accounts",
        Scope::Manage,
        Grant::Denied("Accounts and roles are for practice managers. Ask one of them."),
        CHANGES_NOTHING,
    ),
    row(
        Action::ManageTokens,
        "Make API tokens that may do no more than oneself",
        Scope::Manage,
        Grant::Allowed("Everybody may make tokens that do no more than they may."),
        Grant::Allowed("Everybody may make tokens that do no more than they may."),
    ),
    row(
        Action::ReadAudit,
        "See the audit log",
        Scope::Read,
        Grant::Denied("The audit log is for practice managers and compliance. Ask one of them."),
        SEES,
    ),
    row(
        Action::ExportClients,
        "Export all that is kept of a client, see erasures and legal holds",
        Scope::Read,
        Grant::Denied(
            "All that is kept of somebody, and who was erased, is for practice managers and compliance. Ask one of them.",
        ),
        SEES,
    ),
    row(
        Action::EraseClients,
        "Erase clients, and place legal holds",
        Scope::Manage,
        Grant::Denied("Who is erased, and who must not be, is for practice managers to say. Ask one of them."),
        CHANGES_NOTHING,
    ),
];
