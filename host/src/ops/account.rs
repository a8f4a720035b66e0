//! Coming in and going out, where nobody is known yet who could be asked for a role; and what somebody changes of their
//! own account.

use secrecy::SecretString;

use super::{FieldError, Kind, Refusal, audited, audited_of, may, whose};
use crate::access::account::{AccountError, FieldProblem, NewUser};
use crate::access::request::Sender;
use crate::access::{Session, SignInError, SignedIn};
use crate::app::App;
use crate::domain::access::{Action, Actor};
use crate::domain::account::Account;
use crate::domain::audit::{By, Subject};
use crate::domain::text::full_stop;
use crate::domain::{SessionId, Timestamp};
use crate::store::StoreError;

/// Opens a session for whoever knows an account's password.
///
/// # Errors
/// Returns an error if nobody has this email and password, the account is disabled, or too many were tried.
pub async fn sign_in(
    app: &App,
    email: &str,
    password: &SecretString,
    sender: Sender,
    now: Timestamp,
) -> Result<SignedIn, Refusal> {
    let who = (By::nobody(), "account.sign_in", Subject::of_kind("account"));
    audited_of(app, who, async move { Ok(app.access.sign_in(email, password, sender, now).await?) }).await
}

/// The same for a program that acts as the person.
///
/// # Errors
/// Fails as [`sign_in`] does.
pub async fn sign_in_program(
    app: &App,
    email: &str,
    password: &SecretString,
    sender: Sender,
    now: Timestamp,
) -> Result<SignedIn, Refusal> {
    let who = (By::nobody(), "account.sign_in_program", Subject::of_kind("account"));
    audited_of(app, who, async move { Ok(app.access.sign_in_program(email, password, sender, now).await?) }).await
}

/// Ends a session.
///
/// # Errors
/// Returns an error if the store fails; the session holds then.
pub async fn sign_out(app: &App, token: &str) -> Result<(), StoreError> {
    // A session that is over already has nobody who could sign out.
    let session = app.access.session(token, Timestamp::now()).await?;
    let by = session.as_ref().map_or_else(By::nobody, |session| By::from(&session.user));
    let subject = Subject { kind: "account", id: by.id.map(|id| id.to_string()).unwrap_or_default() };
    audited_of(app, (by, "account.sign_out", subject), app.access.sign_out(token)).await
}

/// Makes the first practice manager's account, and signs in.
///
/// # Errors
/// [`Kind::NotFound`] where the link is over, and where a field does not fit.
pub async fn set_up(app: &App, token: &str, new: NewUser, sender: Sender, now: Timestamp) -> Result<SignedIn, Refusal> {
    let who = (By::nobody(), "account.set_up", Subject::of_kind("account"));
    audited_of(app, who, async move { Ok(app.access.set_up(token, new, sender, now).await?) }).await
}

/// Chooses a password by the link that was given for an account, and signs in. The account's API tokens end where that is
/// asked for.
///
/// # Errors
/// [`Kind::NotFound`] where the link is over, and where the password does not fit.
pub async fn join(
    app: &App,
    token: &str,
    password: &SecretString,
    ends_tokens: bool,
    sender: Sender,
    now: Timestamp,
) -> Result<SignedIn, Refusal> {
    let who = (By::nobody(), "account.join", Subject::of_kind("account"));
    audited_of(app, who, async move { Ok(app.access.use_link(token, password, ends_tokens, sender, now).await?) }).await
}

/// Keeps that the person of a session has just given their password once more.
///
/// # Errors
/// Returns an error if the password is wrong, or too many were tried.
pub async fn confirm(
    app: &App,
    session: &Session,
    password: &SecretString,
    sender: &Sender,
    now: Timestamp,
) -> Result<(), Refusal> {
    audited_of(app, own(session, "account.confirm"), async move {
        let confirmed = app.access.confirm(session, password, sender, now).await;
        confirmed.map_err(|error| AccountError::from(error).into())
    })
    .await
}

/// Changes the name of the person of a session.
///
/// # Errors
/// Returns an error if the name does not fit.
pub async fn rename(app: &App, session: &Session, name: &str) -> Result<Account, Refusal> {
    audited_of(app, own(session, "account.rename"), async move { Ok(app.access.rename(session, name).await?) }).await
}

/// Changes the email by which the person of a session signs in.
///
/// # Errors
/// Returns an error if the password is wrong, or the email does not fit or is somebody else's.
pub async fn change_email(
    app: &App,
    session: &Session,
    (email, password): (&str, &SecretString),
    sender: &Sender,
    now: Timestamp,
) -> Result<Account, Refusal> {
    audited_of(app, own(session, "account.change_email"), async move {
        Ok(app.access.change_email(session, email, password, sender, now).await?)
    })
    .await
}

/// Changes the password of the person of a session, whose other sessions end.
///
/// # Errors
/// Returns an error if the password before is wrong, or the one after does not fit.
pub async fn change_password(
    app: &App,
    session: &Session,
    (before, after): (&SecretString, &SecretString),
    sender: &Sender,
    now: Timestamp,
) -> Result<Account, Refusal> {
    audited_of(app, own(session, "account.change_password"), async move {
        Ok(app.access.change_password(session, (before, after), sender, now).await?)
    })
    .await
}

/// Ends a session of one's own, or, as a practice manager, a colleague's.
///
/// # Errors
/// Returns an error if there is no such session, or it is not for the actor to end.
pub async fn end_session(app: &App, actor: &Actor, id: SessionId) -> Result<(), Refusal> {
    audited(app, actor, ("account.end_session", Subject::new("session", id)), async move {
        may(actor, Action::ManageTokens)?;
        match whose(actor) {
            Some(of) if app.access.end_session(id, of).await? => Ok(()),
            _ => Err(Refusal::not_found(format_args!("session {id}"))),
        }
    })
    .await
}

/// Ends all sessions of a session's person but this one; answers how many.
///
/// # Errors
/// Returns an error if the store fails.
pub async fn end_other_sessions(app: &App, session: &Session) -> Result<usize, Refusal> {
    audited_of(app, own(session, "account.end_other_sessions"), async move {
        Ok(app.access.end_other_sessions(session).await?)
    })
    .await
}

/// The person of a session, who does something to their own account.
fn own(session: &Session, verb: &'static str) -> (By, &'static str, Subject) {
    (By::from(&session.user), verb, Subject::new("account", session.user.id))
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused => {
                Self::new(Kind::NotSignedIn, "No account has this email and password. Check both and sign in again.")
            }
            SignInError::Disabled => {
                Self::new(Kind::NotSignedIn, "This account is disabled. A practice manager can enable it again.")
            }
            SignInError::ByProvider => {
                let message = "Passwords are for practice managers here. Sign in by the identity provider, with the button on \
                               the sign-in page.";
                Self::new(Kind::NotSignedIn, message)
            }
            SignInError::TooMany { retry_after } => Self::new(Kind::TooMany(retry_after), format!("{error}.")),
            SignInError::NotDone(error) => error.into(),
            SignInError::Store(error) => error.into(),
        }
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::LinkIsOver | AccountError::AccountLinkIsOver | AccountError::NoAccount => {
                Self::new(Kind::NotFound, full_stop(&error.to_string()))
            }
            AccountError::LastManager(_) | AccountError::Disabled(_) => {
                Self::new(Kind::WrongState, full_stop(&error.to_string()))
            }
            AccountError::NotConfirmed(SignInError::Refused) => {
                Self::at("/current_password", "This is not your password. Type the one with which you signed in.")
            }
            AccountError::NotConfirmed(error) => error.into(),
            AccountError::Invalid(problems) => {
                let field = |FieldProblem { field, message }| FieldError { pointer: format!("/{field}"), message };
                Self::invalid(problems.into_iter().map(field).collect())
            }
            AccountError::Store(error) => error.into(),
            AccountError::NotDone(error) => error.into(),
        }
    }
}
