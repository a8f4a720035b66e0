//! Sessions. The key of each is the digest of its token.

use super::{GivenCode, StoredUser, USERS, get, put};
use crate::domain::access::User;
use crate::domain::account::OpenSession;
use crate::domain::{SessionId, Timestamp, UserId};
use crate::store::engine::{Readable as _, Table, Write};
use crate::store::keys::PRACTICE;
use crate::store::rows::{decode, encode, rows};
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError};

/// A session, by the digest of its token.
const SESSIONS: Table<(u32, [u8; 32]), &[u8]> = Table::new("sessions");

/// A session; its key is the digest of its token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredSession {
    /// The person who signed in.
    pub user_id: UserId,
    /// The moment at which the person signed in.
    pub opened_at: Timestamp,
    /// The moment at which it was last used, give or take five minutes.
    pub used_at: Timestamp,
    /// The moment at which the person confirmed once more who they are.
    pub confirmed_at: Option<Timestamp>,
    /// The browser or program, in a few words.
    pub device: Option<String>,
    /// The address from which it was opened.
    pub address: Option<String>,
    /// Whether the person signed in by the identity provider, which sees to a second factor itself.
    pub by_provider: bool,
}

rows! {
    StoredSession { 0: user_id, 1: opened_at, 2: used_at, 3: confirmed_at, 4: device, 5: address, 6: by_provider }
}

/// The id of the session of a key, by which it is named where the key is not to be seen.
pub fn session_id(key: &[u8; 32]) -> SessionId {
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(key).as_bytes()[..16]);
    SessionId(uuid::Builder::from_random_bytes(id).into_uuid())
}

impl StoredSession {
    fn listed(self, key: &[u8; 32]) -> OpenSession {
        OpenSession {
            id: session_id(key),
            user: self.user_id,
            opened_at: self.opened_at,
            used_at: self.used_at,
            device: self.device,
            address: self.address,
        }
    }
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(SESSIONS, Whose::Nobodys)
}

impl Store {
    /// Opens a session, keeps that its person signed in, and forgets those opened before `forget_before`. Nothing
    /// happens where the account is disabled or gone by now, or has another password than the one that was given, whose hash
    /// `checked` is, or a second factor beside it; answers whether it did. Between the check and this, somebody may have reset
    /// it, which ends all sessions. Nor does it where the person came by an identity provider to which the account is not
    /// linked any more.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn add_session(
        &self,
        key: [u8; 32],
        (session, checked): (StoredSession, Option<String>),
        forget_before: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| open(transaction, key, (session, checked), None, forget_before)).await
    }

    /// The same where a code was given beside the password, which is used up with it: of two sign-ins with one code, one
    /// is refused.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn add_session_with_code(
        &self,
        key: [u8; 32],
        (session, checked): (StoredSession, Option<String>),
        given: GivenCode,
        forget_before: Timestamp,
    ) -> Result<bool, StoreError> {
        let opened = move |transaction: &Write| open(transaction, key, (session, checked), Some(&given), forget_before);
        self.write_in_any_case(opened).await
    }

    /// A session with its person, and whether they have a second factor; none where the account is disabled.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn session(&self, key: [u8; 32]) -> Result<Option<(StoredSession, User, bool)>, StoreError> {
        self.read(move |transaction| {
            let sessions = transaction.open_table(SESSIONS)?;
            let Some(row) = sessions.get((PRACTICE, key))? else { return Ok(None) };
            let session: StoredSession = decode(row.value())?;
            let user = get(&transaction.open_table(USERS)?, session.user_id.0.into_bytes())?;
            let found = user.filter(StoredUser::is_active);
            Ok(found.map(|stored| (session, stored.user, stored.second_factor.is_some())))
        })
        .await
    }

    /// Sessions of a person, or of everybody, the newest first; some of them may be over.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn sessions(&self, of: Option<UserId>) -> Result<Vec<OpenSession>, StoreError> {
        self.read(move |transaction| {
            let mut found = Vec::new();
            for entry in transaction.open_table(SESSIONS)?.scan(..)? {
                let (key, row) = entry?;
                let session: StoredSession = decode(row.value())?;
                if of.is_none_or(|user| user == session.user_id) {
                    found.push(session.listed(&key.value().1));
                }
            }
            found.sort_by_key(|session| (std::cmp::Reverse(session.opened_at), session.id));
            Ok(found)
        })
        .await
    }

    /// Keeps that a session was used; nothing where it has ended meanwhile.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn note_session_use(&self, key: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.change_session(key, move |session| session.used_at = now).await
    }

    /// Keeps that the person confirmed once more who they are; nothing where the session has ended meanwhile.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn confirm_session(&self, key: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.change_session(key, move |session| session.confirmed_at = Some(now)).await
    }

    /// The same where a code was given beside the password, which is used up with it; answers whether it was to be had.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn confirm_session_with_code(
        &self,
        key: [u8; 32],
        given: GivenCode,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut sessions = transaction.open_table(SESSIONS)?;
            let found = sessions.get((PRACTICE, key))?.map(|row| decode::<StoredSession>(row.value())).transpose()?;
            let Some(mut session) = found else { return Ok(false) };
            let user = get(&transaction.open_table(USERS)?, session.user_id.0.into_bytes())?;
            let Some(user) = user.and_then(|user| user.with_code_used(&given, now)) else { return Ok(false) };
            put(transaction, &user)?;
            session.confirmed_at = Some(now);
            sessions.put((PRACTICE, key), encode(&session)?.as_slice())?;
            Ok(true)
        })
        .await
    }

    async fn change_session(
        &self,
        key: [u8; 32],
        change: impl FnOnce(&mut StoredSession) + Send + 'static,
    ) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut sessions = transaction.open_table(SESSIONS)?;
            let found = sessions.get((PRACTICE, key))?.map(|row| decode::<StoredSession>(row.value())).transpose()?;
            if let Some(mut session) = found {
                change(&mut session);
                sessions.put((PRACTICE, key), encode(&session)?.as_slice())?;
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

    /// Ends the session of an id, where it is this person's or no person is named; answers whether it did.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_session(&self, id: SessionId, of: Option<UserId>) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| {
            let is_meant = |key: &[u8; 32], session: &StoredSession| {
                session_id(key) == id && of.is_none_or(|user| user == session.user_id)
            };
            Ok(end_where(transaction, is_meant)? > 0)
        })
        .await
    }

    /// Ends all sessions of a person but one; answers how many.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_other_sessions(&self, of: UserId, but: [u8; 32]) -> Result<usize, StoreError> {
        self.write_in_any_case(move |transaction| end_all(transaction, of, Some(but))).await
    }
}

/// Opens a session where its account is to be had by what was given; answers whether it did.
fn open(
    transaction: &Write,
    key: [u8; 32],
    (session, checked): (StoredSession, Option<String>),
    given: Option<&GivenCode>,
    forget_before: Timestamp,
) -> Result<bool, StoreError> {
    let user = get(&transaction.open_table(USERS)?, session.user_id.0.into_bytes())?;
    let is_of_it = |user: &StoredUser| checked.is_none() || user.password_hash == checked;
    // Unlinked since the provider's word was taken.
    let is_linked = |user: &StoredUser| !session.by_provider || user.has_provider();
    let user = user.filter(StoredUser::is_active).filter(is_of_it).filter(is_linked);
    let Some(user) = user else { return Ok(false) };
    let user = match given {
        Some(given) => user.with_code_used(given, session.opened_at),
        // Set up since the password was looked at.
        None if checked.is_some() && user.second_factor.is_some() => None,
        None => Some(user),
    };
    let Some(user) = user else { return Ok(false) };
    put(transaction, &StoredUser { signed_in_at: Some(session.opened_at), ..user })?;
    end_where(transaction, |_, session| session.opened_at < forget_before)?;
    transaction.open_table(SESSIONS)?.put((PRACTICE, key), encode(&session)?.as_slice())?;
    Ok(true)
}

/// Ends all sessions of a person, but for one that goes on.
pub(super) fn end_all(transaction: &Write, of: UserId, but: Option<[u8; 32]>) -> Result<usize, StoreError> {
    end_where(transaction, |key, session| session.user_id == of && Some(*key) != but)
}

/// Ends all sessions.
pub(super) fn end_every(transaction: &Write) -> Result<usize, StoreError> {
    end_where(transaction, |_, _| true)
}

/// Ends the sessions of an account that were begun by the identity provider.
pub(super) fn end_of_provider(transaction: &Write, of: UserId) -> Result<usize, StoreError> {
    end_where(transaction, |_, session| session.user_id == of && session.by_provider)
}

/// Ends the sessions of which something holds, and those that cannot be read.
fn end_where(transaction: &Write, is_over: impl Fn(&[u8; 32], &StoredSession) -> bool) -> Result<usize, StoreError> {
    let mut sessions = transaction.open_table(SESSIONS)?;
    let mut over = Vec::new();
    for entry in sessions.scan(..)? {
        let (key, row) = entry?;
        let key = key.value();
        if decode::<StoredSession>(row.value()).map_or(true, |session| is_over(&key.1, &session)) {
            over.push(key);
        }
    }
    for key in &over {
        sessions.delete(*key)?;
    }
    Ok(over.len())
}
