//! Clients by the code of a diagnostic, their own or that of a goal or cover of theirs.
//!
//! Looked for when somebody asks: clients and lists lie in the same order, so that one pass through the three tables
//! finds them, and a record whose bytes do not hold the code is not decoded. No walk pays for an index.

use std::iter::Peekable;
use std::ops::Bound;

use memchr::memmem::Finder;

use crate::domain::birth::IN_FUTURE;
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, Diagnostic, RecordKind, with_listed};
use crate::store::data_quality::{SHARED_AT_HOME, SHARED_ELSEWHERE};
use crate::store::engine::{Scan, Snapshot};
use crate::store::keys::{ListKey, OwnKey, PRACTICE, join, span, uuid_at_end};
use crate::store::page::{Page, PageRequest, cursor_of, read_cursor};
use crate::store::reader::Reader;
use crate::store::rows::decode;
use crate::store::rows::listed::StoredItem;
use crate::store::tables::ListRecord;
use crate::store::{Store, StoreError};

/// The list's name, in its cursors.
const FINDINGS: &str = "clients by findings";

/// The codes that are worked out when a client is read, because they follow from the day or from everybody else; no
/// record holds them.
const WORKED_OUT: [&str; 3] = [IN_FUTURE, SHARED_AT_HOME, SHARED_ELSEWHERE];

/// A client with the diagnostics of one code that are about the client, or about a goal or cover of theirs.
#[derive(Clone, PartialEq, Debug)]
pub struct ClientFindings {
    /// The client.
    pub client: StoredClient,
    /// The findings, those about the client first.
    pub said: Vec<RecordFinding>,
}

/// A diagnostic with the record that it is about: a client, or a goal or cover of theirs.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordFinding {
    /// The kind of the record that it is about.
    pub kind: RecordKind,
    /// The goal or cover, as people know it; none for the client, the list as a whole, and what has no name.
    pub label: Option<String>,
    /// The diagnostic.
    pub diagnostic: Diagnostic,
}

impl Store {
    /// Clients in the book of whom this is said, by the diagnostic's code, in the order in which they came.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn findings(&self, code: String, page: PageRequest) -> Result<Page<ClientFindings>, StoreError> {
        self.read(move |transaction| told(transaction, &Reader::open(transaction)?, &code, &page, |_| true)).await
    }
}

/// The same, of those who are wanted.
pub(super) fn told(
    transaction: &Snapshot,
    reader: &Reader,
    code: &str,
    page: &PageRequest,
    is_wanted: impl Fn(&StoredClient) -> bool,
) -> Result<Page<ClientFindings>, StoreError> {
    let (first, last) = span::<{ size_of::<OwnKey>() }>(&PRACTICE.to_be_bytes());
    let after = read_cursor(FINDINGS, page, &[(first, last)])?;
    let begin = after.bound(&first);
    let code = Code { text: code, finder: Finder::new(code) };
    let open = |kind: &RecordKind| with_listed!(*kind, Item => Lists::open::<Item>(transaction, begin));
    let mut lists = RecordKind::LISTED.iter().filter_map(open).collect::<Result<Vec<_>, _>>()?;
    let mut items: Vec<ClientFindings> = Vec::new();
    let mut reached = first;
    for entry in reader.clients.scan((begin, Bound::Included(&last)))? {
        let (key, record) = entry?;
        let key = *key.value();
        let mut said = Vec::new();
        for lists in &mut lists {
            said.append(&mut lists.said(&key, &code)?);
        }
        if said.is_empty() && !WORKED_OUT.contains(&code.text) && !code.may_stand_in(record.value()) {
            continue;
        }
        let Some(client) = reader.client(ClientId(uuid_at_end(&key)))? else { continue };
        said.splice(0..0, code.among(&client.diagnostics, RecordKind::Client, None));
        if said.is_empty() || !is_wanted(&client) || !reader.is_in_book(&client)? {
            continue;
        }
        if items.len() == page.limit() {
            return Ok(Page { items, next: Some(cursor_of(FINDINGS, &reached)) });
        }
        reached = key;
        items.push(ClientFindings { client, said });
    }
    Ok(Page { items, next: None })
}

/// The code that is looked for.
struct Code<'c> {
    text: &'c str,
    finder: Finder<'c>,
}

impl Code<'_> {
    /// Whether a record may hold it. Codes are encoded as they are written.
    fn may_stand_in(&self, record: &[u8]) -> bool {
        self.finder.find(record).is_some()
    }

    /// The diagnostics among these that have the code.
    fn among(&self, diagnostics: &[Diagnostic], kind: RecordKind, label: Option<&String>) -> Vec<RecordFinding> {
        let have = diagnostics.iter().filter(|diagnostic| diagnostic.code == self.text);
        have.map(|diagnostic| RecordFinding { kind, label: label.cloned(), diagnostic: diagnostic.clone() }).collect()
    }
}

/// The lists of one kind, gone through beside the clients.
struct Lists {
    ahead: Peekable<Scan<'static, &'static ListKey, &'static [u8]>>,
    said_in: fn(&[u8], &Code<'_>) -> Result<Vec<RecordFinding>, StoreError>,
}

impl Lists {
    fn open<T: StoredItem>(transaction: &Snapshot, begin: Bound<&OwnKey>) -> Result<Self, StoreError> {
        let (Bound::Included(client) | Bound::Excluded(client)) = begin else {
            return Err(StoreError::Fault("a list of clients begins with one".into()));
        };
        let first: ListKey = join([client, &[0; 2]]);
        let (_, last) = span::<{ size_of::<ListKey>() }>(&PRACTICE.to_be_bytes());
        let lists = transaction.open_table(T::LISTS)?.scan(&first..=&last)?;
        Ok(Self { ahead: lists.peekable(), said_in: said_in::<T> })
    }

    /// The diagnostics about the items in the lists of a client; clients are asked about in their order.
    fn said(&mut self, client: &OwnKey, code: &Code<'_>) -> Result<Vec<RecordFinding>, StoreError> {
        let mut said = Vec::new();
        let of = |key: &ListKey| key[..size_of::<OwnKey>()].cmp(client);
        while let Some(entry) = self.ahead.next_if(|entry| entry.as_ref().is_ok_and(|(key, _)| of(key.value()).is_le()))
        {
            let (key, record) = entry?;
            if of(key.value()).is_lt() || !code.may_stand_in(record.value()) {
                continue;
            }
            said.append(&mut (self.said_in)(record.value(), code)?);
        }
        Ok(said)
    }
}

/// The diagnostics about the items that still stand in a list, and about the list as a whole.
fn said_in<T: StoredItem>(record: &[u8], code: &Code<'_>) -> Result<Vec<RecordFinding>, StoreError> {
    let list: ListRecord<T> = decode(record)?;
    let mut said = Vec::new();
    for item in list.items.iter().filter(|item| item.gone_since.is_none()) {
        said.append(&mut code.among(&item.diagnostics, T::KIND, item.value.label().as_ref()));
    }
    said.append(&mut code.among(&list.diagnostics, T::KIND, None));
    Ok(said)
}
