//! Notes for clients who are not linked, not any more, or to somebody else.

use super::*;
use crate::ids::ConnectionName;

#[test]
fn a_note_for_somebody_who_is_not_linked_waits_and_goes_out_once_linked() {
    let mut note = note();
    note.note.filed_against = vec![ExternalId::unlinked(note.clients[0])];
    note.await_link("Ayda Khan");
    assert_eq!((note.stage(), note.due_at), (Stage::WaitingForLink, None));
    assert!(note.reason.as_deref().unwrap().contains("Ayda Khan"));
    assert!(note.retry(at(1)).is_err());
    note.linked(vec![ExternalId("48213".to_owned())], "other".parse().unwrap(), at(2));
    assert_eq!((note.state, note.connection.as_str()), (NoteState::Queued, "other"));
    assert_eq!(note.note.filed_against, [ExternalId("48213".to_owned())]);
    call(&mut note, 2, Call::Create, there());
    note.linked(Vec::new(), "other".parse().unwrap(), at(3));
    assert_eq!(note.state, NoteState::Done);
}

fn link(connection: &str, id: &str) -> ClientLink {
    let connection: ConnectionName = connection.parse().unwrap();
    ClientLink { name: "Ayda Khan".to_owned(), link: Some((connection, ExternalId(id.to_owned()))) }
}

#[test]
fn a_note_goes_out_to_whom_it_was_written_for_and_to_nobody_else() {
    let unlinked = ClientLink { link: None, ..link("main", "7") };
    let check = |clients: &[ClientLink], expected: Option<Stage>, part: &str| {
        let mut note = note();
        assert_eq!(note.keep_to_links(clients), expected.is_none(), "{clients:?}");
        assert_eq!(note.stage(), expected.unwrap_or(Stage::Queued), "{clients:?}");
        let reason = note.reason.unwrap_or_default();
        assert!(reason.contains(part), "{reason}");
        assert_eq!(note.due_at.is_none(), expected.is_some());
    };
    check(&[link("main", "7")], None, "");
    check(&[], None, "");
    check(&[unlinked], Some(Stage::WaitingForLink), "Ayda Khan is linked to the CRM");
    check(&[link("main", "8")], Some(Stage::WaitingForRefiling), "written for 7 of main, and Ayda Khan is linked to 8");
    check(&[link("other", "7")], Some(Stage::WaitingForRefiling), "7 of other");
}

#[test]
fn what_may_be_in_the_crm_is_looked_for_where_it_was_sent() {
    let mut note = note();
    call(&mut note, 0, Call::Create, unknown());
    assert!(note.keep_to_links(&[link("main", "8")]));
    call(&mut note, 1, Call::LookUp, Outcome::NotThere);
}

#[test]
fn a_person_says_to_file_it_where_its_client_is_linked_now() {
    let mut note = note();
    note.keep_to_links(&[link("other", "8")]);
    assert!(note.retry(at(1)).is_err());
    note.linked(vec![ExternalId("8".to_owned())], "other".parse().unwrap(), at(1));
    assert_eq!(note.stage(), Stage::WaitingForRefiling, "not by itself");
    note.refile(vec![ExternalId("8".to_owned())], "other".parse().unwrap(), at(1));
    assert_eq!((note.stage(), note.connection.as_str(), due_in(&note, 1)), (Stage::Queued, "other", Some(0)));
    assert_eq!(note.note.filed_against, [ExternalId("8".to_owned())]);
}

#[test]
fn who_is_linked_again_to_the_same_gets_it_and_to_another_does_not() {
    let unlinked = ClientLink { link: None, ..link("main", "7") };
    let check = |connection: &str, id: &str, expected: Stage| {
        let mut note = note();
        note.keep_to_links(std::slice::from_ref(&unlinked));
        note.linked(vec![ExternalId(id.to_owned())], connection.parse().unwrap(), at(1));
        assert_eq!(note.stage(), expected, "{id} of {connection}");
    };
    check("main", "7", Stage::Queued);
    check("main", "8", Stage::WaitingForRefiling);
    check("other", "7", Stage::WaitingForRefiling);
}
