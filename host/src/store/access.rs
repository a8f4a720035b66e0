//! Accounts and sessions. Serves `access`.

use super::engine::{Readable, Table, Write};
use crate::domain::access::User;
use crate::domain::{EmailAddress, Timestamp, UserId};
use crate::store::keys::PRACTICE;
use crate::store::rows::{decode, encode, rows};
use crate::store::{Store, StoreError};

/// An account, by id.
const USERS: Table<(u32, [u8; 16]), &[u8]> = Table::new("users");
/// The account's id, by its email in lower case.
const USERS_BY_EMAIL: Table<(u32, &str), [u8; 16]> = Table::new("users-by-email");
/// A session, by the digest of its token.
const SESSIONS: Table<(u32, [u8; 32]), &[u8]> = Table::new("sessions");

/// An account with what its password is checked against.
#[derive(Clone)]
pub struct StoredUser {
    /// The account.
    pub user: User,
    /// A PHC string.
    pub password_hash: String,
}

/// A session; its key is the digest of its token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredSession {
    /// The person who signed in.
    pub user_id: UserId,
    /// The moment at which the person signed in.
    pub opened_at: Timestamp,
    /// The moment at which it was last used, give or take five minutes.
    pub used_at: Timestamp,
}

rows! {
    StoredUser { 0: user, 1: password_hash }
    StoredSession { 0: user_id, 1: opened_at, 2: used_at }
}

/// Whether an account was added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Added {
    /// The account was added.
    Yes,
    /// Another account stands in the way; nothing changed.
    No,
}

/// Makes the tables.
pub(super) fn make_tables(transaction: &Write) -> Result<(), StoreError> {
    transaction.open_table(USERS)?;
    transaction.open_table(USERS_BY_EMAIL)?;
    transaction.open_table(SESSIONS)?;
    Ok(())
}

impl Store {
    /// Whether there is any account.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        self.read(|transaction| Ok(!transaction.open_table(USERS)?.is_empty()?)).await
    }

    /// Adds an account where there is none at all.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn add_first_user(&self, user: StoredUser) -> Result<Added, StoreError> {
        self.write(move |transaction| {
            let is_first = transaction.open_table(USERS)?.is_empty()?;
            if is_first { add(transaction, &user) } else { Ok(Added::No) }
        })
        .await
    }

    /// Adds an account whose email no other account has.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn add_user(&self, user: StoredUser) -> Result<Added, StoreError> {
        self.write(move |transaction| add(transaction, &user)).await
    }

    /// The account with this email, whatever the case.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn user_by_email(&self, email: EmailAddress) -> Result<Option<StoredUser>, StoreError> {
        self.read(move |transaction| {
            let ids = transaction.open_table(USERS_BY_EMAIL)?;
            let Some(id) = ids.get((PRACTICE, folded(&email).as_str()))? else { return Ok(None) };
            let users = transaction.open_table(USERS)?;
            users.get((PRACTICE, id.value()))?.map(|row| decode(row.value())).transpose()
        })
        .await
    }

    /// Opens a session, and forgets those opened before `forget_before`.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn add_session(
        &self,
        key: [u8; 32],
        session: StoredSession,
        forget_before: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut sessions = transaction.open_table(SESSIONS)?;
            let is_kept =
                |row: &[u8]| decode::<StoredSession>(row).is_ok_and(|session| session.opened_at >= forget_before);
            let mut over = Vec::new();
            for entry in sessions.scan(..)? {
                let (key, row) = entry?;
                if !is_kept(row.value()) {
                    over.push(key.value());
                }
            }
            for key in over {
                sessions.delete(key)?;
            }
            sessions.put((PRACTICE, key), encode(&session)?.as_slice())?;
            Ok(())
        })
        .await
    }

    /// A session with its person's account.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn session(&self, key: [u8; 32]) -> Result<Option<(StoredSession, User)>, StoreError> {
        self.read(move |transaction| {
            let sessions = transaction.open_table(SESSIONS)?;
            let Some(row) = sessions.get((PRACTICE, key))? else { return Ok(None) };
            let session: StoredSession = decode(row.value())?;
            let users = transaction.open_table(USERS)?;
            let Some(row) = users.get((PRACTICE, session.user_id.0.into_bytes()))? else { return Ok(None) };
            let stored: StoredUser = decode(row.value())?;
            Ok(Some((session, stored.user)))
        })
        .await
    }

    /// Keeps that a session was used; nothing where it has ended meanwhile.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn note_session_use(&self, key: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut sessions = transaction.open_table(SESSIONS)?;
            let found = sessions.get((PRACTICE, key))?.map(|row| decode::<StoredSession>(row.value())).transpose()?;
            if let Some(session) = found {
                let used = StoredSession { used_at: now, ..session };
                sessions.put((PRACTICE, key), encode(&used)?.as_slice())?;
            }
            Ok(())
        })
        .await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_session(&self, key: [u8; 32]) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            transaction.open_table(SESSIONS)?.delete((PRACTICE, key))?;
            Ok(())
        })
        .await
    }
}

fn add(transaction: &Write, stored: &StoredUser) -> Result<Added, StoreError> {
    let mut ids = transaction.open_table(USERS_BY_EMAIL)?;
    let email = folded(&stored.user.email);
    if ids.get((PRACTICE, email.as_str()))?.is_some() {
        return Ok(Added::No);
    }
    let id = stored.user.id.0.into_bytes();
    ids.put((PRACTICE, email.as_str()), id)?;
    transaction.open_table(USERS)?.put((PRACTICE, id), encode(stored)?.as_slice())?;
    Ok(Added::Yes)
}

fn folded(email: &EmailAddress) -> String {
    email.as_str().to_lowercase()
}
