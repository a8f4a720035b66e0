//! Identity lists with their previews. Serves `import`.
//!
//! A list is judged against the book as its rows are kept, and changes nothing until it is applied, in one transaction.

mod erase;
mod held;
mod known_clients;
mod tables;

pub use self::erase::Person;
pub(super) use self::erase::blank;
pub use self::held::HeldRow;
use self::known_clients::Book;
use self::tables::{IMPORT_ROWS, forget, get, put, put_row, row_key, rows_of};
pub(super) use self::tables::{recount, visit};
use super::commit::linking::link_all;
use super::engine::{Readable, Write, WriteTable};
use super::keys::{ExternalKey, own, span};
use super::rows::decode;
use super::{Store, StoreError, tombstones};
use crate::domain::import::{
    Applied, Decision, DoubtedRow, Import, ImportRow, ImportState, ListSource, ListedPerson, PriorRows, RowOutcome,
    RowStatus,
};
use crate::domain::{ClientId, ExternalId, ImportId, Timestamp};
use crate::store::connection_numbers::number_for;
use crate::store::page::{Page, PageRequest, cursor_of};

/// The name of the list of lists, in its cursors.
const LIST: &str = "imports";

/// Links that are made before households are settled.
const LINKS_AT_ONCE: usize = 2_000;

/// Whether a decision was kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decided {
    /// The decision was kept.
    Yes,
    /// No such row exists.
    NoRow,
    /// The row needs none: it is ready without, or of no use.
    NotAsked,
    /// No such client exists, or it is linked already.
    NotThisClient,
    /// The row of this number links the same client, or has the same id and links another.
    Taken(u32),
}

impl Store {
    /// Keeps a list of which no row is read yet.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn begin_import(&self, import: Import) -> Result<(), StoreError> {
        self.write(move |transaction| put(transaction, &import)).await
    }

    /// Judges the next rows of a list and keeps them.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn add_import_rows(
        &self,
        id: ImportId,
        rows: Vec<ListedPerson>,
        mut prior: PriorRows,
    ) -> Result<PriorRows, StoreError> {
        self.write(move |transaction| {
            let Some(mut import) = get(transaction, id)? else { return Ok(prior) };
            let connection = number_for(transaction, &import.connection)?;
            let book = Book::open(transaction, connection)?;
            let marks = tombstones::marks(transaction)?;
            let of = import.connection.clone();
            let is_erased = |listed: &ListedPerson| match &marks {
                Some(marks) => marks.has_record(&of, ExternalKey::from(&ExternalId(listed.id.clone()))),
                None => Ok(false),
            };
            let mut table = transaction.open_table(IMPORT_ROWS)?;
            for listed in rows {
                if is_erased(&listed)? {
                    let row = ImportRow::erased(listed.number);
                    import.counts.add(&row, 1);
                    put_row(&mut table, id, &row)?;
                    continue;
                }
                let (row, doubted) = prior.judge(listed, &book)?;
                for doubted in doubted {
                    doubt(&mut table, &mut import, doubted)?;
                }
                import.counts.add(&row, 1);
                put_row(&mut table, id, &row)?;
            }
            drop(table);
            put(transaction, &import)?;
            Ok(prior)
        })
        .await
    }

    /// The list is read to its end; `source` is what else was in its file.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_import_preview(&self, id: ImportId, source: ListSource) -> Result<Option<Import>, StoreError> {
        self.write(move |transaction| {
            let Some(mut import) = get(transaction, id)? else { return Ok(None) };
            import.state = ImportState::Previewed;
            import.source = Some(source);
            put(transaction, &import)?;
            Ok(Some(import))
        })
        .await
    }

    /// Forgets a list and its rows, unless one of them is of, or may be of, a client who is under a legal hold. What it linked stays
    /// linked. False where there is none.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn forget_import_unless_held(
        &self,
        id: ImportId,
        now: Timestamp,
    ) -> Result<Result<bool, HeldRow>, StoreError> {
        self.write_in_any_case_unless_refused(move |transaction| match held::first_held(transaction, id, now)? {
            Some(row) => Ok(Err(row)),
            None => forget(transaction, id).map(Ok),
        })
        .await
    }

    /// Forgets a list whose reading failed, with its rows. False where there is none.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn forget_import(&self, id: ImportId) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| forget(transaction, id)).await
    }

    /// Forgets lists that came before `before` and whose reading was broken off.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn forget_broken_imports(&self, before: Timestamp) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut broken =
                tables::being_read(transaction)?.into_iter().filter(|(_, created_at)| *created_at < before);
            broken.try_for_each(|(id, _)| forget(transaction, id).map(|_| ()))
        })
        .await
    }

    /// One list.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn import(&self, id: ImportId) -> Result<Option<Import>, StoreError> {
        self.read(move |transaction| tables::read(transaction)?.get(id)).await
    }

    /// Lists, newest first.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn imports(&self, page: PageRequest) -> Result<Page<Import>, StoreError> {
        let before = page.text::<ImportId>(LIST)?;
        self.read(move |transaction| {
            let (first, mut last) = span::<20>(&super::keys::PRACTICE.to_be_bytes());
            if let Some(before) = before {
                last = own(before.0);
            }
            let mut items = tables::read(transaction)?.newest((first, last), page.limit() + 1)?;
            let has_more = items.len() > page.limit();
            items.truncate(page.limit());
            let next =
                items.last().filter(|_| has_more).map(|import| cursor_of(LIST, import.id.to_string().as_bytes()));
            Ok(Page { items, next })
        })
        .await
    }

    /// Rows of a list in its order, of one status or of all.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn import_rows(
        &self,
        id: ImportId,
        status: Option<RowStatus>,
        page: PageRequest,
    ) -> Result<Page<ImportRow>, StoreError> {
        let list = format!("rows of the import {id}");
        let after = page.text(&list)?.unwrap_or(0);
        self.read(move |transaction| {
            let table = transaction.open_table(IMPORT_ROWS)?;
            let mut items: Vec<ImportRow> = Vec::new();
            for entry in rows_of(&table, id, after)? {
                let (_, stored) = entry?;
                let (of, row) = stored.value().split_at(1);
                if status.is_some_and(|status| status as u8 != of[0]) {
                    continue;
                }
                if items.len() == page.limit() {
                    let next = items.last().map(|row| cursor_of(&list, row.number.to_string().as_bytes()));
                    return Ok(Page { items, next });
                }
                items.push(decode(row)?);
            }
            Ok(Page { items, next: None })
        })
        .await
    }

    /// Keeps what a person said about a row; none takes it back.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn decide_import_row(
        &self,
        id: ImportId,
        number: u32,
        decision: Option<Decision>,
    ) -> Result<Decided, StoreError> {
        self.write(move |transaction| {
            let Some(mut import) = get(transaction, id)? else { return Ok(Decided::NoRow) };
            if let Some(Decision::Link(client)) = decision {
                let connection = number_for(transaction, &import.connection)?;
                if !Book::open(transaction, connection)?.is_open(client)? {
                    return Ok(Decided::NotThisClient);
                }
            }
            let mut table = transaction.open_table(IMPORT_ROWS)?;
            let stored = table.get(&row_key(id, number))?.map(|stored| decode::<ImportRow>(&stored.value()[1..]));
            let Some(mut row) = stored.transpose()? else { return Ok(Decided::NoRow) };
            if matches!(row.outcome(), RowOutcome::CannotBeImported | RowOutcome::Linked) {
                return Ok(Decided::NotAsked);
            }
            import.counts.add(&row, -1);
            row.decision = decision;
            row.applied = None;
            if let (RowOutcome::ToLink, Some(client)) = (row.outcome(), row.links())
                && let Some(other) = taken_by(&table, &import, &row, client)?
            {
                return Ok(Decided::Taken(other));
            }
            import.counts.add(&row, 1);
            put_row(&mut table, id, &row)?;
            drop(table);
            put(transaction, &import)?;
            Ok(Decided::Yes)
        })
        .await
    }

    /// Links what is ready and decided. What is linked already stays so: applying again does what was decided since.
    ///
    /// # Errors
    /// Returns an error if the store fails; nothing is linked then.
    pub async fn apply_import(&self, id: ImportId, at: Timestamp) -> Result<Option<Import>, StoreError> {
        self.write_links(move |transaction| apply(transaction, id, at)).await
    }
}

fn apply(transaction: &Write, id: ImportId, at: Timestamp) -> Result<Option<Import>, StoreError> {
    let Some(mut import) = get(transaction, id)? else { return Ok(None) };
    let connection = number_for(transaction, &import.connection)?;
    let mut after = 0;
    loop {
        let mut batch: Vec<(ImportRow, ClientId)> = Vec::new();
        for entry in rows_of(&transaction.open_table(IMPORT_ROWS)?, id, after)? {
            let row: ImportRow = decode(&entry?.1.value()[1..])?;
            after = row.number;
            if let (RowOutcome::ToLink, Some(client)) = (row.outcome(), row.links()) {
                batch.push((row, client));
            }
            if batch.len() == LINKS_AT_ONCE {
                break;
            }
        }
        if batch.is_empty() {
            break;
        }
        let links: Vec<_> = batch.iter().map(|(row, client)| (*client, ExternalId(row.external_id.clone()))).collect();
        let outcomes = link_all(transaction, connection, &links, at)?;
        let mut table = transaction.open_table(IMPORT_ROWS)?;
        for ((mut row, client), outcome) in batch.into_iter().zip(outcomes) {
            import.counts.add(&row, -1);
            row.applied = Some(match outcome {
                Ok(()) => Applied::Linked(client),
                Err(refusal) => Applied::NotLinked(refusal.to_string()),
            });
            import.counts.add(&row, 1);
            put_row(&mut table, id, &row)?;
        }
    }
    import.state = ImportState::Applied;
    import.applied_at = Some(at);
    put(transaction, &import)?;
    Ok(Some(import))
}

/// Puts a row that is kept in doubt.
fn doubt(
    table: &mut WriteTable<'_, &'static [u8; 24], &'static [u8]>,
    import: &mut Import,
    doubted: DoubtedRow,
) -> Result<(), StoreError> {
    let key = row_key(import.id, doubted.number);
    let stored = table.get(&key)?.map(|stored| decode::<ImportRow>(&stored.value()[1..]));
    let Some(mut row) = stored.transpose()? else { return Ok(()) };
    import.counts.add(&row, -1);
    row.doubt(doubted.reason);
    import.counts.add(&row, 1);
    put_row(table, import.id, &row)
}

/// The row that links the same client or the same id as `row` would.
fn taken_by(
    table: &impl Readable<&'static [u8; 24], &'static [u8]>,
    import: &Import,
    row: &ImportRow,
    client: ClientId,
) -> Result<Option<u32>, StoreError> {
    for entry in rows_of(table, import.id, 0)? {
        let entry = entry?;
        let stored = &entry.1.value()[1..];
        // Hardly any row has the one or the other: only those that do are decoded.
        let is_near = |bytes: &[u8]| memchr::memmem::find(stored, bytes).is_some();
        if !is_near(client.0.as_bytes()) && !is_near(row.external_id.as_bytes()) {
            continue;
        }
        let other: ImportRow = decode(stored)?;
        let is_same = other.links() == Some(client) || other.external_id == row.external_id;
        let is_taking = matches!(other.outcome(), RowOutcome::ToLink | RowOutcome::Linked);
        if other.number != row.number && is_same && is_taking {
            return Ok(Some(other.number));
        }
    }
    Ok(None)
}
