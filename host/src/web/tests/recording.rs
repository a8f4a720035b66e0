//! The forms that record events.

use askama::Template as _;

use super::super::layout::Section;
use super::super::record::{self, Filled, Kept, Kind};
use super::{clock, couple, layout};
use crate::domain::DocumentId;

fn view(kind: Kind, filled: &Filled, problems: Vec<(Option<String>, String)>) -> record::RecordEventPage {
    record::view(kind, &couple(), filled, "key".to_owned(), problems, layout(Section::Households))
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
    for (kind, pointer, named) in [
        (Kind::Note, "/data/body", "Text: is wrong"),
        (Kind::Survey, "/data/dimensions/0/percent", "Dimension 1, percent: is wrong"),
        (Kind::Values, "/data/clients/0/values/1", "Ayda Khan, Value 2: is wrong"),
    ] {
        let problem = (Some(pointer.to_owned()), "is wrong".to_owned());
        let refused = view(kind, &Filled::empty(kind, &couple(), &clock()), vec![problem]).render().unwrap();
        assert!(refused.contains(named), "{named} is not in {refused}");
    }
}

#[test]
fn a_form_with_documents_keeps_those_it_has_and_asks_for_another() {
    let mut filled = Filled::of(Kind::Note, &couple(), &[]);
    let id: DocumentId = "ab".repeat(32).parse().unwrap();
    filled.documents = vec![Kept { id, filename: "<Agreement>.pdf".to_owned(), size: 1_234_567 }];
    let problem = (Some("/attachments".to_owned()), "the file a.pdf was not taken".to_owned());
    let html = view(Kind::Note, &filled, vec![problem]).render().unwrap();
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
    for kind in Kind::ALL {
        let empty = view(kind, &Filled::empty(kind, &couple(), &clock()), Vec::new()).render().unwrap();
        assert_eq!(empty.contains("type=\"file\""), kind.takes_documents(), "{kind:?}");
    }
    let kept = filled.documents;
    filled = Filled::empty(Kind::Plan, &couple(), &clock());
    filled.documents = kept;
    assert_eq!(filled.event(&couple(), &clock()).unwrap().attachments, [id]);
}
