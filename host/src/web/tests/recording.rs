//! The forms that record events.

use super::super::frame::Place;
use super::super::record::{self, Filled, Kind};
use super::{check, clock, couple, frame};

fn view(kind: Kind, filled: &Filled, problems: Vec<(Option<String>, String)>) -> record::RecordEventPage {
    record::view(kind, &couple(), filled, "key".to_owned(), problems, frame(Place::Households))
}

#[test]
fn forms_empty_and_refused() {
    let empty = |kind| view(kind, &Filled::empty(kind, &couple(), &clock()), Vec::new());
    check("record_survey", &empty(Kind::Survey));
    check("record_values", &empty(Kind::Values));
    let typed = [("occurred", "2026-11-22T11:14"), ("subject", "<b>Called</b>"), ("body", "")];
    let typed: Vec<(String, String)> = typed.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let problem = (Some("/data/body".to_owned()), "must have at least 1 characters".to_owned());
    let elsewhere = (Some("/data/elsewhere".to_owned()), "is missing".to_owned());
    check(
        "record_note_refused",
        &view(Kind::Note, &Filled::of(Kind::Note, &couple(), &typed), vec![problem, elsewhere]),
    );
}
