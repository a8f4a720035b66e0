//! The recorder of what a mapping says beside the record: diagnostics always, and lineage when somebody asks.
//!
//! A plugin has one mapping function. `map` runs it with a recorder that keeps no origins, `explain` runs the same code
//! with one that does. So an explanation cannot tell of another value than the one that was mapped, and a component
//! carries the mapping once.

use std::collections::BTreeMap;

use crate::{Diagnostic, FieldExplanation, MapResult, Mapped, Severity, Verdict, canonical};

/// The origin of one canonical field: where it was read, and by which rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Origin {
    /// JSON Pointer into the raw record.
    pub source: Option<String>,
    /// The value at that place, as text.
    pub source_value: Option<String>,
    /// JSON Pointer into the rules, a space, and what the rule says.
    pub rule: Option<String>,
}

/// The place of a record of a list while it is mapped: the list's canonical name, `goals`, and its index in what is made.
pub type ItemPlace = (&'static str, usize);

/// Keeps an origin: apart from where it is told, because nearly all mapping is without.
#[cold]
#[inline(never)]
fn keep(
    origins: &mut BTreeMap<String, Origin>,
    place: Option<ItemPlace>,
    field: &str,
    origin: impl FnOnce() -> Origin,
) {
    origins.insert(named(place, field), origin());
}

/// A field's whole name: `goals[1].name`, or the name alone.
fn named(place: Option<ItemPlace>, field: &str) -> String {
    match place {
        Some((list, index)) => format!("{list}[{index}].{field}"),
        None => field.to_owned(),
    }
}

/// Collects diagnostics, and the lineage where it is wanted, while one record is mapped.
#[derive(Default)]
pub struct LineageRecorder {
    diagnostics: Vec<Diagnostic>,
    /// The origins by the fields' whole names; none where nobody wants them.
    origins: Option<BTreeMap<String, Origin>>,
    place: Option<ItemPlace>,
}

impl LineageRecorder {
    /// A recorder of diagnostics alone, with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A recorder of diagnostics and lineage, with nothing in it.
    #[must_use]
    pub fn recording() -> Self {
        Self { origins: Some(BTreeMap::new()), ..Self::default() }
    }

    /// Makes what follows be about this record of a list, until the next or [`LineageRecorder::leave`]: `goals` and its
    /// place in what is made.
    pub fn enter(&mut self, list: &'static str, index: usize) {
        self.place = Some((list, index));
    }

    /// Makes what follows be about the raw record as a whole again.
    pub fn leave(&mut self) {
        self.place = None;
    }

    /// What was said so far, as the tests of whatever says it look at it.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Tells where a field comes from; a later origin of the same field takes its place.
    #[inline]
    pub fn origin(&mut self, field: &str, origin: impl FnOnce() -> Origin) {
        if let Some(origins) = &mut self.origins {
            keep(origins, self.place, field, origin);
        }
    }

    /// Something worth knowing: a value was derived or normalised, nothing was left out.
    pub fn info(&mut self, field: &str, code: &str, message: impl Into<String>) {
        self.add(Severity::Info, Some(field), code, message.into());
    }

    /// A value was left out or stands in doubt.
    pub fn warn(&mut self, field: &str, code: &str, message: impl Into<String>) {
        self.add(Severity::Warning, Some(field), code, message.into());
    }

    /// Something about a field, of a severity that the plugin has worked out.
    pub fn field(&mut self, severity: Severity, field: &str, code: &str, message: String) {
        self.add(severity, Some(field), code, message);
    }

    /// Something about the record as a whole.
    pub fn whole(&mut self, severity: Severity, code: &str, message: impl Into<String>) {
        self.add(severity, None, code, message.into());
    }

    fn add(&mut self, severity: Severity, field: Option<&str>, code: &str, message: String) {
        let field = field.map(|field| named(self.place, field));
        self.diagnostics.push(Diagnostic { severity, field, code: code.to_owned(), message });
    }

    /// The verdict with all diagnostics that were recorded.
    pub(crate) fn end(self, fate: MapResult) -> Verdict {
        let diagnostics = self.diagnostics;
        match fate {
            MapResult::Mapped(records) => Verdict::Mapped(Mapped { records, diagnostics }),
            MapResult::Skipped => Verdict::Skipped(diagnostics),
            MapResult::Rejected => Verdict::Rejected(diagnostics),
        }
    }

    /// The explanation of what a record was mapped to: a field at a time, each with the value of the outcome
    /// itself, and the record as a whole under the name `record` where there is something to say about it.
    pub(crate) fn explain(self, fate: MapResult) -> Vec<FieldExplanation> {
        let Self { diagnostics, origins, .. } = self;
        let mut origins = origins.unwrap_or_default();
        let mut fields = match fate {
            MapResult::Mapped(records) => canonical::fields_of(&records),
            MapResult::Skipped | MapResult::Rejected => Vec::new(),
        };
        // What a pack adds stands in no record that has none of it, and is asked about all the same.
        let is_empty = |field: &&String| is_extension(field) && fields.iter().all(|(known, _)| known != *field);
        let empty: Vec<_> = origins.keys().filter(is_empty).map(|field| (field.clone(), None)).collect();
        if !fields.is_empty() {
            fields.extend(empty);
        }
        let about = |field: &str| -> Vec<Diagnostic> {
            diagnostics.iter().filter(|d| d.field.as_deref() == Some(field)).cloned().collect()
        };
        // What was said of a field that came out of nothing, as of a record that was rejected, is said of the whole.
        let is_of_a_field =
            |d: &Diagnostic| d.field.as_ref().is_some_and(|of| fields.iter().any(|(field, _)| field == of));
        let whole: Vec<Diagnostic> = diagnostics.iter().filter(|d| !is_of_a_field(d)).cloned().collect();
        let mut explained: Vec<FieldExplanation> = fields
            .into_iter()
            .map(|(field, value)| {
                let origin = origins.remove(&field).unwrap_or_default();
                explanation(&field, value, origin, about(&field))
            })
            .collect();
        let origin = origins.remove(canonical::WHOLE);
        if !whole.is_empty() || origin.is_some() {
            let origin = origin.unwrap_or_default();
            explained.push(explanation(canonical::WHOLE, None, origin, whole));
        }
        explained
    }
}

/// Whether a field is one that a pack adds to the contract's: `extensions.risk_profile`, `covers[0].extensions.loan`.
fn is_extension(field: &str) -> bool {
    field.split('.').any(|part| part == "extensions")
}

fn explanation(field: &str, value: Option<String>, origin: Origin, diagnostics: Vec<Diagnostic>) -> FieldExplanation {
    FieldExplanation {
        field: field.to_owned(),
        value,
        source: origin.source,
        source_value: origin.source_value,
        rule: origin.rule,
        diagnostics,
    }
}

#[cfg(test)]
mod tests;
