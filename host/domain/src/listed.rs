//! Items of a client's list in the CRM, goals and covers: merged a list at a time, because that something is missing
//! can only be told from the whole list. That it is gone follows from two complete walks in a row that missed it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::diagnostic::{Diagnostic, Severity};
use crate::edit::{self, FieldChange};
use crate::ids::RunId;
use crate::record::{Canonical, ListItem, RecordKind};
use crate::run::{ChangeKind, ListCounts};
use crate::value::Timestamp;

/// A goal or cover as it was mapped, with what was said about it.
#[derive(Clone, PartialEq, Debug)]
pub struct Found<T> {
    /// The values.
    pub value: T,
    /// The mapping's diagnostics about the item, by its own field names.
    pub diagnostics: Vec<Diagnostic>,
}

/// All of a client's goals or covers as they were mapped.
#[derive(Clone, PartialEq, Debug)]
pub struct FoundList<T> {
    /// The items, in the CRM's order.
    pub items: Vec<Found<T>>,
    /// The mapping's diagnostics about the list as a whole.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T: ListItem> FoundList<T> {
    /// The mapped items of a client's list. Sorts diagnostics to the items that they are about: `goals[1].name` is the
    /// second's `name`.
    pub fn new(records: Vec<Canonical>, diagnostics: Vec<Diagnostic>) -> Self {
        let found = |value| Found { value, diagnostics: Vec::new() };
        let items = records.into_iter().filter_map(T::of).map(found).collect();
        let mut list = Self { items, diagnostics: Vec::new() };
        for mut diagnostic in diagnostics {
            let place = diagnostic.field.as_deref().and_then(|field| place_of(T::KIND, field));
            match place.and_then(|(index, field)| Some((list.items.get_mut(index)?, field.to_owned()))) {
                Some((item, field)) => {
                    diagnostic.field = Some(field);
                    item.diagnostics.push(diagnostic);
                }
                None => list.diagnostics.push(diagnostic),
            }
        }
        list
    }

    /// Whether all that stands in the CRM's list was understood: only then is what is missing gone.
    pub fn is_whole(&self) -> bool {
        self.diagnostics.iter().all(|diagnostic| diagnostic.severity < Severity::Error)
    }
}

/// The place in the list and the field's own name: `goals[1].name` is 1 and `name`.
pub fn place_of(kind: RecordKind, field: &str) -> Option<(usize, &str)> {
    let (index, field) = field.strip_prefix(kind.plural())?.strip_prefix('[')?.split_once("].")?;
    Some((index.parse().ok()?, field))
}

/// A goal or cover as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct Listed<T: ListItem> {
    /// The practice's own id, a UUIDv7.
    pub id: Uuid,
    /// The CRM's values.
    pub value: T,
    /// The values that the practice adds.
    pub own: T::Own,
    /// The moment at which the CRM's values last changed here.
    pub changed_at: Timestamp,
    /// The moment since which it is taken for gone from the CRM's list; none while it stands there, or was missed once.
    pub gone_since: Option<Timestamp>,
    /// The mapping's diagnostics about it.
    pub diagnostics: Vec<Diagnostic>,
}

/// A change that a merge made to a known goal or cover.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListChange {
    /// The kind of change.
    pub kind: ChangeKind,
    /// Its place in the merged list.
    pub place: usize,
    /// The fields that changed, with what stood and what stands in them.
    pub fields: Vec<FieldChange>,
}

/// A list after a merge.
#[derive(Clone, PartialEq, Debug)]
pub struct MergedList<T: ListItem> {
    /// The items in the CRM's order; those that the CRM's list does not show come last.
    pub items: Vec<Listed<T>>,
    /// The known items whose values are others than before; new items are not among them.
    pub changes: Vec<ListChange>,
    /// The ids of what the CRM did not show now, and what is not taken for gone.
    pub missing: Vec<Uuid>,
    /// Whether the CRM's list was understood as a whole: only then does it prove that something is missing.
    pub is_whole: bool,
}

/// Complete walks in a row that have to miss a goal or cover before it is taken for gone. A list that is empty once is a
/// list that could not be read, more often than not.
const WALKS_TO_BE_GONE: u8 = 2;

/// The evidence that a goal or cover is gone which is not marked as gone.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct AbsenceEvidence {
    /// Complete walks in a row that read its list and did not find it.
    pub walks: u8,
    /// The walk that missed it last, and whose end is not counted.
    pub by: Option<RunId>,
}

impl AbsenceEvidence {
    /// Missed once more: by a walk, which counts when it comes to its end, or by a client's own sync, which is no
    /// evidence. However often a walk reads a list, it is one walk.
    pub fn again(self, walk: Option<RunId>) -> Self {
        if self.is_proven() { self } else { Self { by: walk.or(self.by), ..self } }
    }

    /// The evidence after a walk came to its end.
    pub fn counted(self, walk: RunId) -> Self {
        if self.by == Some(walk) { Self { walks: self.walks.saturating_add(1), by: None } } else { self }
    }

    /// Whether one more walk that misses it proves that it is gone.
    pub fn is_nearly_proven(self) -> bool {
        self.walks.saturating_add(1) >= WALKS_TO_BE_GONE
    }

    /// Whether it may be taken for gone.
    pub fn is_proven(self) -> bool {
        self.walks >= WALKS_TO_BE_GONE
    }
}

/// Puts together what is kept of a list and what the CRM says now. Nothing is ever left out of what is kept.
pub fn merge<T: ListItem>(
    mut known: Vec<Listed<T>>,
    found: FoundList<T>,
    at: Timestamp,
    counts: &mut ListCounts,
    mut new_id: impl FnMut() -> Uuid,
) -> MergedList<T> {
    let is_whole = found.is_whole();
    let mut items = Vec::with_capacity(found.items.len().max(known.len()));
    let mut changes = Vec::new();
    for Found { value, diagnostics } in found.items {
        let place = known.iter().position(|known| known.value.external_id() == value.external_id());
        let Some(place) = place else {
            counts.created += 1;
            let own = T::Own::default();
            items.push(Listed { id: new_id(), value, own, changed_at: at, gone_since: None, diagnostics });
            continue;
        };
        let mut kept = known.remove(place);
        if kept.value == value && kept.gone_since.is_none() {
            counts.unchanged += 1;
        } else {
            counts.changed += 1;
            kept.changed_at = at;
            let kind = if kept.gone_since.is_some() { ChangeKind::Returned } else { ChangeKind::Changed };
            let fields = edit::changes(&kept.value, &value, &kept.value.differing(&value));
            changes.push(ListChange { kind, place: items.len(), fields });
        }
        items.push(Listed { value, gone_since: None, diagnostics, ..kept });
    }
    let missing = known.iter().filter(|kept| kept.gone_since.is_none()).map(|kept| kept.id).collect();
    items.extend(known);
    MergedList { items, changes, missing, is_whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ExternalId;
    use crate::record::{Goal, GoalOwn, GoalOwner, GoalStatus, Outlook, Recurrence};

    fn goal(id: &str, name: &str) -> Goal {
        Goal {
            external_id: ExternalId(id.to_owned()),
            owner: GoalOwner::Client,
            category: None,
            name: Some(name.to_owned()),
            target_date: None,
            estimated_cost: None,
            outlook: Some(Outlook::NonFinancial),
            extensions: Vec::new(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn list(goals: &[Goal], diagnostics: Vec<Diagnostic>) -> FoundList<Goal> {
        FoundList::new(goals.iter().cloned().map(Canonical::Goal).collect(), diagnostics)
    }

    #[test]
    fn a_goal_is_new_then_changed_then_missing_then_back() {
        let mut ids = 0_u128;
        let mut sync = |known: Vec<Listed<Goal>>, found: FoundList<Goal>, second| {
            let mut counts = ListCounts::default();
            let merged = merge(known, found, at(second), &mut counts, || {
                ids += 1;
                Uuid::from_u128(ids)
            });
            let told = |change: &ListChange| {
                let word = |field: &FieldChange| format!(" {}: {:?}", field.field, field.from);
                let fields: String = change.fields.iter().map(word).collect();
                format!("{} {}{fields}", merged.items[change.place].value.label().unwrap(), change.kind.as_str())
            };
            let told: Vec<String> = merged.changes.iter().map(told).collect();
            ((merged.items, told, merged.missing), [counts.created, counts.changed, counts.unchanged, counts.gone])
        };
        let ((mut kept, told, missing), counts) =
            sync(Vec::new(), list(&[goal("1", "Sail"), goal("2", "Boat")], Vec::new()), 1);
        assert_eq!((counts, told.len(), missing.len()), ([2, 0, 0, 0], 0, 0));
        assert_eq!(kept[0].own.status, GoalStatus::ToDo);
        kept[0].own = GoalOwn { status: GoalStatus::Doing, recurrence: Some(Recurrence::Yearly) };
        let own = kept[0].own;

        let ((kept, told, _), counts) = sync(kept, list(&[goal("2", "Boat"), goal("1", "Sail far")], Vec::new()), 2);
        assert_eq!((counts, told), ([0, 1, 1, 0], vec!["Sail far changed name: Some(\"Sail\")".to_owned()]));
        assert_eq!((kept[1].own, kept[1].changed_at, kept[0].changed_at), (own, at(2), at(1)));

        // One list proves nothing: the goal stands, and is told to be missing.
        let ((mut kept, told, missing), counts) = sync(kept, list(&[goal("2", "Boat")], Vec::new()), 3);
        assert_eq!((counts, told.len(), missing), ([0, 0, 1, 0], 0, vec![Uuid::from_u128(1)]));
        assert_eq!((kept[1].id, kept[1].gone_since), (Uuid::from_u128(1), None));
        kept[1].gone_since = Some(at(4));
        let ((kept, _, missing), counts) = sync(kept, list(&[goal("2", "Boat")], Vec::new()), 5);
        assert_eq!((counts, missing.len(), kept[1].gone_since), ([0, 0, 1, 0], 0, Some(at(4))));

        let ((kept, told, _), counts) = sync(kept, list(&[goal("1", "Sail far"), goal("2", "Boat")], Vec::new()), 6);
        assert_eq!((counts, told), ([0, 1, 1, 0], vec!["Sail far returned".to_owned()]));
        assert_eq!((kept[0].id, kept[0].own, kept[0].gone_since), (Uuid::from_u128(1), own, None));
    }

    #[test]
    fn a_list_with_a_row_that_cannot_be_read_proves_nothing() {
        let mut counts = ListCounts::default();
        let new = || Uuid::nil();
        let kept = merge(Vec::new(), list(&[goal("1", "Sail")], Vec::new()), at(1), &mut counts, new).items;
        let broken = vec![Diagnostic::error("row-without-index", "no index".to_owned())];
        let merged = merge(kept, list(&[], broken), at(2), &mut counts, new);
        assert_eq!((merged.items.len(), merged.missing.len(), merged.is_whole), (1, 1, false));
    }

    #[test]
    fn what_the_mapping_says_now_replaces_what_it_said() {
        let mut counts = ListCounts::default();
        let new = || Uuid::nil();
        let said = |code: &str| vec![Diagnostic::warning("goals[0].name", code, String::new())];
        let kept = merge(Vec::new(), list(&[goal("1", "Sail")], said("before")), at(1), &mut counts, new).items;
        let merged = merge(kept, list(&[goal("1", "Sail")], said("now")), at(2), &mut counts, new);
        let codes: Vec<&str> = merged.items[0].diagnostics.iter().map(|said| said.code.as_str()).collect();
        assert_eq!((counts.unchanged, codes), (1, vec!["now"]));
    }

    #[test]
    fn two_walks_that_came_to_their_end_prove_that_something_is_gone() {
        // Each word is a walk: read by itself, by a walk that was cut, or by one that came to its end.
        let check = |walks: &str, expected: bool| {
            let mut unseen = AbsenceEvidence::default();
            for (n, word) in (0..).zip(walks.split(' ')) {
                let run = RunId(Uuid::from_u128(n));
                unseen = match word {
                    "alone" => unseen.again(None),
                    "cut" => unseen.again(Some(run)),
                    // An interruption lets a walk read some of its lists twice.
                    "resumed" => unseen.again(Some(run)).again(Some(run)).counted(run),
                    "elsewhere" => unseen.counted(run),
                    _ => unseen.again(Some(run)).counted(run),
                };
            }
            assert_eq!(unseen.is_proven(), expected, "{walks}");
        };
        check("whole", false);
        check("whole whole", true);
        check("whole alone alone", false);
        check("alone cut cut whole", false);
        check("whole cut elsewhere", false);
        check("whole cut whole", true);
        check("resumed", false);
        let (first, second) = (RunId(Uuid::from_u128(1)), RunId(Uuid::from_u128(2)));
        let once = AbsenceEvidence::default().again(Some(first)).counted(first);
        let stages = [AbsenceEvidence::default(), once, once.again(Some(second)).counted(second)];
        assert_eq!(stages.map(AbsenceEvidence::is_nearly_proven), [false, true, true]);
        check("resumed whole", true);
    }

    #[test]
    fn what_is_said_of_one_goal_stays_with_it() {
        let said = |field: &str| Diagnostic::warning(field, "x", "x".to_owned());
        let said = vec![said("goals[1].name"), said("goals[7].name"), said("goals"), said("covers[0].name")];
        let list = list(&[goal("1", "Sail"), goal("2", "Boat")], said);
        assert_eq!(list.items[1].diagnostics[0].field.as_deref(), Some("name"));
        assert!(list.items[0].diagnostics.is_empty());
        assert_eq!(list.diagnostics.len(), 3);
        assert!(list.is_whole(), "a warning does not keep a list from being understood");
    }
}
