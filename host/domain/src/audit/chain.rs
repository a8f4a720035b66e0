//! The chain: each entry's hash is made of the entry and of the hash before it, so that no entry can be altered, left out,
//! moved or put in without every hash after it being another.
//!
//! The hash is BLAKE3 of, one after the other: the text `tidegate audit 1` (the version of this encoding), the 32 bytes of
//! the hash before ([`START`] before the first), the number (8 bytes, the lowest first) and the moment (microseconds since
//! 1970, 8 bytes, the lowest first); then the texts kind of the actor, id of the actor, name, role, source, verb, kind of
//! the subject, id of the subject, household, outcome, reason, detail, each behind its length in bytes (8 bytes, the lowest
//! first). What is not there is an empty text. Another encoding will have another version.
//!
//! The head, the number and hash of the last entry, is kept beside the entries: a tail that was cut off is told by it.
//! Whoever can write the whole file can make all of it anew; against that, an operator keeps a head elsewhere.

use std::fmt;
use std::str::FromStr;

use super::Entry;

/// The version of the encoding, and what keeps its hashes apart from all others.
const VERSION: &[u8] = b"tidegate audit 1";

/// The hash before the first entry.
pub const START: [u8; 32] = [0; 32];

/// The hash of an entry behind the one with the hash `previous`.
pub fn link(previous: &[u8; 32], entry: &Entry) -> [u8; 32] {
    let act = &entry.act;
    let text = |id: Option<String>| id.unwrap_or_default();
    let (actor, household) = (text(act.by.id.map(|id| id.to_string())), text(act.household.map(|id| id.to_string())));
    let mut hasher = blake3::Hasher::new();
    hasher.update(VERSION).update(previous);
    hasher.update(&entry.number.to_le_bytes()).update(&entry.at.as_microsecond().to_le_bytes());
    for text in [
        act.by.kind.as_str(),
        &actor,
        &act.by.name,
        act.by.role.map(crate::access::Role::as_str).unwrap_or_default(),
        &act.source,
        &act.verb,
        act.subject.kind,
        &act.subject.id,
        &household,
        act.outcome.as_str(),
        act.outcome.because().unwrap_or_default(),
        &act.detail,
    ] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().into()
}

/// An entry with its hash, as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The entry.
    pub entry: Entry,
    /// The entry's hash.
    pub hash: [u8; 32],
}

/// The last entry's number and hash; number 0 and [`START`] where there is none. Written `7:` and 64 digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The number.
    pub number: u64,
    /// The hash.
    pub hash: [u8; 32],
}

impl Default for Head {
    fn default() -> Self {
        Self { number: 0, hash: START }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.number)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The error of a text that is no head.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`audit verify` prints NUMBER:HASH, with 64 digits of the hash; give it back as it stands there")]
pub struct NotAHead;

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let (number, digits) = text.trim().split_once(':').ok_or(NotAHead)?;
        let number = number.parse().map_err(|_| NotAHead)?;
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAHead);
        }
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            let digits = digits.get(2 * place..2 * place + 2).ok_or(NotAHead)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NotAHead)?;
        }
        // Before the first entry there is one hash alone.
        if number == 0 && hash != Self::default().hash {
            return Err(NotAHead);
        }
        Ok(Self { number, hash })
    }
}

/// The place at which the chain breaks, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Break {
    /// An entry is not there.
    #[error("entry {number} is missing")]
    Missing {
        /// The number of the first that is not there.
        number: u64,
    },
    /// Another entry is in the place of this one.
    #[error("entry {found} is in the place of entry {number}")]
    Moved {
        /// The number of the place.
        number: u64,
        /// The number of the entry that was found there.
        found: u64,
    },
    /// An entry is not what was written.
    #[error("entry {number}, or the hash of the one before it, is not what was written")]
    Altered {
        /// The entry's number.
        number: u64,
    },
    /// An entry cannot be read.
    #[error("entry {number} cannot be read")]
    Unreadable {
        /// The entry's number.
        number: u64,
    },
    /// The last entries are not there.
    #[error("the log ends at entry {last}, and was written up to entry {head}")]
    CutOff {
        /// The last that is there.
        last: u64,
        /// The last that was written.
        head: u64,
    },
    /// There are entries behind the last that was written, or the last has another hash than was kept of it.
    #[error("the log ends at entry {last}, and what is kept of its end is of entry {head} and does not fit")]
    HeadDiffers {
        /// The last that is there.
        last: u64,
        /// The last by what is kept.
        head: u64,
    },
    /// The entry has another hash than the one that was kept elsewhere.
    #[error(
        "entry {number} has another hash than the one expected: the log was written anew, or cut, since that was printed"
    )]
    NotExpected {
        /// The number.
        number: u64,
    },
    /// The index by which entries are found does not lead to an entry, or leads to one that it is not of: the log is whole, and
    /// parts of it that are asked for are not.
    #[error(
        "entry {number} stands in the log, and the index by which parts of the log are found is not what was written of it"
    )]
    IndexDiffers {
        /// The entry's number.
        number: u64,
    },
}

impl Break {
    /// The way in which it breaks, as programs know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Moved { .. } => "moved",
            Self::Altered { .. } => "altered",
            Self::Unreadable { .. } => "unreadable",
            Self::CutOff { .. } => "cut_off",
            Self::HeadDiffers { .. } => "head_differs",
            Self::NotExpected { .. } => "not_expected",
            Self::IndexDiffers { .. } => "index_differs",
        }
    }

    /// The number of the first entry that does not hold.
    pub fn number(self) -> u64 {
        match self {
            Self::Missing { number }
            | Self::Moved { number, .. }
            | Self::Altered { number }
            | Self::Unreadable { number }
            | Self::NotExpected { number }
            | Self::IndexDiffers { number } => number,
            Self::CutOff { last, .. } | Self::HeadDiffers { last, .. } => last.saturating_add(1),
        }
    }
}

/// A chain that holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The number of entries that were checked.
    pub entries: u64,
    /// The last of them.
    pub head: Head,
}

/// A chain as far as it was checked; entries are handed in by their places, from the first on.
#[derive(Clone, Debug)]
pub struct Chain {
    checked: Head,
    head: Head,
    expected: Option<Head>,
}

impl Chain {
    /// A check up to the `head` that is kept, and against one that was kept elsewhere.
    pub fn new(head: Head, expected: Option<Head>) -> Self {
        Self { checked: Head::default(), head, expected }
    }

    /// The number of the entry that is to come next.
    pub fn next(&self) -> u64 {
        self.checked.number.saturating_add(1)
    }

    /// Takes the entry at a place; none where it cannot be read.
    ///
    /// # Errors
    /// Returns where the chain breaks.
    pub fn take(&mut self, place: u64, found: Option<&Link>) -> Result<(), Break> {
        let number = self.next();
        if place > self.head.number {
            return Err(Break::HeadDiffers { last: self.checked.number, head: self.head.number });
        }
        if place != number {
            return Err(Break::Missing { number });
        }
        let Some(Link { entry, hash }) = found else { return Err(Break::Unreadable { number }) };
        if entry.number != number {
            return Err(Break::Moved { number, found: entry.number });
        }
        if link(&self.checked.hash, entry) != *hash {
            return Err(Break::Altered { number });
        }
        self.checked = Head { number, hash: *hash };
        match self.expected {
            Some(expected) if expected.number == number && expected.hash != *hash => Err(Break::NotExpected { number }),
            _ => Ok(()),
        }
    }

    /// The end: no entry comes any more.
    ///
    /// # Errors
    /// Returns where the chain breaks.
    pub fn end(self) -> Result<Checked, Break> {
        let last = self.checked.number;
        if last < self.head.number {
            return Err(Break::CutOff { last, head: self.head.number });
        }
        if self.checked != self.head {
            return Err(Break::HeadDiffers { last, head: self.head.number });
        }
        match self.expected {
            Some(expected) if expected.number > last => Err(Break::CutOff { last, head: expected.number }),
            _ => Ok(Checked { entries: last, head: self.checked }),
        }
    }
}
