//! Events as a plugin is told them, and the notes that it makes of them.

use super::*;

fn event_of_test() -> NoteEvent {
    let member = |id: &str, role| NoteMember {
        external_id: ExternalId(id.to_owned()),
        first_name: Some("Alex".to_owned()),
        last_name: Some("Lee".to_owned()),
        preferred_name: Some("Lexi".to_owned()),
        role,
    };
    NoteEvent {
        event_type: "survey.completed".to_owned(),
        occurred_at: "2026-03-01T14:05:00+11:00".to_owned(),
        practice_name: "Acme".to_owned(),
        household_name: "Lee".to_owned(),
        members: vec![member("7", HouseholdRole::Cfo), member("8", HouseholdRole::NonCfo)],
        about: Some(ExternalId("8".to_owned())),
        data: "{}".to_owned(),
    }
}

fn note() -> wit::FileNote {
    wit::FileNote {
        note_type: "Client".to_owned(),
        note_subtype: Some("General".to_owned()),
        subject: "Survey".to_owned(),
        body: "One\r\ntwo".to_owned(),
        media_type: "text/plain".to_owned(),
        filed_against: vec!["7".to_owned(), "8".to_owned()],
        attachments: vec!["Plan.pdf".to_owned()],
    }
}

#[test]
fn an_event_is_told_as_it_is() {
    let told = event_of_test();
    let members = members(&told);
    let ids: Vec<_> = members.iter().map(|member| (member.external_id, member.role)).collect();
    assert_eq!(ids, [("7", wit::HouseholdRole::Cfo), ("8", wit::HouseholdRole::NonCfo)]);
    let first = &members[0];
    assert_eq!((first.first_name, first.last_name, first.preferred_name), (Some("Alex"), Some("Lee"), Some("Lexi")));
    let event = event(&told, &members, &["Plan.pdf"]);
    assert_eq!((event.event_type, event.occurred_at), ("survey.completed", "2026-03-01T14:05:00+11:00"));
    assert_eq!((event.practice_name, event.household_name, event.about), ("Acme", "Lee", Some("8")));
    assert_eq!((event.data, event.attachments, event.members.len()), ("{}", &["Plan.pdf"][..], 2));
}

#[test]
fn a_note_that_keeps_to_the_contract_is_taken() {
    let (written, attachments) = file_note(&event_of_test(), &["Plan.pdf", "Other.pdf"], note()).unwrap();
    let expected = FileNote {
        note_type: "Client".to_owned(),
        note_subtype: Some("General".to_owned()),
        subject: "Survey".to_owned(),
        body: "One\ntwo".to_owned(),
        media_type: "text/plain".to_owned(),
        filed_against: vec![ExternalId("7".to_owned()), ExternalId("8".to_owned())],
    };
    assert_eq!((written, attachments), (expected, vec!["Plan.pdf".to_owned()]));
    let html = wit::FileNote { media_type: "text/html".to_owned(), attachments: Vec::new(), ..note() };
    let (written, attachments) = file_note(&event_of_test(), &[], html).unwrap();
    assert_eq!((written.media_type.as_str(), attachments), ("text/html", Vec::new()));
    let longest = wit::FileNote { subject: "s".repeat(text::VALUE), body: "b".repeat(text::BODY), ..note() };
    assert!(file_note(&event_of_test(), &["Plan.pdf"], longest).is_ok());
}

#[test]
fn a_note_that_does_not_is_refused() {
    #[track_caller]
    fn check(note: wit::FileNote, part: &str) {
        let why = file_note(&event_of_test(), &["Plan.pdf"], note).unwrap_err();
        assert!(why.contains(part), "{why}");
    }
    check(wit::FileNote { filed_against: Vec::new(), ..note() }, "against nobody");
    check(wit::FileNote { filed_against: vec!["7".to_owned(), "9".to_owned()], ..note() }, "not of the household");
    check(wit::FileNote { attachments: vec!["Other.pdf".to_owned()], ..note() }, "a document that the event has not");
    check(wit::FileNote { media_type: "text/<b>".to_owned(), ..note() }, "media type `text/<b>`");
    let without = "without type or subject, or one that is too long";
    check(wit::FileNote { subject: " \u{200b}".to_owned(), ..note() }, without);
    check(wit::FileNote { note_type: String::new(), ..note() }, without);
    check(wit::FileNote { subject: "s".repeat(text::VALUE + 1), ..note() }, without);
    check(wit::FileNote { body: "b".repeat(text::BODY + 1), ..note() }, without);
}
