//! What somebody does about the second factor of their own account: for each of these they confirmed lately who they are.

use secrecy::SecretString;

use super::account::{freshly, own};
use super::{Refusal, audited_of};
use crate::access::Session;
use crate::access::request::Sender;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::account::Account;

/// Sets it up, by a code of the app; answers the recovery codes, this once.
///
/// # Errors
/// Returns an error if the code does not fit, or there is a second factor already.
pub async fn set_up(app: &App, session: &Session, code: &str, now: Timestamp) -> Result<Vec<SecretString>, Refusal> {
    audited_of(app, own(session, "second_factor.set_up"), async move {
        freshly(session, now)?;
        Ok(app.access.set_up_second_factor(session, code, now).await?)
    })
    .await
}

/// Makes other recovery codes in place of all there are; answers them, this once.
///
/// # Errors
/// Returns an error if the code does not fit, or there is no second factor.
pub async fn new_recovery_codes(
    app: &App,
    session: &Session,
    code: &str,
    sender: &Sender,
    now: Timestamp,
) -> Result<Vec<SecretString>, Refusal> {
    audited_of(app, own(session, "second_factor.new_recovery_codes"), async move {
        freshly(session, now)?;
        Ok(app.access.new_recovery_codes(session, code, sender, now).await?)
    })
    .await
}

/// Takes it away.
///
/// # Errors
/// Returns an error if the code does not fit, there is no second factor, or the practice wants it.
pub async fn remove(
    app: &App,
    session: &Session,
    code: &str,
    sender: &Sender,
    now: Timestamp,
) -> Result<Account, Refusal> {
    audited_of(app, own(session, "second_factor.remove"), async move {
        freshly(session, now)?;
        Ok(app.access.remove_second_factor(session, code, sender, now).await?)
    })
    .await
}
