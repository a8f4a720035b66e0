//! The audit log: who did, saw, exported or was refused what, when and from where.
//!
//! Entries are numbered from 1 without a gap, and each is chained to the one before by a hash. An entry names people of
//! the practice and the ids of what they dealt with; values of clients, what was searched for, passwords and tokens are
//! never in one. What is written out here is how a text gets into an entry; `chain` has the hashes.

mod chain;
mod names;

use std::borrow::Cow;

use uuid::Uuid;

pub use self::chain::{Break, Chain, Checked, Head, Link, NotAHead, START, link};
pub use self::names::field_name;
use crate::access::{Actor, Role, User, Who};
use crate::ids::HouseholdId;
use crate::text::{excerpt, value};
use crate::value::Timestamp;

/// The source of what is asked on the machine itself, or done by the host.
pub const THIS_MACHINE: &str = "this machine";

/// The most characters of a text of an entry.
pub const LONGEST: usize = 200;
/// The most characters of what more is told about an act: room for each member of a team, by id.
pub const LONGEST_DETAIL: usize = 4_000;

/// The kind of the one who acted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ActorKind {
    /// A person who signed in.
    Person,
    /// A program with an API token.
    Token,
    /// A program with the token of the settings.
    BootstrapToken,
    /// Whoever can open the data folder of the machine.
    Operator,
    /// The host itself.
    Host,
    /// Somebody who is not signed in.
    Nobody,
}

impl ActorKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Person, Self::Token, Self::BootstrapToken, Self::Operator, Self::Host, Self::Nobody];

    /// The kind as programs know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::BootstrapToken => "bootstrap_token",
            Self::Operator => "operator",
            Self::Host => "host",
            Self::Nobody => "nobody",
        }
    }
}

/// The one who acted, as they were then.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct By {
    /// The kind of the one who acted.
    pub kind: ActorKind,
    /// The account of a person, or the id of a token.
    pub id: Option<Uuid>,
    /// The person's name, or what the token is for.
    pub name: String,
    /// The role in the practice.
    pub role: Option<Role>,
}

impl By {
    /// Somebody who is not signed in.
    pub fn nobody() -> Self {
        Self { kind: ActorKind::Nobody, id: None, name: String::new(), role: None }
    }

    /// The host, and the part of it that acts.
    pub fn host(part: &str) -> Self {
        Self { kind: ActorKind::Host, id: None, name: bounded(part).into_owned(), role: None }
    }
}

impl From<&User> for By {
    fn from(user: &User) -> Self {
        let (kind, id) = (ActorKind::Person, Some(user.id.0));
        Self { kind, id, name: bounded(&user.name).into_owned(), role: Some(user.role) }
    }
}

impl From<&Actor> for By {
    fn from(actor: &Actor) -> Self {
        let (kind, id) = match actor.who {
            Who::Person { user, .. } => (ActorKind::Person, Some(user.0)),
            Who::Token { id, .. } => (ActorKind::Token, Some(id.0)),
            Who::BootstrapToken => (ActorKind::BootstrapToken, None),
            Who::Operator => (ActorKind::Operator, None),
            Who::Host => (ActorKind::Host, None),
        };
        Self { kind, id, name: bounded(&actor.name).into_owned(), role: Some(actor.role) }
    }
}

/// What somebody dealt with: its kind, such as `note`, and its id, which is empty where it has none.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Subject {
    /// The kind, such as `client`, `note` or `connection`.
    pub kind: &'static str,
    /// The id.
    pub id: String,
}

impl Subject {
    /// All kinds. What is not among them was written by a later version.
    pub const KINDS: [&'static str; 22] = [
        "account",
        "audit",
        "backup",
        "client",
        "connection",
        "cover",
        "document",
        "draft",
        "erasure",
        "goal",
        "household",
        "import",
        "list",
        "note",
        "preview",
        "request",
        "review",
        "revision",
        "run",
        "session",
        "team",
        "token",
    ];

    /// The subject of a kind with this id.
    pub fn new(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self { kind, id: bounded(&id.to_string()).into_owned() }
    }

    /// A subject whose id is not known yet, or that has none.
    pub fn of_kind(kind: &'static str) -> Self {
        Self { kind, id: String::new() }
    }

    /// The kind that this word names; none where there is no such kind.
    pub fn kind_of(word: &str) -> Option<&'static str> {
        Self::KINDS.into_iter().find(|kind| *kind == word)
    }
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// It was done, or seen.
    Done,
    /// It was refused, for a reason that says nothing of a client.
    Refused(String),
    /// It was not done because something failed.
    Failed(String),
}

impl Outcome {
    /// The words of all outcomes.
    pub const WORDS: [&'static str; 3] = ["done", "refused", "failed"];

    /// The outcome as programs know it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
        }
    }

    /// The reason, where it was not done.
    pub fn because(&self) -> Option<&str> {
        match self {
            Self::Done => None,
            Self::Refused(because) | Self::Failed(because) => Some(because),
        }
    }
}

/// Something that was done, seen or refused: an entry before it has its place in the log.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Act {
    /// The one who acted.
    pub by: By,
    /// The address that it came from, or `this machine`.
    pub source: String,
    /// The verb, such as `notes.retry`.
    pub verb: String,
    /// What it was done to.
    pub subject: Subject,
    /// The household that it concerns, where there is one.
    pub household: Option<HouseholdId>,
    /// What came of it.
    pub outcome: Outcome,
    /// More about it: names of fields, a count.
    pub detail: String,
}

impl Act {
    /// An act that was done.
    pub fn done(by: By, source: &str, verb: &str, subject: Subject) -> Self {
        Self {
            by,
            source: bounded(source).into_owned(),
            verb: bounded(verb).into_owned(),
            subject,
            household: None,
            outcome: Outcome::Done,
            detail: String::new(),
        }
    }

    /// The same with each text at a length that an entry has room for, and nothing in it that nobody sees.
    pub fn bounded(self) -> Self {
        let short = |text: String| bounded(&text).into_owned();
        let outcome = match self.outcome {
            Outcome::Done => Outcome::Done,
            Outcome::Refused(because) => Outcome::Refused(short(because)),
            Outcome::Failed(because) => Outcome::Failed(short(because)),
        };
        let by = By { name: short(self.by.name), ..self.by };
        let subject = Subject { id: short(self.subject.id), ..self.subject };
        let (source, verb) = (short(self.source), short(self.verb));
        let detail = excerpt(&value(&self.detail), LONGEST_DETAIL).into_owned();
        Self { by, source, verb, subject, outcome, detail, ..self }
    }
}

/// An entry of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The entry's number: one more than that of the entry before.
    pub number: u64,
    /// The moment at which it was written, in whole microseconds.
    pub at: Timestamp,
    /// What was done.
    pub act: Act,
}

impl Entry {
    /// The entry after `head`.
    pub fn after(head: &Head, at: Timestamp, act: Act) -> Self {
        // What is kept of the moment is what the hash is of.
        let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        Self { number: head.number.saturating_add(1), at, act: act.bounded() }
    }
}

/// A text as an entry has it: one line of at most [`LONGEST`] characters, with `…` where it was cut, and without
/// characters that nobody sees or that turn the direction of the text around them.
pub fn bounded(text: &str) -> Cow<'_, str> {
    match value(text) {
        Cow::Borrowed(text) => excerpt(text, LONGEST),
        Cow::Owned(text) => Cow::Owned(excerpt(&text, LONGEST).into_owned()),
    }
}

#[cfg(test)]
mod tests;
