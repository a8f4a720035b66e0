//! Accounts of people who come from an identity provider. An identity is the provider's address and its own name for the
//! person: emails change there, and are given to others.

use super::{
    Added, Changed, StoredUser, USERS, add, all_users, all_users_in, forget_link, get, holder_of, is_last_manager, put,
    sessions, tokens,
};
use crate::domain::access::household::Chosen;
use crate::domain::access::provider::{
    Door, Entitlement, GroupsNote, Refused, Standing, Verdict, role_of_new, verdict,
};
use crate::domain::access::{Role, User};
use crate::domain::account::LinkedIdentity;
use crate::domain::{EmailAddress, HouseholdId, Timestamp, UserId};
use crate::store::engine::{Readable as _, Table, Write};
use crate::store::keys::PRACTICE;
use crate::store::rows::{row_choices, rows};
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError, emergency_rows};

/// The account's id, by the digest of the identity.
const IDENTITIES: Table<(u32, [u8; 32]), [u8; 16]> = Table::new("account-identities");

/// Somebody's account with an identity provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The provider's address.
    pub issuer: String,
    /// The provider's own name for the person, which it gives to nobody else.
    pub subject: String,
}

impl Identity {
    fn digest(&self) -> [u8; 32] {
        // The length keeps two identities apart whose letters are the same in a row.
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.issuer.len() as u64).to_be_bytes());
        hasher.update(self.issuer.as_bytes()).update(self.subject.as_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// The identity that an account is linked to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredIdentity {
    /// The provider's address.
    pub issuer: String,
    /// The provider's own name for the person.
    pub subject: String,
    /// The moment at which they were linked.
    pub linked_at: Timestamp,
    /// What is to be looked at about the groups of the last sign-in.
    pub note: Option<GroupsNote>,
    /// The moment at which the provider's groups ended the account; none where they did not, or a person has decided since.
    pub ended_at: Option<Timestamp>,
    /// The moment since which the settings do not name the provider: nobody comes in by it until they do.
    pub retired_at: Option<Timestamp>,
}

rows! {
    StoredIdentity { 0: issuer, 1: subject, 2: linked_at, 3: note, 4: ended_at, 5: retired_at }
}

row_choices! {
    GroupsNote { 0: TooMany, 1: Absent, 2: Unreadable, 3: LastManager }
}

impl StoredIdentity {
    fn identity(&self) -> Identity {
        Identity { issuer: self.issuer.clone(), subject: self.subject.clone() }
    }
}

impl From<StoredIdentity> for LinkedIdentity {
    fn from(stored: StoredIdentity) -> Self {
        let StoredIdentity { issuer, linked_at, note, ended_at, retired_at, .. } = stored;
        Self { issuer, linked_at, note, ended_at, is_retired: retired_at.is_some() }
    }
}

/// Somebody who comes from an identity provider.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Their identity.
    pub identity: Identity,
    /// What their groups entitle them to.
    pub entitlement: Entitlement,
    /// The email that the provider vouches for; none where it does not. An account of this email is linked.
    pub email: Option<EmailAddress>,
    /// The account that is made where there is none; its role is that of the groups. None where none is to be made.
    pub new: Option<User>,
}

/// What became of somebody who came from an identity provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Followed {
    /// The account as it is by now.
    Entered {
        /// The account.
        user: User,
        /// What is to be looked at about the groups.
        note: Option<GroupsNote>,
        /// What was changed.
        change: Option<Change>,
    },
    /// The account's rights have ended just now.
    Ended(User),
    /// Nobody was let in; nothing changed.
    Refused(Refused),
    /// No account is linked to this identity, or has the email that the provider vouches for; nothing changed.
    NoAccount,
    /// The account of this email is linked to another identity; nothing changed.
    LinkedToAnother,
    /// The holder of the account of this email gave it the email, which nobody has vouched for; nothing changed.
    EmailIsOwn,
}

/// What was changed of an account for somebody who came from an identity provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The account was made.
    Made,
    /// An account that there was is linked to the identity.
    Linked,
    /// The account was enabled again, which the groups had ended.
    Enabled,
    /// The account has another role.
    Role,
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(IDENTITIES, Whose::Nobodys)
}

impl Store {
    /// The account that is linked to an identity.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn user_of_identity(&self, identity: Identity) -> Result<Option<StoredUser>, StoreError> {
        self.read(move |transaction| {
            let id = transaction.open_table(IDENTITIES)?.get((PRACTICE, identity.digest()))?.map(|id| id.value());
            id.map(|id| get(&transaction.open_table(USERS)?, id)).transpose().map(Option::flatten)
        })
        .await
    }

    /// Does with the account of somebody who comes from an identity provider as their groups say: makes it, links it,
    /// changes its role or ends it. The last practice manager who can sign in stays one. What was open of an account before it
    /// was linked ends, and its password and second factor, too, where it is a practice manager's from then on.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn follow_provider(&self, newcomer: Newcomer, now: Timestamp) -> Result<Followed, StoreError> {
        self.write_in_any_case(move |transaction| {
            let found = known(transaction, &newcomer.identity)?;
            let is_linked = found.is_some();
            let found = match (found, &newcomer.email) {
                (Some(found), _) => Some(found),
                (None, Some(email)) => match holder_of(transaction, email)? {
                    // Whoever typed it need not have it: the one who does would walk into an account that somebody else knows.
                    Some(found) if found.email_is_own => return Ok(Followed::EmailIsOwn),
                    Some(found) if found.identity.is_some() => return Ok(Followed::LinkedToAnother),
                    found => found,
                },
                (None, None) => None,
            };
            match found {
                Some(found) => follow(transaction, &found, is_linked, &newcomer, now),
                None => make(transaction, newcomer, now),
            }
        })
        .await
    }

    /// Takes the link to an identity away from an account, whose sessions end. Who has no password is invited from then on.
    /// The last practice manager who can sign in keeps a way to.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn unlink_identity(&self, id: UserId) -> Result<Changed, StoreError> {
        self.write_in_any_case(move |transaction| {
            let Some(before) = get(&transaction.open_table(USERS)?, id.0.into_bytes())? else {
                return Ok(Changed::NoAccount);
            };
            let mut after = before.clone();
            let Some(identity) = after.identity.take() else { return Ok(Changed::NotLinked(before.user)) };
            if before.is_active_manager() && !after.is_active_manager() && is_last_manager(transaction, id)? {
                return Ok(Changed::LastManager(before.user));
            }
            transaction.open_table(IDENTITIES)?.delete((PRACTICE, identity.identity().digest()))?;
            sessions::end_all(transaction, id, None)?;
            put(transaction, &after)?;
            Ok(Changed::Yes(after.into()))
        })
        .await
    }

    /// Keeps which provider the settings name, if any: who is linked to another one does not come in by it, and is signed out
    /// where they did, until the settings name it again. Answers the number of accounts for which something changed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn retire_other_providers(&self, issuer: Option<String>, now: Timestamp) -> Result<usize, StoreError> {
        let wants_change = move |stored: &StoredUser| {
            let identity = stored.identity.as_ref()?;
            let is_named = issuer.as_ref() == Some(&identity.issuer);
            (is_named == identity.retired_at.is_some()).then_some(is_named)
        };
        let all = self.read(all_users).await?;
        if all.iter().all(|stored| wants_change(stored).is_none()) {
            return Ok(0);
        }
        self.write_in_any_case(move |transaction| {
            let mut changed = 0;
            let all = all_users_in(&transaction.open_table(USERS)?)?;
            for stored in all {
                let Some(is_named) = wants_change(&stored) else { continue };
                let id = stored.user.id;
                let identity = stored
                    .identity
                    .map(|identity| StoredIdentity { retired_at: (!is_named).then_some(now), ..identity });
                if !is_named {
                    sessions::end_of_provider(transaction, id)?;
                }
                put(transaction, &StoredUser { identity, ..stored })?;
                changed += 1;
            }
            Ok(changed)
        })
        .await
    }
}

/// The account that is linked to an identity, within a transaction that changes something.
fn known(transaction: &Write, identity: &Identity) -> Result<Option<StoredUser>, StoreError> {
    let id = transaction.open_table(IDENTITIES)?.get((PRACTICE, identity.digest()))?.map(|id| id.value());
    id.map(|id| get(&transaction.open_table(USERS)?, id)).transpose().map(Option::flatten)
}

fn follow(
    transaction: &Write,
    before: &StoredUser,
    is_linked: bool,
    newcomer: &Newcomer,
    now: Timestamp,
) -> Result<Followed, StoreError> {
    let id = before.user.id;
    let standing = Standing {
        role: before.user.role,
        door: door(before),
        is_linked,
        is_last_manager: before.is_active_manager() && is_last_manager(transaction, id)?,
    };
    let mut after = before.clone();
    let (role, note) = match verdict(newcomer.entitlement, standing) {
        Verdict::Refuse(why) => return Ok(Followed::Refused(why)),
        Verdict::Enter { role, note } => (role, note),
        Verdict::End => {
            after.disabled_at = Some(now);
            after.identity =
                after.identity.map(|identity| StoredIdentity { ended_at: Some(now), note: None, ..identity });
            end(transaction, &mut after, now)?;
            put(transaction, &after)?;
            return Ok(Followed::Ended(after.user));
        }
    };
    after.user.role = role;
    after.disabled_at = None;
    let identity = after.identity.take().unwrap_or_else(|| link(newcomer, now));
    after.identity = Some(StoredIdentity { note, ended_at: None, retired_at: None, ..identity });
    let change = match () {
        () if !is_linked => Some(Change::Linked),
        () if before.disabled_at.is_some() => Some(Change::Enabled),
        () if role != before.user.role => Some(Change::Role),
        () => None,
    };
    let is_promoted = role == Role::PracticeManager && before.user.role != Role::PracticeManager;
    if !is_linked || is_promoted {
        // An invitation that somebody else may hold is over once its person is in by another way.
        forget_link(transaction, &mut after)?;
    }
    if !is_linked {
        transaction.open_table(IDENTITIES)?.put((PRACTICE, newcomer.identity.digest()), id.0.into_bytes())?;
        // Who was in it before need not be who the provider knows.
        sessions::end_all(transaction, id, None)?;
        tokens::end_all(transaction, id)?;
        if is_promoted {
            // Nor may they open a manager's account by what they know.
            after.password_hash = None;
            after.second_factor = None;
        }
    }
    if change.is_some() || after.identity != before.identity {
        put(transaction, &after)?;
    }
    Ok(Followed::Entered { user: after.user, note, change })
}

fn make(transaction: &Write, newcomer: Newcomer, now: Timestamp) -> Result<Followed, StoreError> {
    let identity = link(&newcomer, now);
    let Newcomer { new: Some(user), entitlement, identity: key, .. } = newcomer else {
        return Ok(Followed::NoAccount);
    };
    let role = match role_of_new(entitlement) {
        Ok(role) => role,
        Err(why) => return Ok(Followed::Refused(why)),
    };
    let mut stored = StoredUser::new(User { role, ..user }, None);
    stored.identity = Some(identity);
    match add(transaction, &stored)? {
        Added::Yes => {
            transaction.open_table(IDENTITIES)?.put((PRACTICE, key.digest()), stored.user.id.0.into_bytes())?;
            Ok(Followed::Entered { user: stored.user, note: None, change: Some(Change::Made) })
        }
        // It is looked for before: none has it.
        Added::No => Ok(Followed::LinkedToAnother),
    }
}

fn link(newcomer: &Newcomer, now: Timestamp) -> StoredIdentity {
    let Identity { issuer, subject } = newcomer.identity.clone();
    StoredIdentity { issuer, subject, linked_at: now, note: None, ended_at: None, retired_at: None }
}

/// Whether an account can be signed in with.
fn door(stored: &StoredUser) -> Door {
    match (&stored.disabled_at, &stored.identity) {
        (None, _) => Door::Open,
        (Some(_), Some(StoredIdentity { ended_at: Some(_), .. })) => Door::EndedByGroups,
        (Some(_), _) => Door::Disabled,
    }
}

/// Ends whatever lets the person of a disabled account in, and what they have open in an emergency: enabled again, they ask again.
/// Answers the households of the latter, as the log of each has it.
pub(super) fn end(
    transaction: &Write,
    stored: &mut StoredUser,
    at: Timestamp,
) -> Result<Vec<(HouseholdId, String)>, StoreError> {
    let by = Chosen { by: "the end of the account".to_owned(), at };
    let ended = emergency_rows::end_all_of(transaction, stored.user.id, &by)?;
    forget_link(transaction, stored)?;
    sessions::end_all(transaction, stored.user.id, None)?;
    tokens::end_all(transaction, stored.user.id)?;
    Ok(ended)
}
