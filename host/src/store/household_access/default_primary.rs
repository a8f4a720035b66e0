//! The primary professional of households for which nobody was named: whom the practice says, else its first adviser.

use super::Party;
use super::index::{self, ACCESS_OF};
use crate::domain::UserId;
use crate::domain::account::Account;
use crate::store::access::{StoredUser, first_who_answers, user_in};
use crate::store::audit::scope;
use crate::store::engine::{Readable as _, Snapshot, Table};
use crate::store::keys::PRACTICE;
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError};

/// The account that the practice named.
const DEFAULT_PRIMARY: Table<u32, [u8; 16]> = Table::new("default-primary");

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(DEFAULT_PRIMARY, Whose::Nobodys)
}

/// The account that answers for such households; none where nobody can.
pub(super) fn who(transaction: &Snapshot) -> Result<Option<StoredUser>, StoreError> {
    match named(transaction)? {
        Some(named) => Ok(Some(named)),
        None => first_who_answers(transaction),
    }
}

/// The account that the practice named, while it can answer.
fn named(transaction: &Snapshot) -> Result<Option<StoredUser>, StoreError> {
    let Some(id) = transaction.open_table(DEFAULT_PRIMARY)?.get(PRACTICE)? else { return Ok(None) };
    let named = user_in(transaction, UserId(uuid::Uuid::from_bytes(id.value())))?;
    let can = |stored: &StoredUser| stored.is_active() && stored.user.role.can_be_primary();
    Ok(named.filter(can))
}

impl Store {
    /// Who answers for households for which nobody was named, and whether the practice said so.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn default_primary(&self) -> Result<Option<(Account, bool)>, StoreError> {
        self.read(|transaction| {
            Ok(match named(transaction)? {
                Some(named) => Some((named.into(), true)),
                None => first_who_answers(transaction)?.map(|first| (first.into(), false)),
            })
        })
        .await
    }

    /// Says who answers for them; none: the first adviser.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn set_default_primary(&self, user: Option<UserId>) -> Result<(), StoreError> {
        let told = scope::current();
        self.write_in_any_case(move |transaction| {
            let mut table = transaction.open_table(DEFAULT_PRIMARY)?;
            if table.get(PRACTICE)?.map(|known| known.value()) == user.map(|user| user.0.into_bytes()) {
                return Ok(());
            }
            if let Some(told) = told {
                let households = index::answered_for(&transaction.open_table(ACCESS_OF)?, &[Party::FirstAdviser])?;
                let who = user.map_or("the first adviser".to_owned(), |user| format!("account {user}"));
                let what = format!("primary is {who}, where nobody was named");
                told.done_to(households.into_iter().map(|household| (household, what.clone())));
            }
            match user {
                Some(user) => table.put(PRACTICE, user.0.into_bytes())?,
                None => drop(table.delete(PRACTICE)?),
            }
            Ok(())
        })
        .await
    }
}
