//! Accounts: made, changed by practice managers and by their holders, and the links by which a password is chosen.

use secrecy::SecretString;
use uuid::Uuid;

use super::account::{self, AccountError, NewUser};
use super::request::Sender;
use super::{Access, Beside, CodeFault, Session, SignInError, SignedIn, session, token};
use crate::domain::access::User;
use crate::domain::account::{Account, AccountState, OpenSession};
use crate::domain::audit::By;
use crate::domain::{SessionId, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::access::{Added, Changed, LinkUse, OwnChange, StoredLink, StoredUser, UserChange};
use crate::store::audit::scope;

/// A link by which the holder of an account chooses a password, once.
#[derive(Debug)]
pub struct Link {
    /// The token in its address.
    pub token: SecretString,
    /// The moment at which it ends.
    pub ends_at: Timestamp,
}

/// An account that was made, or for which a link was.
#[derive(Debug)]
pub struct Made {
    /// The account.
    pub account: Account,
    /// The link; none where the account has a password already, or its person signs in by the identity provider.
    pub link: Option<Link>,
    /// The number of API tokens of the account.
    pub tokens: usize,
}

impl Access {
    /// Makes an account, with a link where no password is given. Where none would be taken, there is no link: the person comes
    /// in by the identity provider, which finds the account by its email. What is wrong with the email may name another account:
    /// for practice managers, and for whoever runs the host.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; no account was made then.
    pub async fn add_user(&self, new: NewUser, now: Timestamp) -> Result<Made, AccountError> {
        let mut stored = self.new_account(&new).await?;
        let wants_link = stored.password_hash.is_none() && self.takes_password_of(&stored.user);
        let link = wants_link.then(|| self.new_link(now));
        stored.link = link.as_ref().map(|(_, kept)| kept.clone());
        scope::about(stored.user.id);
        match self.store.add_user(stored.clone()).await? {
            Added::Yes => Ok(Made { account: stored.into(), link: link.map(|(link, _)| link), tokens: 0 }),
            Added::No => Err(match self.store.user_by_email(stored.user.email).await? {
                Some(holder) if holder.state() == AccountState::Disabled => {
                    AccountError::email_is_disabled(&holder.user)
                }
                _ => AccountError::email_is_taken(),
            }),
        }
    }

    /// Changes the role or state of an account. Sessions, tokens and the link of a disabled one end at once.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then.
    pub async fn change_user(&self, id: UserId, change: UserChange, now: Timestamp) -> Result<Account, AccountError> {
        changed(self.store.change_user(id, change, now).await?)
    }

    /// Takes the link to the identity provider away from an account, whose sessions end.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then.
    pub async fn unlink(&self, id: UserId) -> Result<Account, AccountError> {
        changed(self.store.unlink_identity(id).await?)
    }

    /// Gives an account another link, in place of one that is open, and ends its API tokens where that is asked for.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; an open link holds then.
    pub async fn reset(&self, id: UserId, ends_tokens: bool, now: Timestamp) -> Result<Made, AccountError> {
        match self.store.account(id).await? {
            Some(Account { user, state, .. }) if state != AccountState::Disabled && !self.takes_password_of(&user) => {
                return Err(AccountError::SignsInByProvider(user.name));
            }
            _ => {}
        }
        let (link, kept) = self.new_link(now);
        let account = changed(self.store.set_link(id, kept, ends_tokens).await?)?;
        let tokens = self.store.tokens(Some(id)).await?.len();
        Ok(Made { account, link: Some(link), tokens })
    }

    /// An account as somebody typed it, where it holds.
    pub(super) async fn new_account(&self, new: &NewUser) -> Result<StoredUser, AccountError> {
        let (email, name, hash) = new.examine(&self.practice).await?;
        Ok(StoredUser::new(User { id: UserId(Uuid::now_v7()), email, name, role: new.role }, hash))
    }

    /// A new link, and what is kept of it.
    fn new_link(&self, now: Timestamp) -> (Link, StoredLink) {
        let (token, ends_at) = (token::new(), now + self.link_lasts);
        let kept = StoredLink { digest: *token::digest_of(&token).as_bytes(), ends_at };
        (Link { token, ends_at }, kept)
    }

    /// The account that a link is for; none where it is over or was never given. Asking uses nothing up.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn account_of_link(&self, token: &str, now: Timestamp) -> Result<Option<Account>, StoreError> {
        self.store.account_of_link(*token::digest(token).as_bytes(), now).await
    }

    /// Chooses a password by a link, which is over then, and signs in, where no code is to be given besides. Earlier sessions end, and API tokens where that is
    /// asked for; a password that does not hold leaves the link open.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then, but for [`SignInError::CodeWanted`].
    pub async fn use_link(
        &self,
        token: &str,
        password: &SecretString,
        ends_tokens: bool,
        sender: Sender,
        now: Timestamp,
    ) -> Result<SignedIn, AccountError> {
        let account = self.account_of_link(token, now).await?.ok_or(AccountError::AccountLinkIsOver)?;
        let User { id, email, name, .. } = &account.user;
        scope::acting(By::from(&account.user));
        scope::about(account.user.id);
        if !self.takes_password_of(&account.user) {
            return Err(SignInError::ByProvider.into());
        }
        let before = self.store.user(*id).await?.and_then(|stored| stored.password_hash);
        let hash = account::chosen(password, [email.as_str(), name, &self.practice], before).await?;
        let chosen = hash.clone();
        match self.store.use_link(*token::digest(token).as_bytes(), hash, ends_tokens, now).await? {
            LinkUse::Done(user) => {
                let stored = self.store.user(user.id).await?;
                if stored.is_some_and(|stored| stored.second_factor.is_some()) {
                    // Whoever has the link need not have what the codes come from.
                    return Err(self.second_factors.half(user.id, chosen, now).into());
                }
                Ok(self.open_session((user, Some(chosen)), Beside::Nothing, token::new(), sender, now).await?)
            }
            LinkUse::Over => Err(AccountError::AccountLinkIsOver),
        }
    }

    /// Keeps that the person of a session has just given their password once more, and a code where they have a second
    /// factor.
    ///
    /// # Errors
    /// Fails as [`Access::sign_in_program`] does.
    pub async fn confirm(
        &self,
        session: &Session,
        (password, code): (&SecretString, &str),
        sender: &Sender,
        now: Timestamp,
    ) -> Result<(), SignInError> {
        let email = session.user.email.as_str();
        let (stored, _) = self.known_by_password(email, password, sender.source, now).await?;
        if stored.second_factor.is_none() {
            return Ok(self.store.confirm_session(session.key, now).await?);
        }
        let given = self.code_given(&stored, code, sender.source, now).await?;
        match self.store.confirm_session_with_code(session.key, given, now).await? {
            true => Ok(()),
            false => Err(CodeFault::Used.into()),
        }
    }

    /// The same before something else is done; answers the hash of the password that was given, which that is to find
    /// unchanged. Whether it is done remains to be seen, so that the log has nothing of it yet. Where there is a second factor,
    /// a password alone confirms nothing.
    async fn checked(
        &self,
        session: &Session,
        password: &SecretString,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<String, SignInError> {
        let email = session.user.email.as_str();
        let (stored, checked) = self.known_by_password(email, password, sender.source, now).await?;
        if stored.second_factor.is_none() {
            scope::apart(self.store.confirm_session(session.key, now)).await?;
        }
        Ok(checked)
    }

    /// Changes the name of the person of a session.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then.
    pub async fn rename(&self, session: &Session, name: &str) -> Result<Account, AccountError> {
        let mut problems = Vec::new();
        account::check_name(name, &mut problems);
        if !problems.is_empty() {
            return Err(AccountError::Invalid(problems));
        }
        changed(self.store.change_own_account(session.user.id, OwnChange::Name(name.trim().to_owned())).await?)
    }

    /// Changes the email of the person of a session, who gives their password for it.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then.
    pub async fn change_email(
        &self,
        session: &Session,
        email: &str,
        password: &SecretString,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<Account, AccountError> {
        let mut problems = Vec::new();
        let email = account::check_email(email, &mut problems).ok_or(AccountError::Invalid(problems))?;
        let checked = self.checked(session, password, sender, now).await?;
        changed(self.store.change_own_account(session.user.id, OwnChange::Email { email, checked }).await?)
    }

    /// Changes the password of the person of a session, whose other sessions end.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then.
    pub async fn change_password(
        &self,
        session: &Session,
        (before, after): (&SecretString, &SecretString),
        sender: &Sender,
        now: Timestamp,
    ) -> Result<Account, AccountError> {
        let User { id, email, name, .. } = &session.user;
        let checked = self.checked(session, before, sender, now).await?;
        let hash = account::chosen(after, [email.as_str(), name, &self.practice], Some(checked.clone())).await?;
        let change = OwnChange::Password { hash, checked, session: session.key };
        changed(self.store.change_own_account(*id, change).await?)
    }

    /// Sessions that hold, of a person or of everybody, the newest first.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn sessions(&self, of: Option<UserId>, now: Timestamp) -> Result<Vec<OpenSession>, StoreError> {
        let mut sessions = self.store.sessions(of).await?;
        sessions.retain(|open| session::is_alive(open.opened_at, open.used_at, now));
        Ok(sessions)
    }

    /// Ends a session, where it is this person's or no person is named; answers whether it did.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_session(&self, id: SessionId, of: Option<UserId>) -> Result<bool, StoreError> {
        self.store.end_session(id, of).await
    }

    /// Ends all sessions of a session's person but this one; answers how many.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_other_sessions(&self, session: &Session) -> Result<usize, StoreError> {
        self.store.end_other_sessions(session.user.id, session.key).await
    }
}

fn changed(outcome: Changed) -> Result<Account, AccountError> {
    match outcome {
        Changed::Yes(account) => Ok(account),
        Changed::NoAccount => Err(AccountError::NoAccount),
        Changed::LastManager(user) => Err(AccountError::LastManager(user.name)),
        Changed::NotLinked(user) => Err(AccountError::NotLinked(user.name)),
        Changed::EmailTaken => Err(AccountError::email_is_taken()),
        Changed::Disabled(user) => Err(AccountError::Disabled(user.name)),
        Changed::PasswordChanged => Err(SignInError::Refused.into()),
    }
}

impl Made {
    /// The address of the link on a host with this address, and whether it invites somebody who was never here.
    pub fn address(&self, base_url: &str) -> Option<LinkAddress> {
        use secrecy::ExposeSecret as _;
        let link = self.link.as_ref()?;
        let url = format!("{base_url}/join/{}", link.token.expose_secret());
        Some(LinkAddress { url, ends_at: link.ends_at, invites: self.account.state == AccountState::Invited })
    }
}

/// The address of a link, for the one who hands it on. It is shown once and never logged.
pub struct LinkAddress {
    /// The whole address.
    pub url: String,
    /// The moment at which the link ends.
    pub ends_at: Timestamp,
    /// Whether the person has no password yet.
    pub invites: bool,
}
