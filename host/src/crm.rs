//! The connector: what the host asks of a CRM, whichever it is.
//!
//! Serves `sync` (reading the book) and `notes` (writing file notes). It knows protocols, never what a field means:
//! which resources, fields and lists are read comes from the pack's rules as [`Source`]s.

mod budget;
mod concurrency;
pub mod driver;
pub mod files;
pub mod folders;
pub mod held;
pub mod hosts;
pub mod http;
pub mod kind;
pub mod oauth;
pub mod outside;
pub mod parse;
pub mod proxy;
mod raw;
pub mod registry;
pub mod repair;
pub mod rights;
pub mod schedule;
mod sizes;
pub mod spec;
mod unusable;
pub mod xplan;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
pub use unusable::SiteUnusable;

use crate::domain::absence::Edition;
use crate::domain::note::FileNote;
use crate::domain::outbox::FoundAttachment;
use crate::domain::site_list::{KnownList, ListInForce};
use crate::domain::{Date, ExternalId, RecordKind, Timestamp};

/// Chooses ring for TLS, once a process; a provider that is installed already is as good.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The place in the CRM where the records of one kind are read; from the pack's rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The kind of canonical record it becomes.
    pub kind: RecordKind,
    /// The CRM's name of the resource: `client-v4`.
    pub resource: String,
    /// The row's fields to ask for, by the CRM's names. Of a CRM whose rows are not told apart by itself, the first is the
    /// one that holds the record's id, or that of the client whose list it stands in.
    pub fields: Vec<String>,
    /// The lists below a row that belong to the raw record, by the CRM's names; one that begins with `/` is a list of
    /// the site itself, read once a walk.
    pub lists: Vec<String>,
    /// The sources of items in lists below the same rows, in raw records of their own (goals, covers): read in the same
    /// walk. Their resource is this one's; their fields are asked for only where lists are not parts of their rows.
    pub below: Vec<Source>,
}

/// The longest name of a field that a site is asked for.
const FIELD_NAME: usize = 200;
/// The most fields and lists of one source.
const MOST_NAMES: usize = 1_000;

/// Whether a text is a step of an address below a site, and leads nowhere else.
pub fn is_step(text: &str) -> bool {
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_plain && (1..=100).contains(&text.len())
}

impl Source {
    /// The reason why no site can be asked for this; none where one can.
    pub fn unaskable(&self) -> Option<String> {
        let is_list = |list: &&String| list.strip_prefix('/').unwrap_or(list).split('/').all(is_step);
        let is_field =
            |field: &&String| (1..=FIELD_NAME).contains(&field.chars().count()) && !field.chars().any(char::is_control);
        let named = |name: &str| name.chars().take(40).flat_map(char::escape_debug).collect::<String>();
        if !is_step(&self.resource) {
            return Some(format!("`{}` is no name of a resource that can be asked for", named(&self.resource)));
        }
        if self.fields.len() + self.lists.len() > MOST_NAMES {
            return Some(format!("it asks for more than {MOST_NAMES} fields and lists of `{}`", named(&self.resource)));
        }
        let list = self.lists.iter().find(|list| !is_list(list));
        let field = self.fields.iter().find(|field| !is_field(field));
        let list = list.map(|list| format!("`{}` is no name of a list that can be asked for", named(list)));
        list.or_else(|| field.map(|field| format!("`{}` is no name of a field that can be asked for", named(field))))
    }

    /// Puts the sources of kinds that stand in clients' lists below those of the rows that have the lists.
    ///
    /// # Errors
    /// The first source whose lists stand below no client.
    pub fn nested(sources: Vec<Self>) -> Result<Vec<Self>, Self> {
        let (listed, mut sources): (Vec<_>, Vec<_>) = sources.into_iter().partition(|source| source.kind.is_listed());
        for source in listed {
            let is_above = |above: &&mut Self| above.kind == RecordKind::Client && above.resource == source.resource;
            match sources.iter_mut().find(is_above) {
                Some(above) => above.below.push(source),
                None => return Err(source),
            }
        }
        Ok(sources)
    }
}

/// A raw record as it came, not yet put together: pieces of the CRM's answers, shared, not copied.
#[derive(Clone, Debug)]
pub struct RawRecord {
    /// The CRM's id of the entity.
    pub id: ExternalId,
    /// XXH3-128 over everything that the mapping sees (not over paging bookmarks): equal for equal content.
    pub fingerprint: u128,
    /// The pieces, the row first.
    pub parts: Vec<RawPart>,
    /// The reason why it cannot be used as it came; then it is set aside and mapped by nobody.
    pub fault: Option<String>,
}

/// A piece of a raw record.
#[derive(Clone, Debug)]
pub struct RawPart {
    /// `row`, or the list's name.
    pub name: String,
    /// The JSON text.
    pub text: RawText,
}

/// A JSON text inside a CRM's answer.
#[derive(Clone, Debug)]
pub enum RawText {
    /// The text as it is.
    Plain(Bytes),
    /// The inside of a JSON string literal, still escaped (batch answers carry JSON as strings): undone only where
    /// the record is mapped.
    Escaped(Bytes),
}

/// One page of a walk.
#[derive(Debug)]
pub struct RawPage {
    /// The records of the page, in the CRM's order.
    pub records: Vec<RawRecord>,
    /// The records of lists below them, one a source below.
    pub below: Vec<RawBelow>,
    /// Rows that name no record, so that nothing can be kept of them.
    pub unreadable: u64,
    /// The sentences about rows that are not used, and about what else is to be seen to in the source, where the CRM's
    /// connector can name them: a bounded number.
    pub told: Vec<String>,
    /// The bookmark where the next page begins; none after the last.
    pub next: Option<Bookmark>,
}

/// The lists of one kind below a page's rows.
#[derive(Debug)]
pub struct RawBelow {
    /// The kind of record that they become.
    pub kind: RecordKind,
    /// A record for each row whose lists the CRM gave, under the row's id.
    pub records: Vec<RawRecord>,
    /// Rows whose lists the CRM has not got or refuses to show: nothing is known of them.
    pub withheld: u64,
    /// Records that are in no row's list, because whose they are cannot be told or is nobody who is there.
    pub unowned: u64,
}

/// The result of asking for records by id. Whoever is in neither part is not shown.
#[derive(Debug)]
pub struct ById {
    /// The records that the CRM shows.
    pub page: RawPage,
    /// The ids for which the call failed, so that nothing is known of them.
    pub unanswered: Vec<ExternalId>,
}

/// The CRM's own mark of a place in a list.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Bookmark(pub String);

/// A note found in the CRM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundNote {
    /// The CRM's id of the note.
    pub document_id: ExternalId,
    /// The marker that it carries.
    pub marker: Option<String>,
    /// The day on which it was made, by the CRM's calendar; none where the CRM does not say.
    pub made_on: Option<Date>,
}

/// The reason why a call to the CRM failed, sorted by what the caller has to do.
#[derive(Debug, thiserror::Error)]
pub enum CrmError {
    /// The sign-in is refused, also after signing in again.
    #[error("the CRM refused the sign-in ({status}): {message}")]
    Unauthorised {
        /// The HTTP status.
        status: u16,
        /// The CRM's own words.
        message: String,
    },
    /// The CRM understood and refuses: no retry helps.
    #[error("the CRM refused the call ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The CRM's own words.
        message: String,
    },
    /// The CRM asks to wait.
    #[error("the CRM asks to wait ({status}): {message}")]
    Throttled {
        /// The HTTP status.
        status: u16,
        /// The time to wait, where the CRM said it.
        retry_after: Option<Duration>,
        /// The CRM's own words.
        message: String,
    },
    /// The call failed on the way or in the CRM. It may or may not have taken effect.
    #[error("no usable answer from the CRM: {message}")]
    Unknown {
        /// The message: what happened.
        message: String,
    },
    /// What there is to read is not whole, or not as the rules describe it; the words say what it waits for. Nothing was
    /// changed, and the next run looks again.
    #[error("{message}")]
    NotReady {
        /// The message: what is not ready, and what to do where it does not become so by itself.
        message: String,
    },
    /// Nothing is asked of the site until a person has decided something; the words say what. The call never left.
    #[error("{message}")]
    Held {
        /// The message: what has to be done.
        message: String,
    },
    /// The call never left: it cannot have taken effect.
    #[error("the CRM cannot be reached: {message}")]
    Unreachable {
        /// The message: what happened.
        message: String,
    },
    /// The answer, or a record in it, is larger than what is read.
    #[error("more than can be taken: {message}")]
    TooLarge {
        /// The message: what is too large, and how much is taken.
        message: String,
    },
    /// The answer is not what the protocol says. It is kept out; nothing was changed.
    #[error("the CRM answered something else than expected: {message}")]
    Protocol {
        /// The message: what was expected, and what came (its first bytes, never a record's values).
        message: String,
    },
}

impl CrmError {
    /// The part of the error that the log may have: what kind of failure it is, its status, and how much the CRM said.
    /// The words themselves may name people; they go to the run, the note or the page that is about it.
    pub fn for_log(&self) -> String {
        let said = |what: &str, message: &str| format!("{what}, {}", crate::telemetry::length(message));
        match self {
            Self::Unauthorised { status, message } => said(&format!("the sign-in is refused ({status})"), message),
            Self::Refused { status, message } => said(&format!("the call is refused ({status})"), message),
            Self::Throttled { status, message, .. } => said(&format!("to wait is asked ({status})"), message),
            Self::Unknown { message } => said("no usable answer", message),
            Self::NotReady { message } => said("what is to be read is not ready", message),
            Self::Held { .. } => "it waits until a person has said which site it is".to_owned(),
            Self::Unreachable { message } => said("it cannot be reached", message),
            Self::TooLarge { message } => said("more than can be taken", message),
            Self::Protocol { message } => said("something else than expected", message),
        }
    }
}

/// Requests made and repeated, for run reports.
#[derive(Debug, Default)]
pub struct Traffic {
    requests: AtomicU64,
    retries: AtomicU64,
    slow_downs: AtomicU64,
}

/// The totals of traffic at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TrafficTotals {
    /// Requests made.
    pub requests: u64,
    /// The number of those requests that were made again after a fault.
    pub retries: u64,
    /// The number of times that the site was given fewer calls at once, because it slowed down or asked for it.
    pub slow_downs: u64,
}

impl TrafficTotals {
    /// The traffic that came after `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(before.requests),
            retries: self.retries.saturating_sub(before.retries),
            slow_downs: self.slow_downs.saturating_sub(before.slow_downs),
        }
    }
}

impl Traffic {
    /// Counts one request.
    pub fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one request made again.
    pub fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one slowing down.
    pub fn count_slow_down(&self) {
        self.slow_downs.fetch_add(1, Ordering::Relaxed);
    }

    /// The totals so far.
    pub fn totals(&self) -> TrafficTotals {
        TrafficTotals {
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            slow_downs: self.slow_downs.load(Ordering::Relaxed),
        }
    }
}

/// A bearer token as it is sent.
#[derive(Clone, Debug)]
pub struct BearerToken {
    /// The token's number: it counts the tokens of this process; the next has another.
    pub number: u64,
    /// The token.
    pub value: SecretString,
}

/// The source of a site's bearer tokens: they are kept and renewed outside the connector.
#[async_trait::async_trait]
pub trait Tokens: Send + Sync {
    /// A token to sign with, renewed where it is about to expire; never number `stale`, which the site refused.
    ///
    /// # Errors
    /// [`CrmError::Unauthorised`] where a person has to authorise the host (again).
    async fn token(&self, stale: Option<u64>) -> Result<BearerToken, CrmError>;
}

/// The calls that the host makes to a CRM. One value a connection; calls may run side by side. Retries, signing in
/// again and waiting are inside for reads; writes are tried once and answer truthfully, because only the outbox knows
/// whether a second try is safe.
#[async_trait::async_trait]
pub trait Connector: Send + Sync {
    /// Signs in and tells as whom, in the CRM's words; for checks before a run.
    async fn whoami(&self) -> Result<String, CrmError>;

    /// One page of a source's rows with their lists and what is below. `after` none is the beginning.
    async fn page(&self, source: &Source, after: Option<&Bookmark>) -> Result<RawPage, CrmError>;

    /// One record with its lists and what is below, as a page of one; none where the CRM does not show it.
    async fn one(&self, source: &Source, id: &ExternalId) -> Result<Option<RawPage>, CrmError>;

    /// The number of records that one call of [`Self::by_id`] asks for.
    fn by_id_at_once(&self) -> usize {
        1
    }

    /// The records among these that the CRM shows, with their lists and what is below; at most as many as can be asked
    /// for at once.
    async fn by_id(&self, source: &Source, ids: &[ExternalId]) -> Result<ById, CrmError> {
        let mut page = RawPage { records: Vec::new(), below: Vec::new(), unreadable: 0, told: Vec::new(), next: None };
        for id in ids {
            if let Some(one) = self.one(source, id).await? {
                page.records.extend(one.records);
                page.below.extend(one.below);
            }
        }
        Ok(ById { page, unanswered: Vec::new() })
    }

    /// All notes filed against `entity`, each once, for looking a marker up: nothing else that was sent decides, because
    /// the CRM may keep it otherwise.
    async fn find_notes(&self, entity: &ExternalId) -> Result<Vec<FoundNote>, CrmError>;

    /// The clients that a note which a person names is filed against: nobody where the CRM does not show it, none where
    /// it does not say.
    async fn filed_against(&self, _document_id: &ExternalId) -> Result<Option<Vec<ExternalId>>, CrmError> {
        Ok(None)
    }

    /// Creates a note; tried once.
    async fn create_note(&self, note: &FileNote, marker: &str) -> Result<ExternalId, CrmError>;

    /// Attaches a document to a note; tried once. Answers the CRM's id of the attachment.
    async fn attach(
        &self,
        document_id: &ExternalId,
        filename: &str,
        media_type: &str,
        content: &[u8],
    ) -> Result<ExternalId, CrmError>;

    /// The attachments of a note, in the CRM's order, for looking one up.
    async fn attachments_of(&self, document_id: &ExternalId) -> Result<Vec<FoundAttachment>, CrmError>;

    /// The reason why nothing is asked of the site, in words for a person; none where it is asked.
    fn held(&self) -> Option<&str> {
        None
    }

    /// The moment until which the CRM asked to be left alone; none where it may be asked.
    fn left_alone_until(&self) -> Option<Timestamp> {
        None
    }

    /// Takes up until when an earlier process was asked to leave the CRM alone.
    fn leave_alone_until(&self, _: Timestamp) {}

    /// Forgets that the CRM asked to be left alone: a person says to try it now.
    fn release(&self) {}

    /// Ends the session, where there is one; for an orderly end of the process.
    async fn sign_out(&self);

    /// Requests made so far.
    fn traffic(&self) -> &Traffic;

    /// What was found out about the site, such as how much it gives at once: to be kept for the next process. Empty where
    /// there is nothing to keep.
    fn memory(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes up what an earlier process found out about the site.
    fn recall(&self, _: &[u8]) {}

    /// The edition of the book that the walk read, where the CRM gives one a second time. None where each walk is a look of
    /// its own.
    fn edition(&self) -> Option<Edition> {
        None
    }

    /// The lists of the site itself that are in force.
    fn site_lists(&self) -> Vec<ListInForce> {
        Vec::new()
    }

    /// Takes up what is known of the lists of the site itself, for those that come empty or not at all.
    fn recall_site_lists(&self, _: Vec<KnownList>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_site_can_be_asked_for_is_told_before_one_is() {
        let source = |resource: &str, field: &str, list: &str| Source {
            kind: RecordKind::Client,
            resource: resource.to_owned(),
            fields: vec![field.to_owned()],
            lists: vec![list.to_owned()],
            below: Vec::new(),
        };
        let check = |resource: &str, field: &str, list: &str, expected: Option<&str>| {
            let why = source(resource, field, list).unaskable();
            assert_eq!(why.is_some(), expected.is_some(), "{why:?}");
            assert!(why.unwrap_or_default().contains(expected.unwrap_or_default()));
        };
        check("client-v4", "first_name", "goals", None);
        check("client-v4", "Größe, in m²", "/ufield/goals/category/choice", None);
        check("../../admin", "first_name", "goals", Some("`../../admin` is no name of a resource"));
        check("", "first_name", "goals", Some("no name of a resource"));
        check("client-v4", "first_name", "/ufield/../../admin", Some("no name of a list"));
        check("client-v4", "first_name", "", Some("no name of a list"));
        check("client-v4", "first_name", "goals?x=1", Some("no name of a list"));
        check("client-v4", &"x".repeat(200_000), "goals", Some("no name of a field"));
        check("client-v4", "first\nname", "goals", Some("`first\\nname` is no name of a field"));
        let many = Source { fields: vec!["a".to_owned(); 2_000], ..source("client-v4", "a", "goals") };
        assert!(many.unaskable().unwrap().contains("more than 1000"));
    }
}
