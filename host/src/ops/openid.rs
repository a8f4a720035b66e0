//! Coming in by the identity provider, whose word is followed at every sign-in: who it is, and what their groups give them.
//!
//! What the provider changes of an account is an entry of its own in the audit log, by the identity provider; that the person
//! came in, or why not, is another.

use uuid::Uuid;

use super::{Kind, Refusal, audited_of};
use crate::access::account::check_name;
use crate::access::request::Sender;
use crate::access::{Session, SignedIn};
use crate::app::App;
use crate::audit;
use crate::domain::access::provider::{Entitlement, GroupsNote, Refused};
use crate::domain::access::{Role, User};
use crate::domain::audit::{Act, By, Subject};
use crate::domain::{EmailAddress, Timestamp, UserId};
use crate::openid::{Callback, OpenIdError, Person, Returned, Vouched};
use crate::store::access::{Change, Followed, Identity, Newcomer};
use crate::store::audit::scope;

/// Who came in, and where they go.
#[derive(Debug)]
pub struct Entered {
    /// The session that begins; none where the person of one was asked for once more, which goes on.
    pub signed_in: Option<SignedIn>,
    /// The path of this host to go to.
    pub to: String,
    /// The person's account.
    pub user: UserId,
    /// What is to be said about the groups.
    pub note: Option<GroupsNote>,
}

/// Takes what a browser brings back from the identity provider: opens a session, or, for one that was asked for once more,
/// keeps that its person has just signed in there.
///
/// # Errors
/// Returns an error if the provider does not say who it is, nobody here is that person, or their groups give them nothing.
/// Where the groups have just ended an account, that is done all the same.
pub async fn sign_in(
    app: &App,
    callback: Callback,
    session: Option<&Session>,
    sender: Sender,
    now: Timestamp,
) -> Result<Entered, Refusal> {
    let who = (By::nobody(), "openid.sign_in", Subject::of_kind("account"));
    audited_of(app, who, async move {
        let Some(provider) = &app.openid else { return Err(Refusal::not_found("identity provider in the settings")) };
        let Returned { person, confirms, to } = provider.finish(callback, now).await?;
        let identity = Identity { issuer: person.issuer.clone(), subject: person.subject.clone() };
        let known = app.store.user_of_identity(identity.clone()).await?.map(|stored| stored.user);
        let confirmed = match confirms {
            None => None,
            Some(id) => match (session.filter(|session| session.id() == id), &known) {
                (Some(session), Some(known)) if session.user.id == known.id => Some(session),
                (None, _) => return Err(Refusal::new(Kind::NotSignedIn, SESSION_OVER)),
                (Some(_), _) => return Err(Refusal::new(Kind::NotSignedIn, SOMEBODY_ELSE)),
            },
        };
        let signed_in_there_at = person.signed_in_at;
        let (user, note, changed) = follow(app, person, (identity, known), now).await?;
        let entered = Entered { signed_in: None, to, user: user.id, note };
        let confirms = confirmed.map(|_| "confirmed".to_owned());
        let noted = note.map(|note| noted(note).to_owned());
        let said: Vec<String> = confirms.into_iter().chain(changed).chain(noted).collect();
        if !said.is_empty() {
            scope::detail(&said.join("; "));
        }
        match confirmed {
            Some(session) => {
                scope::acting(By::from(&user));
                scope::about(user.id);
                app.access.confirm_by_provider(session, now).await?;
                Ok(entered)
            }
            None => {
                let signed_in = app.access.enter_by_provider(user, signed_in_there_at, sender, now).await?;
                Ok(Entered { signed_in: Some(signed_in), ..entered })
            }
        }
    })
    .await
}

/// Does with the account of a person what the provider says, and answers it, with what was changed as the audit log has it.
async fn follow(
    app: &App,
    person: Person,
    (identity, known): (Identity, Option<User>),
    now: Timestamp,
) -> Result<(User, Option<GroupsNote>, Option<String>), Refusal> {
    let is_known = known.is_some();
    let email = match &person.email {
        Some((_, Vouched::Yes(email))) => Some(email.clone()),
        _ => None,
    };
    let of_email = match &email {
        Some(email) if !is_known => app.store.user_by_email(email.clone()).await?.map(|stored| stored.user),
        _ => None,
    };
    let makes = app.openid.as_ref().is_some_and(|provider| provider.settings().makes_accounts);
    let new = email.clone().filter(|_| makes && !is_known).map(|email| new_user(&person, email));
    let account = known.as_ref().or(of_email.as_ref()).or(new.as_ref()).map(|user| user.id);
    let by_whom = By::host("identity provider");
    let subject = account.map_or(Subject::of_kind("account"), |id| Subject::new("account", id));
    let detail = by_groups(person.entitlement);
    let act = Act { detail, ..Act::done(by_whom, &audit::source(), "openid.follow", subject) };
    let newcomer = Newcomer { identity, entitlement: person.entitlement, email, new };
    // Where nothing is changed there is no entry: most sign-ins.
    let (followed, _) = scope::enter(act, app.store.follow_provider(newcomer, now)).await;
    let before = known.or(of_email);
    if let Some(user) = &before {
        scope::about(user.id);
    }
    let refused = |message: &'static str| Err(Refusal::new(Kind::NotSignedIn, message));
    match followed? {
        Followed::Entered { user, note, change } => {
            let changed = change.map(|change| in_words(change, before.map(|user| user.role), user.role));
            Ok((user, note, changed))
        }
        Followed::Ended(_) => refused(ENDED),
        Followed::Refused(Refused::Disabled) => refused(DISABLED),
        Followed::Refused(Refused::NoGroup) => refused(NO_GROUP),
        Followed::Refused(Refused::Unknown(note)) => {
            let message = format!("{} Nothing was changed, and nobody was signed in.", note.reason());
            Err(Refusal::new(Kind::NotSignedIn, message))
        }
        Followed::LinkedToAnother => refused(LINKED_TO_ANOTHER),
        Followed::EmailIsOwn => refused(EMAIL_IS_OWN),
        Followed::NoAccount => refused(match person.email {
            None => NO_EMAIL,
            Some((_, Vouched::No)) => NOT_VERIFIED,
            Some((_, Vouched::NotTaken)) => NOT_TAKEN,
            Some((_, Vouched::Yes(_))) => NO_ACCOUNT,
        }),
    }
}

/// The account that is made for somebody, in whatever role their groups give.
fn new_user(person: &Person, email: EmailAddress) -> User {
    let mut problems = Vec::new();
    check_name(&person.name, &mut problems);
    let name = match problems.is_empty() {
        true => person.name.clone(),
        // What cannot be shown is left to the person to write.
        false => email.as_str().split('@').next().unwrap_or_default().to_owned(),
    };
    User { id: UserId(Uuid::now_v7()), email, name, role: Role::Support }
}

/// What the groups say, as the audit log has it.
fn by_groups(entitlement: Entitlement) -> String {
    match entitlement {
        Entitlement::NotManaged => "roles are managed here".to_owned(),
        Entitlement::Role(role) => format!("groups give the role {}", role.as_str()),
        Entitlement::Nothing => "no group gives a role".to_owned(),
        Entitlement::Unknown(note) => noted(note).to_owned(),
    }
}

/// What was changed of an account, whose role was that one before, as the audit log has it.
fn in_words(change: Change, before: Option<Role>, after: Role) -> String {
    let what = match change {
        Change::Made => return format!("account made, role {}", after.as_str()),
        Change::Linked => Some("linked by email"),
        Change::Enabled => Some("enabled again"),
        Change::Role => None,
    };
    let role = before.filter(|before| *before != after);
    let role = role.map(|before| format!("role {} → {}", before.as_str(), after.as_str()));
    what.map(str::to_owned).into_iter().chain(role).collect::<Vec<_>>().join(", ")
}

/// What is to be looked at, as the audit log has it.
fn noted(note: GroupsNote) -> &'static str {
    match note {
        GroupsNote::TooMany => "too many groups, none of which were sent: the role stays",
        GroupsNote::Absent => "no groups were sent: the role stays",
        GroupsNote::Unreadable => "the groups cannot be read: the role stays",
        GroupsNote::LastManager => "the groups give no practice manager’s role, and the last one stays",
    }
}

const SESSION_OVER: &str = "Your session has ended meanwhile. Sign in, and try again what you were doing.";
const SOMEBODY_ELSE: &str = "You signed in there as somebody else than here, so nothing was confirmed. Sign in there with the \
                             account that is linked to this one.";
const DISABLED: &str = "This account is disabled. A practice manager can enable it again.";
const ENDED: &str = "None of your groups with the identity provider gives you a role here any more: you are signed out \
                     everywhere, and your tokens have ended. Ask whoever looks after the groups to put you into one, then \
                     sign in again.";
const NO_GROUP: &str = "None of your groups with the identity provider gives you a role here. Ask whoever looks after the \
                        groups to put you into one, then sign in again.";
const LINKED_TO_ANOTHER: &str = "The account with your email is linked to another account of the identity provider. A practice \
                                 manager can unlink it, on its page under People; then sign in again.";
const EMAIL_IS_OWN: &str = "The account with your email here was given it by its holder, under My account, and nobody of the \
                            practice has vouched for it, so that it is not opened by the identity provider. Where it is \
                            yours, sign in with its password; to come in by the identity provider, give that account \
                            another email first, and ask a practice manager to invite you with this one. Where it is not \
                            yours, tell a practice manager.";
const NO_EMAIL: &str = "The identity provider sent no email, by which your account is found the first time. Whoever looks \
                        after it has it send the claim email; until then, sign in with a password where you have one.";
const NOT_VERIFIED: &str = "The identity provider does not say that your email is verified, and no account is opened by one that \
                            is not. Verify it there, or have whoever looks after it send email_verified; then sign in again. \
                            With a password you can sign in below.";
const NOT_TAKEN: &str = "Your email with the identity provider is of a domain that this practice does not take people in by. Ask \
                         whoever runs this host, or sign in there with another account.";
const NO_ACCOUNT: &str = "Nobody here has the email that you have with the identity provider. Ask a practice manager to invite \
                          you with that email, then sign in again.";

impl From<OpenIdError> for Refusal {
    fn from(error: OpenIdError) -> Self {
        let kind = match &error {
            OpenIdError::TooMany(wait) => Kind::TooMany(*wait),
            error if error.is_of_provider() => Kind::Unavailable,
            _ => Kind::NotSignedIn,
        };
        Self::new(kind, crate::domain::text::full_stop(&error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_what_a_sign_in_changed() {
        let check = |change, before, after, expected| assert_eq!(in_words(change, before, after), expected);
        check(Change::Made, None, Role::Adviser, "account made, role adviser");
        check(Change::Linked, Some(Role::Adviser), Role::Adviser, "linked by email");
        let promoted = "linked by email, role support → practice_manager";
        check(Change::Linked, Some(Role::Support), Role::PracticeManager, promoted);
        check(Change::Enabled, Some(Role::Support), Role::Support, "enabled again");
        check(Change::Role, Some(Role::Support), Role::Adviser, "role support → adviser");
    }
}
