//! The terms of the practice: what a client, a household, a run and a file note are.
//!
//! Pure: no file, network, clock, randomness or async. Times and ids are handed in. Everything here is valid by
//! construction: a `Money` has a currency, an `E164` is a number, a `Date` exists. Text that is not yet any of
//! these is a candidate and lives in the host's `pack` module.

pub mod absence;
pub mod access;
pub mod account;
pub mod address;
pub mod audit;
pub mod birth;
pub mod breaker;
pub mod crm_id;
pub mod declaration;
pub mod diagnostic;
pub mod edit;
pub mod extension;
pub mod field;
pub mod fold;
pub mod history;
pub mod household;
pub mod idempotency;
pub mod ids;
pub mod import;
pub mod listed;
pub mod made;
pub mod merge;
pub mod note;
pub mod outbox;
pub mod placeholder;
pub mod practice_client;
pub mod privacy;
pub mod record;
pub mod review;
pub mod run;
pub mod schedule;
pub mod site_list;
pub mod stored;
pub mod text;
pub mod trial;
pub mod value;
#[cfg(test)]
mod words;

pub use crm_id::{IdForm, InvalidExternalId, LONGEST_TEXT_ID};
pub use diagnostic::{Diagnostic, Severity};
pub use idempotency::{IdempotencyKey, InvalidIdempotencyKey};
pub use ids::{
    ClientId, ConnectionName, DocumentId, EmergencyId, EventId, ExternalId, HouseholdId, ImportId,
    InvalidConnectionName, ItemId, NoteId, PreviewId, RevisionDigest, RevisionId, RunId, SessionId, TeamId, TokenId,
    UserId,
};
pub use record::{Adviser, Canonical, Client, RecordKind};
pub use value::{CountryCode, Date, E164, EmailAddress, Money, Timestamp};
