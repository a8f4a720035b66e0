//! Coming in and going out. Nobody is known yet who could be asked for a role.

use secrecy::SecretString;

use super::{FieldError, Kind, Refusal};
use crate::access::account::{AccountError, FieldProblem, NewUser};
use crate::access::source::Source;
use crate::access::{SignInError, SignedIn};
use crate::app::App;
use crate::domain::Timestamp;
use crate::store::StoreError;

/// Opens a session for whoever knows an account's password.
///
/// # Errors
/// Returns an error if nobody has this email and password, or too many were tried.
pub async fn sign_in(
    app: &App,
    email: &str,
    password: &SecretString,
    source: Source,
    now: Timestamp,
) -> Result<SignedIn, Refusal> {
    Ok(app.access.sign_in(email, password, source, now).await?)
}

/// Ends a session.
///
/// # Errors
/// Returns an error if the store fails; the session holds then.
pub async fn sign_out(app: &App, token: &str) -> Result<(), StoreError> {
    app.access.sign_out(token).await
}

/// Makes the first account, a practice manager's, and signs in.
///
/// # Errors
/// [`Kind::NotFound`] where the link is over, and where a field does not fit.
pub async fn set_up(app: &App, token: &str, new: NewUser, now: Timestamp) -> Result<SignedIn, Refusal> {
    Ok(app.access.set_up(token, new, now).await?)
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused => {
                Self::new(Kind::Invalid, "No account has this email and password. Check both and sign in again.")
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
            AccountError::LinkIsOver => Self::new(Kind::NotFound, error.to_string()),
            AccountError::Invalid(problems) => {
                let field = |FieldProblem { field, message }| FieldError { pointer: format!("/{field}"), message };
                Self::invalid(problems.into_iter().map(field).collect())
            }
            AccountError::Store(error) => error.into(),
            AccountError::NotDone(error) => error.into(),
        }
    }
}
