//! The audit log: entries in a chain, and its head in a row of its own. Serves `audit` and `ops`, which say what is done.
//! Nothing takes an entry away.
//!
//! An entry is written in the transaction of the change: `scope` has what is about to be done, and the first write inside
//! that changes anything takes the entry along, so that both are on disk or neither is. There is one writer at a time,
//! which is what keeps the chain from forking.

#[cfg(test)]
pub mod damage;
pub mod scope;
mod verify;

use crate::store::visitor::{Visitor, Whose};
use std::ops::RangeInclusive;

use minicbor::Decoder;
use uuid::Uuid;

use super::engine::{ReadTable, Readable as _, Snapshot, Table, Write};
use super::keys::{PRACTICE, join};
use super::page::{Page, PageRequest, cursor_of};
use super::rows::{Out, ReadError, Row, Written, decode, encode, row_choices, rows};
use super::{Store, StoreError};
use crate::domain::audit::{Act, ActorKind, By, Entry, Head, Link, Outcome, START, Subject, link};
use crate::domain::{HouseholdId, Timestamp};

/// The list's name, in its cursors.
const LIST: &str = "audit";

/// The households that have an entry each of an act that concerns many.
const MOST_TOLD: usize = 5_000;

/// Entries that are looked at for one page, whether they are shown or not.
const LOOKED_AT: usize = 5_000;

/// The seconds by which an entry may be older than those behind it, where a clock was set back: a list that begins at a
/// moment ends at entries that are older by more.
const CLOCK: i64 = 24 * 60 * 60;

/// Entries with their hashes, by number: `LinkRow`.
const ENTRIES: Table<(u32, u64), &[u8]> = Table::new("audit");

/// The number and hash of the last entry.
const HEAD: Table<u32, &[u8; 40]> = Table::new("audit-head");

/// Entries by who acted, what they dealt with and the household: `practice · which · whose · number`.
const INDEX: Table<&IndexKey, ()> = Table::new("audit-index");

type IndexKey = [u8; 29];

/// What entries are found by.
#[derive(Clone, Copy)]
enum Found {
    Actor = 0,
    Subject = 1,
    Household = 2,
}

/// An entry as it is kept.
struct LinkRow {
    number: u64,
    at: Timestamp,
    by: By,
    source: String,
    verb: String,
    subject: Subject,
    household: Option<HouseholdId>,
    outcome: Outcome,
    detail: String,
    hash: [u8; 32],
}

rows! {
    LinkRow {
        0: number,
        1: at,
        2: by,
        3: source,
        4: verb,
        5: subject,
        6: household,
        7: outcome,
        8: detail,
        9: hash,
    }
    By { 0: kind, 1: id, 2: name, 3: role }
}

row_choices! {
    ActorKind { 0: Person, 1: Token, 2: BootstrapToken, 3: Operator, 4: Host, 5: Nobody }
}

impl Row for Subject {
    fn write(&self, out: &mut Out) -> Written {
        out.array(2)?.str(self.kind)?.str(&self.id)?;
        Ok(())
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        let (kind, id): (String, String) = Row::read(from)?;
        let kind = Self::kind_of(&kind).ok_or_else(|| ReadError::message("no such kind of subject"))?;
        Ok(Self { kind, id })
    }
}

/// An outcome that is not known is none of those that are: it reads as an error, never as something that was done.
impl Row for Outcome {
    fn write(&self, out: &mut Out) -> Written {
        let number = match self {
            Self::Done => 0,
            Self::Refused(_) => 1,
            Self::Failed(_) => 2,
        };
        super::rows::write_variant(out, number, &self.because().unwrap_or_default().to_owned())
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        let (number, because) = (super::rows::read_variant(from)?, String::read(from)?);
        match number {
            0 => Ok(Self::Done),
            1 => Ok(Self::Refused(because)),
            2 => Ok(Self::Failed(because)),
            _ => Err(ReadError::message("no such outcome")),
        }
    }
}

impl From<Link> for LinkRow {
    fn from(Link { entry, hash }: Link) -> Self {
        let Entry { number, at, act } = entry;
        let Act { by, source, verb, subject, household, outcome, detail } = act;
        Self { number, at, by, source, verb, subject, household, outcome, detail, hash }
    }
}

impl From<LinkRow> for Link {
    fn from(row: LinkRow) -> Self {
        let LinkRow { number, at, by, source, verb, subject, household, outcome, detail, hash } = row;
        let act = Act { by, source, verb, subject, household, outcome, detail };
        Self { entry: Entry { number, at, act }, hash }
    }
}

/// A part of the log. What is none narrows nothing.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AuditFilter {
    /// The account or token that acted.
    pub actor: Option<Uuid>,
    /// The kind of the one who acted.
    pub actor_kind: Option<ActorKind>,
    /// The verb, or the part before its full stop: `notes` for all of notes.
    pub verb: Option<String>,
    /// The kind of what was dealt with.
    pub subject_kind: Option<&'static str>,
    /// The id of what was dealt with.
    pub subject_id: Option<String>,
    /// The household.
    pub household: Option<HouseholdId>,
    /// The word of the outcome.
    pub outcome: Option<&'static str>,
    /// The first moment.
    pub since: Option<Timestamp>,
    /// The moment before which the last entry was written.
    pub until: Option<Timestamp>,
}

impl AuditFilter {
    fn takes(&self, entry: &Entry) -> bool {
        let act = &entry.act;
        let is_verb = |verb: &String| {
            act.verb == *verb || act.verb.split_once('.').is_some_and(|(before, _)| before == verb.as_str())
        };
        self.actor.is_none_or(|actor| act.by.id == Some(actor))
            && self.actor_kind.is_none_or(|kind| act.by.kind == kind)
            && self.verb.as_ref().is_none_or(is_verb)
            && self.subject_kind.is_none_or(|kind| act.subject.kind == kind)
            && self.subject_id.as_ref().is_none_or(|id| act.subject.id == *id)
            && self.household.is_none_or(|household| act.household == Some(household))
            && self.outcome.is_none_or(|outcome| act.outcome.as_str() == outcome)
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
    }

    /// The index that narrows it most, and whose entries are looked for there.
    fn index(&self) -> Option<(Found, [u8; 16])> {
        let subject = self.subject_kind.zip(self.subject_id.as_ref());
        let subject = subject.map(|(kind, id)| (Found::Subject, subject_key(kind, id)));
        let household = || self.household.map(|id| (Found::Household, id.0.into_bytes()));
        subject.or_else(household).or_else(|| self.actor.map(|id| (Found::Actor, id.into_bytes())))
    }

    fn is_past(&self, entry: &Entry) -> bool {
        self.since.is_some_and(|since| since.as_second() - entry.at.as_second() > CLOCK)
    }
}

fn subject_key(kind: &str, id: &str) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(kind.len() as u64).to_le_bytes()).update(kind.as_bytes()).update(id.as_bytes());
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

fn index_key((found, whose): (Found, [u8; 16]), number: u64) -> IndexKey {
    join([&PRACTICE.to_be_bytes(), &[found as u8], &whose, &number.to_be_bytes()])
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(ENTRIES, Whose::Nobodys)?;
    visitor.table(HEAD, Whose::Nobodys)?;
    visitor.table(INDEX, Whose::Nobodys)
}

/// The keys of the index under which an entry is found.
fn index_keys(entry: &Entry) -> impl Iterator<Item = IndexKey> {
    let (number, subject) = (entry.number, &entry.act.subject);
    let places = [
        entry.act.by.id.map(|id| (Found::Actor, id.into_bytes())),
        (!subject.id.is_empty()).then(|| (Found::Subject, subject_key(subject.kind, &subject.id))),
        entry.act.household.map(|id| (Found::Household, id.0.into_bytes())),
    ];
    places.into_iter().flatten().map(move |place| index_key(place, number))
}

/// The number of the entry that a key of the index is of.
fn number_of(key: &IndexKey) -> u64 {
    key.last_chunk().map_or(0, |number| u64::from_be_bytes(*number))
}

fn read_head(row: Option<&[u8; 40]>) -> Head {
    let Some(row) = row else { return Head::default() };
    let (mut number, mut hash) = ([0; 8], START);
    number.copy_from_slice(&row[..8]);
    hash.copy_from_slice(&row[8..]);
    Head { number: u64::from_be_bytes(number), hash }
}

/// Writes an entry behind all others, within a transaction; answers its number. Its moment is that of the writing, so that
/// moments go up as numbers do.
pub(super) fn append(transaction: &Write, act: Act) -> Result<u64, StoreError> {
    let mut heads = transaction.open_table(HEAD)?;
    let head = read_head(heads.get(PRACTICE)?.as_ref().map(|row| row.value()));
    let entry = Entry::after(&head, Timestamp::now(), act);
    let (number, hash) = (entry.number, link(&head.hash, &entry));
    let mut index = transaction.open_table(INDEX)?;
    for key in index_keys(&entry) {
        index.put(&key, ())?;
    }
    let row = LinkRow::from(Link { entry, hash });
    transaction.open_table(ENTRIES)?.put((PRACTICE, number), encode(&row)?.as_slice())?;
    heads.put(PRACTICE, &join([&number.to_be_bytes(), &hash]))?;
    Ok(number)
}

/// An act, and the households whose logs have it beside its own entry, each with what is done to it.
#[derive(Debug)]
pub struct Told {
    /// The act.
    pub act: Act,
    /// The households.
    pub households: Vec<(HouseholdId, String)>,
}

impl From<Act> for Told {
    fn from(act: Act) -> Self {
        Self { act, households: Vec::new() }
    }
}

/// Writes the entry of an act that concerns several households, and one in the log of each, which says what is done to it; where they
/// are more than fit into one transaction beside a change, their number alone. Answers the number of the first.
pub(super) fn append_of_many(
    transaction: &Write,
    act: &Act,
    households: Vec<(HouseholdId, String)>,
) -> Result<u64, StoreError> {
    if households.len() > MOST_TOLD {
        let told = format!("{} households, too many for an entry in the log of each", households.len());
        let parts = [act.detail.as_str(), &told].into_iter().filter(|part| !part.is_empty());
        return append(transaction, Act { detail: parts.collect::<Vec<_>>().join(", "), ..act.clone() });
    }
    let number = append(transaction, act.clone())?;
    for (household, what) in households {
        let (subject, detail) = (Subject::new("household", household), format!("{what}, by entry {number}"));
        append(transaction, Act { household: Some(household), subject, detail, ..act.clone() })?;
    }
    Ok(number)
}

fn entry_at(entries: &ReadTable<(u32, u64), &'static [u8]>, number: u64) -> Result<Option<Entry>, StoreError> {
    let row = entries.get((PRACTICE, number))?;
    row.map(|row| Ok(Link::from(decode::<LinkRow>(row.value())?).entry)).transpose()
}

/// The numbers of a part of the log below `before`, the highest first.
fn numbers(
    transaction: &Snapshot,
    filter: &AuditFilter,
    before: u64,
) -> Result<Box<dyn Iterator<Item = Result<u64, StoreError>>>, StoreError> {
    let Some(highest) = before.checked_sub(1) else { return Ok(Box::new(std::iter::empty())) };
    if let Some(place) = filter.index() {
        let (first, last) = (index_key(place, 0), index_key(place, highest));
        let scan = transaction.open_table(INDEX)?.scan_back(&first..=&last)?;
        return Ok(Box::new(scan.map(|entry| Ok(number_of(entry?.0.value())))));
    }
    let range: RangeInclusive<(u32, u64)> = (PRACTICE, 0)..=(PRACTICE, highest);
    let scan = transaction.open_table(ENTRIES)?.scan_back(range)?;
    Ok(Box::new(scan.map(|entry| Ok(entry?.0.value().1))))
}

impl Store {
    /// Writes entries by themselves, for what changes nothing in the store: what is seen, refused, or done elsewhere. Answers the number
    /// of the last act's.
    ///
    /// # Errors
    /// Returns an error if the store fails; none of them is written then.
    pub async fn append_audit<T: Into<Told> + Send + 'static>(&self, acts: Vec<T>) -> Result<u64, StoreError> {
        let append = |transaction: &Write| {
            acts.into_iter()
                .map(Into::into)
                .try_fold(0, |_, Told { act, households }| append_of_many(transaction, &act, households))
        };
        self.write_in_any_case(append).await
    }

    /// A part of the log, newest first. At most 5,000 entries are looked at for a page, so that one may have fewer than
    /// were asked for, or none, and another follow.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn audit(&self, filter: AuditFilter, page: PageRequest) -> Result<Page<Entry>, StoreError> {
        let before = match page.key(LIST)? {
            Some(key) => u64::from_be_bytes(key.try_into().map_err(|_| StoreError::BadCursor)?),
            None => u64::MAX,
        };
        let limit = page.limit();
        self.read(move |transaction| {
            let entries = transaction.open_table(ENTRIES)?;
            let (mut items, mut next) = (Vec::new(), None);
            for (looked_at, number) in numbers(transaction, &filter, before)?.enumerate() {
                let number = number?;
                if items.len() == limit || looked_at == LOOKED_AT {
                    // Where the page after this begins is behind the entry before this one.
                    next = Some(cursor_of(LIST, &number.saturating_add(1).to_be_bytes()));
                    break;
                }
                let Some(entry) = entry_at(&entries, number)? else { continue };
                if filter.is_past(&entry) {
                    break;
                }
                if filter.takes(&entry) {
                    items.push(entry);
                }
            }
            Ok(Page { items, next })
        })
        .await
    }

    /// A piece of a part of the log in the order of its numbers, behind the entry `after`: with the number of the last that
    /// was looked at, behind which the next piece begins; none where there is no more.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn audit_after(&self, after: u64, filter: AuditFilter) -> Result<Option<(Vec<Entry>, u64)>, StoreError> {
        self.read(move |transaction| {
            let entries = transaction.open_table(ENTRIES)?;
            let (mut items, mut last) = (Vec::new(), None);
            let range = (PRACTICE, after.saturating_add(1))..=(PRACTICE, u64::MAX);
            for row in entries.scan(range)?.take(LOOKED_AT / 10) {
                let (key, row) = row?;
                let entry = Link::from(decode::<LinkRow>(row.value())?).entry;
                last = Some(key.value().1);
                if filter.takes(&entry) {
                    items.push(entry);
                }
            }
            Ok(last.map(|last| (items, last)))
        })
        .await
    }

    /// The number and hash of the last entry.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        self.read(|transaction| {
            let row = transaction.open_table(HEAD)?.get(PRACTICE)?;
            Ok(read_head(row.as_ref().map(|row| row.value())))
        })
        .await
    }
}
