//! Accounts, sessions and API tokens as people see them: nothing here is a secret.

use crate::access::provider::GroupsNote;
use crate::access::{Role, Scope, User};
use crate::{SessionId, Timestamp, TokenId, UserId};

/// The state of an account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AccountState {
    /// The person has no way to sign in yet: no password, and no account of an identity provider that the settings name.
    Invited,
    /// The person can sign in.
    Active,
    /// Nobody can sign in, and nothing that the person made is accepted.
    Disabled,
}

impl AccountState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Invited, Self::Active, Self::Disabled];

    /// The state as programs know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// Somebody's account, with how it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The person.
    pub user: User,
    /// The state of the account.
    pub state: AccountState,
    /// The moment of the last sign-in; none where there was none since it is kept.
    pub signed_in_at: Option<Timestamp>,
    /// The moment at which the link that was given for this account ends; none where no link is open.
    pub link_ends_at: Option<Timestamp>,
    /// Whether the person has chosen a password.
    pub has_password: bool,
    /// The account of an identity provider with which the person signs in; none where they have a password alone.
    pub identity: Option<LinkedIdentity>,
    /// Whether signing in with a password asks for a code beside it.
    pub has_second_factor: bool,
}

/// The account of an identity provider that an account here is linked to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkedIdentity {
    /// The provider's address.
    pub issuer: String,
    /// The moment at which they were linked.
    pub linked_at: Timestamp,
    /// What is to be looked at about the groups of the last sign-in.
    pub note: Option<GroupsNote>,
    /// The moment at which the groups of the provider ended the account; none where they did not.
    pub ended_at: Option<Timestamp>,
    /// Whether the settings name the provider no more, so that nobody comes in by it.
    pub is_retired: bool,
}

/// Of whom the practice wants a second factor.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum SecondFactorRule {
    /// Of nobody: who wants one has one.
    #[default]
    Optional,
    /// Of practice managers.
    Managers,
    /// Of everybody.
    Everybody,
}

impl SecondFactorRule {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Optional, Self::Managers, Self::Everybody];

    /// The rule as the settings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Managers => "managers",
            Self::Everybody => "everybody",
        }
    }

    /// The rule that the settings write so.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == word)
    }

    /// Whether it is wanted of somebody in this role.
    pub fn applies_to(self, role: Role) -> bool {
        match self {
            Self::Optional => false,
            Self::Managers => role == Role::PracticeManager,
            Self::Everybody => true,
        }
    }
}

/// The session of somebody, as it is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenSession {
    /// The session's id.
    pub id: SessionId,
    /// The person who signed in.
    pub user: UserId,
    /// The moment at which the person signed in.
    pub opened_at: Timestamp,
    /// The moment at which it was last used, give or take five minutes.
    pub used_at: Timestamp,
    /// The browser or program, in a few words.
    pub device: Option<String>,
    /// The address from which it was opened.
    pub address: Option<String>,
}

/// An API token, as it is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiToken {
    /// The token's id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// The scopes that it was given.
    pub scopes: Vec<Scope>,
    /// The person who made it; none where the machine's operator or the bootstrap token did.
    pub maker: Option<UserId>,
    /// The name of who made it.
    pub maker_name: String,
    /// The token with which it was made, and with which it ends.
    pub made_with: Option<TokenId>,
    /// The moment at which it was made.
    pub made_at: Timestamp,
    /// The moment at which it ends; none where it does not by itself.
    pub expires_at: Option<Timestamp>,
    /// The moment at which it was last used, give or take five minutes.
    pub used_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|ends_at| ends_at <= now)
    }
}
