//! What changes an account: its role and state, the links by which a password is chosen, and what its holder changes.

use super::{
    LINKS, StoredIdentity, StoredLink, StoredUser, USERS, USERS_BY_EMAIL, active_managers, folded, get, holder,
    identities, put, sessions, tokens,
};
use crate::domain::access::{Role, User};
use crate::domain::account::Account;
use crate::domain::{EmailAddress, Timestamp, UserId};
use crate::store::audit::scope;
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::PRACTICE;
use crate::store::{Store, StoreError, professional_links};

/// What a practice manager changes of an account; what is none stays.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct UserChange {
    /// Another role.
    pub role: Option<Role>,
    /// Whether nobody can sign in from now on, or the person can again.
    pub disabled: Option<bool>,
}

/// What somebody changes of their own account.
#[derive(Clone, Debug)]
pub enum OwnChange {
    /// Another name.
    Name(String),
    /// Another email.
    Email {
        /// The email.
        email: EmailAddress,
        /// The hash of the password that was given for it.
        checked: String,
    },
    /// Another password, which ends all sessions but the one of this key.
    Password {
        /// A PHC string.
        hash: String,
        /// The hash of the password that was given for it.
        checked: String,
        /// The key of the session that goes on.
        session: [u8; 32],
    },
}

/// The outcome of a change of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Changed {
    /// The account as it is by now.
    Yes(Account),
    /// There is no such account; nothing changed.
    NoAccount,
    /// Nobody else could manage the practice; nothing changed.
    LastManager(User),
    /// The account is linked to no identity; nothing changed.
    NotLinked(User),
    /// Another account has the email; nothing changed.
    EmailTaken,
    /// The account is disabled; nothing changed.
    Disabled(User),
    /// The account has another password by now than the one that was given; nothing changed.
    PasswordChanged,
}

/// The outcome of choosing a password by a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkUse {
    /// The password is the person's, and the link is over.
    Done(User),
    /// The link is over, or was never given; nothing changed.
    Over,
}

impl Store {
    /// Changes the role or state of an account. A disabled account's sessions, tokens and link end in the same
    /// transaction. The last practice manager who can sign in stays one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn change_user(&self, id: UserId, change: UserChange, now: Timestamp) -> Result<Changed, StoreError> {
        let told = scope::current();
        self.write_in_any_case(move |transaction| {
            let Some(before) = get(&transaction.open_table(USERS)?, id.0.into_bytes())? else {
                return Ok(Changed::NoAccount);
            };
            let mut after = before.clone();
            after.user.role = change.role.unwrap_or(before.user.role);
            if change.disabled.is_some() {
                // A person has decided, whatever the groups of an identity provider did before.
                after.identity = after.identity.map(|identity| StoredIdentity { ended_at: None, ..identity });
            }
            match change.disabled {
                Some(true) => after.disabled_at = before.disabled_at.or(Some(now)),
                Some(false) => after.disabled_at = None,
                None => {}
            }
            if before.is_active_manager() && !after.is_active_manager() && is_last_manager(transaction, id)? {
                return Ok(Changed::LastManager(before.user));
            }
            let is_promoted = after.user.role == Role::PracticeManager && before.user.role != Role::PracticeManager;
            if is_promoted && before.has_a_way_in() {
                // Who was given it may not be who may open a manager's account, however its person comes in.
                forget_link(transaction, &mut after)?;
            }
            if after.disabled_at.is_some() {
                let ended = identities::end(transaction, &mut after, now)?;
                if let Some(told) = told {
                    told.done_to(ended.into_iter());
                }
            }
            put(transaction, &after)?;
            Ok(Changed::Yes(after.into()))
        })
        .await
    }

    /// Gives an account another link, in place of one that is open. The password stays until the link is used; API tokens
    /// stay, where they are not to end.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn set_link(&self, id: UserId, link: StoredLink, ends_tokens: bool) -> Result<Changed, StoreError> {
        self.write_in_any_case(move |transaction| {
            let Some(mut stored) = get(&transaction.open_table(USERS)?, id.0.into_bytes())? else {
                return Ok(Changed::NoAccount);
            };
            if stored.disabled_at.is_some() {
                return Ok(Changed::Disabled(stored.user));
            }
            forget_link(transaction, &mut stored)?;
            if ends_tokens {
                tokens::end_all(transaction, id)?;
            }
            transaction.open_table(LINKS)?.put((PRACTICE, link.digest), id.0.into_bytes())?;
            stored.link = Some(link);
            put(transaction, &stored)?;
            Ok(Changed::Yes(stored.into()))
        })
        .await
    }

    /// The account that a link is for, by the digest of its token; none where it is over.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn account_of_link(&self, digest: [u8; 32], now: Timestamp) -> Result<Option<Account>, StoreError> {
        self.read(move |transaction| {
            let Some(id) = transaction.open_table(LINKS)?.get((PRACTICE, digest))? else { return Ok(None) };
            let stored = get(&transaction.open_table(USERS)?, id.value())?;
            Ok(stored.filter(|stored| holds(stored, digest, now)).map(Account::from))
        })
        .await
    }

    /// Gives the account of a link a password, and ends the link and the account's sessions, and its API tokens where that
    /// is asked for: of two at once, one comes too late.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn use_link(
        &self,
        digest: [u8; 32],
        hash: String,
        ends_tokens: bool,
        now: Timestamp,
    ) -> Result<LinkUse, StoreError> {
        self.write_in_any_case(move |transaction| {
            let id = transaction.open_table(LINKS)?.get((PRACTICE, digest))?.map(|id| id.value());
            let Some(id) = id else { return Ok(LinkUse::Over) };
            let found = get(&transaction.open_table(USERS)?, id)?.filter(|stored| holds(stored, digest, now));
            let Some(mut stored) = found else { return Ok(LinkUse::Over) };
            forget_link(transaction, &mut stored)?;
            stored.password_hash = Some(hash);
            sessions::end_all(transaction, stored.user.id, None)?;
            if ends_tokens {
                tokens::end_all(transaction, stored.user.id)?;
            }
            put(transaction, &stored)?;
            Ok(LinkUse::Done(stored.user))
        })
        .await
    }

    /// Changes what is somebody's own.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn change_own_account(&self, id: UserId, change: OwnChange) -> Result<Changed, StoreError> {
        self.write_in_any_case(move |transaction| {
            let key = id.0.into_bytes();
            let Some(mut stored) = get(&transaction.open_table(USERS)?, key)? else { return Ok(Changed::NoAccount) };
            if let OwnChange::Email { checked, .. } | OwnChange::Password { checked, .. } = &change
                && stored.password_hash.as_ref() != Some(checked)
            {
                return Ok(Changed::PasswordChanged);
            }
            match change {
                OwnChange::Name(name) => stored.user.name = name,
                OwnChange::Email { email, .. } => {
                    let mut ids = transaction.open_table(USERS_BY_EMAIL)?;
                    let after = folded(&email);
                    if holder(&ids, &email)?.is_some_and(|holder| holder != key) {
                        return Ok(Changed::EmailTaken);
                    }
                    // The key of one that has its email twice is another's.
                    if holder(&ids, &stored.user.email)? == Some(key) {
                        ids.delete((PRACTICE, folded(&stored.user.email).as_str()))?;
                    }
                    ids.put((PRACTICE, after.as_str()), key)?;
                    let before_email = std::mem::replace(&mut stored.user.email, email);
                    if !stored.email_is_own {
                        professional_links::keep_links(transaction, id, &before_email)?;
                    }
                    stored.email_is_own = true;
                }
                OwnChange::Password { hash, session, .. } => {
                    stored.password_hash = Some(hash);
                    // A link that somebody else may hold is over, too.
                    forget_link(transaction, &mut stored)?;
                    sessions::end_all(transaction, id, Some(session))?;
                }
            }
            put(transaction, &stored)?;
            Ok(Changed::Yes(stored.into()))
        })
        .await
    }
}

/// Whether a link is the open one of its account.
fn holds(stored: &StoredUser, digest: [u8; 32], now: Timestamp) -> bool {
    stored.disabled_at.is_none() && stored.link.as_ref().is_some_and(|link| link.digest == digest && now < link.ends_at)
}

/// Ends the link of an account, where there is one.
pub(super) fn forget_link(transaction: &Write, stored: &mut StoredUser) -> Result<(), StoreError> {
    if let Some(link) = stored.link.take() {
        transaction.open_table(LINKS)?.delete((PRACTICE, link.digest))?;
    }
    Ok(())
}

/// Whether no other practice manager can sign in.
pub(super) fn is_last_manager(transaction: &Write, id: UserId) -> Result<bool, StoreError> {
    for manager in active_managers(&transaction.open_table(USERS)?)? {
        if manager?.user.id != id {
            return Ok(false);
        }
    }
    Ok(true)
}
