//! Packs: mapping components and their rules, everything about WebAssembly.
//!
//! Serves `sync` (mapping), `notes` (rendering) and `api` (explaining). What a component returns is untrusted and is
//! parsed into domain types in `convert`, nowhere else.

use std::path::Path;
use std::sync::Arc;

use crate::crm::Source;
use crate::domain::note::FileNote;
use crate::domain::{Canonical, Date, Diagnostic, ExternalId, RecordKind, RevisionId};

/// What holds for a batch; `context` of the contract.
#[derive(Clone, Debug)]
pub struct Context {
    /// ISO 3166-1 alpha-2.
    pub region: String,
    /// `resourceful` or `open`.
    pub dialect: String,
    /// The connection's name.
    pub connection: String,
    /// The practice's domain for made-up addresses.
    pub placeholder_email_domain: String,
    /// The day for which the mapping is asked.
    pub as_of: Date,
}

/// One raw record for the mapping.
#[derive(Clone, Debug)]
pub struct RawInput {
    /// What it is to become.
    pub kind: RecordKind,
    /// The CRM's id.
    pub id: ExternalId,
    /// `{"row":…,"<list>":…}`.
    pub json: Vec<u8>,
}

/// What became of a raw record, with everything parsed.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// Understood.
    Mapped {
        /// The canonical records.
        records: Vec<Canonical>,
        /// What was left out or derived.
        diagnostics: Vec<Diagnostic>,
    },
    /// Left out by a rule.
    Skipped(Vec<Diagnostic>),
    /// Cannot be used.
    Rejected(Vec<Diagnostic>),
}

/// How one canonical field came about.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct FieldExplanation {
    /// The canonical field.
    pub field: String,
    /// Its value as text.
    pub value: Option<String>,
    /// JSON Pointer into the raw record.
    pub source: Option<String>,
    /// What stands there.
    pub source_value: Option<String>,
    /// JSON Pointer into the rules and what the rule says.
    pub rule: Option<String>,
    /// What was considered and left out.
    pub diagnostics: Vec<Diagnostic>,
}

/// What the rendering of a note is told; `event` of the contract.
#[derive(Clone, Debug)]
pub struct NoteEvent {
    /// The event's type.
    pub event_type: String,
    /// RFC 3339 in the practice's time zone.
    pub occurred_at: String,
    /// The practice's name.
    pub practice_name: String,
    /// The household's name.
    pub household_name: String,
    /// Members linked to the CRM, the primary client first.
    pub members: Vec<NoteMember>,
    /// The member the event is about.
    pub about: Option<ExternalId>,
    /// The event's data as JSON.
    pub data: String,
}

/// A member of the household, for rendering.
#[derive(Clone, Debug)]
pub struct NoteMember {
    /// The CRM's id.
    pub external_id: ExternalId,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The name the person goes by.
    pub preferred_name: Option<String>,
    /// The place in the household.
    pub role: crate::domain::stored::HouseholdRole,
}

/// Why a pack or a call into it failed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file is missing or cannot be read.
    #[error("{0}")]
    Io(String),
    /// The pack is refused; the text says why and what would be right.
    #[error("{0}")]
    Refused(String),
    /// The rules do not fit; each line names the place.
    #[error("the rules cannot be used:\n{}", .0.join("\n"))]
    Rules(Vec<String>),
    /// The component trapped, ran too long or outgrew its limits.
    #[error("the plugin failed: {0}")]
    Failed(String),
    /// The component cannot render this note.
    #[error("the note cannot be written: {}", .0.iter().map(|d| d.message.as_str()).collect::<Vec<_>>().join("; "))]
    NotRendered(Vec<Diagnostic>),
}

/// The engine and the loaded revisions. Cheap to clone.
#[derive(Clone)]
pub struct Packs {}

/// A verified pack revision: one component with one set of rules. Shared; calls may run side by side. All calls
/// block the thread they run on: call them from a blocking thread.
pub struct Revision {}

impl Packs {
    /// An engine with its compiled-code cache in `cache_dir`.
    ///
    /// # Errors
    /// Where the cache folder cannot be made.
    pub fn new(_cache_dir: &Path) -> Result<Self, PackError> {
        todo!()
    }

    /// Loads and verifies a pack folder: component, world, imports, manifest, rules.
    ///
    /// # Errors
    /// Says what is wrong with the pack; nothing is kept of it.
    pub fn load(&self, _folder: &Path) -> Result<Arc<Revision>, PackError> {
        todo!()
    }
}

impl Revision {
    /// The revision's id.
    pub fn id(&self) -> RevisionId {
        todo!()
    }

    /// The pack's name: `xplan-au`.
    pub fn pack(&self) -> &str {
        todo!()
    }

    /// ISO 3166-1 alpha-2 code of the pack's region.
    pub fn region(&self) -> &str {
        todo!()
    }

    /// The CRM it reads: `xplan`.
    pub fn crm(&self) -> &str {
        todo!()
    }

    /// What is to be read from the CRM.
    pub fn sources(&self) -> &[Source] {
        todo!()
    }

    /// Whether the mapping of a kind reads the as-of date.
    pub fn reads_as_of(&self, _kind: RecordKind) -> bool {
        todo!()
    }

    /// Event types that it can render.
    pub fn events(&self) -> &[String] {
        todo!()
    }

    /// Maps a batch, one verdict a record, in order. A record that makes the plugin fail is found by halving the
    /// batch and rejected; it never fails its neighbours.
    pub fn map(&self, _context: &Context, _records: &[RawInput]) -> Vec<Verdict> {
        todo!()
    }

    /// Where each canonical field of a record comes from.
    ///
    /// # Errors
    /// [`PackError::Failed`] where the plugin fails.
    pub fn explain(&self, _context: &Context, _record: &RawInput) -> Result<Vec<FieldExplanation>, PackError> {
        todo!()
    }

    /// Writes an event's file note.
    ///
    /// # Errors
    /// [`PackError::NotRendered`] with the plugin's reasons, [`PackError::Failed`] where it fails.
    pub fn render_note(&self, _context: &Context, _event: &NoteEvent) -> Result<FileNote, PackError> {
        todo!()
    }
}
