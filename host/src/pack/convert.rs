//! Conversion between the contract's types and the domain's: the only place that sees both.
//!
//! A candidate is what a plugin hands over. Here it becomes a domain value or a diagnostic that names the field and
//! what is wrong with it; a record whose identity does not hold is rejected. Nothing is dropped silently.

mod records;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::bindings::exports::tidegate::mapping::mapper as wit;
use super::manifest::Manifest;
use super::text;
use super::{Context, FieldExplanation, NoteEvent, NoteMember, PLUGIN_AT_FAULT, RawInput, Verdict};
use crate::crm::Source;
use crate::domain::note::FileNote;
use crate::domain::stored::HouseholdRole;
use crate::domain::text::is_unwanted;
use crate::domain::{Canonical, Diagnostic, ExternalId, RecordKind, Severity};
use records::{Candidate, wit_kind};

/// Records of a client's list, and diagnostics of one record: more is a plugin's mistake.
const MOST: usize = 1_000;
/// See [`MOST`]. A long list has several for each of its records.
const MOST_DIAGNOSTICS: usize = 1_000;

pub(super) fn context<'a>(context: &'a Context, as_of: &'a str) -> wit::Context<'a> {
    wit::Context {
        region: &context.region,
        dialect: &context.dialect,
        connection: &context.connection,
        placeholder_email_domain: &context.placeholder_email_domain,
        as_of,
    }
}

/// A record with its text as the mapping takes it.
pub(super) fn raw_record<'a>(record: &'a RawInput, json: &'a [u8]) -> wit::RawRecord<'a> {
    wit::RawRecord { kind: wit_kind(record.kind), id: record.id.as_str(), json }
}

fn kind(kind: wit::RecordKind) -> RecordKind {
    let known = RecordKind::ALL.iter().copied().find(|known| wit_kind(*known) == kind);
    known.expect("every kind of the contract is one of the domain's")
}

/// The manifest that a component describes itself by. The schema stays text until it is compared.
pub(super) fn manifest(described: wit::Manifest) -> Manifest {
    let kinds = |kinds: Vec<wit::RecordKind>| kinds.into_iter().map(kind).collect();
    Manifest {
        name: described.name,
        version: described.version,
        crm: described.crm,
        regions: described.regions,
        kinds: kinds(described.kinds),
        kinds_reading_as_of: kinds(described.kinds_reading_as_of),
        fields_read: described.fields_read,
        fields_written: described.fields_written,
        events: described.events,
        rules_schema: serde_json::from_str(&described.rules_schema).unwrap_or(serde_json::Value::Null),
    }
}

pub(super) fn sources(sources: Vec<wit::Source>) -> Vec<Source> {
    let source = |source: wit::Source| Source {
        kind: kind(source.kind),
        resource: source.resource,
        fields: source.fields,
        lists: source.lists,
        below: Vec::new(),
    };
    sources.into_iter().map(source).collect()
}

/// The problems of the rules, one line each: place and message.
pub(super) fn rule_problems(problems: Vec<wit::RuleProblem>) -> Vec<String> {
    let line = |problem: wit::RuleProblem| {
        let place = if problem.path.is_empty() { "/".to_owned() } else { problem.path };
        text::value(format!("{place}: {}", problem.message), text::SENTENCE).text
    };
    problems.into_iter().take(MOST_DIAGNOSTICS).map(line).collect()
}

/// The verdicts of a batch.
///
/// # Errors
/// Says how the answer breaks the contract; then none of it is used.
pub(super) fn verdicts(
    context: &Context,
    asked: &[wit::RawRecord<'_>],
    answered: Vec<wit::Outcome>,
) -> Result<Vec<Verdict>, String> {
    if answered.len() != asked.len() {
        return Err(format!("it answered {} outcomes to {} records", answered.len(), asked.len()));
    }
    if asked.iter().zip(&answered).any(|(asked, answered)| asked.id != answered.id) {
        return Err("it answered with ids that it was not asked for, or in another order".to_owned());
    }
    let verdict = |(asked, answered): (_, wit::Outcome)| verdict(context, asked, answered.verdict);
    Ok(asked.iter().zip(answered).map(verdict).collect())
}

fn verdict(context: &Context, asked: &wit::RawRecord<'_>, answered: wit::Verdict) -> Verdict {
    match answered {
        wit::Verdict::Mapped(mapped) => {
            let candidate = Candidate::new(diagnostics(mapped.diagnostics), &context.placeholder_email_domain);
            match canonical(asked, mapped.records, candidate) {
                Ok((records, diagnostics)) => Verdict::Mapped { records, diagnostics },
                Err(message) => Verdict::Rejected(vec![Diagnostic::error(PLUGIN_AT_FAULT[1], message)]),
            }
        }
        wit::Verdict::Skipped(said) => Verdict::Skipped(diagnostics(said)),
        wit::Verdict::Rejected(said) if said.is_empty() => {
            let message = "The plugin rejected the record without a reason; its author should give one.";
            Verdict::Rejected(vec![Diagnostic::error("no-reason", message.to_owned())])
        }
        wit::Verdict::Rejected(said) => Verdict::Rejected(diagnostics(said)),
    }
}

/// The records as the domain knows them, with what had to be left out added to the diagnostics.
fn canonical(
    asked: &wit::RawRecord<'_>,
    records: Vec<wit::Canonical>,
    mut candidate: Candidate<'_>,
) -> Result<(Vec<Canonical>, Vec<Diagnostic>), String> {
    let kind = kind(asked.kind);
    if !kind.is_listed() && records.len() != 1 {
        return Err(format!("The plugin made {} records of one; it should make one.", records.len()));
    }
    if records.len() > MOST {
        return Err(format!("The plugin made {} records of one client; at most {MOST} are taken.", records.len()));
    }
    let mut ids = Ids { kind, asked: asked.id, seen: HashSet::new() };
    let mut parsed = Vec::with_capacity(records.len());
    for (index, record) in records.into_iter().enumerate() {
        if kind.is_listed() {
            candidate.enter(kind, index);
        }
        parsed.push(candidate.record(&mut ids, record)?);
    }
    Ok((parsed, candidate.into_diagnostics()))
}

/// The ids that the records made of one raw record may have.
struct Ids<'a> {
    kind: RecordKind,
    /// The raw record's own.
    asked: &'a str,
    seen: HashSet<String>,
}

impl Ids<'_> {
    /// The id of a record of a kind. An adviser's or client's must be the one asked for, so that a plugin cannot write
    /// into another's record; what stands in a list has one that is unique in it.
    fn take(&mut self, kind: RecordKind, answered: &str) -> Result<ExternalId, String> {
        if kind != self.kind {
            return Err("The plugin made a record of another kind than it was asked for.".to_owned());
        }
        if !kind.is_listed() {
            let is_own = answered == self.asked;
            let other = || "The plugin gave the record another id than the CRM's.".to_owned();
            return is_own.then(|| ExternalId(answered.to_owned())).ok_or_else(other);
        }
        let is_usable = !answered.is_empty() && answered.len() <= 200 && !answered.chars().any(is_unwanted);
        if !is_usable {
            return Err("The plugin gave a record an empty, overlong or unprintable id.".to_owned());
        }
        if !self.seen.insert(answered.to_owned()) {
            return Err(format!("The plugin gave two records the id `{answered}`."));
        }
        Ok(ExternalId(answered.to_owned()))
    }
}

/// Diagnostics as the domain knows them. Where there are too many, an error says so, and nothing that a list no longer
/// has is taken for gone.
pub(super) fn diagnostics(said: Vec<wit::Diagnostic>) -> Vec<Diagnostic> {
    let total = said.len();
    let mut kept: Vec<Diagnostic> = said.into_iter().take(MOST_DIAGNOSTICS).map(diagnostic).collect();
    if total > kept.len() {
        let message =
            format!("The mapping said {total} things about the record; the first {MOST_DIAGNOSTICS} are kept.");
        kept.push(Diagnostic::error("too-many-diagnostics", message));
    }
    kept
}

fn diagnostic(said: wit::Diagnostic) -> Diagnostic {
    let severity = match said.severity {
        wit::Severity::Info => Severity::Info,
        wit::Severity::Warning => Severity::Warning,
        wit::Severity::Error => Severity::Error,
    };
    let code = if text::is_code(&said.code) { said.code } else { "unnamed".to_owned() };
    let field = said.field.filter(|field| text::is_field_name(field));
    Diagnostic { severity, field, code, message: text::value(said.message, text::SENTENCE).text }
}

pub(super) fn explanations(said: Vec<wit::FieldExplanation>) -> Vec<FieldExplanation> {
    let short = |said: Option<String>| said.map(|said| text::value(said, text::SENTENCE).text);
    let explanation = |said: wit::FieldExplanation| FieldExplanation {
        field: text::value(said.field, text::VALUE).text,
        value: short(said.value),
        source: short(said.source),
        source_value: short(said.source_value),
        rule: short(said.rule),
        diagnostics: diagnostics(said.diagnostics),
    };
    said.into_iter().take(MOST).map(explanation).collect()
}

pub(super) fn event<'a>(
    event: &'a NoteEvent,
    members: &'a [wit::Member<'a>],
    attachments: &'a [&'a str],
) -> wit::Event<'a> {
    wit::Event {
        event_type: &event.event_type,
        occurred_at: &event.occurred_at,
        practice_name: &event.practice_name,
        household_name: &event.household_name,
        members,
        about: event.about.as_ref().map(ExternalId::as_str),
        data: &event.data,
        attachments,
    }
}

pub(super) fn members(event: &NoteEvent) -> Vec<wit::Member<'_>> {
    event.members.iter().map(member).collect()
}

fn member(member: &NoteMember) -> wit::Member<'_> {
    wit::Member {
        external_id: member.external_id.as_str(),
        first_name: member.first_name.as_deref(),
        last_name: member.last_name.as_deref(),
        preferred_name: member.preferred_name.as_deref(),
        role: match member.role {
            HouseholdRole::Cfo => wit::HouseholdRole::Cfo,
            HouseholdRole::NonCfo => wit::HouseholdRole::NonCfo,
        },
    }
}

/// A rendered note and the attachments that go with it, checked against the event it is for.
///
/// # Errors
/// Says what about the note cannot be written to a CRM.
pub(super) fn file_note(
    event: &NoteEvent,
    attachments: &[&str],
    note: wit::FileNote,
) -> Result<(FileNote, Vec<String>), String> {
    let filed_against: Vec<_> = note.filed_against.into_iter().map(ExternalId).collect();
    let is_member = |id: &ExternalId| event.members.iter().any(|member| member.external_id == *id);
    if filed_against.is_empty() || !filed_against.iter().all(is_member) {
        return Err("it filed the note against somebody who is not of the household, or against nobody".to_owned());
    }
    if note.attachments.iter().any(|name| !attachments.contains(&name.as_str())) {
        return Err("it attached a document that the event has not got".to_owned());
    }
    if !matches!(note.media_type.as_str(), "text/plain" | "text/html") {
        return Err(format!("it wrote a note of the unknown media type `{}`", note.media_type.escape_debug()));
    }
    let subject = text::value(note.subject, text::VALUE);
    let body = text::lines(&note.body, text::BODY);
    let note_type = text::value(note.note_type, text::VALUE).text;
    if subject.cut || body.cut || subject.text.is_empty() || note_type.is_empty() {
        return Err("it wrote a note without type or subject, or one that is too long".to_owned());
    }
    let file_note = FileNote {
        note_type,
        note_subtype: note.note_subtype.map(|subtype| text::value(subtype, text::VALUE).text),
        subject: subject.text,
        body: body.text,
        media_type: note.media_type,
        filed_against,
    };
    Ok((file_note, note.attachments))
}
