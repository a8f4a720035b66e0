//! Counting differences as they are found.

use std::collections::BTreeMap;

use super::differences::RecordDifference;
use super::summary::{DiagnosticChanges, Example, FieldSummary, Preview, RecordChanges};
use crate::domain::RecordKind;
use crate::domain::made::{FieldDifference, MadeState};

/// The examples that are kept of each field.
const EXAMPLES: usize = 5;

/// What was counted so far. Its size is that of the fields and codes, not that of the book.
#[derive(Default)]
pub(super) struct Tally {
    kinds: BTreeMap<RecordKind, RecordChanges>,
    fields: BTreeMap<(RecordKind, String), FieldSummary>,
    diagnostics: DiagnosticChanges,
    pub records: u64,
    pub clients: u64,
    pub not_compared: u64,
    pub differing: u64,
    pub listed: u64,
}

impl Tally {
    /// Counts a difference.
    pub fn add(&mut self, one: &RecordDifference) {
        self.differing += 1;
        let of_kind = self.kinds.entry(one.kind).or_default();
        let difference = &one.difference;
        match (difference.was, difference.becomes) {
            (MadeState::Mapped, MadeState::Mapped) => of_kind.changed += u64::from(!difference.fields.is_empty()),
            (_, MadeState::Rejected) if difference.was != MadeState::Rejected => of_kind.newly_rejected += 1,
            (_, MadeState::Skipped) if difference.was != MadeState::Skipped => of_kind.newly_skipped += 1,
            (MadeState::Rejected, MadeState::Mapped) => of_kind.newly_accepted += 1,
            (MadeState::Skipped, MadeState::Mapped) => of_kind.newly_included += 1,
            _ => {}
        }
        for field in &difference.fields {
            self.add_field(one, field);
        }
        let sides = [
            (&difference.appearing, &mut self.diagnostics.appear),
            (&difference.disappearing, &mut self.diagnostics.disappear),
        ];
        for (diagnostics, counts) in sides {
            for diagnostic in diagnostics {
                *counts.entry(diagnostic.code.clone()).or_default() += 1;
            }
        }
    }

    fn add_field(&mut self, one: &RecordDifference, difference: &FieldDifference) {
        let new = || FieldSummary {
            kind: one.kind,
            field: difference.field.clone(),
            count: 0,
            filled: 0,
            emptied: 0,
            examples: Vec::new(),
        };
        let summary = self.fields.entry((one.kind, difference.field.clone())).or_insert_with(new);
        summary.count += 1;
        summary.filled += u64::from(difference.from.is_none());
        summary.emptied += u64::from(difference.to.is_none());
        let example = Example {
            id: one.id,
            external_id: one.external_id.clone(),
            item: difference.item.clone(),
            from: difference.from.clone(),
            to: difference.to.clone(),
        };
        let values = |example: &Example| (example.from.clone(), example.to.clone());
        if summary.examples.len() < EXAMPLES {
            summary.examples.push(example);
            return;
        }
        // Another kind of change tells more than the same once more.
        if summary.examples.iter().any(|known| values(known) == values(&example)) {
            return;
        }
        let is_repeated = |place: &usize| {
            let of = values(&summary.examples[*place]);
            summary.examples[..*place].iter().any(|earlier| values(earlier) == of)
        };
        if let Some(place) = (0..EXAMPLES).rev().find(is_repeated) {
            summary.examples[place] = example;
        }
    }

    /// Tells what was counted.
    pub fn tell(&self, preview: &mut Preview) {
        preview.records = self.records;
        preview.compared_clients = self.clients;
        preview.not_compared = self.not_compared;
        preview.differing = self.differing;
        preview.listed = self.listed;
        preview.kinds.clone_from(&self.kinds);
        preview.clients = self.kinds.get(&RecordKind::Client).copied().unwrap_or_default();
        preview.weigh();
        preview.diagnostics.clone_from(&self.diagnostics);
        preview.changes = self.fields.values().cloned().collect();
        preview.changes.sort_by_key(|summary| std::cmp::Reverse(summary.count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ExternalId;
    use crate::domain::made::{DiagnosticDifference, Difference};

    fn difference(states: (MadeState, MadeState), fields: &[(&str, Option<&str>, Option<&str>)]) -> RecordDifference {
        let field = |(field, from, to): &(&str, Option<&str>, Option<&str>)| FieldDifference {
            field: (*field).to_owned(),
            item: None,
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        RecordDifference {
            kind: RecordKind::Client,
            id: None,
            external_id: ExternalId("7".to_owned()),
            difference: Difference {
                was: states.0,
                becomes: states.1,
                fields: fields.iter().map(field).collect(),
                appearing: vec![DiagnosticDifference { code: "a".to_owned(), field: None }],
                disappearing: Vec::new(),
            },
        }
    }

    #[test]
    fn each_record_counts_once_by_what_becomes_of_it() {
        use MadeState::{Mapped, Rejected, Skipped};
        let mut tally = Tally::default();
        for states in [
            (Mapped, Mapped),
            (Mapped, Rejected),
            (Skipped, Rejected),
            (Rejected, Mapped),
            (Mapped, Skipped),
            (Rejected, Skipped),
            (Skipped, Mapped),
            (Rejected, Rejected),
        ] {
            tally.add(&difference(states, &[]));
        }
        tally.add(&difference((Mapped, Mapped), &[("title", None, Some("Mr"))]));
        let counted = tally.kinds[&RecordKind::Client];
        let expected =
            RecordChanges { changed: 1, newly_rejected: 2, newly_accepted: 1, newly_skipped: 2, newly_included: 1 };
        assert_eq!(counted, expected);
        assert_eq!((tally.differing, tally.diagnostics.appear["a"]), (9, 9));
    }

    #[test]
    fn examples_show_different_changes_where_there_are_such() {
        let mut tally = Tally::default();
        let mapped = (MadeState::Mapped, MadeState::Mapped);
        for _ in 0..9 {
            tally.add(&difference(mapped, &[("title", None, Some("Mr"))]));
        }
        tally.add(&difference(mapped, &[("title", Some("Ms"), None)]));
        tally.add(&difference(mapped, &[("title", Some("Ms"), Some("Mrs"))]));
        let summary = &tally.fields[&(RecordKind::Client, "title".to_owned())];
        assert_eq!((summary.count, summary.filled, summary.emptied), (11, 9, 1));
        let values: Vec<_> = summary.examples.iter().map(|one| (one.from.as_deref(), one.to.as_deref())).collect();
        let mr = (None, Some("Mr"));
        assert_eq!(values, [mr, mr, mr, (Some("Ms"), Some("Mrs")), (Some("Ms"), None)]);
    }
}
