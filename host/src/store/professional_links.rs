//! The accounts that stand for users of the CRM where an email does not say so: linked by a person, or kept when the person
//! of an account gave it another email. Serves accounts and households' access.

use super::StoreError;
use super::engine::{Readable as _, Table, Write};
use super::keys::{PRACTICE, RecordKey, span};
use super::rows::decode;
use super::tables::ADVISERS;
use crate::domain::stored::StoredAdviser;
use crate::domain::{EmailAddress, UserId};
use crate::store::visitor::{Visitor, Whose};

/// The account that is linked to a user of the CRM; [`NOBODY`] where a person said that it is none.
pub(super) const LINKS: Table<&RecordKey, [u8; 16]> = Table::new("professional-links");
/// What stands in place of an account's id where there is none.
pub(super) const NOBODY: [u8; 16] = [0; 16];

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(LINKS, Whose::Nobodys)
}

/// Keeps that an account stands for the CRM's users of its email when the person gives it another: the email was a practice
/// manager's word, and whoever has it next is not meant.
pub(super) fn keep_links(transaction: &Write, user: UserId, email: &EmailAddress) -> Result<(), StoreError> {
    let mut links = transaction.open_table(LINKS)?;
    let (first, last) = span::<{ size_of::<RecordKey>() }>(&PRACTICE.to_be_bytes());
    for entry in transaction.open_table(ADVISERS)?.scan(&first..=&last)? {
        let (key, row) = entry?;
        let adviser: StoredAdviser = decode(row.value())?;
        let is_theirs = adviser
            .adviser
            .email
            .is_some_and(|theirs| EmailAddress::folded(theirs.as_str()) == EmailAddress::folded(email.as_str()));
        if is_theirs && links.get(key.value())?.is_none() {
            links.put(key.value(), user.0.into_bytes())?;
        }
    }
    Ok(())
}
