//! Notes with documents, played through.

use super::*;
use crate::ids::DocumentId;
use crate::note::{Attachment, Stage};

fn with_documents(names: &[&str]) -> Note {
    let attachment = |name: &&str| Attachment {
        document: DocumentId([7; 32]),
        filename: (*name).to_owned(),
        media_type: "application/pdf".to_owned(),
        size: 8,
        replaced: String::new(),
        attached_as: None,
    };
    Note { attachments: names.iter().map(attachment).collect(), ..note() }
}

fn listed(entries: &[(&str, &str)]) -> Outcome {
    let found = |(id, name): &(&str, &str)| FoundAttachment {
        id: ExternalId((*id).to_owned()),
        filename: (*name).to_owned(),
        size: Some(8),
    };
    Outcome::Attachments(entries.iter().map(found).collect())
}

fn attached(id: &str) -> Outcome {
    Outcome::Attached { id: ExternalId(id.to_owned()) }
}

#[test]
fn documents_follow_the_note_in_order_and_are_compared() {
    let mut note = with_documents(&["a.pdf", "b.pdf"]);
    call(&mut note, 0, Call::Create, there());
    assert_eq!((note.state, note.stage(), due_in(&note, 0)), (NoteState::Sending, Stage::NoteMade, Some(0)));
    call(&mut note, 0, Call::Attach(0), attached("1"));
    call(&mut note, 0, Call::Attach(1), attached("2"));
    assert_eq!(note.stage(), Stage::AttachmentsSent);
    call(&mut note, 1, Call::ListAttachments, listed(&[("1", "a.pdf"), ("2", "b.pdf")]));
    assert_eq!((note.stage(), note.reason.as_deref()), (Stage::Done, None));
}

#[test]
fn an_upload_of_unknown_outcome_is_looked_for_until_it_cannot_come_any_more() {
    let mut note = with_documents(&["a.pdf"]);
    call(&mut note, 0, Call::Create, there());
    call(&mut note, 0, Call::Attach(0), unknown());
    call(&mut note, 1, Call::ListAttachments, listed(&[]));
    assert_eq!(note.state, NoteState::Waiting);
    call(&mut note, 119, Call::ListAttachments, listed(&[]));
    assert_eq!(due_in(&note, 0), Some(120));
    call(&mut note, 120, Call::ListAttachments, listed(&[]));
    call(&mut note, 120, Call::Attach(0), unknown());
    call(&mut note, 121, Call::ListAttachments, listed(&[("5", "a.pdf")]));
    assert_eq!(note.attachments[0].attached_as, Some(ExternalId("5".to_owned())));
}

#[test]
fn a_document_whose_id_was_answered_is_known_by_it_whatever_the_crm_calls_it() {
    let mut note = with_documents(&["Plan / O'Brien.pdf"]);
    call(&mut note, 0, Call::Create, there());
    call(&mut note, 0, Call::Attach(0), attached("1"));
    let name = "Plan _ O_Brien.pdf".to_owned();
    let found = FoundAttachment { id: ExternalId("1".to_owned()), filename: name, size: Some(19) };
    call(&mut note, 0, Call::ListAttachments, Outcome::Attachments(vec![found]));
    assert_eq!(note.state, NoteState::Done);
    let reason = note.reason.as_deref();
    assert_eq!(reason, Some("The CRM keeps the document Plan / O'Brien.pdf as Plan _ O_Brien.pdf, 11 bytes larger."));
}

#[test]
fn a_document_without_an_answer_is_known_by_what_no_server_changes() {
    let check = |found: &[(&str, &str, u64)], expected: Result<&str, Stage>| {
        let mut note = with_documents(&["Plan / O'Brien.pdf"]);
        call(&mut note, 0, Call::Create, there());
        call(&mut note, 0, Call::Attach(0), unknown());
        let one = |(id, name, size): &(&str, &str, u64)| FoundAttachment {
            id: ExternalId((*id).to_owned()),
            filename: (*name).to_owned(),
            size: Some(*size).filter(|size| *size > 0),
        };
        call(&mut note, 120, Call::ListAttachments, Outcome::Attachments(found.iter().map(one).collect()));
        match expected {
            Ok(id) => assert_eq!(note.attachments[0].attached_as, Some(ExternalId(id.to_owned())), "{found:?}"),
            Err(stage) => assert_eq!((note.stage(), &note.attachments[0].attached_as), (stage, &None), "{found:?}"),
        }
        note
    };
    check(&[("5", "Plan / O'Brien.pdf", 8)], Ok("5"));
    check(&[("5", "plan _ o_brien.PDF", 19)], Ok("5"));
    check(&[("5", "document.pdf", 8)], Ok("5"));
    check(&[("5", "plan _ o_brien.PDF", 0)], Ok("5"));
    check(&[("5", "plan _ o_brien.PDF", 0), ("6", "Plan / O'Brien.pdf", 0)], Ok("6"));
    check(&[("5", "x.pdf", 8), ("6", "Plan / O'Brien.pdf", 8)], Ok("6"));
    check(&[], Err(Stage::NoteMade));
    check(&[("5", "Plan _ O_Brien.pdf", 19), ("6", "x.pdf", 8)], Err(Stage::InDoubt));
    let mut doubtful = check(&[("5", "document.pdf", 19)], Err(Stage::InDoubt));
    assert!(doubtful.reason.as_deref().unwrap().contains("document.pdf as 5"), "{:?}", doubtful.reason);
    let mut other = doubtful.clone();
    other.resolve(None, at(130)).unwrap();
    let mut is_there = other.clone();
    call(&mut is_there, 130, Call::ListAttachments, listed(&[("5", "document.pdf"), ("6", "Plan / O'Brien.pdf")]));
    assert_eq!(is_there.attachments[0].attached_as, Some(ExternalId("6".to_owned())), "the person was wrong");
    let stranger =
        FoundAttachment { id: ExternalId("5".to_owned()), filename: "document.pdf".to_owned(), size: Some(19) };
    call(&mut other, 130, Call::ListAttachments, Outcome::Attachments(vec![stranger]));
    call(&mut other, 130, Call::Attach(0), attached("6"));
    doubtful.resolve(Some(ExternalId("5".to_owned())), at(130)).unwrap();
    assert_eq!(doubtful.state, NoteState::Queued);
    call(&mut doubtful, 130, Call::ListAttachments, listed(&[("5", "document.pdf")]));
    assert_eq!(doubtful.state, NoteState::Done);
}

#[test]
fn two_documents_of_one_name_are_two() {
    let mut note = with_documents(&["a.pdf", "a.pdf"]);
    call(&mut note, 0, Call::Create, there());
    call(&mut note, 0, Call::Attach(0), attached("1"));
    call(&mut note, 0, Call::Attach(1), unknown());
    call(&mut note, 120, Call::ListAttachments, listed(&[("1", "a.pdf")]));
    assert_eq!(note.attachments[1].attached_as, None, "the first one is not taken for the second");
    call(&mut note, 120, Call::Attach(1), attached("2"));
    call(&mut note, 120, Call::ListAttachments, listed(&[("1", "a.pdf"), ("2", "a.pdf")]));
    assert_eq!(note.state, NoteState::Done);
}

#[test]
fn a_surplus_is_raised_and_a_loss_is_not_done() {
    let mut note = with_documents(&["a.pdf"]);
    call(&mut note, 0, Call::Create, there());
    call(&mut note, 0, Call::Attach(0), attached("1"));
    let mut lost = note.clone();
    call(&mut lost, 0, Call::ListAttachments, listed(&[]));
    assert_eq!(lost.state, NoteState::Waiting, "the list may lag behind");
    let made = MadeCall { call: lost.begin(at(120)), began: at(120), quiet: SignedDuration::from_secs(120) };
    lost.conclude(made, listed(&[]), at(120), 0.5, &Timing::default());
    assert_eq!(lost.state, NoteState::Done, "nobody waits behind it any longer");
    assert!(lost.reason.unwrap().contains("does not list it"));
    call(&mut note, 0, Call::ListAttachments, listed(&[("1", "a.pdf"), ("2", "a.pdf")]));
    assert_eq!(note.state, NoteState::Done);
    assert!(note.reason.unwrap().contains("more than once"));
}

#[test]
fn two_documents_that_the_crm_keeps_as_one_are_told() {
    let mut note = with_documents(&["Plan/1.pdf", "Plan_1.pdf"]);
    call(&mut note, 0, Call::Create, there());
    call(&mut note, 0, Call::Attach(0), attached("1"));
    call(&mut note, 0, Call::Attach(1), attached("1"));
    call(&mut note, 0, Call::ListAttachments, listed(&[("1", "Plan_1.pdf")]));
    assert_eq!(note.state, NoteState::Done);
    let reason = note.reason.unwrap();
    assert!(reason.contains("Plan/1.pdf and Plan_1.pdf both as 1"), "{reason}");
}

#[test]
fn a_refused_document_leaves_the_note_and_says_so() {
    let mut note = with_documents(&["a.pdf"]);
    call(&mut note, 0, Call::Create, there());
    call(&mut note, 0, Call::Attach(0), Outcome::Refused { message: "too large".to_owned() });
    assert_eq!(note.stage(), Stage::Dead);
    assert!(note.reason.as_deref().unwrap().contains("is in the CRM as 9001"));
    assert!(note.edit(Edit::default(), at(1)).is_err());
    note.retry(at(1)).unwrap();
    call(&mut note, 1, Call::Attach(0), attached("1"));
}

proptest! {
    /// Uploads that are answered or not, done or not, late or not, and a process that dies: each document once, in order.
    #[test]
    fn each_document_once_whatever_happens(events in proptest::collection::vec((0..6u8, 0..120i64), 1..60)) {
        let timing = Timing::default();
        let mut note = with_documents(&["a.pdf", "b.pdf", "a.pdf"]);
        let mut now = 0;
        // When each becomes visible, and its name.
        let mut made: Vec<(i64, String)> = Vec::new();
        // Since when this process has sent nothing.
        let mut quiet_since = None;
        let mut events = events.into_iter();
        while !matches!(note.state, NoteState::Done | NoteState::Dead) {
            now = now.max(note.due_at.unwrap().as_second() - at(0).as_second());
            let began = now;
            let (fate, late) = events.next().unwrap_or((0, 0));
            let call = note.begin(at(now));
            let outcome = match call {
                Call::Create | Call::LookUp => there(),
                Call::Attach(place) => {
                    let name = note.attachments[place].filename.clone();
                    match fate {
                        0 | 1 => { made.push((now, name)); attached(&made.len().to_string()) }
                        2 => { now += 60; made.push((now + late, name)); unknown() }
                        3 | 5 => { made.push((now + late, name)); unknown() }
                        _ => not_done(),
                    }
                }
                Call::ListAttachments => {
                    let visible = made.iter().enumerate().filter(|(_, (seen, _))| *seen <= now);
                    let entries: Vec<(String, &str)> = visible.map(|(at, (_, name))| ((at + 1).to_string(), name.as_str())).collect();
                    let entries: Vec<(&str, &str)> = entries.iter().map(|(id, name)| (id.as_str(), *name)).collect();
                    if fate == 4 { not_done() } else { listed(&entries) }
                }
            };
            if fate == 5 {
                note.take_up(at(now));
                quiet_since = None;
                continue;
            }
            let since = *quiet_since.get_or_insert(now);
            let made_call = MadeCall { call, began: at(began), quiet: SignedDuration::from_secs(began - since) };
            if matches!(call, Call::Attach(_)) {
                quiet_since = Some(now);
            }
            note.conclude(made_call, outcome, at(now), 0.5, &timing);
        }
        let names: Vec<&str> = made.iter().map(|(_, name)| name.as_str()).collect();
        prop_assert!(note.state == NoteState::Dead || names == ["a.pdf", "b.pdf", "a.pdf"], "{names:?}");
        prop_assert!(["a.pdf", "b.pdf", "a.pdf"].starts_with(&names), "{names:?}");
    }
}
