//! What was taken in from the watched folder for each connection, so that the same content is staged once, whatever restarts
//! lie between, and what was decided about putting it in force stays decided.
//!
//! Rows are JSON: few, and readable by later versions.

use crate::store::visitor::{Visitor, Whose};
use serde::{Deserialize, Serialize};

use super::connections::{read, written};
use super::engine::Table;
use super::keys::PRACTICE;
use super::{Store, StoreError};
use crate::domain::{ConnectionName, RevisionDigest, Timestamp};

/// [`TakenIn`]s by connection and name in the watched folder.
const TAKEN_IN: Table<(u32, &str, &str), &[u8]> = Table::new("taken-in");

/// The rows that are kept of a connection, the newest ones.
const KEPT: usize = 200;

/// What stood under a name in the watched folder when it was taken in for a connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TakenIn {
    /// The digest of the content, in hexadecimal.
    pub content: String,
    /// The revision that was staged of it.
    pub revision: RevisionDigest,
    /// The moment at which it was.
    pub at: Timestamp,
    /// Whether it came in force without a person's word.
    pub activation: Activation,
}

/// Whether what was taken in came in force without a person's word.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The settings leave it to a person.
    NotAsked,
    /// Its preview is to be seen first.
    Pending,
    /// It did.
    Done,
    /// It did not, for this reason, and waits for a person.
    Left(String),
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(TAKEN_IN, Whose::Nobodys)
}

impl Store {
    /// What was taken in for a connection, by name in the watched folder.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn taken_in(&self, of: ConnectionName) -> Result<Vec<(String, TakenIn)>, StoreError> {
        self.read(move |transaction| {
            let mut found = Vec::new();
            for row in transaction.open_table(TAKEN_IN)?.scan((PRACTICE, of.as_str(), "")..)? {
                let (key, row) = row?;
                let (_, connection, name) = key.value();
                if connection != of.as_str() {
                    break;
                }
                found.push((name.to_owned(), read(row.value())?));
            }
            Ok(found)
        })
        .await
    }

    /// Keeps what was taken in for a connection under a name, in place of what was before, and lets go of the oldest.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_taken_in(&self, of: ConnectionName, name: String, row: TakenIn) -> Result<(), StoreError> {
        let mut known = self.taken_in(of.clone()).await?;
        known.retain(|(other, _)| *other != name);
        known.sort_by_key(|(_, row)| std::cmp::Reverse(row.at));
        let too_many: Vec<String> = known.into_iter().skip(KEPT - 1).map(|(name, _)| name).collect();
        self.write(move |transaction| {
            let mut table = transaction.open_table(TAKEN_IN)?;
            table.put((PRACTICE, of.as_str(), name.as_str()), written(&row)?.as_slice())?;
            for name in &too_many {
                table.delete((PRACTICE, of.as_str(), name.as_str()))?;
            }
            Ok(())
        })
        .await
    }
}
