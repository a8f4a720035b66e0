//! The forms that record events.

use std::sync::Arc;

use askama::Template as _;

use super::super::layout::Section;
use super::super::record::{self, Filled, Kept};
use super::{clock, couple, layout};
use crate::domain::DocumentId;
use crate::domain::field::FieldError;
use crate::pack::events::shipped;
use crate::pack::{DocumentRule, EventType};

const SURVEY: &str = "your-life-survey.completed";
const VALUES: &str = "values-session.completed";
const NOTE: &str = "note.written";

fn kind(name: &str) -> Arc<EventType> {
    Arc::clone(shipped("xplan-au").get(name).unwrap())
}

fn view(kind: &Arc<EventType>, filled: &Filled, problems: Vec<FieldError>) -> record::RecordEventPage {
    record::view(kind, &couple(), filled, "key".to_owned(), problems, layout(Section::Households))
}

#[test]
fn forms_have_their_fields_and_say_what_is_wrong_beside_them() {
    let empty = |name| {
        let kind = kind(name);
        view(&kind, &Filled::empty(Arc::clone(&kind), &couple(), &clock()), Vec::new()).render().unwrap()
    };
    let survey = empty(SURVEY);
    for part in ["name=\"data.score\"", "id=\"data-goals-2\"", "name=\"add\" value=\"dimensions\"", "2026-11-22T11:26"]
    {
        assert!(survey.contains(part), "{part} is not in {survey}");
    }
    let values = empty(VALUES);
    assert!(
        values.contains("name=\"data.clients.1.progress\"")
            && values.matches("name=\"data.clients.0.values\"").count() == 5,
        "{values}"
    );
    let typed = [("occurred", "2026-11-22T11:14"), ("data.subject", "<b>Called</b>"), ("data.body", "")];
    let typed: Vec<(String, String)> = typed.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let problem = record::problem("/data/body", "must have at least 1 characters".to_owned());
    let elsewhere = record::problem("/data/elsewhere", "is missing".to_owned());
    let refused = view(&kind(NOTE), &Filled::of(kind(NOTE), &couple(), &typed), vec![problem, elsewhere]);
    let refused = refused.render().unwrap();
    for part in ["href=\"#data-body\"", "id=\"data-body-problem\"", "<li>Is missing</li>", "&#60;b&#62;Called"] {
        assert!(refused.contains(part), "{part} is not in {refused}");
    }
    for (name, pointer, named) in [
        (NOTE, "/data/body", "Text: is wrong"),
        (SURVEY, "/data/dimensions/0/percent", "Dimension 1, percent: is wrong"),
        (VALUES, "/data/clients/0/values/1", "Ayda Khan, Value 2: is wrong"),
        ("investment-preferences.completed", "/data/answers", "Questions and responses: is wrong"),
        (VALUES, "/data/clients", "Ayda Khan: is wrong"),
    ] {
        let kind = kind(name);
        let problem = record::problem(pointer, "is wrong".to_owned());
        let refused =
            view(&kind, &Filled::empty(Arc::clone(&kind), &couple(), &clock()), vec![problem]).render().unwrap();
        assert!(refused.contains(named), "{named} is not in {refused}");
    }
}

#[test]
fn a_form_with_documents_keeps_those_it_has_and_asks_for_another() {
    let mut filled = Filled::of(kind(NOTE), &couple(), &[]);
    let id: DocumentId = "ab".repeat(32).parse().unwrap();
    filled.documents = vec![Kept { id, filename: "<Agreement>.pdf".to_owned(), size: 1_234_567 }];
    let problem = record::problem("/attachments", "the file a.pdf was not taken".to_owned());
    let html = view(&kind(NOTE), &filled, vec![problem]).render().unwrap();
    for part in [
        "enctype=\"multipart/form-data\"",
        "name=\"document\" value=\"abab",
        "&#60;Agreement&#62;.pdf, 1.2 MB</label>",
        "<label for=\"attachments\">Another PDF</label>",
        "href=\"#attachments\">Another PDF: the file a.pdf was not taken",
        "name=\"add\" value=\"documents\"",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    for kind in shipped("xplan-au").all() {
        let empty = view(kind, &Filled::empty(Arc::clone(kind), &couple(), &clock()), Vec::new()).render().unwrap();
        assert_eq!(empty.contains("type=\"file\""), kind.documents != DocumentRule::None, "{}", kind.name);
    }
    let kept = filled.documents;
    filled = Filled::empty(kind("best-life-plan.exported"), &couple(), &clock());
    filled.documents = kept;
    assert_eq!(filled.event(&couple(), &clock()).unwrap().attachments, [id]);
}
