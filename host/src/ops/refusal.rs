//! The refusal of a verb. The one place where the errors of the host's parts become words for people and programs: what
//! happened, what it means for the data and what to do. What went wrong inside (paths, the store's and the plugin's
//! words) goes to the log, and never into an answer.

use std::borrow::Cow;
use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use crate::crm::parse;
use crate::domain::Diagnostic;
use crate::domain::audit::{Outcome, field_name};
use crate::domain::field::pointer_to;
use crate::domain::text::{full_stop, sentence};
use crate::import::{FileError, ImportError};
use crate::intake::{self, NotRead};
use crate::integrations::IntegrationError;
use crate::notes::NotesError;
use crate::pack::PackError;
use crate::queue::NotDone;
use crate::store::StoreError;
use crate::sync::{ClientSyncError, SyncError};
use crate::telemetry;

/// The kind of a refusal. `api/problem.rs` has an HTTP problem for each, `web/failure.rs` a heading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The request cannot be read.
    Malformed,
    /// The one who asks may not.
    NotAllowed,
    /// Nobody has this email and password, or the account is disabled.
    NotSignedIn,
    /// The password is right, and the code of the second factor is wanted, or was not accepted.
    CodeWanted,
    /// The person who asks has to give their password once more.
    NotFresh,
    /// There is no such thing.
    NotFound,
    /// The idempotency key belongs to something else.
    KeyReused,
    /// Somebody changed the thing since it was looked at.
    Stale,
    /// It is not said which version of the thing was looked at.
    PreconditionRequired,
    /// The thing's state does not allow it.
    WrongState,
    /// The content that is sent is too large.
    TooLarge,
    /// The content that is sent can be read and does not fit.
    Invalid,
    /// The plugin failed.
    PluginFailed,
    /// The CRM failed.
    CrmFailed,
    /// A failure inside the host.
    Internal,
    /// Too much is asked at once; it may be asked again after so long.
    TooMany(Duration),
    /// Too little space is left on the disk for anything new.
    NoSpace,
    /// The host cannot serve now.
    Unavailable,
}

/// The reason why something was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The kind of the refusal.
    pub kind: Kind,
    /// The message, in sentences for people: what happened, what it means for the data, what to do.
    pub message: String,
    /// The fields that do not fit.
    pub fields: Vec<FieldError>,
    /// The reason as the audit log has it, where that is a text of the program's own: it names nobody.
    in_log: Option<&'static str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// An error about one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the API's body, such as `/data/score`; empty for the whole.
    pub pointer: String,
    /// The message: what would be right.
    pub message: String,
}

impl Refusal {
    /// One that is about no field.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        let in_log = if let Cow::Borrowed(text) = message { Some(text) } else { None };
        Self { kind, message: sentence(&message), fields: Vec::new(), in_log, source: None }
    }

    /// There is no `what`.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(Kind::NotFound, format!("There is no {what}. Check it against the list it is from."))
    }

    /// A refusal of content that can be read and does not fit.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self { fields, ..Self::new(Kind::Invalid, "Nothing was kept. Correct what does not fit and send it again.") }
    }

    /// One field does not fit.
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.into(), message: message.into() }])
    }

    pub(super) fn no_space() -> Self {
        let message = "Nothing was kept: the disk of the host's data folder is nearly full. File notes that were accepted \
                       still go out. Whoever runs the host frees some space there; then send it again.";
        Self::new(Kind::NoSpace, message)
    }

    pub(super) fn internal() -> Self {
        Self::new(Kind::Internal, "The request was not carried out. The cause is in the host's log; try again later.")
    }

    /// The reason as the audit log has it, for one whose message names somebody.
    pub(super) fn in_log(self, reason: &'static str) -> Self {
        Self { in_log: Some(reason), ..self }
    }

    pub(super) fn because(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }
}

impl FieldError {
    /// The field as forms name it: the pointer without its first slash.
    pub fn name(&self) -> &str {
        self.pointer.trim_start_matches('/')
    }
}

/// What the audit log has of a refusal. A message that was put together may name a client, or say what somebody typed: only that
/// of who may not is taken over, which says neither, and one that is a text of the program's own.
impl From<&Refusal> for Outcome {
    fn from(refusal: &Refusal) -> Self {
        let fields: Vec<String> = refusal.fields.iter().map(|field| field_name(&field.pointer)).collect();
        let because = match refusal.kind {
            Kind::NotAllowed | Kind::NotFresh | Kind::NotSignedIn | Kind::CodeWanted => refusal.message.clone(),
            Kind::PluginFailed => return Self::Failed("The plugin failed.".to_owned()),
            Kind::CrmFailed => return Self::Failed("The CRM failed.".to_owned()),
            Kind::NoSpace => return Self::Failed("The disk is nearly full.".to_owned()),
            Kind::Internal | Kind::Unavailable => return Self::Failed("The host failed; its log says why.".to_owned()),
            Kind::Invalid if !fields.is_empty() => format!("What was sent does not fit: {}", fields.join(", ")),
            _ if let Some(reason) = refusal.in_log => reason.to_owned(),
            Kind::NotFound => "There is no such thing.".to_owned(),
            Kind::Malformed => "What was sent cannot be read.".to_owned(),
            Kind::KeyReused => "Its key belongs to something else.".to_owned(),
            Kind::Stale => "It was changed meanwhile.".to_owned(),
            Kind::PreconditionRequired => "It was not said which version was looked at.".to_owned(),
            Kind::WrongState => "The state that it is in does not allow it.".to_owned(),
            Kind::TooLarge => "What was sent is too large.".to_owned(),
            Kind::Invalid => "What was sent does not fit.".to_owned(),
            Kind::TooMany(_) => "Too much was asked or tried at once.".to_owned(),
        };
        Self::Refused(because)
    }
}

impl From<&StoreError> for Outcome {
    fn from(_: &StoreError) -> Self {
        Self::Failed("The host failed; its log says why.".to_owned())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let refusal = match &error {
            StoreError::BadCursor => {
                let message = "The cursor is none that this list gave. Take `next` from the list's answer before, as it stands \
                               there, or begin again without `cursor`.";
                Self::new(Kind::Invalid, message)
            }
            StoreError::Locked
            | StoreError::TooNew { .. }
            | StoreError::NoRoom { .. }
            | StoreError::Lost { .. }
            | StoreError::HalfRestored
            | StoreError::Damaged { .. } => {
                tracing::error!(%error, "the store is not available");
                Self::new(Kind::Unavailable, "The store cannot be used now. Nothing was changed; try again later.")
            }
            StoreError::NoSpace { .. } => Self::no_space(),
            StoreError::AccessEnded => {
                Self::new(Kind::NotFound, "Nothing was changed: your access to the household has just ended.")
            }
            StoreError::Broken(_)
            | StoreError::Disk { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Unwritable { .. }
            | StoreError::DocumentTooLarge { .. }
            | StoreError::DocumentRemoved(_)
            | StoreError::Fault(_) => {
                tracing::error!(%error, "a request failed");
                Self::internal()
            }
        };
        refusal.because(error)
    }
}

impl From<NotDone> for Refusal {
    fn from(error: NotDone) -> Self {
        let refusal = match &error {
            NotDone::Busy { retry_after, .. } => {
                Self::new(Kind::TooMany(*retry_after), format!("Nothing was changed: {error}."))
            }
            NotDone::Fault => Self::internal(),
        };
        refusal.because(error)
    }
}

impl From<NotRead> for Refusal {
    fn from(error: NotRead) -> Self {
        let kind = match &error {
            NotRead::Busy => Kind::TooMany(intake::COME_AGAIN),
            NotRead::TooSlow => Kind::Unavailable,
            NotRead::TooMuch(_) => Kind::TooLarge,
            NotRead::NotText | NotRead::BrokeOff(_) => Kind::Malformed,
            NotRead::UnknownPart { .. } | NotRead::PartTwice(_) => Kind::Invalid,
        };
        let message = format!("The body, or the form in it, was not taken: {error}. Nothing was kept.");
        let part = match &error {
            NotRead::UnknownPart { name, .. } => Some(pointer_to(name)),
            NotRead::PartTwice(name) => Some(pointer_to(name)),
            _ => None,
        };
        let fields = part.map(|pointer| FieldError { pointer, message: format!("{error}.") });
        Self { fields: fields.into_iter().collect(), ..Self::new(kind, message) }.because(error)
    }
}

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Disk(error) | ImportError::File(FileError::Disk(error))
                if error.kind() == ErrorKind::StorageFull =>
            {
                Self::no_space().because(error)
            }
            error @ (ImportError::Disk(_) | ImportError::File(FileError::Disk(_) | FileError::NotTaken)) => {
                tracing::error!(%error, "a list could not be kept");
                Self::internal().because(error)
            }
            error @ (ImportError::File(_) | ImportError::Removed) => {
                Self::new(Kind::Invalid, format!("{error} Nothing was kept.")).because(error)
            }
            ImportError::NotRead(error) => error.into(),
            ImportError::Store(error) => error.into(),
            ImportError::NotDone(error) => error.into(),
        }
    }
}

impl From<SyncError> for Refusal {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::UnknownConnection(name) => Self::not_found(format_args!("connection `{name}`")),
            paused @ SyncError::NotAuthorised { .. } => {
                Self::new(Kind::WrongState, format!("{paused} Nothing was started."))
            }
            SyncError::Store(error) => error.into(),
        }
    }
}

impl From<ClientSyncError> for Refusal {
    fn from(error: ClientSyncError) -> Self {
        match error {
            ClientSyncError::Sync(error) => error.into(),
            ClientSyncError::NotLinked => Self::new(Kind::WrongState, error.to_string()),
            ClientSyncError::Crm(_) | ClientSyncError::TooSlow => {
                let said = full_stop(&error.to_string());
                let message = format!("{said} What came over before stays as it was. Try again in a while.");
                Self::new(Kind::CrmFailed, message).because(error)
            }
            ClientSyncError::Fault(message) => {
                tracing::error!(error = %message, "a client could not be synced");
                Self::internal()
            }
        }
    }
}

impl From<IntegrationError> for Refusal {
    fn from(error: IntegrationError) -> Self {
        match error {
            IntegrationError::Unknown(name) => Self::not_found(format_args!("connection `{name}`")),
            IntegrationError::Invalid(errors) => {
                let error = |error: parse::FieldError| FieldError {
                    pointer: format!("/{}", error.field),
                    message: error.message(),
                };
                Self::invalid(errors.into_iter().map(error).collect())
            }
            IntegrationError::Store(error) => error.into(),
            message @ (IntegrationError::NoFile(_) | IntegrationError::NoDraft) => {
                Self::new(Kind::NotFound, format!("{message}."))
            }
            message => Self::new(Kind::WrongState, full_stop(&message.to_string())),
        }
    }
}

impl From<NotesError> for Refusal {
    fn from(error: NotesError) -> Self {
        match error {
            NotesError::UnknownHousehold(id) => Self::at("/household_id", format!("There is no household {id}.")),
            NotesError::Invalid(errors) => {
                let error = |of_event: crate::domain::field::FieldError| FieldError { pointer: of_event.field, message: of_event.message };
                Self::invalid(errors.into_iter().map(error).collect())
            }
            NotesError::KeyReused { .. } => Self::new(
                Kind::KeyReused,
                "This key was used for another event, which is kept. Nothing was kept of this one: send it with a key of \
                 its own, which a form has as soon as it is shown again.",
            )
            .because(error),
            NotesError::NotRendered(diagnostics) => Self::invalid(diagnostics.iter().map(not_rendered).collect()),
            NotesError::UnknownNote(id) => Self::not_found(format_args!("note {id}")),
            NotesError::WrongState(message) => Self::new(Kind::WrongState, message),
            NotesError::Plugin(error) => error.into(),
            NotesError::Store(error) => error.into(),
            NotesError::NotDone(error) => error.into(),
        }
    }
}

fn not_rendered(diagnostic: &Diagnostic) -> FieldError {
    let pointer = diagnostic.field.as_deref().unwrap_or_default();
    let pointer =
        if pointer.is_empty() || pointer.starts_with('/') { pointer.to_owned() } else { format!("/{pointer}") };
    FieldError { pointer, message: diagnostic.message.clone() }
}

impl From<PackError> for Refusal {
    fn from(error: PackError) -> Self {
        // What a plugin says of an event or of rules may name people; why it was stopped, the host says.
        let reason = match &error {
            PackError::NotRendered(_) | PackError::Rules(_) => telemetry::length(&error.to_string()),
            _ => error.to_string(),
        };
        tracing::error!(reason, "a plugin failed");
        let message = "The request was not carried out and nothing was changed. The cause is in the host's log; another \
                       revision of the pack may mend it.";
        Self::new(Kind::PluginFailed, message).because(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_log_has_texts_of_the_program_and_never_one_that_was_put_together() {
        let because = |refusal: &Refusal| Outcome::from(refusal).because().map(str::to_owned).unwrap();
        let name = "Ayda Khan";
        let told = Refusal::new(Kind::WrongState, "Nothing was erased: try again in a minute.");
        assert_eq!(because(&told), "Nothing was erased: try again in a minute.");
        let own = Refusal::new(Kind::WrongState, format!("{name} is under a hold.")).in_log("A legal hold is on them.");
        assert_eq!(
            (own.message.as_str(), because(&own).as_str()),
            ("Ayda Khan is under a hold.", "A legal hold is on them.")
        );
        let kinds = [
            Kind::Malformed,
            Kind::NotFound,
            Kind::KeyReused,
            Kind::Stale,
            Kind::PreconditionRequired,
            Kind::WrongState,
            Kind::TooLarge,
            Kind::Invalid,
            Kind::TooMany(Duration::ZERO),
            Kind::PluginFailed,
            Kind::CrmFailed,
            Kind::NoSpace,
            Kind::Internal,
            Kind::Unavailable,
        ];
        for kind in kinds {
            let refusal = Refusal::new(kind, format!("{name} is not so."));
            assert!(!because(&refusal).contains(name), "{kind:?}");
        }
        let failed = Refusal::new(Kind::Internal, "The request was not carried out.");
        assert_eq!(because(&failed), "The host failed; its log says why.");
    }
}
