//! Accounts, with the sessions and API tokens that belong to them. Serves `access`.

mod identities;
mod people;
mod second_factor;
mod sessions;
mod tokens;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

use uuid::Uuid;

pub use self::identities::{Change, Followed, Identity, Newcomer, StoredIdentity};
pub use self::people::{Changed, LinkUse, OwnChange, UserChange};
pub use self::second_factor::{FactorChange, FactorChanged, GivenCode, StoredRecoveryCode, StoredSecondFactor};
pub use self::sessions::{StoredSession, session_id};
pub use self::tokens::NotKept;

use self::people::{forget_link, is_last_manager};
use super::engine::{Readable, Snapshot, Table, Write};
use crate::domain::access::{Role, User};
use crate::domain::account::{Account, AccountState};
use crate::domain::{EmailAddress, Timestamp, UserId};
use crate::store::keys::PRACTICE;
use crate::store::page::{Page, PageRequest, cursor_of};
use crate::store::rows::{decode, encode, rows};
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError};

/// An account, by id.
const USERS: Table<(u32, [u8; 16]), &[u8]> = Table::new("users");
/// The account's id, by its email as [`EmailAddress::folded`] has it.
const USERS_BY_EMAIL: Table<(u32, &str), [u8; 16]> = Table::new("users-by-email");
/// The account's id, by the digest of the link that was given for it.
const LINKS: Table<(u32, [u8; 32]), [u8; 16]> = Table::new("account-links");

/// The name of the list of accounts.
const LIST: &str = "users";

/// An account with what its password is checked against.
#[derive(Clone)]
pub struct StoredUser {
    /// The account.
    pub user: User,
    /// A PHC string; none until the person has chosen a password.
    pub password_hash: Option<String>,
    /// The moment from which on nobody can sign in.
    pub disabled_at: Option<Timestamp>,
    /// The moment of the last sign-in.
    pub signed_in_at: Option<Timestamp>,
    /// The link that was given for the account and is not used yet.
    pub link: Option<StoredLink>,
    /// Whether the person gave the account its email, and not who invited them.
    pub email_is_own: bool,
    /// The account of an identity provider with which the person signs in.
    pub identity: Option<StoredIdentity>,
    /// What signing in asks for beside the password.
    pub second_factor: Option<StoredSecondFactor>,
}

/// A link by which somebody chooses a password, once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredLink {
    /// The digest of its token.
    pub digest: [u8; 32],
    /// The moment at which it ends.
    pub ends_at: Timestamp,
}

rows! {
    StoredUser {
        0: user,
        1: password_hash,
        2: disabled_at,
        3: signed_in_at,
        4: link,
        5: email_is_own,
        6: second_factor,
        10: identity,
    }
    StoredLink { 0: digest, 1: ends_at }
}

impl StoredUser {
    /// An account that nobody has used yet.
    pub fn new(user: User, password_hash: Option<String>) -> Self {
        Self {
            user,
            password_hash,
            disabled_at: None,
            signed_in_at: None,
            link: None,
            email_is_own: false,
            identity: None,
            second_factor: None,
        }
    }

    /// Whether the person can sign in: by a password, or by an identity provider.
    pub fn is_active(&self) -> bool {
        self.has_a_way_in() && self.disabled_at.is_none()
    }

    fn has_a_way_in(&self) -> bool {
        self.password_hash.is_some() || self.has_provider()
    }

    /// Whether the person can come in by an identity provider that the settings name.
    fn has_provider(&self) -> bool {
        self.identity.as_ref().is_some_and(|identity| identity.retired_at.is_none())
    }

    /// The state of the account.
    pub fn state(&self) -> AccountState {
        match (&self.disabled_at, self.has_a_way_in()) {
            (Some(_), _) => AccountState::Disabled,
            (None, false) => AccountState::Invited,
            (None, true) => AccountState::Active,
        }
    }

    fn is_active_manager(&self) -> bool {
        self.is_active() && self.user.role == Role::PracticeManager
    }
}

impl From<StoredUser> for Account {
    fn from(stored: StoredUser) -> Self {
        Self {
            state: stored.state(),
            signed_in_at: stored.signed_in_at,
            link_ends_at: stored.link.map(|link| link.ends_at),
            has_password: stored.password_hash.is_some(),
            identity: stored.identity.map(Into::into),
            has_second_factor: stored.second_factor.is_some(),
            user: stored.user,
        }
    }
}

/// Whether an account was added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Added {
    /// The account was added.
    Yes,
    /// Another account stands in the way; nothing changed.
    No,
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(USERS, Whose::Nobodys)?;
    visitor.table(USERS_BY_EMAIL, Whose::Nobodys)?;
    visitor.table(LINKS, Whose::Nobodys)?;
    identities::visit(visitor)?;
    sessions::visit(visitor)?;
    tokens::visit(visitor)
}

impl Store {
    /// Whether there is a practice manager who can sign in.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn has_manager(&self) -> Result<bool, StoreError> {
        self.read(|transaction| Ok(active_managers(&transaction.open_table(USERS)?)?.next().transpose()?.is_some()))
            .await
    }

    /// Adds an account where no practice manager can sign in.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn add_first_user(&self, user: StoredUser) -> Result<Added, StoreError> {
        self.write(move |transaction| {
            let is_first = active_managers(&transaction.open_table(USERS)?)?.next().transpose()?.is_none();
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
        self.read(move |transaction| user_of_email(transaction, &email)).await
    }

    /// An account with what its password is checked against.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn user(&self, id: UserId) -> Result<Option<StoredUser>, StoreError> {
        self.read(move |transaction| user_in(transaction, id)).await
    }

    /// An account.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.user(id).await?.map(Account::from))
    }

    /// Accounts, in the order in which they were made.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn accounts(&self, page: PageRequest) -> Result<Page<Account>, StoreError> {
        let after = page.text::<UserId>(LIST)?;
        self.read(move |transaction| {
            let mut items: Vec<Account> = Vec::new();
            let first = match after {
                Some(after) => Bound::Excluded((PRACTICE, after.0.into_bytes())),
                None => Bound::Unbounded,
            };
            for entry in transaction.open_table(USERS)?.scan((first, Bound::Unbounded))? {
                let (_, row) = entry?;
                if items.len() == page.limit() {
                    let next = items.last().map(|last| cursor_of(LIST, last.user.id.to_string().as_bytes()));
                    return Ok(Page { items, next });
                }
                items.push(decode::<StoredUser>(row.value())?.into());
            }
            Ok(Page { items, next: None })
        })
        .await
    }
}

/// The account of an id.
fn get(users: &impl Readable<(u32, [u8; 16]), &'static [u8]>, id: [u8; 16]) -> Result<Option<StoredUser>, StoreError> {
    users.get((PRACTICE, id))?.map(|row| decode(row.value())).transpose()
}

/// An account as a snapshot has it.
pub(super) fn user_in(transaction: &Snapshot, id: UserId) -> Result<Option<StoredUser>, StoreError> {
    get(&transaction.open_table(USERS)?, id.0.into_bytes())
}

/// The account with an email, whatever the case.
pub(super) fn user_of_email(transaction: &Snapshot, email: &EmailAddress) -> Result<Option<StoredUser>, StoreError> {
    let ids = transaction.open_table(USERS_BY_EMAIL)?;
    let Some(id) = holder(&ids, email)? else { return Ok(None) };
    get(&transaction.open_table(USERS)?, id)
}

/// The same within a transaction that changes something.
fn holder_of(transaction: &Write, email: &EmailAddress) -> Result<Option<StoredUser>, StoreError> {
    let id = holder(&transaction.open_table(USERS_BY_EMAIL)?, email)?;
    match id {
        Some(id) => get(&transaction.open_table(USERS)?, id),
        None => Ok(None),
    }
}

/// The account that answers for households for which nobody was named: the first adviser who can sign in, or else the
/// first practice manager who can.
pub(super) fn first_who_answers(transaction: &Snapshot) -> Result<Option<StoredUser>, StoreError> {
    let mut manager = None;
    for entry in transaction.open_table(USERS)?.scan(..)? {
        let stored: StoredUser = decode(entry?.1.value())?;
        if !stored.is_active() {
            continue;
        }
        match stored.user.role {
            Role::Adviser => return Ok(Some(stored)),
            Role::PracticeManager => manager = manager.or(Some(stored)),
            _ => {}
        }
    }
    Ok(manager)
}

/// All accounts, in the order in which they were made.
pub(super) fn all_users(transaction: &Snapshot) -> Result<Vec<StoredUser>, StoreError> {
    all_users_in(&transaction.open_table(USERS)?)
}

fn all_users_in(users: &impl Readable<(u32, [u8; 16]), &'static [u8]>) -> Result<Vec<StoredUser>, StoreError> {
    users.scan(..)?.map(|entry| decode(entry?.1.value())).collect()
}

/// Writes an account over what there is of it.
fn put(transaction: &Write, stored: &StoredUser) -> Result<(), StoreError> {
    let key = (PRACTICE, stored.user.id.0.into_bytes());
    Ok(transaction.open_table(USERS)?.put(key, encode(stored)?.as_slice())?)
}

/// The practice managers who can sign in.
fn active_managers<'t>(
    users: &'t impl Readable<(u32, [u8; 16]), &'static [u8]>,
) -> Result<impl Iterator<Item = Result<StoredUser, StoreError>> + 't, StoreError> {
    let all = users.scan(..)?.map(|entry| decode::<StoredUser>(entry?.1.value()));
    Ok(all.filter(|stored| stored.as_ref().map_or(true, StoredUser::is_active_manager)))
}

/// Ends all sessions, of a store that was put back from a backup: some were ended since it was made.
pub(super) fn end_sessions(transaction: &Write) -> Result<(), StoreError> {
    sessions::end_every(transaction).map(drop)
}

fn add(transaction: &Write, stored: &StoredUser) -> Result<Added, StoreError> {
    let id = stored.user.id.0.into_bytes();
    {
        let mut ids = transaction.open_table(USERS_BY_EMAIL)?;
        if holder(&ids, &stored.user.email)?.is_some() {
            return Ok(Added::No);
        }
        ids.put((PRACTICE, folded(&stored.user.email).as_str()), id)?;
    }
    if let Some(link) = &stored.link {
        transaction.open_table(LINKS)?.put((PRACTICE, link.digest), id)?;
    }
    put(transaction, stored)?;
    Ok(Added::Yes)
}

fn folded(email: &EmailAddress) -> String {
    EmailAddress::folded(email.as_str())
}

/// Keys the accounts by their emails anew where a version of before keyed them by another form. They are few, and this is asked at
/// each start. Of two with one email by today's form the elder keeps it.
pub(super) fn key_by_emails(transaction: &Write) -> Result<(), StoreError> {
    let mut wanted: BTreeMap<String, [u8; 16]> = BTreeMap::new();
    for entry in transaction.open_table(USERS)?.scan(..)? {
        let (key, row) = entry?;
        let (id, stored) = (key.value().1, decode::<StoredUser>(row.value())?);
        match wanted.entry(folded(&stored.user.email)) {
            Entry::Vacant(free) => drop(free.insert(id)),
            Entry::Occupied(elder) => tracing::warn!(
                elder = %Uuid::from_bytes(*elder.get()),
                younger = %Uuid::from_bytes(id),
                "two accounts have one email; only the elder is found by it. Give the younger another one on the page People"
            ),
        }
    }
    let mut ids = transaction.open_table(USERS_BY_EMAIL)?;
    let mut there = BTreeMap::new();
    for entry in ids.scan(..)? {
        let (key, id) = entry?;
        there.insert(key.value().1.to_owned(), id.value());
    }
    for email in there.keys().filter(|email| !wanted.contains_key(*email)) {
        ids.delete((PRACTICE, email.as_str()))?;
    }
    for (email, id) in wanted.iter().filter(|(email, id)| there.get(*email) != Some(*id)) {
        ids.put((PRACTICE, email.as_str()), *id)?;
    }
    Ok(())
}

/// The id of the account that has an email.
fn holder(
    ids: &impl Readable<(u32, &'static str), [u8; 16]>,
    email: &EmailAddress,
) -> Result<Option<[u8; 16]>, StoreError> {
    Ok(ids.get((PRACTICE, folded(email).as_str()))?.map(|id| id.value()))
}

#[cfg(test)]
mod tests {
    use minicbor::Encoder;

    use super::*;
    use crate::store::engine::{Engine, MemoryEngine};
    use crate::store::rows::Row as _;

    /// Keys of an earlier form, the second of two accounts whose emails are one by today's, and one of an account that is no more.
    #[test]
    fn accounts_are_keyed_by_their_emails_anew() {
        let engine = Engine::Memory(MemoryEngine::default());
        let write = engine.write().unwrap();
        let (pat, bo) = ("pat@bücher.example", "Bo@example.com");
        let users = [(1, pat), (2, "pat@xn--bcher-kva.example"), (3, bo)];
        for (id, email) in users {
            let id = UserId(Uuid::from_u128(id));
            let user = User { id, email: email.parse().unwrap(), name: "Pat Lee".to_owned(), role: Role::Adviser };
            put(&write, &StoredUser::new(user, None)).unwrap();
            write.open_table(USERS_BY_EMAIL).unwrap().put((PRACTICE, email), id.0.into_bytes()).unwrap();
        }
        write.open_table(USERS_BY_EMAIL).unwrap().put((PRACTICE, "gone@example.com"), [9; 16]).unwrap();
        key_by_emails(&write).unwrap();
        let ids = write.open_table(USERS_BY_EMAIL).unwrap();
        let of = |email: &str| holder(&ids, &email.parse().unwrap()).unwrap().map(u128::from_be_bytes);
        assert_eq!([pat, "pat@xn--bcher-kva.example", "bo@example.com"].map(of), [Some(1), Some(1), Some(3)]);
        assert_eq!(ids.scan(..).unwrap().count(), 2);
    }

    /// The rows as they were before accounts could be disabled and sessions said where they are.
    #[test]
    fn rows_of_before_are_read() {
        let user = User {
            id: UserId(Uuid::nil()),
            email: EmailAddress::try_from("pat@example.com".to_owned()).unwrap(),
            name: "Pat Lee".to_owned(),
            role: Role::PracticeManager,
        };
        let mut out = Encoder::new(Vec::new());
        out.array(2).unwrap();
        user.write(&mut out).unwrap();
        out.str("$argon2id$").unwrap();
        let stored: StoredUser = decode(&out.into_writer()).unwrap();
        assert_eq!((stored.user.clone(), stored.password_hash.as_deref()), (user, Some("$argon2id$")));
        assert!(stored.is_active_manager() && stored.signed_in_at.is_none() && stored.link.is_none());
        assert!(stored.second_factor.is_none());

        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let mut out = Encoder::new(Vec::new());
        out.array(3).unwrap();
        stored.user.id.write(&mut out).unwrap();
        at.write(&mut out).unwrap();
        at.write(&mut out).unwrap();
        let session: StoredSession = decode(&out.into_writer()).unwrap();
        assert_eq!((session.user_id, session.opened_at, session.used_at), (stored.user.id, at, at));
        assert_eq!((session.confirmed_at, session.device, session.address), (None, None, None));
    }
}
