//! The verbs: what people and programs change, one function a verb. `api`, `web` and, through the API, `cli` parse and
//! present; the one who asks, the checks, the work and the words of a refusal are here, so that they are the same by
//! every way in.
//!
//! A verb is a public function of a file below: `notes::retry(app, actor, id)`. It asks first whether the actor may. A
//! refusal changed nothing, and says which field does not fit where one does not. `tests` posts the same mistake by the
//! page's form and by the API for each verb. Reading is no verb: who may see something asks the store for it.
//!
//! Each verb does its work inside [`audited`], by which its entry of the audit log is written: with the change where it
//! changes something, after it where another task or the CRM does, and with the reason where it is refused.

mod refusal;

pub mod absence_review;
pub mod account;
pub mod backups;
pub mod clients;
pub mod connections;
pub mod emergency;
pub mod goals;
pub mod household_access;
pub mod households;
pub mod imports;
pub mod notes;
pub mod openid;
pub mod people;
pub mod privacy;
pub mod review;
pub mod revisions;
pub mod runs;
pub mod second_factor;
pub mod teams;
pub mod tokens;
pub mod uploads;

#[cfg(test)]
pub(crate) mod tests;

pub use refusal::{FieldError, Kind, Refusal};

use std::future::Future;

use jiff::tz::TimeZone;

use crate::access::{Book, BookError};
use crate::app::App;
use crate::audit;
use crate::domain::access::{Action, Actor, Decision, Reach, authorize, reach};
use crate::domain::audit::{Act, By, Outcome, Subject, field_name};
use crate::domain::edit::NewValue;
use crate::domain::{Timestamp, UserId};
use crate::store::audit::scope;

/// Does the work of a verb, with its entry in the audit log.
async fn audited<T, E>(
    app: &App,
    actor: &Actor,
    (verb, subject): (&'static str, Subject),
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E>
where
    for<'e> Outcome: From<&'e E>,
{
    audited_of(app, (By::from(actor), verb, subject), work).await
}

/// The same where the one who acts comes to be known by the work itself.
async fn audited_of<T, E>(
    app: &App,
    (by, verb, subject): (By, &'static str, Subject),
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E>
where
    for<'e> Outcome: From<&'e E>,
{
    debug_assert!(audit::verbs::is_verb(verb), "{verb} is to be in audit/verbs.rs");
    audit::told();
    let act = app.audit.placed(Act::done(by, &audit::source(), verb, subject)).await;
    // On the heap: the futures of verbs are large, and each stands within those of its callers.
    let (done, left) = scope::enter(act, Box::pin(work)).await;
    match &done {
        Ok(_) if left.written.is_some() => {}
        Ok(_) => app.audit.keep(left.act).await,
        Err(error) => {
            let part = left.written.map(|number| format!("a part is kept, by entry {number}"));
            let detail = part.unwrap_or(left.act.detail);
            app.audit.refused(Act { outcome: error.into(), detail, ..left.act }).await;
        }
    }
    done
}

/// A time as messages and pages have it: `22 Nov 2026, 11:14 am` in the practice's zone.
pub fn time_in_words(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %b %Y, %-I:%M %P").to_string()
}

/// The names of fields that are changed, as an entry has them.
fn names(changes: &[(String, NewValue)]) -> String {
    changes.iter().map(|(field, _)| field_name(field)).collect::<Vec<_>>().join(", ")
}

/// Goes on where `authorize` allows the actor the action in the whole practice.
fn may(actor: &Actor, action: Action) -> Result<(), Refusal> {
    match authorize(actor, action, None) {
        Decision::Allow { .. } => Ok(()),
        Decision::Deny { because } => Err(Refusal::new(Kind::NotAllowed, because)),
    }
}

/// Goes on where the actor may do the action in some households at least: for what is of no household yet.
fn may_somewhere(actor: &Actor, action: Action) -> Result<(), Refusal> {
    match reach(actor, action) {
        Reach::Nowhere { because } => Err(Refusal::new(Kind::NotAllowed, because)),
        Reach::Practice { .. } | Reach::Households { .. } => Ok(()),
    }
}

/// The book in which the actor may do the action: what somebody does not see is not there, for changes as for lists.
async fn book(app: &App, actor: &Actor, action: Action) -> Result<Book, Refusal> {
    Ok(Book::of(&app.store, actor, action, Timestamp::now()).await?)
}

/// The same for what changes credentials, roles or secrets: a person has to have confirmed lately who they are.
fn may_freshly(actor: &Actor, action: Action) -> Result<(), Refusal> {
    may(actor, action)?;
    if actor.is_fresh() { Ok(()) } else { Err(Refusal::new(Kind::NotFresh, NOT_FRESH)) }
}

/// The account whose things an actor's verb is about: their own, or, for who manages people, anybody's (none). Nothing is
/// anybody's where neither is so.
fn whose(actor: &Actor) -> Option<Option<UserId>> {
    match authorize(actor, Action::ManagePeople, None) {
        Decision::Allow { .. } => Some(None),
        Decision::Deny { .. } => actor.account().map(Some),
    }
}

const NOT_FRESH: &str = "Nothing was changed: it is more than 15 minutes since you signed in or confirmed who you are. Confirm \
                         it’s you, then send it again.";

impl From<BookError> for Refusal {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Denied(because) => Self::new(Kind::NotAllowed, because),
            BookError::Store(error) => error.into(),
        }
    }
}
