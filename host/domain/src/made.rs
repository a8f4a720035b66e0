//! What a mapping makes of a raw record, and in what two mappings of it differ.
//!
//! Serves the preview of a change of mapping: what is stored is held against what another revision would make.

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::field::Record;
use crate::ids::ExternalId;
use crate::listed::place_of;
use crate::record::{Adviser, Canonical, Client, Kind, ListItem, RecordKind};
use crate::with_listed;

/// The outcome of mapping a raw record.
#[derive(Clone, PartialEq, Debug)]
pub struct Made {
    /// The state that the record came to.
    pub state: MadeState,
    /// The canonical records: none unless it was mapped.
    pub records: Vec<Canonical>,
    /// What the mapping said of it.
    pub diagnostics: Vec<Diagnostic>,
}

/// The state that a mapping brings a record to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeState {
    /// It was understood.
    Mapped,
    /// A rule leaves it out.
    Skipped,
    /// It cannot be used.
    Rejected,
}

/// A field that would have another value, as text; none where it is empty.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FieldDifference {
    /// The canonical field. `external_id` of an item that the list would have, or would not have any more.
    pub field: String,
    /// The item's id in the CRM, where the record is a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ExternalId>,
    /// The value by the one mapping.
    pub from: Option<String>,
    /// The value by the other.
    pub to: Option<String>,
}

/// A diagnostic that only one of two mappings gives.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct DiagnosticDifference {
    /// The code.
    pub code: String,
    /// The canonical field that it is about; none for the record as a whole.
    pub field: Option<String>,
}

/// The difference between two mappings of a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Difference {
    /// The state by the one mapping.
    pub was: MadeState,
    /// The state by the other.
    pub becomes: MadeState,
    /// The fields that differ, where both mapped it.
    pub fields: Vec<FieldDifference>,
    /// The diagnostics that only the other gives.
    pub appearing: Vec<DiagnosticDifference>,
    /// The diagnostics that only the one gives.
    pub disappearing: Vec<DiagnosticDifference>,
}

/// The difference between what one mapping made of a record of a kind and what another makes of it; none where there is
/// none. The words of diagnostics are no difference, nor is their order.
pub fn difference(kind: RecordKind, before: &Made, after: &Made) -> Option<Difference> {
    let is_mapped_by_both = (before.state, after.state) == (MadeState::Mapped, MadeState::Mapped);
    let fields = match kind {
        _ if !is_mapped_by_both || before.records == after.records => Vec::new(),
        RecordKind::Client => of_single::<Client>(before, after),
        RecordKind::Adviser => of_single::<Adviser>(before, after),
        listed => with_listed!(listed, Item => of_list::<Item>(before, after)).unwrap_or_default(),
    };
    let (appearing, disappearing) = of_diagnostics(kind, &before.diagnostics, &after.diagnostics);
    let is_same = before.state == after.state && fields.is_empty();
    if is_same && appearing.is_empty() && disappearing.is_empty() {
        return None;
    }
    Some(Difference { was: before.state, becomes: after.state, fields, appearing, disappearing })
}

fn of_single<T: Kind>(before: &Made, after: &Made) -> Vec<FieldDifference> {
    let record = |made: &Made| made.records.iter().cloned().find_map(T::of);
    let (Some(before), Some(after)) = (record(before), record(after)) else { return Vec::new() };
    of_records(&before, &after, None)
}

fn of_records<T: Record>(before: &T, after: &T, item: Option<&ExternalId>) -> Vec<FieldDifference> {
    let difference = |(field, from, to)| FieldDifference { field, item: item.cloned(), from, to };
    before.differences(after, &before.differing(after)).into_iter().map(difference).collect()
}

/// The differences between two lists. Their order in the CRM is none.
fn of_list<T: ListItem>(before: &Made, after: &Made) -> Vec<FieldDifference> {
    let items = |made: &Made| -> Vec<T> { made.records.iter().cloned().filter_map(T::of).collect() };
    let (before, mut after) = (items(before), items(after));
    let mut found = Vec::new();
    let whole = |id: &ExternalId, from: Option<String>, to: Option<String>| FieldDifference {
        field: "external_id".to_owned(),
        item: Some(id.clone()),
        from,
        to,
    };
    for item in &before {
        let id = item.external_id();
        match after.iter().position(|other| other.external_id() == id) {
            Some(place) => found.extend(of_records(item, &after.swap_remove(place), Some(id))),
            None => found.push(whole(id, Some(id.to_string()), None)),
        }
    }
    after.sort_by(|one, other| one.external_id().cmp(other.external_id()));
    found.extend(after.iter().map(|item| whole(item.external_id(), None, Some(item.external_id().to_string()))));
    found
}

/// The diagnostics that only the one or only the other gives, each as often as it gives it more.
fn of_diagnostics(
    kind: RecordKind,
    before: &[Diagnostic],
    after: &[Diagnostic],
) -> (Vec<DiagnosticDifference>, Vec<DiagnosticDifference>) {
    let sorted = |diagnostics: &[Diagnostic]| {
        let mut keys: Vec<_> = diagnostics.iter().map(|diagnostic| key(kind, diagnostic)).collect();
        keys.sort_unstable();
        keys
    };
    let (before, after) = (sorted(before), sorted(after));
    let (mut appearing, mut disappearing) = (Vec::new(), Vec::new());
    let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
    loop {
        match (before.peek(), after.peek()) {
            (Some(one), Some(other)) if one == other => drop((before.next(), after.next())),
            (Some(one), Some(other)) if one < other => disappearing.extend(before.next()),
            (Some(_), None) => disappearing.extend(before.next()),
            (_, Some(_)) => appearing.extend(after.next()),
            (None, None) => return (appearing, disappearing),
        }
    }
}

/// A diagnostic without its words, and without the place in a list that its field stands at.
fn key(kind: RecordKind, diagnostic: &Diagnostic) -> DiagnosticDifference {
    let field = diagnostic.field.as_deref();
    let field = field.map(|field| place_of(kind, field).map_or(field, |(_, own)| own).to_owned());
    DiagnosticDifference { code: diagnostic.code.clone(), field }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ClientStatus, Goal, GoalOwner, Title};

    fn mapped(records: Vec<Canonical>, diagnostics: &[(&str, &str)]) -> Made {
        let diagnostic = |(field, code): &(&str, &str)| Diagnostic::warning(field, code, format!("words of {code}"));
        Made { state: MadeState::Mapped, records, diagnostics: diagnostics.iter().map(diagnostic).collect() }
    }

    fn client(title: Option<Title>) -> Canonical {
        let id = ExternalId("7".to_owned());
        Canonical::Client(Client { title, ..Client::unnamed(id, ClientStatus::Client) })
    }

    fn goal(id: &str, name: &str) -> Canonical {
        let mut goal = Goal {
            external_id: ExternalId(id.to_owned()),
            owner: GoalOwner::Client,
            category: None,
            name: None,
            target_date: None,
            estimated_cost: None,
            outlook: None,
            extensions: Vec::new(),
        };
        goal.set("name", Some(name)).unwrap();
        Canonical::Goal(goal)
    }

    fn told(difference: &Difference) -> Vec<String> {
        let fields = difference.fields.iter().map(|field| {
            let item = field.item.as_ref().map(|item| format!("{item}:")).unwrap_or_default();
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            format!("{item}{} {} {}", field.field, text(&field.from), text(&field.to))
        });
        let codes = |sign: &'static str, codes: &[DiagnosticDifference]| -> Vec<String> {
            codes.iter().map(|one| format!("{sign}{} {}", one.code, one.field.as_deref().unwrap_or("-"))).collect()
        };
        let codes = [codes("+", &difference.appearing), codes("-", &difference.disappearing)].concat();
        fields.chain(codes).collect()
    }

    #[test]
    fn fields_and_diagnostics_of_a_client_differ_one_by_one() {
        let before = mapped(vec![client(None)], &[("title", "unknown-title"), ("mobile", "not-a-mobile")]);
        let after = mapped(vec![client(Some(Title::Mr))], &[("mobile", "not-a-mobile"), ("email", "bad-email")]);
        let found = difference(RecordKind::Client, &before, &after).unwrap();
        assert_eq!(told(&found), ["title - Mr", "+bad-email email", "-unknown-title title"]);
        assert_eq!(difference(RecordKind::Client, &before, &before.clone()), None);
    }

    #[test]
    fn words_and_order_are_no_difference_and_repetitions_are() {
        let before = mapped(vec![client(None)], &[("mobile", "a"), ("email", "b"), ("email", "b")]);
        let mut after = mapped(vec![client(None)], &[("email", "b"), ("mobile", "a")]);
        after.diagnostics[0].message = "other words".to_owned();
        let found = difference(RecordKind::Client, &before, &after).unwrap();
        assert_eq!(told(&found), ["-b email"]);
    }

    #[test]
    fn a_record_that_only_one_maps_differs_in_its_state() {
        let before = mapped(vec![client(None)], &[]);
        let after = Made { state: MadeState::Rejected, records: Vec::new(), diagnostics: Vec::new() };
        let found = difference(RecordKind::Client, &before, &after).unwrap();
        assert_eq!((found.was, found.becomes), (MadeState::Mapped, MadeState::Rejected));
        assert!(found.fields.is_empty());
    }

    #[test]
    fn items_of_lists_are_known_by_their_ids() {
        let before = mapped(vec![goal("1", "Sail"), goal("2", "Rest"), goal("3", "Read")], &[("name", "cut")]);
        let after = mapped(
            vec![goal("5", "Walk"), goal("2", "Sleep"), goal("1", "Sail"), goal("4", "Run")],
            &[("goals[1].name", "cut")],
        );
        let found = difference(RecordKind::Goal, &before, &after).unwrap();
        let expected =
            ["2:name Rest Sleep", "3:external_id 3 -", "4:external_id - 4", "5:external_id - 5"].map(String::from);
        assert_eq!(told(&found), expected);
        let other_order = mapped(vec![goal("3", "Read"), goal("1", "Sail"), goal("2", "Rest")], &[("name", "cut")]);
        assert_eq!(difference(RecordKind::Goal, &before, &other_order), None);
    }
}
