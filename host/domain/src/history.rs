//! When a value of a client last changed, and why: kept with the client, one entry a field, written only when it changes.
//!
//! Serves whoever explains values. Reads no clock: times are handed in.

use serde::{Deserialize, Serialize};

use crate::edit::{FieldChange, LocalEdit};
use crate::field::Record as _;
use crate::ids::{RevisionId, RunId};
use crate::record::Client;
use crate::text::excerpt;
use crate::value::Timestamp;

/// Why a value is another than before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeCause {
    /// The CRM's record changed.
    Crm,
    /// Another revision of the pack reads the same record otherwise.
    Revision,
    /// Both the record and the revision are others than at the sync before.
    CrmOrRevision,
    /// The same revision reads the same record otherwise on another day.
    Day,
    /// A person changed it here.
    Edit,
    /// The CRM overrode what a person had changed here.
    Override,
}

/// The last change of a field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LastChange {
    /// The canonical field.
    pub field: String,
    /// The value before the change, as text.
    pub from: Option<String>,
    /// The value after it.
    pub to: Option<String>,
    /// The moment of the change.
    pub at: Timestamp,
    /// The reason.
    pub cause: ChangeCause,
    /// The run that brought it; none for a person's.
    pub run: Option<RunId>,
    /// The revision that made the value; none for a person's.
    pub revision: Option<RevisionId>,
    /// The person whose edit it is, or was.
    pub by: Option<String>,
}

/// The fields that somebody is called by.
pub const NAMES: [&str; 4] = ["first_name", "preferred_name", "middle_name", "last_name"];

/// The most former values that are kept.
const MOST_FORMER: usize = 40;

/// A value that a client had.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FormerValue {
    /// The canonical field.
    pub field: String,
    /// The value, as text.
    pub value: String,
}

/// Adds what a client is no more known by to what they were, the latest last: names, email and mobile.
pub fn remember_former(former: &mut Vec<FormerValue>, before: &Client, after: &Client) {
    for field in NAMES.into_iter().chain(["email", "mobile"]) {
        let Some(value) = before.text_of(field).filter(|value| after.text_of(field).as_ref() != Some(value)) else {
            continue;
        };
        former.retain(|known| known.field != field || known.value != value);
        former.push(FormerValue { field: field.to_owned(), value });
    }
    former.drain(..former.len().saturating_sub(MOST_FORMER));
}

/// What a merge knows of why values change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occasion {
    /// The run that merges.
    pub run: RunId,
    /// The revision by which the record is read now.
    pub revision: RevisionId,
    /// The moment.
    pub at: Timestamp,
    /// Why a value that nobody edited changes.
    pub cause: ChangeCause,
}

impl Occasion {
    /// Why values change, from whether record and revision are those of the sync before.
    pub fn cause(is_same_record: bool, is_same_revision: bool) -> ChangeCause {
        match (is_same_record, is_same_revision) {
            (false, true) => ChangeCause::Crm,
            (true, false) => ChangeCause::Revision,
            (false, false) => ChangeCause::CrmOrRevision,
            (true, true) => ChangeCause::Day,
        }
    }
}

/// The fields of a client whose last change is kept: more than a client has.
const MOST: usize = 100;

/// The most characters of a value that are kept.
const LONGEST: usize = 200;

/// Notes what a merge changed, and edits that the CRM has taken up or overridden, each in place of the field's change before.
pub fn note(known: &mut Vec<LastChange>, changed: &[FieldChange], edits: &[LocalEdit], occasion: Occasion) {
    let Occasion { run, revision, at, cause } = occasion;
    for edit in edits.iter().filter(|edit| !changed.iter().any(|change| change.field == edit.field)) {
        let change = FieldChange { field: edit.field.clone(), from: edit.from.clone(), to: edit.to.clone() };
        let of_person =
            LastChange { by: Some(edit.by.clone()), ..LastChange::new(&change, edit.at, ChangeCause::Edit) };
        put(known, of_person);
    }
    for change in changed {
        let edit = edits.iter().find(|edit| edit.field == change.field);
        let cause = if edit.is_some() { ChangeCause::Override } else { cause };
        let new = LastChange {
            run: Some(run),
            revision: revision.of_pack(),
            by: edit.map(|edit| edit.by.clone()),
            ..LastChange::new(change, at, cause)
        };
        put(known, new);
    }
}

fn put(known: &mut Vec<LastChange>, new: LastChange) {
    known.retain(|one| one.field != new.field);
    known.insert(0, new);
    known.truncate(MOST);
}

impl LastChange {
    fn new(change: &FieldChange, at: Timestamp, cause: ChangeCause) -> Self {
        let [from, to] =
            [&change.from, &change.to].map(|value| value.as_deref().map(|value| excerpt(value, LONGEST).into_owned()));
        Self { field: change.field.clone(), from, to, at, cause, run: None, revision: None, by: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ExternalId;
    use crate::privacy::NamedBy;
    use crate::record::ClientStatus;
    use crate::value::EmailAddress;

    fn change(field: &str, from: &str, to: &str) -> FieldChange {
        FieldChange { field: field.to_owned(), from: Some(from.to_owned()), to: Some(to.to_owned()) }
    }

    fn occasion(second: i64, cause: ChangeCause) -> Occasion {
        let at = Timestamp::from_second(second).unwrap();
        Occasion { run: RunId(uuid::Uuid::from_u128(7)), revision: RevisionId([1; 6]), at, cause }
    }

    #[test]
    fn what_somebody_was_known_by_is_remembered() {
        let named = |last: &str, email: &str| Client {
            first_name: Some("Cory".to_owned()),
            last_name: Some(last.to_owned()),
            email: Some(EmailAddress::kept(email.to_owned())),
            ..Client::unnamed(ExternalId("7".to_owned()), ClientStatus::Client)
        };
        let mut former = Vec::new();
        let [one, two] = ["w1@example.com", "w2@example.com"];
        for (before, after) in
            [(("Client", one), ("Middle", one)), (("Middle", one), ("Client", two)), (("Client", two), ("Third", two))]
        {
            remember_former(&mut former, &named(before.0, before.1), &named(after.0, after.1));
        }
        let values: Vec<&str> = former.iter().map(|former| former.value.as_str()).collect();
        assert_eq!(values, ["Middle", one, "Client"]);
        let cory = NamedBy::of(&named("Third", two), &former, &[]);
        assert!(
            ["Cory Client", "Cory Middle", "Cory Third", one, two]
                .iter()
                .all(|text| cory.is_by_whole_name_in(&(*text).into()))
        );
        for number in 0..50 {
            remember_former(&mut former, &named(&format!("N{number}"), two), &named("Third", two));
        }
        assert_eq!((former.len(), former[39].value.as_str()), (40, "N49"));
    }

    #[test]
    fn each_field_keeps_its_last_change() {
        let mut known = Vec::new();
        note(
            &mut known,
            &[change("title", "Mr", "Dr"), change("suburb", "A", "B")],
            &[],
            occasion(1, ChangeCause::Crm),
        );
        note(&mut known, &[change("title", "Dr", "Mr")], &[], occasion(2, ChangeCause::Revision));
        let kept: Vec<_> =
            known.iter().map(|one| (one.field.as_str(), one.to.as_deref(), one.cause, one.at.as_second())).collect();
        let expected = [("title", Some("Mr"), ChangeCause::Revision, 2), ("suburb", Some("B"), ChangeCause::Crm, 1)];
        assert_eq!(kept, expected);
        for number in 0..MOST + 5 {
            note(&mut known, &[change(&format!("x{number}"), "a", "b")], &[], occasion(3, ChangeCause::Day));
        }
        assert_eq!(known.len(), MOST);
    }

    #[test]
    fn a_persons_edit_is_told_as_theirs_whether_the_crm_overrode_it_or_took_it_up() {
        let edit = |field: &str, to: &str, by: &str| LocalEdit {
            field: field.to_owned(),
            from: Some("A".to_owned()),
            to: Some(to.to_owned()),
            by: by.to_owned(),
            at: Timestamp::from_second(5).unwrap(),
        };
        let mut known = Vec::new();
        let edits = [edit("last_name", "Osei", "Kim Ito"), edit("suburb", "B", "Pat Lee")];
        note(&mut known, &[change("suburb", "B", "A")], &edits, occasion(9, ChangeCause::Crm));
        let of = |field: &str| known.iter().find(|one| one.field == field).unwrap();
        let suburb = of("suburb");
        assert_eq!(
            (suburb.cause, suburb.by.as_deref(), suburb.at.as_second()),
            (ChangeCause::Override, Some("Pat Lee"), 9)
        );
        let of_occasion = occasion(9, ChangeCause::Crm);
        assert_eq!((suburb.run, suburb.revision), (Some(of_occasion.run), of_occasion.revision.of_pack()));
        let name = of("last_name");
        assert_eq!((name.cause, name.run, name.at.as_second()), (ChangeCause::Edit, None, 5));
        assert_eq!(name.by.as_deref(), Some("Kim Ito"));
        assert_eq!((name.from.as_deref(), name.to.as_deref()), (Some("A"), Some("Osei")));
    }

    #[test]
    fn long_values_are_cut() {
        let mut known = Vec::new();
        note(&mut known, &[change("suburb", &"é".repeat(900), "b")], &[], occasion(1, ChangeCause::Crm));
        assert!(known[0].from.as_ref().is_some_and(|from| from.chars().count() <= LONGEST + 1));
    }

    #[test]
    fn the_cause_follows_from_what_is_the_same() {
        let check = |record, revision, cause| assert_eq!(Occasion::cause(record, revision), cause);
        check(false, true, ChangeCause::Crm);
        check(true, false, ChangeCause::Revision);
        check(false, false, ChangeCause::CrmOrRevision);
        check(true, true, ChangeCause::Day);
    }
}
