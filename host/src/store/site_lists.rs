//! Lists of the sites themselves as they came last with entries, and how often walks found them empty since.

use super::engine::{Readable as _, Table, Write};
use super::keys::{ConnectionNumber, PRACTICE};
use super::rows::{decode, encode};
use super::{Store, StoreError};
use crate::domain::listed::AbsenceEvidence;
use crate::domain::site_list::{Came, KnownList, ListInForce};
use crate::domain::{ConnectionName, RunId};
use crate::store::connection_numbers::{number_for, number_of};
use crate::store::visitor::{Visitor, Whose};

/// [`Kept`] by the connection and the list's name.
const SITE_LISTS: Table<(u32, u16, &str), &[u8]> = Table::new("site-lists");

#[derive(PartialEq)]
struct Kept {
    text: String,
    /// The evidence of walks that found it empty.
    unseen: AbsenceEvidence,
}

super::rows::rows! { Kept { 0: text, 1: unseen } }

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(SITE_LISTS, Whose::Nobodys)
}

impl Store {
    /// The known lists of a connection's site.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn site_lists(&self, of: ConnectionName) -> Result<Vec<KnownList>, StoreError> {
        self.read(move |transaction| {
            let Some(ConnectionNumber(number)) = number_of(transaction, &of)? else { return Ok(Vec::new()) };
            let mut known = Vec::new();
            for entry in transaction.open_table(SITE_LISTS)?.scan((PRACTICE, number, "")..(PRACTICE, number + 1, ""))? {
                let (key, kept) = entry?;
                let Kept { text, unseen } = decode(kept.value())?;
                let name = key.value().2.to_owned();
                known.push(KnownList { name, text, may_be_empty: unseen.is_nearly_proven() });
            }
            Ok(known)
        })
        .await
    }

    /// Keeps the lists that a walk used, and which of them it found empty.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_site_lists(
        &self,
        of: ConnectionName,
        walk: RunId,
        lists: Vec<ListInForce>,
    ) -> Result<(), StoreError> {
        if lists.is_empty() {
            return Ok(());
        }
        self.write_in_any_case(move |transaction| {
            let ConnectionNumber(number) = number_for(transaction, &of)?;
            let mut table = transaction.open_table(SITE_LISTS)?;
            for ListInForce { name, text, came } in lists {
                let key = (PRACTICE, number, name.as_str());
                let (Some(text), true) = (text, came != Came::Not) else {
                    if came == Came::AsItIs {
                        table.delete(key)?;
                    }
                    continue;
                };
                let before = table.get(key)?.map(|kept| decode::<Kept>(kept.value())).transpose()?;
                let unseen = match &before {
                    Some(kept) if came == Came::Empty => kept.unseen.again(Some(walk)),
                    _ => AbsenceEvidence::default(),
                };
                let now = Kept { text, unseen };
                if before.as_ref() != Some(&now) {
                    table.put(key, encode(&now)?.as_slice())?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// Counts a walk's end for the lists that it found empty.
pub(super) fn count(
    transaction: &Write,
    ConnectionNumber(number): ConnectionNumber,
    walk: RunId,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(SITE_LISTS)?;
    let mut counted = Vec::new();
    for entry in table.scan((PRACTICE, number, "")..(PRACTICE, number + 1, ""))? {
        let (key, kept) = entry?;
        let Kept { text, unseen } = decode(kept.value())?;
        if unseen.counted(walk) != unseen {
            counted.push((key.value().2.to_owned(), Kept { text, unseen: unseen.counted(walk) }));
        }
    }
    for (name, kept) in counted {
        table.put((PRACTICE, number, name.as_str()), encode(&kept)?.as_slice())?;
    }
    Ok(())
}
