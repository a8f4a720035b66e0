//! Coming in and going out, where nobody is known yet who could be asked for a role; and what somebody changes of their
//! own account.

use secrecy::SecretString;

use super::{FieldError, Kind, NOT_FRESH, Refusal, audited, audited_of, may, whose};
use crate::access::account::{AccountError, FieldProblem, NewUser};
use crate::access::request::Sender;
use crate::access::second_factor::NotEntered;
use crate::access::{FactorProblem, FactorState, Session, SignInError, SignedIn};
use crate::app::App;
use crate::domain::access::{Action, Actor};
use crate::domain::account::Account;
use crate::domain::audit::{By, Subject};
use crate::domain::text::{full_stop, sentence};
use crate::domain::{SessionId, Timestamp};
use crate::store::StoreError;
use crate::store::audit::scope;

/// What a right password leads to.
#[derive(Debug)]
pub enum Entered {
    /// A session.
    In(Box<SignedIn>),
    /// The account has a second factor: the token by which a code opens the session.
    CodeWanted(SecretString),
}

impl Entered {
    /// What a sign-in led to, where it is none that was refused.
    fn of<E>(outcome: Result<SignedIn, E>, half: impl FnOnce(E) -> Result<SecretString, E>) -> Result<Self, E> {
        match outcome {
            Ok(signed_in) => Ok(Self::In(Box::new(signed_in))),
            Err(error) => {
                let half = half(error)?;
                scope::detail("the password is right, and the code is asked for");
                Ok(Self::CodeWanted(half))
            }
        }
    }
}

/// Opens a session for whoever knows an account's password, where nothing else is asked for.
///
/// # Errors
/// Returns an error if nobody has this email and password, the account is disabled, or too many were tried.
pub async fn sign_in(
    app: &App,
    email: &str,
    password: &SecretString,
    sender: Sender,
    now: Timestamp,
) -> Result<Entered, Refusal> {
    let who = (By::nobody(), "account.sign_in", Subject::of_kind("account"));
    audited_of(app, who, async move {
        let outcome = app.access.sign_in(email, password, sender, now).await;
        Ok(Entered::of(outcome, |error| match error {
            SignInError::CodeWanted { half: Some(half) } => Ok(half),
            error => Err(error),
        })?)
    })
    .await
}

/// Goes on with a sign-in whose password was right, by a code of the app or a recovery code.
///
/// # Errors
/// Returns the refusal, with the token for another code where the sign-in goes on.
pub async fn sign_in_by_code(
    app: &App,
    half: &str,
    code: &str,
    sender: Sender,
    now: Timestamp,
) -> Result<SignedIn, (Refusal, Option<SecretString>)> {
    let who = (By::nobody(), "account.sign_in_by_code", Subject::of_kind("account"));
    let mut next = None;
    let again = &mut next;
    let entered = audited_of(app, who, async move {
        app.access.sign_in_by_code(half, code, sender, now).await.map_err(|NotEntered { error, half }| {
            *again = half;
            Refusal::from(error)
        })
    })
    .await;
    entered.map_err(|refusal| (refusal, next))
}

/// Opens a session for a program that acts as the person, and gives the code at once where one is asked for.
///
/// # Errors
/// Fails as [`sign_in`] does, and with [`Kind::CodeWanted`].
pub async fn sign_in_program(
    app: &App,
    (email, password): (&str, &SecretString),
    code: Option<&str>,
    sender: Sender,
    now: Timestamp,
) -> Result<SignedIn, Refusal> {
    let who = (By::nobody(), "account.sign_in_program", Subject::of_kind("account"));
    audited_of(app, who, async move { Ok(app.access.sign_in_program(email, password, code, sender, now).await?) }).await
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

/// Chooses a password by the link that was given for an account, and signs in where no code is asked for besides. The
/// account's API tokens end where that is asked for.
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
) -> Result<Entered, Refusal> {
    let who = (By::nobody(), "account.join", Subject::of_kind("account"));
    audited_of(app, who, async move {
        let outcome = app.access.use_link(token, password, ends_tokens, sender, now).await;
        Ok(Entered::of(outcome, |error| match error {
            AccountError::NotConfirmed(SignInError::CodeWanted { half: Some(half) }) => Ok(half),
            error => Err(error),
        })?)
    })
    .await
}

/// Keeps that the person of a session has just confirmed who they are: by the password, and a code where they have a second factor.
///
/// # Errors
/// Returns an error if the password or code is wrong, or too many were tried.
pub async fn confirm(
    app: &App,
    session: &Session,
    given: (&SecretString, &str),
    sender: &Sender,
    now: Timestamp,
) -> Result<(), Refusal> {
    audited_of(app, own(session, "account.confirm"), async move {
        let confirmed = app.access.confirm(session, given, sender, now).await;
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
        beside_the_code(session, now)?;
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
        beside_the_code(session, now)?;
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

/// Goes on where a password alone may change what somebody signs in by: who has a second factor gave its code lately.
fn beside_the_code(session: &Session, now: Timestamp) -> Result<(), Refusal> {
    match session.second_factor {
        FactorState::On => freshly(session, now),
        FactorState::Off | FactorState::Wanted => Ok(()),
    }
}

/// Goes on where the person of a session confirmed lately who they are.
pub(super) fn freshly(session: &Session, now: Timestamp) -> Result<(), Refusal> {
    if session.is_fresh(now) { Ok(()) } else { Err(Refusal::new(Kind::NotFresh, NOT_FRESH)) }
}

/// The person of a session, who does something to their own account.
pub(super) fn own(session: &Session, verb: &'static str) -> (By, &'static str, Subject) {
    (By::from(&session.user), verb, Subject::new("account", session.user.id))
}

const CODE_WANTED: &str = "This account has a second factor: give the code that its authenticator app shows, too, or a recovery \
                           code. Programs send it as `code`.";

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
            SignInError::CodeWanted { .. } => Self::new(Kind::CodeWanted, CODE_WANTED),
            SignInError::CodeRefused(fault) => Self::new(Kind::CodeWanted, full_stop(&fault.to_string())),
            SignInError::HalfIsOver => Self::new(Kind::NotSignedIn, full_stop(&error.to_string())),
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
            AccountError::LastManager(_)
            | AccountError::Disabled(_)
            | AccountError::NotLinked(_)
            | AccountError::SignsInByProvider(_) => Self::new(Kind::WrongState, full_stop(&error.to_string())),
            AccountError::NotConfirmed(SignInError::Refused) => {
                Self::at("/current_password", "This is not your password. Type the one with which you signed in.")
            }
            AccountError::NotConfirmed(SignInError::CodeWanted { .. }) => {
                Self::at("/code", "Type the code that your app shows, or a recovery code.")
            }
            AccountError::NotConfirmed(SignInError::CodeRefused(fault)) => {
                Self::at("/code", full_stop(&sentence(&fault.to_string())))
            }
            AccountError::NotConfirmed(error) => error.into(),
            AccountError::SecondFactor(FactorProblem::Over) => {
                Self::at("/code", full_stop(&sentence(&FactorProblem::Over.to_string())))
            }
            AccountError::SecondFactor(problem) => Self::new(Kind::WrongState, full_stop(&problem.to_string())),
            AccountError::Invalid(problems) => {
                let field = |FieldProblem { field, message }| FieldError { pointer: format!("/{field}"), message };
                Self::invalid(problems.into_iter().map(field).collect())
            }
            AccountError::Store(error) => error.into(),
            AccountError::NotDone(error) => error.into(),
        }
    }
}
