//! The forms that record events.

use askama::Template as _;

use super::super::frame::Place;
use super::super::record::{self, Filled, Kind};
use super::{clock, couple, frame};

fn view(kind: Kind, filled: &Filled, problems: Vec<(Option<String>, String)>) -> record::RecordEventPage {
    record::view(kind, &couple(), filled, "key".to_owned(), problems, frame(Place::Households))
}

#[test]
fn forms_have_their_fields_and_say_what_is_wrong_beside_them() {
    let empty = |kind| view(kind, &Filled::empty(kind, &couple(), &clock()), Vec::new()).render().unwrap();
    let survey = empty(Kind::Survey);
    for part in ["name=\"score\"", "id=\"data-goals-2\"", "name=\"add\" value=\"dimensions\"", "2026-11-22T11:26"] {
        assert!(survey.contains(part), "{part} is not in {survey}");
    }
    let values = empty(Kind::Values);
    assert!(values.contains("name=\"progress-1\"") && values.matches("name=\"value-0\"").count() == 5, "{values}");
    let typed = [("occurred", "2026-11-22T11:14"), ("subject", "<b>Called</b>"), ("body", "")];
    let typed: Vec<(String, String)> = typed.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let problem = (Some("/data/body".to_owned()), "must have at least 1 characters".to_owned());
    let elsewhere = (Some("/data/elsewhere".to_owned()), "is missing".to_owned());
    let refused = view(Kind::Note, &Filled::of(Kind::Note, &couple(), &typed), vec![problem, elsewhere]);
    let refused = refused.render().unwrap();
    for part in ["href=\"#data-body\"", "id=\"data-body-problem\"", "<li>Is missing</li>", "&#60;b&#62;Called"] {
        assert!(refused.contains(part), "{part} is not in {refused}");
    }
}
