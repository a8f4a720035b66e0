//! The errors of the host's parts, each as the refusal that people and programs are told.

use std::error::Error as _;
use std::io::{Error as IoError, ErrorKind};
use std::sync::Mutex;
use std::time::Duration;

use crate::access::account::{AccountError, FieldProblem};
use crate::access::{CodeFault, FactorProblem, SignInError};
use crate::documents::{NotAPdf, NotTaken};
use crate::domain::field::FieldError as EventError;
use crate::domain::{Diagnostic, HouseholdId, NoteId};
use crate::import::{FileError, ImportError};
use crate::intake::NotRead;
use crate::integrations::IntegrationError;
use crate::notes::NotesError;
use crate::ops::{FieldError, Kind, Refusal};
use crate::pack::PackError;
use crate::queue::NotDone;
use crate::store::StoreError;
use crate::sync::{ClientSyncError, SyncError};

/// The refusal's kind and message, and whether it keeps the error for the log.
#[track_caller]
fn check(error: impl Into<Refusal>, kind: Kind, part: &str, keeps_source: bool) {
    let refusal = error.into();
    assert_eq!((refusal.kind, refusal.source().is_some()), (kind, keeps_source), "{refusal}");
    assert!(refusal.message.contains(part), "{refusal}");
    assert!(refusal.message.starts_with(|first: char| first.is_uppercase() || !first.is_alphabetic()), "{refusal}");
    assert_eq!(refusal.fields, [], "{refusal}");
}

/// The pointer and message of the one field that does not fit.
#[track_caller]
fn check_field(error: impl Into<Refusal>, pointer: &str, message: &str) {
    let refusal = error.into();
    let fields: Vec<_> = refusal.fields.iter().map(|field| (field.pointer.as_str(), field.message.as_str())).collect();
    assert_eq!((refusal.kind, fields), (Kind::Invalid, vec![(pointer, message)]), "{refusal}");
}

fn full() -> IoError {
    ErrorKind::StorageFull.into()
}

fn refused() -> IoError {
    ErrorKind::PermissionDenied.into()
}

#[test]
fn a_field_is_named_as_forms_name_it() {
    let named = |pointer: &str| FieldError { pointer: pointer.to_owned(), message: String::new() }.name().to_owned();
    assert_eq!(["/mobile", "/data/score", "", "file"].map(named), ["mobile", "data/score", "", "file"]);
}

#[test]
fn the_store_s_errors_say_nothing_of_it() {
    check(StoreError::BadCursor, Kind::Invalid, "or begin again without `cursor`", true);
    check(StoreError::Locked, Kind::Unavailable, "The store cannot be used now", true);
    check(StoreError::NoRoom { free: 1, needed: 2 }, Kind::Unavailable, "The store cannot be used now", true);
    check(StoreError::NoSpace { free: 1 }, Kind::NoSpace, "nearly full", true);
    let disk = StoreError::Disk { path: "/secret".into(), source: refused() };
    check(disk, Kind::Internal, "The cause is in the host's log", true);
}

#[test]
fn what_is_not_done_in_time_may_be_asked_again() {
    let busy = || NotDone::Busy { what: "mappings", retry_after: Duration::from_secs(7) };
    let seven = Kind::TooMany(Duration::from_secs(7));
    check(busy(), seven, "Nothing was changed: too many mappings are waiting", true);
    check(NotDone::Fault, Kind::Internal, "The cause is in the host's log", true);
    check(SignInError::NotDone(busy()), seven, "too many mappings", true);
    check(NotesError::NotDone(busy()), seven, "too many mappings", true);
    check(AccountError::NotDone(busy()), seven, "too many mappings", true);
    check(ImportError::NotDone(busy()), seven, "too many mappings", true);
}

#[test]
fn a_body_that_is_not_read_is_told_at_its_part() {
    check(NotRead::Busy, Kind::TooMany(crate::intake::COME_AGAIN), "too many files", true);
    check(NotRead::TooSlow, Kind::Unavailable, "Nothing was kept", true);
    check(NotRead::TooMuch("it is large".to_owned()), Kind::TooLarge, "it is large", true);
    check(NotRead::NotText, Kind::Malformed, "not UTF-8", true);
    check(NotRead::BrokeOff("secret".to_owned()), Kind::Malformed, "broke off", true);
    let unknown = NotRead::UnknownPart { name: "a/b".to_owned(), known: "`file`".to_owned() };
    check_field(unknown, "/a~1b", "the form has a part `a/b`, and its parts are `file`.");
    let twice = "the form has more than one part `file`; send each by itself.";
    check_field(NotRead::PartTwice("file".to_owned()), "/file", twice);
}

#[test]
fn a_list_that_is_not_taken_is_told() {
    check(ImportError::Disk(full()), Kind::NoSpace, "nearly full", true);
    check(ImportError::File(FileError::Disk(full())), Kind::NoSpace, "nearly full", true);
    check(ImportError::Disk(refused()), Kind::Internal, "The cause is in the host's log", true);
    check(ImportError::File(FileError::Disk(refused())), Kind::Internal, "in the host's log", true);
    check(ImportError::File(FileError::NotTaken), Kind::Internal, "in the host's log", true);
    check(ImportError::File(FileError::NoRows("It is empty.")), Kind::Invalid, "It is empty. Nothing was", true);
    check(ImportError::Removed, Kind::Invalid, "removed while it was read. Nothing was kept.", true);
    check(ImportError::Store(StoreError::BadCursor), Kind::Invalid, "cursor", true);
    check_field(
        ImportError::NotRead(NotRead::PartTwice("file".to_owned())),
        "/file",
        &format!("{}.", NotRead::PartTwice("file".to_owned())),
    );
}

#[test]
fn a_document_that_is_not_taken_is_told() {
    check(NotTaken::NotAPdf(NotAPdf::TooLarge), Kind::TooLarge, "Nothing was kept: the file is larger", false);
    check_field(NotTaken::NotAPdf(NotAPdf::Empty), "", "the file is empty");
    check(NotTaken::NotRead(NotRead::NotText), Kind::Malformed, "not UTF-8", true);
    check(NotTaken::Store(StoreError::BadCursor), Kind::Invalid, "cursor", true);
    check(NotTaken::Io(full()), Kind::NoSpace, "nearly full", true);
    check(NotTaken::Io(refused()), Kind::Internal, "in the host's log", true);
}

#[test]
fn a_sync_that_does_not_begin_is_told() {
    let main = || "main".parse().unwrap();
    check(SyncError::UnknownConnection(main()), Kind::NotFound, "There is no connection `main`.", false);
    let paused = SyncError::NotAuthorised { connection: main(), message: "Sign in again.".to_owned() };
    check(paused, Kind::WrongState, "is paused. Sign in again. Nothing was started.", false);
    check(SyncError::Store(StoreError::BadCursor), Kind::Invalid, "cursor", true);
    let unknown = || SyncError::UnknownConnection(main());
    check(ClientSyncError::Sync(unknown()), Kind::NotFound, "There is no connection `main`.", false);
    check(ClientSyncError::NotLinked, Kind::WrongState, "not linked to the CRM", false);
    check(ClientSyncError::TooSlow, Kind::CrmFailed, "What came over before stays as it was", true);
    let fault = Refusal::from(ClientSyncError::Fault("secret".to_owned()));
    assert!(!fault.message.contains("secret"), "{fault}");
    check(fault, Kind::Internal, "in the host's log", false);
}

#[test]
fn a_connection_that_is_not_changed_is_told() {
    let main = || "main".parse().unwrap();
    check(IntegrationError::Unknown(main()), Kind::NotFound, "There is no connection `main`.", false);
    check(IntegrationError::WrongState("It runs.".to_owned()), Kind::WrongState, "It runs.", false);
    assert_eq!(Refusal::from(IntegrationError::WrongState("it runs".to_owned())).message, "It runs.");
    check(IntegrationError::Store(StoreError::BadCursor), Kind::Invalid, "cursor", true);
}

#[test]
fn a_note_that_is_not_kept_is_told() {
    let household = HouseholdId(uuid::Uuid::nil());
    let none = format!("There is no household {household}.");
    check_field(NotesError::UnknownHousehold(household), "/household_id", &none);
    let error = EventError::new("/data/score", "must be a number");
    check_field(NotesError::Invalid(vec![error]), "/data/score", "must be a number");
    let note = NoteId(uuid::Uuid::nil());
    let reused = NotesError::KeyReused { note, event_type: "a".to_owned(), household };
    check(reused, Kind::KeyReused, "This key was used for another event", true);
    check(NotesError::UnknownNote(note), Kind::NotFound, "There is no note", false);
    check(NotesError::WrongState("it is done".to_owned()), Kind::WrongState, "It is done", false);
    check(NotesError::Store(StoreError::BadCursor), Kind::Invalid, "cursor", true);
    let plugin = NotesError::Plugin(PackError::Rules(vec!["secret".to_owned()]));
    let refusal = Refusal::from(plugin);
    assert!(!refusal.message.contains("secret"), "{refusal}");
    check(refusal, Kind::PluginFailed, "another revision of the pack may mend it", true);
    for (field, pointer) in [(None, ""), (Some(""), ""), (Some("data"), "/data"), (Some("/data/a"), "/data/a")] {
        let said =
            Diagnostic { field: field.map(str::to_owned), ..Diagnostic::error("a", "It lacks a name.".to_owned()) };
        check_field(NotesError::NotRendered(vec![said]), pointer, "It lacks a name.");
    }
}

#[test]
fn what_a_plugin_says_of_people_is_not_logged() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines = tracing_subscriber::fmt().with_writer(Mutex::new(file.reopen().unwrap()));
    tracing::subscriber::with_default(lines.finish(), || {
        let said = Diagnostic::error("a", "Ignatia Canary lacks a name.".to_owned());
        check(PackError::NotRendered(vec![said]), Kind::PluginFailed, "The cause is in the host's log", true);
        check(PackError::Rules(vec!["Canary".to_owned()]), Kind::PluginFailed, "The cause is in the host's log", true);
        check(
            PackError::Examples(vec!["a is b".to_owned()]),
            Kind::PluginFailed,
            "The cause is in the host's log",
            true,
        );
    });
    let log = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(log.matches("a plugin failed").count(), 3, "{log}");
    assert!(!log.contains("Canary") && log.contains("a is b"), "{log}");
}

#[test]
fn who_does_not_come_in_is_told() {
    check(SignInError::Refused, Kind::NotSignedIn, "No account has this email and password", false);
    let retry_after = Duration::from_secs(7);
    check(SignInError::TooMany { retry_after }, Kind::TooMany(retry_after), "Too many sign-ins", false);
    check(SignInError::Store(StoreError::BadCursor), Kind::Invalid, "cursor", true);
    check(SignInError::Disabled, Kind::NotSignedIn, "A practice manager can enable it again.", false);
    check(SignInError::CodeWanted { half: None }, Kind::CodeWanted, "has a second factor", false);
    check(SignInError::CodeRefused(CodeFault::Wrong), Kind::CodeWanted, "This code is not accepted;", false);
    check(SignInError::CodeRefused(CodeFault::ClocksDiffer(1)), Kind::CodeWanted, "by about 1 minute.", false);
    check(SignInError::CodeRefused(CodeFault::KeyExchanged), Kind::CodeWanted, "Use a recovery code", false);
    check(SignInError::HalfIsOver, Kind::NotSignedIn, "sign in again", false);
    check(AccountError::from(FactorProblem::Wanted), Kind::WrongState, "The practice wants a second factor", false);
    let used = "This code was used already; wait until your app shows the next one, half a minute at most, or use another recovery code.";
    check_field(AccountError::from(SignInError::CodeRefused(CodeFault::Used)), "/code", used);
    check(AccountError::LinkIsOver, Kind::NotFound, "This set-up link", false);
    check(AccountError::AccountLinkIsOver, Kind::NotFound, "ask a practice manager for another", false);
    check(AccountError::NoAccount, Kind::NotFound, "There is no such account", false);
    check(AccountError::LastManager("Pat Lee".to_owned()), Kind::WrongState, "make somebody else one first", false);
    check(AccountError::Disabled("Pat Lee".to_owned()), Kind::WrongState, "enable it first", false);
    check(AccountError::NotConfirmed(SignInError::Disabled), Kind::NotSignedIn, "This account is disabled", false);
    let wrong = "This is not your password. Type the one with which you signed in.";
    check_field(AccountError::NotConfirmed(SignInError::Refused), "/current_password", wrong);
    check(AccountError::Store(StoreError::BadCursor), Kind::Invalid, "cursor", true);
    let problem = FieldProblem { field: "password", message: "Write more.".to_owned() };
    check_field(AccountError::Invalid(vec![problem]), "/password", "Write more.");
}
