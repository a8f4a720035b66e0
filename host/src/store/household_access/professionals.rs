//! The accounts of the CRM's professionals: linked by hand, or by an email that a practice manager gave the account.

use std::collections::HashMap;

use super::index::{self, ACCESS_OF};
use super::{Party, default_primary};
use crate::domain::RecordKind;
use crate::domain::access::household::Professional;
use crate::domain::account::Account;
use crate::domain::stored::StoredAdviser;
use crate::domain::{ConnectionName, ExternalId, UserId};
use crate::store::access::{StoredUser, user_in, user_of_email};
use crate::store::audit::scope;
use crate::store::connection_numbers::{number_for, number_of};
use crate::store::engine::{Readable, Snapshot};
use crate::store::keys::{ConnectionNumber, ExternalKey, PRACTICE, RecordKey, record, span};
use crate::store::professional_links::{LINKS, NOBODY};
use crate::store::rows::decode;
use crate::store::tables::ADVISERS;
use crate::store::{Store, StoreError};

/// A professional of the CRM, with the account that stands for them.
#[derive(Clone, Debug)]
pub struct LinkedProfessional {
    /// The professional.
    pub adviser: StoredAdviser,
    /// Their account.
    pub account: Option<Account>,
    /// Whether a person said so; else it is by the email.
    pub by_hand: bool,
    /// The account that a person said, also where its role answers for no household by now, so that it stands for nobody.
    pub said: Option<Account>,
}

/// The link of a professional of the CRM, as a person sets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkedBy {
    /// The account whose email is theirs.
    Email,
    /// This account.
    Hand(UserId),
    /// No account.
    Nobody,
}

impl Store {
    /// The professionals of the CRM that are active or linked, with their accounts, by connection and CRM id.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn linked_professionals(&self) -> Result<Vec<LinkedProfessional>, StoreError> {
        self.read(|transaction| {
            let mut professionals = Vec::new();
            for_each(transaction, |number, adviser| {
                let linked = linked(transaction, number, adviser)?;
                if linked.adviser.adviser.active || linked.account.is_some() {
                    professionals.push(linked);
                }
                Ok(())
            })?;
            Ok(professionals)
        })
        .await
    }

    /// One of them, by connection and CRM id; none whom the CRM does not show.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn linked_professional(
        &self,
        connection: ConnectionName,
        id: ExternalId,
    ) -> Result<Option<LinkedProfessional>, StoreError> {
        self.read(move |transaction| {
            let Some(number) = number_of(transaction, &connection)? else { return Ok(None) };
            let key = record(number, RecordKind::Adviser, ExternalKey::from(&id));
            let Some(row) = transaction.open_table(ADVISERS)?.get(&key)? else { return Ok(None) };
            linked(transaction, number, decode(row.value())?).map(Some)
        })
        .await
    }

    /// Links a professional of the CRM to an account, or takes that back.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn link_professional(
        &self,
        connection: ConnectionName,
        id: ExternalId,
        to: LinkedBy,
    ) -> Result<(), StoreError> {
        let told = scope::current();
        self.write(move |transaction| {
            let number = number_for(transaction, &connection)?;
            let key = record(number, RecordKind::Adviser, ExternalKey::from(&id));
            if linked_in(&transaction.open_table(LINKS)?, &key)? == to {
                return Ok(());
            }
            if let Some(told) = told {
                let what = match to {
                    LinkedBy::Email => format!("user {id} of the CRM by email"),
                    LinkedBy::Hand(user) => format!("user {id} of the CRM is account {user}"),
                    LinkedBy::Nobody => format!("user {id} of the CRM is nobody"),
                };
                let parties = [Party::OfCrm(number, id)];
                let households = index::named_in(&transaction.open_table(ACCESS_OF)?, &parties)?;
                told.done_to(households.into_iter().map(|household| (household, what.clone())));
            }
            let mut links = transaction.open_table(LINKS)?;
            match to {
                LinkedBy::Email => drop(links.delete(&key)?),
                LinkedBy::Hand(user) => links.put(&key, user.0.into_bytes())?,
                LinkedBy::Nobody => links.put(&key, NOBODY)?,
            }
            Ok(())
        })
        .await
    }

    /// The user of a connection's CRM whom an account is linked to; the first, where there are several.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn adviser_of_account(
        &self,
        connection: ConnectionName,
        user: UserId,
    ) -> Result<Option<StoredAdviser>, StoreError> {
        self.read(move |transaction| {
            let Some(wanted) = number_of(transaction, &connection)? else { return Ok(None) };
            let mut found = None;
            for_each(transaction, |number, adviser| {
                let is_of = found.is_none()
                    && number == wanted
                    && account_of(transaction, number, &adviser.adviser.external_id)?
                        .0
                        .is_some_and(|linked| linked.user.id == user);
                if is_of {
                    found = Some(adviser);
                }
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }

    /// The account that answers for what a professional answers for; none where the CRM's has no account.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn account_of(&self, professional: Professional) -> Result<Option<Account>, StoreError> {
        self.read(move |transaction| {
            let user = match professional {
                Professional::Account(user) => user_in(transaction, user)?,
                Professional::FirstAdviser => default_primary::who(transaction)?,
                Professional::OfCrm { connection, external_id } => match number_of(transaction, &connection)? {
                    Some(number) => account_of(transaction, number, &external_id)?.0,
                    None => None,
                },
            };
            Ok(user.map(Account::from))
        })
        .await
    }
}

/// The account that a party stands for.
pub(super) fn user_of(transaction: &Snapshot, party: &Party) -> Result<Option<UserId>, StoreError> {
    let user = match party {
        Party::Account(user) => return Ok(Some(*user)),
        Party::OfCrm(number, id) => account_of(transaction, *number, id)?.0,
        Party::FirstAdviser => default_primary::who(transaction)?,
    };
    Ok(user.map(|stored| stored.user.id))
}

/// What each of some accounts is in the rows of access: itself, the users of the CRM who are linked to it, and the first
/// adviser. One walk over the CRM's users, however many the accounts are.
pub(super) fn parties_of(
    transaction: &Snapshot,
    users: &[StoredUser],
) -> Result<HashMap<UserId, Vec<Party>>, StoreError> {
    parties_by(transaction, users, account_of)
}

/// What each of some accounts is named as in the rows of access, whatever its role lets it answer for by now.
pub(super) fn named_as(
    transaction: &Snapshot,
    users: &[StoredUser],
) -> Result<HashMap<UserId, Vec<Party>>, StoreError> {
    parties_by(transaction, users, linked_account)
}

fn parties_by(
    transaction: &Snapshot,
    users: &[StoredUser],
    account_of: impl Fn(&Snapshot, ConnectionNumber, &ExternalId) -> Result<(Option<StoredUser>, bool), StoreError>,
) -> Result<HashMap<UserId, Vec<Party>>, StoreError> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let mut parties: HashMap<UserId, Vec<Party>> =
        users.iter().map(|stored| (stored.user.id, vec![Party::Account(stored.user.id)])).collect();
    for_each(transaction, |number, adviser| {
        let id = adviser.adviser.external_id;
        if let Some(linked) = account_of(transaction, number, &id)?.0
            && let Some(parties) = parties.get_mut(&linked.user.id)
        {
            parties.push(Party::OfCrm(number, id));
        }
        Ok(())
    })?;
    if let Some(first) = default_primary::who(transaction)?
        && let Some(parties) = parties.get_mut(&first.user.id)
    {
        parties.push(Party::FirstAdviser);
    }
    Ok(parties)
}

/// A professional with their account.
fn linked(
    transaction: &Snapshot,
    connection: ConnectionNumber,
    adviser: StoredAdviser,
) -> Result<LinkedProfessional, StoreError> {
    let id = &adviser.adviser.external_id;
    let (account, by_hand) = account_of(transaction, connection, id)?;
    let said = match linked_by(transaction, &record(connection, RecordKind::Adviser, ExternalKey::from(id)))? {
        LinkedBy::Hand(user) => user_in(transaction, user)?,
        LinkedBy::Email | LinkedBy::Nobody => None,
    };
    Ok(LinkedProfessional { adviser, account: account.map(Account::from), by_hand, said: said.map(Account::from) })
}

/// How a user of the CRM is linked.
fn linked_by(transaction: &Snapshot, key: &RecordKey) -> Result<LinkedBy, StoreError> {
    linked_in(&transaction.open_table(LINKS)?, key)
}

fn linked_in(links: &impl Readable<&'static RecordKey, [u8; 16]>, key: &RecordKey) -> Result<LinkedBy, StoreError> {
    let linked = links.get(key)?.map(|linked| linked.value());
    Ok(match linked {
        None => LinkedBy::Email,
        Some(NOBODY) => LinkedBy::Nobody,
        Some(id) => LinkedBy::Hand(UserId(uuid::Uuid::from_bytes(id))),
    })
}

/// The account of a user of the CRM, and whether a person said so. One whose role answers for no household is nobody's: what is
/// said of the household would not be what its holder sees.
fn account_of(
    transaction: &Snapshot,
    connection: ConnectionNumber,
    id: &ExternalId,
) -> Result<(Option<StoredUser>, bool), StoreError> {
    let (user, by_hand) = linked_account(transaction, connection, id)?;
    Ok((user.filter(|user| user.user.role.can_be_primary()), by_hand))
}

/// The account that a user of the CRM is linked to, whatever its role lets it answer for, and whether a person said so.
fn linked_account(
    transaction: &Snapshot,
    connection: ConnectionNumber,
    id: &ExternalId,
) -> Result<(Option<StoredUser>, bool), StoreError> {
    let key = record(connection, RecordKind::Adviser, ExternalKey::from(id));
    match linked_by(transaction, &key)? {
        LinkedBy::Email => {}
        LinkedBy::Nobody => return Ok((None, true)),
        LinkedBy::Hand(user) => return Ok((user_in(transaction, user)?, true)),
    }
    let adviser = transaction.open_table(ADVISERS)?.get(&key)?;
    let adviser = adviser.map(|adviser| decode::<StoredAdviser>(adviser.value())).transpose()?;
    let Some(email) = adviser.and_then(|adviser| adviser.adviser.email) else { return Ok((None, false)) };
    let user = user_of_email(transaction, &email)?;
    // Who may set their own email could make themselves anybody's adviser by it.
    Ok((user.filter(|user| !user.email_is_own), false))
}

fn for_each(
    transaction: &Snapshot,
    mut take: impl FnMut(ConnectionNumber, StoredAdviser) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (first, last) = span::<{ size_of::<RecordKey>() }>(&PRACTICE.to_be_bytes());
    for entry in transaction.open_table(ADVISERS)?.scan(&first..=&last)? {
        let (key, row) = entry?;
        let number = ConnectionNumber(u16::from_be_bytes([key.value()[4], key.value()[5]]));
        take(number, decode(row.value())?)?;
    }
    Ok(())
}
