//! Packs: mapping components and their rules, everything about WebAssembly.
//!
//! Serves `sync` (mapping), `notes` (rendering) and `api` (explaining). What a component returns is untrusted and is
//! parsed into domain types in `convert`, nowhere else.

mod archive;
mod bindings;
mod cache;
mod clock;
mod compile;
mod component;
pub mod conform;
mod convert;
mod declared;
mod disguise;
pub mod dropped;
mod editing;
mod engine;
mod error;
mod event_examples;
pub mod events;
mod examples;
mod files;
mod fixtures;
mod gates;
mod inspect;
mod instance;
mod kept;
mod layers;
mod limits;
mod lines;
mod load;
mod log;
mod manifest;
mod map;
mod pack_file;
mod parts;
mod phone;
mod pointers;
mod private_file;
mod revision;
mod rules;
pub mod signature;
mod spelling;
mod state;
mod templates;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::with_events;
mod text;
mod unreadable;
mod usage;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

pub use tidegate_documents::{MadeAt, Typesetter};

use crate::config::PackKeys;
use crate::domain::{Canonical, Date, Diagnostic, ExternalId, RecordKind, RevisionDigest, RevisionId};
pub use archive::LARGEST_ARCHIVE;
pub use clock::thread_cpu;
pub use disguise::{Disguised, NotDisguised};
pub use editing::{
    EditableFile, FileKind, FileText, LARGEST_EDITED, MOST_EDITED, Problem, editable_files, editable_text, place_of,
    with_line_ends_of,
};
pub use error::{ComponentError, PackError, PluginFailure};
pub use events::{About, DocumentRule, EventType, EventTypes};
pub use files::Edited;
pub use fixtures::{Case, blessed, record_of};
pub use gates::{Gate, GateOutcome, Gates};
pub use inspect::{Inspection, inspect};
pub use kept::{KeptPacks, Received, copy_whole, copy_with_bases};
pub use log::PluginLine;
pub use parts::is_stray;
pub use phone::is_mobile;
pub use pointers::split_pointer;
pub use revision::Revision;
pub use rules::differences::RuleDifference;
pub use usage::Usage;

/// The parts of the host that a component asks for, for whoever runs a plugin natively and compares.
pub mod native {
    pub use super::bindings::tidegate::mapping::phone::{LineType, Number, Problem};
    pub use super::phone::answer as parse_phone;
}

/// The context of a batch; `context` of the contract.
#[derive(Clone, Debug)]
pub struct Context {
    /// The region, ISO 3166-1 alpha-2.
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
    /// The kind of record that it is to become.
    pub kind: RecordKind,
    /// The CRM's id.
    pub id: ExternalId,
    /// `{"row":…,"<list>":…}`.
    pub json: Vec<u8>,
}

/// The verdict on a raw record, with everything parsed.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// The record was understood.
    Mapped {
        /// The canonical records.
        records: Vec<Canonical>,
        /// The values that were left out or derived.
        diagnostics: Vec<Diagnostic>,
    },
    /// The record is left out by a rule.
    Skipped(Vec<Diagnostic>),
    /// The record cannot be used.
    Rejected(Vec<Diagnostic>),
}

/// The codes of records that are rejected because the plugin failed on them, or because its answer was of no use.
pub const PLUGIN_AT_FAULT: [&str; 2] = ["plugin-failed", "plugin-answer-unusable"];

impl Verdict {
    fn diagnostics_mut(&mut self) -> &mut Vec<Diagnostic> {
        let (Self::Mapped { diagnostics, .. } | Self::Skipped(diagnostics) | Self::Rejected(diagnostics)) = self;
        diagnostics
    }
}

/// The explanation of one canonical field.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct FieldExplanation {
    /// The canonical field.
    pub field: String,
    /// Its value as text.
    pub value: Option<String>,
    /// JSON Pointer into the raw record.
    pub source: Option<String>,
    /// The value at that place.
    pub source_value: Option<String>,
    /// JSON Pointer into the rules and what the rule says.
    pub rule: Option<String>,
    /// The values that were considered and left out.
    pub diagnostics: Vec<Diagnostic>,
}

/// The event as the rendering of a note is told it; `event` of the contract.
#[derive(Clone, Debug)]
pub struct NoteEvent {
    /// The event's type.
    pub event_type: String,
    /// The moment of the event, RFC 3339 in the practice's time zone.
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

/// A pack folder, for lists.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct PackSummary {
    /// The folder's name, by which a connection names the pack.
    pub folder: String,
    /// The facts of the pack; none where it does not load, or is a base.
    pub pack: Option<PackFacts>,
    /// The facts of the base that it is; none of any other pack.
    pub base: Option<BaseFacts>,
    /// The reason why it does not load; none where it does.
    pub problem: Option<String>,
}

/// The facts of a base: a pack without a region, which others extend.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct BaseFacts {
    /// Its name, which is its folder's.
    pub name: String,
    /// The version of its rules.
    pub version: String,
    /// The plugin that its component is, and the plugin's version; none of a base without a component, which packs of several
    /// CRMs extend.
    pub plugin: Option<String>,
    /// See [`BaseFacts::plugin`].
    pub plugin_version: Option<String>,
    /// The CRM it reads; none as [`BaseFacts::plugin`].
    pub crm: Option<String>,
}

impl BaseFacts {
    fn of(layers: &layers::Layers<'_>, manifest: Option<manifest::Manifest>) -> Self {
        let pack = layers.pack();
        Self {
            name: pack.name.clone(),
            version: pack.version.clone(),
            crm: manifest.as_ref().map(|manifest| manifest.crm.clone()),
            plugin_version: manifest.as_ref().map(|manifest| manifest.version.clone()),
            plugin: manifest.map(|manifest| manifest.name),
        }
    }
}

/// The facts of a loaded pack.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct PackFacts {
    /// Its name, which is its folder's.
    pub name: String,
    /// The version of its rules.
    pub version: String,
    /// The plugin that its component is, and the plugin's version.
    pub plugin: String,
    /// See [`PackFacts::plugin`].
    pub plugin_version: String,
    /// The CRM it reads.
    pub crm: String,
    /// ISO 3166-1 alpha-2 code of its region.
    pub region: String,
    /// The revision that it is now, as clients and notes name it.
    pub revision: RevisionId,
    /// The revision's whole digest.
    pub digest: RevisionDigest,
    /// Size of the component's file, bytes.
    pub component_bytes: u64,
}

/// Compiles a component for the engine of this very program.
///
/// # Errors
/// Returns what the compiler says about the component.
pub fn compile_component(component: &[u8]) -> Result<Vec<u8>, ComponentError> {
    let compiled = engine::new().and_then(|engine| engine.precompile_component(component));
    compiled.map_err(|error| ComponentError::NotCompiled(format!("{error:#}"), error.into()))
}

/// Whether a folder is that of a base: a pack without a region, by which nothing is mapped.
pub fn is_base(folder: &Path) -> bool {
    layers::Layers::of(folder).is_ok_and(|layers| layers.pack().region.is_none())
}

/// What lies directly in a pack's folder and is none of the pack, by name: it is neither signed, kept nor sent.
///
/// # Errors
/// Returns an error if the folder cannot be read.
pub fn beside_pack(folder: &Path) -> Result<Vec<String>, PackError> {
    files::beside(folder)
}

/// The CRM that a pack reads, itself or by the nearest of its bases, told without loading it; none where that cannot be told.
pub fn crm_of(folder: &Path) -> Option<String> {
    let layers = layers::Layers::of(folder).ok()?;
    layers.pack().mapper.as_ref().map(|mapper| mapper.crm.clone())
}

/// A pack's folder as one file, to be sent to a host, with its bases in it.
///
/// # Errors
/// Names the file that cannot be read, or is none of the pack's.
pub fn archive_of(folder: &Path) -> Result<Vec<u8>, PackError> {
    archive::pack(folder)
}

/// Writes the digests of a pack's files into its `pack.sum`. Answers that file.
///
/// # Errors
/// Names the file that cannot be read or written, or is none of the pack's.
pub fn write_sum(folder: &Path) -> Result<PathBuf, PackError> {
    let path = folder.join(signature::SUM);
    std::fs::write(&path, signature::sum(folder)?).map_err(PackError::io(path.display()))?;
    Ok(path)
}

/// The dialects of a pack's folder: the one that `rules.toml` is written for, and those with a file of differences.
pub fn dialects(folder: &Path) -> Vec<String> {
    let others = layers::Layers::of(folder).map(|layers| rules::other_dialects(&layers)).unwrap_or_default();
    std::iter::once(rules::PLAIN_DIALECT.to_owned()).chain(others).collect()
}

/// The raw records of a pack's fixtures of a dialect.
///
/// # Errors
/// Names the fixture that cannot be read.
pub fn records_of(folder: &Path, dialect: &str) -> Result<Vec<RawInput>, PackError> {
    fixtures::records(folder, dialect)
}

/// A verdict as fixtures have it.
pub fn verdict_json(verdict: Verdict) -> serde_json::Value {
    fixtures::verdict_to_json(verdict)
}

/// The JSON Schema of a pack's rules, as its component carries it. Nothing is run.
///
/// # Errors
/// Names the file that is missing, or is none of a pack.
pub fn rules_schema(folder: &Path) -> Result<serde_json::Value, PackError> {
    load::rules_schema(folder)
}

/// The engine and the cache of compiled packs. Cheap to clone.
#[derive(Clone)]
pub struct Packs(Arc<Shared>);

struct Shared {
    sandbox: Arc<engine::Sandbox>,
    cache: cache::Cache,
    typesetter: Typesetter,
}

impl Packs {
    /// An engine with its compiled-code cache in `cache_dir`, and what sets the packs' documents. One a process.
    /// `compiler` is a program that compiles components with [`compile_component`] in a process of its own; without one,
    /// this process does.
    ///
    /// # Errors
    /// Returns an error if the cache folder cannot be made, or the machine cannot run the engine.
    pub fn new(cache_dir: &Path, compiler: Option<&Path>, typesetter: Typesetter) -> Result<Self, PackError> {
        let sandbox = engine::Sandbox::new()?;
        let cache = cache::Cache::open(cache_dir, &sandbox.engine, compiler)?;
        // Beside the start, which need not wait for it; a batch that comes sooner waits where it needs a number.
        thread::spawn(phone::load_metadata);
        Ok(Self(Arc::new(Shared { sandbox, cache, typesetter })))
    }

    /// An engine that counts instructions ([`Revision::measure`]): for whoever measures a plugin. It compiles in this process.
    ///
    /// # Errors
    /// Fails as [`Self::new`] does.
    pub fn counting(cache_dir: &Path, typesetter: Typesetter) -> Result<Self, PackError> {
        let sandbox = engine::Sandbox::counting()?;
        let cache = cache::Cache::open(cache_dir, &sandbox.engine, None)?;
        thread::spawn(phone::load_metadata);
        Ok(Self(Arc::new(Shared { sandbox, cache, typesetter })))
    }

    /// Loads a pack folder for a dialect and leaves its examples, fixtures and samples to whoever asks: for its author, who is
    /// to see what comes out otherwise. Nothing is put in force by it.
    ///
    /// # Errors
    /// Says what is wrong with the pack.
    pub fn load_untested(&self, folder: &Path, dialect: &str) -> Result<Revision, PackError> {
        let (revision, _) = load::untested(&self.0, &layers::Layers::of(folder)?, dialect, &mut Gates::default())?;
        Ok(revision)
    }

    /// Loads and verifies a pack folder for a dialect of its CRM: component, world, imports, manifest, rules, templates.
    ///
    /// # Errors
    /// Says what is wrong with the pack; nothing is kept of it.
    pub fn load(&self, folder: &Path, dialect: &str) -> Result<Arc<Revision>, PackError> {
        self.load_through(folder, dialect, &mut Gates::default())
    }

    /// Loads and verifies a pack folder, and notes which gates it went through.
    ///
    /// # Errors
    /// Says what is wrong with the pack; nothing is kept of it.
    pub fn load_through(&self, folder: &Path, dialect: &str, gates: &mut Gates) -> Result<Arc<Revision>, PackError> {
        load::load(&self.0, folder, dialect, gates).map(Arc::new)
    }

    /// Loads a pack folder in each of its dialects and tells what it is, or why it does not load in one of them. A base is
    /// looked through as far as it can be without a region. Whoever is not to be believed by `keys` is no pack.
    pub fn check(&self, folder: &Path, keys: &PackKeys) -> PackSummary {
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        let summary = PackSummary { folder: name, pack: None, base: None, problem: None };
        let looked = layers::Layers::of(folder).and_then(|layers| {
            if layers.pack().region.is_none() {
                let manifest = load::check_base(&layers)?;
                return Ok(PackSummary { base: Some(BaseFacts::of(&layers, manifest)), ..summary.clone() });
            }
            signature::check(folder, keys)?;
            let plain = self.load(folder, rules::PLAIN_DIALECT)?;
            let others = rules::other_dialects(&layers);
            others.iter().try_for_each(|dialect| self.load(folder, dialect).map(drop))?;
            Ok(PackSummary { pack: Some(plain.facts()), ..summary.clone() })
        });
        looked.unwrap_or_else(|error| PackSummary { problem: Some(error.to_string()), ..summary })
    }

    /// What stands in the folder of packs, by name, each loaded: what is no pack is there with the reason.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be read.
    pub fn list(&self, folder: &Path, keys: &PackKeys) -> Result<Vec<PackSummary>, PackError> {
        Ok(files::listed(folder)?.iter().map(|path| self.check(path, keys)).collect())
    }
}
