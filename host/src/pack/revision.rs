//! A verified pack revision and the calls on it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tidegate_documents::{DocumentError, MadeAt, Typeset, Typesetter};

use super::declared::Declared;
use super::engine::Sandbox;
use super::events::{EventType, EventTypes, HostDocument};
use super::fixtures::Case;
use super::instance::{Instance, Program};
use super::layers::Layers;
use super::manifest::Manifest;
use super::pack_file::PackFile;
use super::rules::differences::{self, RuleDifference};
use super::templates::Templates;
use super::usage::Usage;
use super::{
    Context, Disguised, FieldExplanation, NotDisguised, NoteEvent, PLUGIN_AT_FAULT, PackError, PackFacts,
    PluginFailure, PluginLine, RawInput, Verdict, convert, disguise, event_examples, examples, fixtures, limits, map,
    unreadable,
};
use crate::crm::Source;
use crate::domain::address::AddressForm;
use crate::domain::declaration::ExtensionField;
use crate::domain::note::FileNote;
use crate::domain::{Date, Diagnostic, RecordKind, RevisionDigest, RevisionId};

/// A verified pack revision: one component with one set of rules. Shared; calls may run side by side. All calls
/// block the thread they run on: call them from a blocking thread.
#[derive(Clone)]
pub struct Revision {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) program: Program,
    pub(super) digest: RevisionDigest,
    pub(super) pack: PackFile,
    /// ISO 3166-1 alpha-2 code.
    pub(super) region: String,
    pub(super) manifest: Manifest,
    /// The rules, as `configure` takes them.
    pub(super) rules: String,
    pub(super) address_form: Option<AddressForm>,
    /// The fields that it adds to records.
    pub(super) declared: Declared,
    pub(super) sources: Vec<Source>,
    pub(super) component_bytes: u64,
    pub(super) events: Arc<EventTypes>,
    pub(super) templates: Templates,
    pub(super) typesetter: Typesetter,
}

impl Revision {
    /// The revision, as rows know it.
    pub fn id(&self) -> RevisionId {
        self.digest.short()
    }

    /// The revision's whole digest.
    pub fn digest(&self) -> RevisionDigest {
        self.digest
    }

    /// The pack's name.
    pub fn pack(&self) -> &str {
        &self.pack.name
    }

    /// The version of the pack's rules.
    pub fn version(&self) -> &str {
        &self.pack.version
    }

    /// ISO 3166-1 alpha-2 code of the pack's region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The CRM it reads, by its name in settings.
    pub fn crm(&self) -> &str {
        &self.manifest.crm
    }

    /// The written form of its region's addresses, where the pack says where its rules tell that.
    pub fn address_form(&self) -> Option<&AddressForm> {
        self.address_form.as_ref()
    }

    /// The fields that it adds to records of a kind, where the pack says where its rules declare them.
    pub fn extensions(&self, kind: RecordKind) -> &[ExtensionField] {
        self.declared.of(kind)
    }

    /// The sources that are to be read from the CRM.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether records of a kind are read at all by its rules.
    pub fn reads(&self, kind: RecordKind) -> bool {
        let below = self.sources.iter().flat_map(|source| &source.below);
        self.sources.iter().chain(below).any(|source| source.kind == kind)
    }

    /// The rows' fields and lists that it asks the CRM for and another revision does not, by the CRM's names.
    pub fn asks_beside(&self, other: &Self) -> Vec<String> {
        let asked = |revision: &Self| -> BTreeSet<String> {
            let below = revision.sources.iter().flat_map(|source| &source.below);
            let sources = revision.sources.iter().chain(below);
            sources.flat_map(|source| source.fields.iter().chain(&source.lists)).cloned().collect()
        };
        asked(self).difference(&asked(other)).cloned().collect()
    }

    /// Whether the templates of its documents are others.
    pub fn has_other_documents(&self, other: &Self) -> bool {
        self.templates.digest() != other.templates.digest()
    }

    /// Whether the mapping of a kind reads the as-of date.
    pub fn reads_as_of(&self, kind: RecordKind) -> bool {
        self.manifest.kinds_reading_as_of.contains(&kind) && self.declared.may_read_as_of(kind)
    }

    /// The types of events that it takes.
    pub fn events(&self) -> &EventTypes {
        &self.events
    }

    /// The documents that it makes, each with its event's type.
    pub fn documents(&self) -> impl Iterator<Item = (&Arc<EventType>, &HostDocument)> {
        self.events.all().iter().filter_map(|event| Some((event, event.document.as_ref()?)))
    }

    /// The document that it makes of events of a type; none where it makes none.
    pub fn document_of(&self, event_type: &str) -> Option<&HostDocument> {
        self.events.get(event_type)?.document.as_ref()
    }

    /// Makes the document of an event from the pack's template, which has `data` and may show `logo` (its path among
    /// the template's files, and its bytes).
    ///
    /// # Errors
    /// Names the template, the line and what is wrong there, or which limit it went over.
    pub fn typeset(
        &self,
        event_type: &str,
        data: Value,
        logo: Option<(String, Vec<u8>)>,
        made_at: MadeAt,
        identity: String,
    ) -> Result<Typeset, DocumentError> {
        let mut job = self.templates.job(event_type, data, made_at, identity);
        job.files.extend(logo);
        self.typesetter.typeset(job)
    }

    /// The lines that its plugin wrote lately, the newest first. They may name people.
    pub fn plugin_lines(&self) -> Vec<PluginLine> {
        self.sandbox.lines.of(self.pack())
    }

    /// The facts of the pack, for lists.
    pub fn facts(&self) -> PackFacts {
        PackFacts {
            name: self.pack.name.clone(),
            version: self.pack.version.clone(),
            plugin: self.manifest.name.clone(),
            plugin_version: self.manifest.version.clone(),
            crm: self.manifest.crm.clone(),
            region: self.region.clone(),
            revision: self.id(),
            digest: self.digest,
            component_bytes: self.component_bytes,
        }
    }

    /// The values of the rules that are others in another revision, those of one dialect; its events are among them, below
    /// `events`.
    pub fn rule_differences(&self, other: &Self) -> Vec<RuleDifference> {
        let [from, to] = [self, other].map(|revision| {
            let mut rules = serde_json::from_str(&revision.rules).unwrap_or(Value::Null);
            if let (Some(rules), false) = (rules.as_object_mut(), revision.events.all().is_empty()) {
                rules.insert("events".to_owned(), revision.events.declared());
            }
            rules
        });
        differences::between(&from, &to)
    }

    /// Whether the plugin itself is another.
    pub fn has_other_plugin(&self, other: &Self) -> bool {
        (&self.manifest.name, &self.manifest.version, self.component_bytes)
            != (&other.manifest.name, &other.manifest.version, other.component_bytes)
    }

    /// Runs cases that stand outside the pack: fixtures in a folder of `folder`. Answers what is wrong with each that comes
    /// out otherwise.
    pub fn try_cases(&self, folder: &Path, of: &str, dialect: &str) -> Vec<PackError> {
        fixtures::run_beside(self, folder, of, dialect)
    }

    /// Runs the fixtures of a pack's folder and of its bases, those of a dialect: each with what came out, or why it cannot be
    /// run.
    pub fn cases(&self, pack: &Path, dialect: &str) -> Vec<Result<Case, PackError>> {
        match Layers::of(pack) {
            Ok(layers) => fixtures::cases(self, &layers, dialect),
            Err(error) => vec![Err(error)],
        }
    }

    /// The same with the fixtures of a folder that is none of the pack's.
    pub fn cases_beside(&self, folder: &Path, dialect: &str) -> Vec<Result<Case, PackError>> {
        fixtures::cases_beside(self, folder, dialect)
    }

    /// Runs the examples of its rules in a dialect. Answers their number, and a line for each that comes out otherwise.
    pub fn examples(&self, dialect: &str) -> (usize, Vec<String>) {
        examples::told(self, &fixtures::context(self.region(), dialect))
    }

    /// Has the notes of its events' examples written, in a dialect. Answers a line for each that cannot be.
    ///
    /// # Errors
    /// Names the file of its folder that cannot be read.
    pub fn event_examples(&self, pack: &Path, dialect: &str) -> Result<Vec<String>, PackError> {
        let wrong = event_examples::run(self, &Layers::of(pack)?, &self.context(dialect));
        Ok(wrong.into_iter().map(|error| error.to_string()).collect())
    }

    /// The context of fixtures of a dialect: their day, their connection.
    pub fn context(&self, dialect: &str) -> Context {
        fixtures::context(self.region(), dialect)
    }

    /// Makes a fixture of a record, with made-up values in it of which the same becomes. What many of `others` have at the
    /// same place may stay. Blocks the thread.
    ///
    /// # Errors
    /// Fails as [`NotDisguised`] says.
    pub fn fixture_of(
        &self,
        dialect: &str,
        as_of: Date,
        record: &RawInput,
        others: &[Vec<u8>],
    ) -> Result<Disguised, NotDisguised> {
        disguise::disguise(self, &fixtures::context_on(self.region(), dialect, as_of), record, others)
    }

    /// Maps a batch, one verdict a record, in order. A record that makes the plugin fail is found by halving the
    /// batch and rejected; it never fails its neighbours.
    pub fn map(&self, context: &Context, records: &[RawInput]) -> Vec<Verdict> {
        let as_of = context.as_of.to_string();
        let texts: Vec<_> = records.iter().map(|record| unreadable::with_nulls(&record.json)).collect();
        let pieces = records.iter().zip(&texts).map(|(record, json)| convert::raw_record(record, json));
        let pieces: Vec<_> = pieces.collect();
        let mut verdicts = map::bisect(
            &pieces,
            limits::BISECT_TIME,
            |piece| {
                let answer = self.ready()?.map(convert::context(context, &as_of), piece)?;
                convert::verdicts(context, piece, answer).map_err(PluginFailure::BrokeContract)
            },
            |failure| Verdict::Rejected(vec![self.failed_on(failure)]),
        );
        for (record, verdict) in records.iter().zip(&mut verdicts) {
            if let Some(diagnostic) = unreadable::found(&record.json) {
                verdict.diagnostics_mut().push(diagnostic);
            }
            self.declared.note(verdict);
        }
        verdicts
    }

    /// Sends a batch through the plugin, and answers how many outcomes came back: what the sandbox alone costs, without
    /// what becomes of the outcomes here. For measuring it.
    ///
    /// # Errors
    /// [`PackError::Failed`] where the plugin fails.
    pub fn pass_through(&self, context: &Context, records: &[RawInput]) -> Result<usize, PackError> {
        let as_of = context.as_of.to_string();
        let records: Vec<_> = records.iter().map(|record| convert::raw_record(record, &record.json)).collect();
        Ok(self.ready()?.map(convert::context(context, &as_of), &records)?.len())
    }

    /// Sends a batch through the plugin as [`Self::pass_through`] does, and tells what that took.
    ///
    /// # Errors
    /// [`PackError::Failed`] where the plugin fails.
    pub fn measure(&self, context: &Context, records: &[RawInput]) -> Result<Usage, PackError> {
        let as_of = context.as_of.to_string();
        let records: Vec<_> = records.iter().map(|record| convert::raw_record(record, &record.json)).collect();
        let mut instance = self.ready()?;
        let configured = instance.usage();
        instance.map(convert::context(context, &as_of), &records)?;
        let whole = instance.usage();
        Ok(Usage { fuel: whole.fuel - configured.fuel, configure_fuel: configured.fuel, memory: whole.memory })
    }

    /// The explanation of where each canonical field of a record comes from.
    ///
    /// # Errors
    /// [`PackError::Failed`] where the plugin fails.
    pub fn explain(&self, context: &Context, record: &RawInput) -> Result<Vec<FieldExplanation>, PackError> {
        let as_of = context.as_of.to_string();
        let context = convert::context(context, &as_of);
        let json = unreadable::with_nulls(&record.json);
        let mut explained = convert::explanations(self.ready()?.explain(context, convert::raw_record(record, &json))?);
        self.declared.hide(record.kind, &mut explained);
        Ok(explained)
    }

    /// Writes an event's file note.
    ///
    /// # Errors
    /// [`PackError::NotRendered`] with the plugin's reasons, [`PackError::Failed`] where it fails.
    /// Answers the note, and which of the event's attachments go with it.
    pub fn render_note(
        &self,
        context: &Context,
        event: &NoteEvent,
        attachments: &[&str],
    ) -> Result<(FileNote, Vec<String>), PackError> {
        let as_of = context.as_of.to_string();
        let context = convert::context(context, &as_of);
        let members = convert::members(event);
        match self.ready()?.render_note(context, convert::event(event, &members, attachments))? {
            Ok(note) => {
                convert::file_note(event, attachments, note).map_err(|why| PluginFailure::BrokeContract(why).into())
            }
            Err(reasons) => Err(PackError::NotRendered(convert::diagnostics(reasons))),
        }
    }

    /// A fresh instance with the rules.
    pub(super) fn ready(&self) -> Result<Instance<'_>, PluginFailure> {
        let mut instance = Instance::new(&self.sandbox, &self.program)?;
        match instance.configure(&self.rules)? {
            Ok(_) => Ok(instance),
            Err(_) => {
                let why = "it refuses rules that it took when the pack was loaded";
                Err(PluginFailure::BrokeContract(why.to_owned()))
            }
        }
    }

    pub(super) fn failed_on(&self, what: &PluginFailure) -> Diagnostic {
        let pack = self.pack();
        let message = format!(
            "The plugin of the pack `{pack}` failed on this record: {what}. The record is kept aside and what is \
             stored of it stays as it is. Tell the pack's author."
        );
        Diagnostic::error(PLUGIN_AT_FAULT[0], message)
    }
}
