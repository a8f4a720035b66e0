//! The recorder of what a mapping says beside the record: diagnostics always, and lineage when somebody asks.
//!
//! A plugin has one mapping function, generic over [`Lineage`]. `map` runs it with [`Unrecorded`], which compiles
//! to nothing; `explain` runs the same function with [`Recorded`]. So an explanation cannot tell of another value
//! than the one that was mapped.

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

/// A receiver of where values come from.
pub trait Lineage {
    /// Takes the origin of a canonical field; a later one for the same field takes its place.
    fn origin(&mut self, place: Option<ItemPlace>, field: &'static str, origin: impl FnOnce() -> Origin);
}

/// Lineage that nobody wants: the hot path.
pub struct Unrecorded;

impl Lineage for Unrecorded {
    #[inline]
    fn origin(&mut self, _place: Option<ItemPlace>, _field: &'static str, _origin: impl FnOnce() -> Origin) {}
}

/// Lineage that is kept for a person, through `explain`.
#[derive(Default)]
pub struct Recorded {
    origins: BTreeMap<String, Origin>,
}

impl Lineage for Recorded {
    fn origin(&mut self, place: Option<ItemPlace>, field: &'static str, origin: impl FnOnce() -> Origin) {
        self.origins.insert(named(place, field), origin());
    }
}

/// A field's whole name: `goals[1].name`, or the name alone.
fn named(place: Option<ItemPlace>, field: &str) -> String {
    match place {
        Some((list, index)) => format!("{list}[{index}].{field}"),
        None => field.to_owned(),
    }
}

/// Collects diagnostics, and the lineage where it is wanted, while one record is mapped.
pub struct LineageRecorder<L> {
    diagnostics: Vec<Diagnostic>,
    lineage: L,
    place: Option<ItemPlace>,
}

impl<L: Lineage> LineageRecorder<L> {
    /// A recorder with nothing in it.
    pub fn new(lineage: L) -> Self {
        Self { diagnostics: Vec::new(), lineage, place: None }
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

    /// Tells where a field comes from.
    #[inline]
    pub fn origin(&mut self, field: &'static str, origin: impl FnOnce() -> Origin) {
        self.lineage.origin(self.place, field, origin);
    }

    /// Something worth knowing: a value was derived or normalised, nothing was left out.
    pub fn info(&mut self, field: &'static str, code: &str, message: impl Into<String>) {
        self.add(Severity::Info, Some(field), code, message.into());
    }

    /// A value was left out or stands in doubt.
    pub fn warn(&mut self, field: &'static str, code: &str, message: impl Into<String>) {
        self.add(Severity::Warning, Some(field), code, message.into());
    }

    /// Something about a field, of a severity that the plugin has worked out.
    pub fn field(&mut self, severity: Severity, field: &'static str, code: &str, message: String) {
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

    /// The verdict with all diagnostics that were recorded, and the lineage.
    pub(crate) fn end(self, fate: MapResult) -> (Verdict, L) {
        let Self { diagnostics, lineage, .. } = self;
        let verdict = match fate {
            MapResult::Mapped(records) => Verdict::Mapped(Mapped { records, diagnostics }),
            MapResult::Skipped => Verdict::Skipped(diagnostics),
            MapResult::Rejected => Verdict::Rejected(diagnostics),
        };
        (verdict, lineage)
    }
}

impl Recorded {
    /// The explanation of what a record was mapped to: a field at a time, each with the value of the outcome
    /// itself, and the record as a whole under the name `record` where there is something to say about it.
    pub(crate) fn explain(mut self, verdict: &Verdict) -> Vec<FieldExplanation> {
        let (fields, diagnostics) = match verdict {
            Verdict::Mapped(mapped) => (canonical::fields_of(&mapped.records), mapped.diagnostics.as_slice()),
            Verdict::Skipped(diagnostics) | Verdict::Rejected(diagnostics) => (Vec::new(), diagnostics.as_slice()),
        };
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
                let origin = self.origins.remove(&field).unwrap_or_default();
                explanation(&field, value, origin, about(&field))
            })
            .collect();
        let origin = self.origins.remove(canonical::WHOLE);
        if !whole.is_empty() || origin.is_some() {
            let origin = origin.unwrap_or_default();
            explained.push(explanation(canonical::WHOLE, None, origin, whole));
        }
        explained
    }
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
