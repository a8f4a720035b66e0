//! Pack revisions that were staged or in force here: the whole digest that each short id in rows stands for, and which
//! connection had which staged or in force when, by whose word and why; which one is on trial, and which the breaker took
//! back.
//!
//! The newest entry of a connection that says so is of the revision in force. Entries are JSON: few, and readable by later versions.

use crate::store::visitor::{Visitor, Whose};
use serde::{Deserialize, Serialize};

use super::connections::{By, read, written};
use super::engine::{Readable as _, Snapshot, Table};
use super::keys::PRACTICE;
use super::page::{Page, PageRequest, cursor_of};
use super::{Store, StoreError};
use crate::domain::trial::{Trial, Trip};
use crate::domain::{ConnectionName, RevisionDigest};

/// Whole digests by their short ids.
const REVISIONS: Table<(u32, &str), &[u8]> = Table::new("revisions");

/// [`HistoryEntry`]s by connection, in their order.
const HISTORY: Table<(u32, &str, u32), &[u8]> = Table::new("activations");

/// The moment at which a revision was staged for a connection, or came in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The revision.
    pub digest: RevisionDigest,
    /// The pack that it is of.
    pub pack: String,
    /// The version of the pack's rules.
    pub version: String,
    /// The person or program whose word staged it or put it in force, and when.
    pub by: By,
    /// The reason why it stands in the history.
    pub why: Why,
    /// The trial that it is on; none once that is over, or where it needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// The revision that the breaker took back, putting this one in force again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<RevisionDigest>,
    /// What the breaker found: of the revision that it took back, or of this one, where there was none to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trip: Option<Trip>,
}

/// The reason why a revision stands in a connection's history.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The connection had none before, or the settings name another pack.
    First,
    /// Somebody put in force what stands in the pack's folder, or a revision that was in force before.
    Activated,
    /// Somebody went back to the revision before.
    RolledBack,
    /// Somebody brought it, it went through all gates, and nobody has put it in force by this.
    Staged,
    /// The breaker took back the one that came in force after it.
    Breaker,
}

impl Why {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Activated => "activated",
            Self::RolledBack => "rolled_back",
            Self::Staged => "staged",
            Self::Breaker => "breaker",
        }
    }
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(REVISIONS, Whose::Nobodys)?;
    visitor.table(HISTORY, Whose::Nobodys)
}

impl Store {
    /// Keeps that a revision is in force here. False where its short id stands for another one already, so that rows could
    /// not tell the two apart.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_revision(&self, digest: RevisionDigest) -> Result<bool, StoreError> {
        // In any case: without it a host that starts on a full disk has no connection, and no accepted note goes out.
        self.write_in_any_case(move |transaction| {
            let mut revisions = transaction.open_table(REVISIONS)?;
            let short = digest.short().to_string();
            let known = revisions.get((PRACTICE, short.as_str()))?.map(|known| known.value() == digest.0);
            if known.is_none() {
                revisions.put((PRACTICE, short.as_str()), digest.0.as_slice())?;
            }
            Ok(known.unwrap_or(true))
        })
        .await
    }

    /// Keeps that a revision was staged or came in force for a connection, after those before.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_in_history(&self, of: ConnectionName, activation: HistoryEntry) -> Result<(), StoreError> {
        // In any case: who goes back to the revision before may do so because a disk is full.
        self.write_in_any_case(move |transaction| {
            let mut table = transaction.open_table(HISTORY)?;
            let (first, last) = span(&of);
            let newest = table.scan_back(first..=last)?.next().transpose()?.map_or(0, |(key, _)| key.value().2);
            table.put((PRACTICE, of.as_str(), newest + 1), written(&activation)?.as_slice())?;
            Ok(())
        })
        .await
    }

    /// The revisions that a connection had staged or in force, the newest first.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn revision_history(
        &self,
        of: ConnectionName,
        page: PageRequest,
    ) -> Result<Page<HistoryEntry>, StoreError> {
        let list = format!("revisions of {of}");
        let before = page.text(&list)?.unwrap_or(u32::MAX);
        self.read(move |transaction| {
            let (first, _) = span(&of);
            let mut items = Vec::new();
            let mut reached = 0;
            for entry in transaction.open_table(HISTORY)?.scan_back(first..(PRACTICE, of.as_str(), before))? {
                let (key, activation) = entry?;
                if items.len() == page.limit() {
                    return Ok(Page { items, next: Some(cursor_of(&list, reached.to_string().as_bytes())) });
                }
                reached = key.value().2;
                items.push(read(activation.value())?);
            }
            Ok(Page { items, next: None })
        })
        .await
    }

    /// The revision that is in force for a connection; none before the first. Read while the store is being opened, before
    /// anything else is at work.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub fn active_at_opening(&self, of: &ConnectionName) -> Result<Option<HistoryEntry>, StoreError> {
        newest(&self.engine.snapshot()?, of)
    }

    /// Takes what is only staged of a revision out of a connection's history. Answers whether there was such an entry.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn discard_staged(&self, of: ConnectionName, digest: RevisionDigest) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut table = transaction.open_table(HISTORY)?;
            let (first, last) = span(&of);
            let mut staged = Vec::new();
            for entry in table.scan(first..=last)? {
                let (key, entry) = entry?;
                let HistoryEntry { digest: of, why, .. } = read(entry.value())?;
                staged.extend((of == digest && why == Why::Staged).then_some(key.value().2));
            }
            for place in &staged {
                table.delete((PRACTICE, of.as_str(), *place))?;
            }
            Ok(!staged.is_empty())
        })
        .await
    }

    /// Ends the trial of a revision that is in force for a connection, with what the breaker found of it where it stays for
    /// want of an earlier one. Nothing where another revision is in force by now.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_trial(
        &self,
        of: ConnectionName,
        digest: RevisionDigest,
        trip: Option<Trip>,
    ) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut table = transaction.open_table(HISTORY)?;
            let (first, last) = span(&of);
            let mut found = None;
            for entry in table.scan_back(first..=last)? {
                let (key, entry) = entry?;
                let entry: HistoryEntry = read(entry.value())?;
                if entry.why != Why::Staged {
                    found = Some((key.value().2, entry));
                    break;
                }
            }
            if let Some((place, entry)) = found.filter(|(_, entry)| entry.digest == digest && entry.trial.is_some()) {
                let over = HistoryEntry { trial: None, trip, ..entry };
                table.put((PRACTICE, of.as_str(), place), written(&over)?.as_slice())?;
            }
            Ok(())
        })
        .await
    }

    /// The revision that is in force for a connection; none before the first.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn active(&self, of: ConnectionName) -> Result<Option<HistoryEntry>, StoreError> {
        self.read(move |transaction| newest(transaction, &of)).await
    }
}

fn newest(transaction: &Snapshot, of: &ConnectionName) -> Result<Option<HistoryEntry>, StoreError> {
    let table = transaction.open_table(HISTORY)?;
    let (first, last) = span(of);
    for entry in table.scan_back(first..=last)? {
        let entry: HistoryEntry = read(entry?.1.value())?;
        if entry.why != Why::Staged {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// The first and the last key that an activation of a connection can have.
fn span(of: &ConnectionName) -> ((u32, &str, u32), (u32, &str, u32)) {
    ((PRACTICE, of.as_str(), 0), (PRACTICE, of.as_str(), u32::MAX))
}
