//! The files of a source as they were at one moment, and the raw records that are made of them.

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_128;

use super::content::Content;
use super::folder::{Arriving, Folder, Stat};
use super::record::Cells;
use super::table::{Table, changed};
use crate::crm::{Bookmark, CrmError, RawBelow, RawPage, RawPart, RawRecord, RawText, Source};
use crate::domain::{ExternalId, RecordKind};

/// Bytes of the file from which one page is made.
const LARGEST_PAGE: usize = 4 << 20;
/// Rows of people who are not there which are named, of one file.
const MOST_NAMED: usize = 20;

/// The files of a source.
#[derive(Debug)]
pub(super) struct Snapshot {
    source: Source,
    main: Table,
    below: Vec<Below>,
    /// XXH3-128 of what is in all files.
    digest: u128,
}

/// A file whose records stand in the lists of the main file's.
#[derive(Debug)]
struct Below {
    kind: RecordKind,
    list: String,
    /// The file; none where it is not there.
    table: Option<Table>,
}

impl Snapshot {
    /// Opens the files of a source.
    ///
    /// # Errors
    /// Returns an error if one cannot be read, or the main one is not there; within, where one is still arriving.
    pub(super) fn open(folder: &Folder, source: &Source) -> Result<Result<Self, Arriving>, CrmError> {
        let open = |resource: &str, fields: &[String]| -> Result<Result<Option<Table>, Arriving>, CrmError> {
            match folder.open(resource)? {
                Ok(Some(opened)) => Ok(Table::open(folder, opened, fields)?.map(Some)),
                Ok(None) => Ok(Ok(None)),
                Err(arriving) => Ok(Err(arriving)),
            }
        };
        if source.fields.is_empty() {
            let message = format!("the pack's rules name no column of `{}`", source.resource);
            return Err(CrmError::Protocol { message });
        }
        let main = match open(&source.resource, &source.fields)? {
            Ok(Some(main)) => main,
            Ok(None) => return Err(CrmError::NotReady { message: missing(&source.resource) }),
            Err(arriving) => return Ok(Err(arriving)),
        };
        if main.len() == 0 && main.lost == 0 {
            return Err(CrmError::NotReady { message: empty(&main.name) });
        }
        let mut below = Vec::new();
        for of_list in &source.below {
            let (kind, list) = (of_list.kind, of_list.lists.first().cloned().unwrap_or_default());
            match open(&list, &of_list.fields)? {
                Ok(table) => below.push(Below { kind, list, table }),
                Err(arriving) => return Ok(Err(arriving)),
            }
        }
        let mut digests = main.text.digest.to_le_bytes().to_vec();
        for table in below.iter().map(|below| &below.table) {
            digests.extend(table.as_ref().map_or(0, |table| table.text.digest).to_le_bytes());
        }
        let digest = xxh3_128(&digests);
        Ok(Ok(Self { source: source.clone(), main, below, digest }))
    }

    /// The editions that its files are, by the kind of record; none of a kind where the silence of its file says nothing.
    pub(super) fn editions(&self) -> impl Iterator<Item = (RecordKind, Option<u128>)> {
        let of_lists = self.below.iter().map(|below| (below.kind, below.table.as_ref().and_then(Table::edition)));
        of_lists.chain([(self.source.kind, self.main.edition())])
    }

    /// Whether it is of this source, with these columns.
    pub(super) fn is_of(&self, source: &Source) -> bool {
        self.source == *source
    }

    /// The name by which a bookmark knows it.
    pub(super) fn name(&self) -> String {
        format!("{:032x}", self.digest)
    }

    fn tables(&self) -> impl Iterator<Item = &Table> {
        self.below.iter().filter_map(|below| below.table.as_ref()).chain([&self.main])
    }

    /// Whether the files in the folder are these, as far as the disk says.
    pub(super) fn is_current(&self, folder: &Folder) -> bool {
        self.tables().all(|table| folder.is_same(&table.name, &table.stat))
    }

    /// Refuses to go on with a file into which somebody wrote. One that was put in its place is another: this one is whole.
    fn is_as_it_was(&self) -> Result<(), CrmError> {
        for table in self.tables() {
            if let Content::File(file) = &table.text.content {
                let now = file.metadata().and_then(|found| Stat::of(&found));
                if now.is_ok_and(|now| now == table.stat) {
                    continue;
                }
                return Err(changed(&table.name));
            }
        }
        Ok(())
    }

    /// The page that begins with a record of the main file.
    ///
    /// # Errors
    /// Returns an error if a file is not what it was.
    pub(super) fn page(&self, first: usize, most: usize) -> Result<RawPage, CrmError> {
        let mut page = self.nothing();
        // Once a walk: where nobody knows whose a record is, who is missing may be there.
        if first == 0 {
            page.unreadable = self.main.lost;
            self.tell(&mut page)?;
        }
        let (mut at, mut bytes) = (first, 0);
        while at < self.main.len() && at - first < most && bytes < LARGEST_PAGE {
            self.add(at, &mut page)?;
            bytes += self.main.size(at);
            at += 1;
        }
        self.is_as_it_was()?;
        if at < self.main.len() {
            page.next = Some(Bookmark(format!("{}:{at}", self.name())));
        } else if let Some(table) = self.tables().find(|table| !table.text.is_unchanged()) {
            return Err(changed(&table.name));
        }
        Ok(page)
    }

    /// The records of these ids that are there.
    ///
    /// # Errors
    /// Returns an error if a file is not what it was.
    pub(super) fn by_id(&self, ids: &[ExternalId]) -> Result<RawPage, CrmError> {
        let mut page = self.nothing();
        for id in ids {
            if let Some(index) = self.main.of_id(id)?.first() {
                self.add(*index, &mut page)?;
            }
        }
        self.is_as_it_was()?;
        Ok(page)
    }

    /// Adds what is to be seen to in the files: rows that cannot be used, and those of clients who are not there.
    fn tell(&self, page: &mut RawPage) -> Result<(), CrmError> {
        page.told.clone_from(&self.main.told);
        for (below, into) in self.below.iter().zip(&mut page.below) {
            let Some(table) = &below.table else { continue };
            page.told.extend(table.told.iter().cloned());
            if table.len() == 0 && table.lost == 0 {
                let name = &table.name;
                page.told.push(format!("{name} holds no row, so that nothing follows from it: what is stored stays."));
            }
            let strangers = table.strangers_to(&self.main);
            for index in strangers.iter().copied().take(MOST_NAMED) {
                let Some(id) = self.main.id(&table.read(index)?) else { continue };
                page.told.push(format!(
                    "Line {} of {} is of the client {id}, who is not in {}, so that it is not read. See whether the ID is \
                     right.",
                    table.line(index),
                    table.name,
                    self.main.name
                ));
            }
            if let Some(more @ 1..) = strangers.len().checked_sub(MOST_NAMED) {
                let (name, main) = (&table.name, &self.main.name);
                page.told.push(format!("{more} more rows of {name} are of clients who are not in {main}."));
            }
            into.unowned = strangers.len() as u64 + table.lost;
        }
        Ok(())
    }

    fn nothing(&self) -> RawPage {
        let below =
            self.below.iter().map(|below| RawBelow { kind: below.kind, records: Vec::new(), withheld: 0, unowned: 0 });
        RawPage { records: Vec::new(), below: below.collect(), unreadable: 0, told: Vec::new(), next: None }
    }

    /// Adds the record at an index, with its lists. Of several with one id the first stands for all.
    fn add(&self, index: usize, page: &mut RawPage) -> Result<(), CrmError> {
        let cells = self.main.read(index)?;
        let Some(id) = self.main.id(&cells) else { return Err(changed(&self.main.name)) };
        let mut fault = None;
        if self.main.is_repeated(index) {
            let same = self.main.of_id(&id)?;
            if same.first() != Some(&index) {
                return Ok(());
            }
            for other in &same[1..] {
                if self.main.read(*other)? != cells {
                    let [one, two] = [index, *other].map(|index| self.main.line(index));
                    let name = &self.main.name;
                    fault = Some(format!("lines {one} and {two} of {name} both have the ID {id} and differ"));
                }
            }
        }
        let record = match (cells, fault) {
            (Cells::Whole(values), None) => {
                let mut json = String::new();
                self.main.json(&values, &mut json);
                record(&id, "row", json)
            }
            (Cells::Damaged { why, .. }, None) => {
                faulty(&id, format!("line {} of {} is damaged: {why}", self.main.line(index), self.main.name))
            }
            (_, Some(fault)) => faulty(&id, fault),
        };
        for (below, into) in self.below.iter().zip(&mut page.below) {
            match below.table.as_ref().filter(|table| table.len() > 0 && record.fault.is_none()) {
                Some(table) => into.records.push(list(&id, &below.list, table)?),
                None => into.withheld += 1,
            }
        }
        page.records.push(record);
        Ok(())
    }
}

/// The list of a client's records in a file.
fn list(id: &ExternalId, name: &str, table: &Table) -> Result<RawRecord, CrmError> {
    let mut json = "[".to_owned();
    let mut fault = String::new();
    for index in table.of_id(id)? {
        match table.read(index)? {
            Cells::Whole(values) => {
                if json.len() > 1 {
                    json.push(',');
                }
                table.json(&values, &mut json);
            }
            Cells::Damaged { why, .. } => {
                let _ = write!(fault, "line {} of {} is damaged: {why}. ", table.line(index), table.name);
            }
        }
    }
    json.push(']');
    Ok(if fault.is_empty() { record(id, name, json) } else { faulty(id, fault.trim_end().to_owned()) })
}

fn record(id: &ExternalId, name: &str, json: String) -> RawRecord {
    let fingerprint = xxh3_128(json.as_bytes());
    let text = RawText::Plain(json.into_bytes().into());
    RawRecord { id: id.clone(), fingerprint, parts: vec![RawPart { name: name.to_owned(), text }], fault: None }
}

fn faulty(id: &ExternalId, fault: String) -> RawRecord {
    RawRecord { id: id.clone(), fingerprint: xxh3_128(fault.as_bytes()), parts: Vec::new(), fault: Some(fault) }
}

fn empty(name: &str) -> String {
    format!(
        "{name} holds no row: nothing was read, and what is stored stays as it is, because an export that came out empty looks \
         the same as a book without anybody. Export it again"
    )
}

fn missing(resource: &str) -> String {
    format!(
        "there is no {resource}.csv in the folder, nor {resource}.tsv, .txt, .json or .jsonl: nothing was read, and what is \
         stored stays as it is. Wait for the next export, or name the file in the pack's rules as it is called"
    )
}
