//! The tables of the book and of runs, and how their records are written.

use std::collections::BTreeMap;

use minicbor::Decoder;
use uuid::Uuid;

use super::engine::Table;
use super::rows::{Out, ReadError, Row, Written, read_variant, rows, write_variant};
use crate::domain::edit::{LocalEdit, Overridden};
use crate::domain::history::{FormerValue, LastChange};
use crate::domain::listed::Listed;
use crate::domain::{Client, Diagnostic, RecordKind, RevisionId, Timestamp, with_listed};
use crate::store::keys::{
    AsideKey, ConnectionNumber, ContactKey, ListKey, LookKey, MembershipKey, NameKey, NamingKey, OwnKey, RecordKey,
    ReportKey, ReviewKey, UnseenKey,
};
use crate::store::rows::listed::{QuestionTable, StoredItem};
use crate::store::visitor::{At, Visitor, Whose};

/// Connections by name, below the practice.
pub(super) const CONNECTIONS: Table<(u32, &str), u16> = Table::new("connections");

/// The identities of each CRM's records: [`super::identity::Identity`].
pub(super) const IDENTITIES: Table<&RecordKey, &[u8; size_of::<IdentityRow>()]> = Table::new("identities");

/// One row, of fixed width.
pub(super) type IdentityRow = [u8; 75];

/// Raw records as the mapping takes them, under LZ4.
pub(super) const RAW: Table<&RecordKey, &[u8]> = Table::new("raw");

/// Clients: [`ClientRecord`].
pub(super) const CLIENTS: Table<&OwnKey, &[u8]> = Table::new("clients");

/// The digests of what clients were made of who were made in the practice, by which the same sent again is known.
pub(super) const MADE_OF: Table<&OwnKey, &[u8; 32]> = Table::new("made-of");

/// Households: [`HouseholdRecord`].
pub(super) const HOUSEHOLDS: Table<&OwnKey, &[u8]> = Table::new("households");

/// Advisers: `StoredAdviser`.
pub(super) const ADVISERS: Table<&RecordKey, &[u8]> = Table::new("advisers");

/// Records that were set aside: `ExcludedRecord`. Below the practice those of a rule, then those in quarantine.
pub(super) const SET_ASIDE: Table<&AsideKey, &[u8]> = Table::new("set-aside");

/// Clients by name.
pub(super) const NAMES: Table<&NameKey, ()> = Table::new("names");

/// Clients by email address and mobile.
pub(super) const CONTACTS: Table<&ContactKey, ()> = Table::new("contacts");

/// The pairs of a client and the one whom they name as partner, by the one who is named.
pub(super) const NAMING: Table<&NamingKey, ()> = Table::new("naming");

/// The list in which a goal or cover stands, by its id.
pub(super) const LISTED: Table<&OwnKey, &[u8; size_of::<ListKey>()]> = Table::new("listed");

/// Goals and covers that their lists did not show: `UnseenKey`.
pub(super) const UNSEEN: Table<&UnseenKey, &[u8]> = Table::new("unseen");

/// Clients who are in the book and not linked to a CRM, by what a client of a CRM may be recognised by.
pub(super) const LOOKS: Table<&LookKey, ()> = Table::new("looks");

/// Clients of a CRM who look like one of the practice: `Review`.
pub(super) const REVIEWS: Table<&ReviewKey, &[u8]> = Table::new("reviews");

/// The numbers of records that the book holds, below the practice: [`BookCounts`].
pub(super) const TALLIES: Table<u32, &[u8]> = Table::new("tallies");

/// Runs: `Run`.
pub(super) const RUNS: Table<&OwnKey, &[u8]> = Table::new("runs");

/// Runs by connection: `practice · connection · run`.
pub(super) const RUNS_OF: Table<&[u8; 22], ()> = Table::new("runs-of");

/// The state of each connection's walk: [`super::walks::Walks`].
pub(super) const WALKS: Table<&[u8; 6], &[u8]> = Table::new("walks");

/// The records that a walk has seen, in chunks: `practice · run · kind · number of the chunk`.
pub(super) const SEEN: Table<&[u8; 25], &[u8]> = Table::new("seen");

/// Clients that complete walks no longer see: [`GoneRecord`].
pub(super) const GONE: Table<&RecordKey, &[u8]> = Table::new("gone");

/// More clients gone at once than a run may mark, by connection: `AbsenceReview`.
pub(super) const ABSENCE_REVIEWS: QuestionTable = Table::new("departures");

/// The changes that runs made, client by client: `ReportKey`.
pub(super) const REPORTS: Table<&ReportKey, &[u8]> = Table::new("reports");

/// The clients who were in each household before, and the households that each client was in:
/// `MembershipKey`.
pub(super) const MEMBERSHIPS: Table<&MembershipKey, ()> = Table::new("homes");

/// Identity lists: `ImportRecord`.
pub(super) const IMPORTS: Table<&OwnKey, &[u8]> = Table::new("imports");

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(CONNECTIONS, Whose::Nobodys)?;
    visitor.table(IDENTITIES, Whose::Nobodys)?;
    visitor.table(RAW, Whose::OfRecord { connection: 4, kind: Some(6), id: 7 })?;
    visitor.table(CLIENTS, Whose::OfClient(At::Key(4)))?;
    visitor.table(MADE_OF, Whose::OfClient(At::Key(4)))?;
    visitor.table(HOUSEHOLDS, Whose::Nobodys)?;
    visitor.table(ADVISERS, Whose::Nobodys)?;
    visitor.table(SET_ASIDE, Whose::OfRecord { connection: 5, kind: Some(7), id: 8 })?;
    visitor.table(NAMES, Whose::OfClient(At::KeyEnd))?;
    visitor.table(CONTACTS, Whose::OfRecord { connection: 13, kind: None, id: 15 })?;
    visitor.table(NAMING, Whose::OfRecord { connection: 4, kind: None, id: 22 })?;
    for kind in RecordKind::LISTED {
        with_listed!(*kind, Item => {
            visitor.table(Item::LISTS, Whose::OfClient(At::Key(4)))?;
            visitor.table(Item::QUESTIONS, Whose::Nobodys)?;
        });
    }
    visitor.table(LISTED, Whose::OfClient(At::Value(4)))?;
    visitor.table(UNSEEN, Whose::OfRecord { connection: 4, kind: Some(6), id: 7 })?;
    visitor.table(LOOKS, Whose::OfClient(At::KeyEnd))?;
    visitor.table(REVIEWS, Whose::OfRecord { connection: 5, kind: None, id: 7 })?;
    visitor.table(TALLIES, Whose::Nobodys)?;
    visitor.table(RUNS, Whose::Nobodys)?;
    visitor.table(RUNS_OF, Whose::Nobodys)?;
    visitor.table(WALKS, Whose::Nobodys)?;
    visitor.table(SEEN, Whose::Nobodys)?;
    visitor.table(GONE, Whose::Nobodys)?;
    visitor.table(ABSENCE_REVIEWS, Whose::Nobodys)?;
    visitor.table(REPORTS, Whose::OfClient(At::KeyEnd))?;
    visitor.table(MEMBERSHIPS, Whose::Nobodys)
}

/// A client as it is stored. Its id is the key, its household stands in its identity.
pub(super) struct ClientRecord {
    pub connection: ConnectionNumber,
    pub client: Client,
    pub revision: [u8; 6],
    /// The moment at which the values last changed, in milliseconds since 1970.
    pub changed_at: i64,
    pub diagnostics: Vec<Diagnostic>,
    /// The edits that people made since the CRM supplied the values.
    pub edits: Vec<LocalEdit>,
    /// The latest edits that the CRM overrode, the newest first.
    pub overridden: Vec<Overridden>,
    /// The last change of each field that changed since the client came, the newest first.
    pub last_changes: Vec<LastChange>,
    /// What the client was known by before, the latest last.
    pub former: Vec<FormerValue>,
}

impl ClientRecord {
    /// The moment at which the values last changed.
    pub fn changed_at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.changed_at).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The revision that mapped it.
    pub fn revision(&self) -> RevisionId {
        RevisionId(self.revision)
    }
}

/// A household as it is stored: who is in it. All else follows from its people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum HouseholdRecord {
    /// One or two members, by the CRM's id (as a key) and the practice's, in the order of the former.
    Of { connection: ConnectionNumber, members: Vec<([u8; 16], Uuid)> },
    /// Merged into another household.
    MergedInto(Uuid),
}

/// A client that is not visible.
pub(super) struct GoneRecord {
    /// The moment since which it is not visible, in milliseconds since 1970.
    pub since: i64,
    /// The run that found it.
    pub run: Uuid,
}

impl GoneRecord {
    /// The moment since which the client is not visible.
    pub fn since(&self) -> Timestamp {
        Timestamp::from_millisecond(self.since).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// All goals, or all covers, of a client by one connection, those that are gone included: one row, because a list is
/// merged as a whole.
pub(super) struct ListRecord<T: StoredItem> {
    pub revision: [u8; 6],
    pub items: Vec<Listed<T>>,
    /// The diagnostics about the list as a whole.
    pub diagnostics: Vec<Diagnostic>,
}

/// The numbers of records that the book holds.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct BookCounts {
    /// The number of clients in the book.
    pub clients: u64,
    /// The number of households.
    pub households: u64,
    /// The number of advisers.
    pub advisers: u64,
    /// The number of records in quarantine.
    pub quarantined: u64,
    /// The number of records left out by a rule.
    pub skipped: u64,
    /// The numbers of items in the CRM's lists, by kind; a kind of which nothing was ever counted is not there.
    pub lists: BTreeMap<RecordKind, u64>,
    /// The number of clients whom their CRM no longer shows; they count as clients too.
    pub not_visible: u64,
}

rows! {
    ClientRecord {
        0: connection,
        1: client,
        2: revision,
        3: changed_at,
        4: diagnostics,
        5: edits,
        6: overridden,
        7: last_changes,
        8: former,
    }
    GoneRecord { 0: since, 1: run }
    ListRecord<T: StoredItem> { 0: revision, 1: items, 2: diagnostics }
    BookCounts { 0: clients, 1: households, 2: advisers, 3: quarantined, 4: skipped, 5: lists, 6: not_visible }
}

impl Row for HouseholdRecord {
    fn write(&self, out: &mut Out) -> Written {
        match self {
            Self::Of { connection, members } => {
                write_variant(out, 0, &(connection.0, members.iter().map(|(key, id)| (*key, *id)).collect::<Vec<_>>()))
            }
            Self::MergedInto(household) => write_variant(out, 1, household),
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        match read_variant(from)? {
            0 => Row::read(from)
                .map(|(connection, members)| Self::Of { connection: ConnectionNumber(connection), members }),
            1 => Row::read(from).map(Self::MergedInto),
            _ => Err(ReadError::message("no such household")),
        }
    }
}
