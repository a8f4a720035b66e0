//! Erasing a person: everything goes, and nothing brings them back but a person's word.

mod copies;
mod gaps;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use super::outbox::note_of;
use super::practice::now;
use super::*;
use crate::domain::audit::{Act, Subject};
use crate::domain::import::{Import, ImportCounts, ImportState, ListedPerson, PriorRows};
use crate::domain::note::{Attachment, NoteState};
use crate::domain::practice_client::Refusal as NotMade;
use crate::domain::privacy::{ErasureAct, ErasureOf, ErasureReason, HeldSubject, LegalHold, Refusal};
use crate::domain::{ClientId, ImportId};
use crate::store::audit::{AuditFilter, scope};
use crate::store::connections::By;
use crate::store::documents::{Document, notes_with};
use crate::store::engine::FILE_NAME;
use crate::store::erasure::ErasureRequest;
use crate::store::raw::unpack;
use crate::store::sites::Site;

on_each_engine![
    nothing_of_an_erased_client_is_left_and_no_way_brings_them_back,
    a_partner_keeps_the_household_and_what_is_theirs_too,
    a_hold_keeps_a_client_until_it_ends,
    a_note_that_is_being_sent_is_waited_for,
    a_document_that_others_have_too_forgets_the_notes_of_who_was_erased,
    an_erasure_is_lifted_by_a_persons_word,
    what_stays_out_of_the_book_is_kept_away_too,
    a_record_that_is_no_client_is_erased_by_its_own_id,
];

fn request() -> ErasureRequest {
    ErasureRequest { by: "Kim Osei".to_owned(), by_account: None, reason: ErasureReason::Asked, at: now() }
}

fn ayda(id: &str) -> Client {
    let mobile = Some("+61491570156".to_owned().try_into().unwrap());
    Client { mobile, ..with_email(client(id, "Ayda Quillfeather"), "ayda.quill@example.com") }
}

/// The record with the person's name in the raw one too, as a CRM has it.
fn full(client: &Client) -> IncomingRecord {
    let raw = format!(r#"{{"row":{{"id":"{}","name":"{}"}}}}"#, client.external_id, client.full_name());
    IncomingRecord { raw: PackedRaw::pack(raw.as_bytes()), ..mapped(client) }
}

/// The texts by which the person would be known.
const TRACES: [&str; 5] = ["quillfeather", "ayda.quill", "491570156", "ayda", "house in byron"];

/// The places where a trace of the person stands in the store's rows: in memory, whose rows can be looked through as bytes.
fn traces(place: &Place) -> Vec<String> {
    let Place::Memory(engine) = place else { return Vec::new() };
    let mut found = Vec::new();
    for (table, key, value) in engine.rows() {
        let value = if table == "raw" { unpack(&value).unwrap() } else { value };
        for bytes in [&key, &value] {
            let text = String::from_utf8_lossy(bytes).to_lowercase();
            found.extend(TRACES.iter().filter(|trace| text.contains(*trace)).map(|trace| format!("{table}: {trace}")));
        }
    }
    found
}

/// A practice with a client who has left traces wherever one can.
async fn with_ayda(on: On) -> (Practice, ClientId) {
    let mut practice = Practice::new(on).await;
    practice.commit(RecordKind::Client, vec![full(&ayda("7")), full(&client("8", "Bo Osei"))]).await;
    practice.goals(&[("7", &[goal("g1", "House in Byron")]), ("8", &[goal("g2", "Boat")])]).await;
    practice.end_walk().await;
    let changed = Client { mobile: None, middle_name: Some("Ayda".to_owned()), ..ayda("7") };
    let changed = IncomingRecord { fingerprint: 2, ..full(&changed) };
    practice.commit(RecordKind::Client, vec![changed]).await;
    practice.commit(RecordKind::Client, vec![IncomingRecord { fingerprint: 3, ..full(&ayda("7")) }]).await;
    let stored = practice.of("7").await.unwrap();
    let event = note_of(stored.household_id, &[stored.id], "Ayda Quillfeather wants a house in Byron");
    practice.store.accept_note(event).await.unwrap();
    list(&practice.store).await;
    let run = Run { id: RunId(Uuid::now_v7()), ..practice.run.clone() };
    let told = vec!["The row of Ayda Quillfeather has no ID.".to_owned(), "Another row has none.".to_owned()];
    let run = Run { state: RunState::Done, counts: RunCounts { told, ..RunCounts::default() }, ..run };
    practice.store.keep_run(run).await.unwrap();
    (practice, stored.id)
}

/// Brings a list in which Ayda stands.
async fn list(store: &Store) -> ImportId {
    let import = Import {
        id: ImportId(Uuid::now_v7()),
        connection: "main".parse().unwrap(),
        file_name: "list.csv".to_owned(),
        by: "Kim Osei".to_owned(),
        state: ImportState::Reading,
        counts: ImportCounts::default(),
        source: None,
        created_at: now(),
        applied_at: None,
    };
    store.begin_import(import.clone()).await.unwrap();
    store.add_import_rows(import.id, vec![listed()], PriorRows::default()).await.unwrap();
    import.id
}

fn listed() -> ListedPerson {
    ListedPerson {
        number: 2,
        first_name: "Ayda".to_owned(),
        last_name: "Quillfeather".to_owned(),
        email: "Ayda.Quill@example.com".to_owned(),
        id: "7".to_owned(),
        fault: None,
        doubt: None,
    }
}

async fn nothing_of_an_erased_client_is_left_and_no_way_brings_them_back(on: On) {
    let (mut practice, id) = with_ayda(on).await;
    if on == On::Memory {
        for trace in TRACES {
            assert!(traces(&practice.place).iter().any(|found| found.ends_with(trace)), "{trace} is there before");
        }
    }
    let site = |host: &str| Site { crm: "acme".to_owned(), host: host.to_owned() };
    let bound = practice.store.bind_site("main".parse().unwrap(), site("practice.example.com")).await;
    assert_eq!(bound.unwrap(), None);
    let rehearsed = practice.store.rehearse_erasure(id, now()).await.unwrap().unwrap();
    assert!(practice.of("7").await.is_some(), "a rehearsal changes nothing");
    let (erasure, counts) = practice.store.erase(id, request()).await.unwrap().unwrap();
    assert_eq!((&counts, erasure.number), (&rehearsed, 1));
    assert_eq!((counts.raw_records, counts.listed, counts.notes, counts.notes_not_sent), (2, 1, 1, 1), "{counts:?}");
    assert_eq!((counts.import_rows, counts.households), (1, 1), "{counts:?}");
    assert!(counts.report_rows > 0, "{counts:?}");
    assert_eq!(traces(&practice.place), Vec::<String>::new());
    let gone = |practice: &Practice| {
        let store = practice.store.clone();
        async move {
            assert!(store.client(id).await.unwrap().is_none());
            for search in ["quillfeather", "ayda.quill@example.com", "+61491570156"] {
                let found = store.households(HouseholdFilter::search(search.to_owned()), first(10)).await.unwrap();
                assert!(found.items.is_empty(), "{search}");
            }
            let counts = store.book_counts().await.unwrap();
            assert_eq!((counts.clients, counts.households, counts.lists[&RecordKind::Goal]), (1, 1, 1), "{counts:?}");
        }
    };
    gone(&practice).await;
    assert!(practice.store.next_notes_due().await.unwrap().is_empty(), "what was not sent never is");

    // A walk with lists, one client's sync, a quarantined answer and a rule that leaves them out.
    let counts = practice.commit(RecordKind::Client, vec![full(&ayda("7")), full(&client("8", "Bo Osei"))]).await;
    assert_eq!((counts.erased, counts.created), (1, 0));
    practice.goals(&[("7", &[goal("g1", "House in Byron")])]).await;
    for record in [unusable("7"), left_out("7", "archived")] {
        assert_eq!(practice.commit(RecordKind::Client, vec![record]).await.erased, 1);
    }
    gone(&practice).await;
    // A link by hand, a list of ids, and the practice's own id once more.
    let sam = practice.make(client("", "Sam Roe"), None).await.unwrap();
    let main = "main".parse::<ConnectionName>().unwrap();
    let linked = practice.store.link_client(sam, main.clone(), ExternalId("7".to_owned()), now()).await.unwrap();
    assert_eq!(linked, Err(NotMade::IsErased("7".to_owned())));
    practice.store.remove_client(sam, now()).await.unwrap().unwrap();
    assert!(practice.store.is_erased(main.clone(), ExternalId("7".to_owned())).await.unwrap());
    assert!(!practice.store.is_erased(main, ExternalId("8".to_owned())).await.unwrap());
    assert!(!practice.store.is_erased("other".parse().unwrap(), ExternalId("7".to_owned())).await.unwrap());
    // The connection is removed, and its site added under another name.
    for (name, host, expected) in [("again", "practice.example.com", true), ("else", "other.example.com", false)] {
        let name: ConnectionName = name.parse().unwrap();
        practice
            .store
            .keep_site_apart(name.clone(), site(host), By { who: "Kim Osei".to_owned(), at: now() })
            .await
            .unwrap();
        assert_eq!(practice.store.is_erased(name, ExternalId("7".to_owned())).await.unwrap(), expected, "{host}");
    }
    let import = practice.store.imports(first(1)).await.unwrap().items.remove(0);
    practice
        .store
        .add_import_rows(import.id, vec![ListedPerson { number: 3, ..listed() }], PriorRows::default())
        .await
        .unwrap();
    let rows = practice.store.import_rows(import.id, None, first(10)).await.unwrap().items;
    assert!(rows.iter().all(|row| row.email.is_empty() && row.reasons[0].code == "erased"), "{rows:?}");
    assert_eq!(
        practice.make_as(id, client("", "Ayda Quillfeather"), None, [7; 32]).await,
        Err(NotMade::IsErased(id.to_string()))
    );
    assert_eq!(traces(&practice.place), Vec::<String>::new());
    let again = practice.store.erase(id, request()).await.unwrap();
    assert_eq!(again.err(), Some(Refusal::Unknown(id)));
}

async fn a_partner_keeps_the_household_and_what_is_theirs_too(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("7", "Ayda Quillfeather", "8", false), linked("8", "Bo Osei", "7", true)]).await;
    let (ayda, bo) = (practice.of("7").await.unwrap(), practice.of("8").await.unwrap());
    assert_eq!(ayda.household_id, bo.household_id);
    practice.store.accept_note(note_of(bo.household_id, &[ayda.id, bo.id], "Both")).await.unwrap();
    practice.store.accept_note(note_of(bo.household_id, &[bo.id], "Bo alone")).await.unwrap();
    let (_, counts) = practice.store.erase(ayda.id, request()).await.unwrap().unwrap();
    assert_eq!(
        (counts.notes, counts.shared_notes, counts.shared_notes_ended, counts.households),
        (0, 1, 1, 0),
        "{counts:?}"
    );
    let row = practice.household_of("8").await;
    assert_eq!((row.household.id, row.people.len()), (bo.household_id, 1));
    assert!(practice.store.former_members(&row.household).await.unwrap().is_empty());
    let notes = practice.store.notes(crate::store::outbox::NoteFilter::default(), first(10)).await.unwrap().items;
    let both = notes.iter().find(|note| note.note.subject == "Both").unwrap();
    assert_eq!((both.clients.as_slice(), both.state, both.discarded), ([bo.id].as_slice(), NoteState::Dead, true));
    assert_eq!(both.note.filed_against, [ExternalId("8".to_owned())]);
    for note in &notes {
        let is_both = note.id == both.id;
        assert_eq!(practice.store.was_shared_with_erased(note.id).await.unwrap(), is_both, "an export warns of it");
    }
    assert_eq!(notes.iter().find(|note| note.note.subject == "Bo alone").unwrap().state, NoteState::Queued);
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (1, 1));
    // The one who is left names somebody who stays away.
    practice.clients(&[linked("7", "Ayda Quillfeather", "8", false), linked("8", "Bo Osei", "7", true)]).await;
    assert_eq!(practice.household_of("8").await.people.len(), 1);
}

/// The same hold for another reason.
fn of(hold: &LegalHold, reason: &str) -> LegalHold {
    LegalHold { reason: reason.to_owned(), ..hold.clone() }
}

async fn a_hold_keeps_a_client_until_it_ends(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Quillfeather")]).await;
    let ayda = practice.of("7").await.unwrap();
    let subjects = [HeldSubject::Client(ayda.id), HeldSubject::Household(ayda.household_id)];
    for subject in subjects {
        let hold = LegalHold {
            subject,
            reason: "A complaint".to_owned(),
            by: "Kim Osei".to_owned(),
            by_account: None,
            since: now(),
            until: None,
        };
        practice.store.put_hold(hold.clone(), None).await.unwrap().unwrap();
        assert_eq!(practice.store.hold(subject).await.unwrap().as_ref(), Some(&hold));
        assert_eq!(practice.store.holds().await.unwrap(), std::slice::from_ref(&hold));
        let refused = practice.store.erase(ayda.id, request()).await.unwrap().err();
        assert!(matches!(refused, Some(Refusal::Held(_))), "{subject:?}: {refused:?}");
        assert!(matches!(practice.store.rehearse_erasure(ayda.id, now()).await.unwrap(), Err(Refusal::Held(_))));
        assert!(practice.store.erasures().await.unwrap().is_empty());
        // Unlinked, the record would come back as somebody whom no hold keeps.
        let unlinked = practice.store.unlink_client(ayda.id, now()).await.unwrap();
        assert!(matches!(unlinked, Err(NotMade::IsHeld(_))), "{unlinked:?}");
        // Two people at once: each replaces what they saw, so that the later one is told of the earlier.
        let (one, other) = (of(&hold, "A new complaint"), of(&hold, "A court's order"));
        assert_eq!(practice.store.put_hold(one.clone(), None).await.unwrap(), Err(hold.clone()));
        assert_eq!(practice.store.put_hold(one.clone(), Some(hold.clone())).await.unwrap(), Ok(true));
        assert_eq!(practice.store.put_hold(other, Some(hold)).await.unwrap(), Err(one.clone()));
        assert_eq!(practice.store.hold(subject).await.unwrap(), Some(one));
        assert!(practice.store.end_hold(subject, None).await.unwrap().unwrap());
        assert!(!practice.store.end_hold(subject, None).await.unwrap().unwrap());
    }
    let until = Some(now());
    let over = LegalHold {
        subject: subjects[0],
        reason: "It is over".to_owned(),
        by: "Kim Osei".to_owned(),
        by_account: None,
        since: now(),
        until,
    };
    assert!(practice.store.put_hold(over.clone(), None).await.unwrap().unwrap());
    practice.store.erase(ayda.id, request()).await.unwrap().unwrap();
    for subject in subjects {
        assert!(
            !practice.store.put_hold(LegalHold { subject, ..over.clone() }, None).await.unwrap().unwrap(),
            "nobody is there"
        );
    }
    assert!(practice.store.holds().await.unwrap().is_empty(), "a hold that is over goes with its client");
}

async fn a_note_that_is_being_sent_is_waited_for(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Quillfeather")]).await;
    let ayda = practice.of("7").await.unwrap();
    let new = note_of(ayda.household_id, &[ayda.id], "On its way");
    let id = new.note.id;
    practice.store.accept_note(new).await.unwrap();
    practice.store.change_note(id, |note| note.state = NoteState::Sending).await.unwrap();
    assert_eq!(practice.store.erase(ayda.id, request()).await.unwrap().err(), Some(Refusal::IsSending));
    practice.store.change_note(id, |note| note.state = NoteState::Waiting).await.unwrap();
    practice.store.erase(ayda.id, request()).await.unwrap().unwrap();
    assert!(practice.store.note(id).await.unwrap().is_none());
}

async fn a_document_that_others_have_too_forgets_the_notes_of_who_was_erased(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Quillfeather"), client("8", "Sam Osei")]).await;
    let guide = Document::new("Guide.pdf".to_owned(), "application/pdf".to_owned(), b"%PDF-1.7".to_vec(), now());
    practice.store.put_document(guide.clone(), None).await.unwrap();
    let mut notes = Vec::new();
    for id in ["7", "8"] {
        let whose = practice.of(id).await.unwrap();
        let mut new = note_of(whose.household_id, &[whose.id], "Guide");
        new.note.attachments = vec![Attachment {
            document: guide.id,
            filename: guide.filename.clone(),
            media_type: guide.media_type.clone(),
            size: 8,
            replaced: String::new(),
            attached_as: None,
        }];
        notes.push(new.note.id);
        practice.store.accept_note(new).await.unwrap();
    }
    let of = guide.id;
    let with = || practice.store.read(move |transaction| notes_with(transaction, of)?.collect::<Result<Vec<_>, _>>());
    assert_eq!(with().await.unwrap().len(), 2);
    let (ayda, sam) = (practice.of("7").await.unwrap(), practice.of("8").await.unwrap());
    assert_eq!(practice.store.households_of_document(of).await.unwrap(), [ayda.household_id, sam.household_id]);
    practice.store.erase(ayda.id, request()).await.unwrap().unwrap();
    assert_eq!(with().await.unwrap(), [notes[1]]);
    assert_eq!(practice.store.households_of_document(of).await.unwrap(), [sam.household_id]);
}

async fn an_erasure_is_lifted_by_a_persons_word(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Quillfeather")]).await;
    let first_id = practice.of("7").await.unwrap().id;
    practice.store.erase(first_id, request()).await.unwrap().unwrap();
    assert_eq!(practice.store.lift_erasure(2, request()).await.unwrap().err(), Some(Refusal::NotErased(2)));
    let back = ErasureRequest { reason: ErasureReason::ClientAgain, ..request() };
    let lifted = practice.store.lift_erasure(1, back.clone()).await.unwrap().unwrap();
    assert_eq!((lifted.number, lifted.act), (2, ErasureAct::Lifted { erasure: 1 }));
    assert_eq!(practice.store.lift_erasure(1, back).await.unwrap().err(), Some(Refusal::NotErased(1)));
    assert_eq!(practice.clients(&[client("7", "Ayda Quillfeather")]).await.created, 1);
    assert_ne!(practice.of("7").await.unwrap().id, first_id, "a client who comes again is a new one");
    let numbers: Vec<u64> = practice.store.erasures().await.unwrap().iter().map(|erasure| erasure.number).collect();
    assert_eq!(numbers, [2, 1]);
}

async fn what_stays_out_of_the_book_is_kept_away_too(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Quillfeather"), client("8", "Bo Osei")]).await;
    let ayda = practice.of("7").await.unwrap().id;
    practice.commit(RecordKind::Client, vec![left_out("7", "archived"), unusable("8")]).await;
    assert_eq!((practice.counts().await.skipped, practice.counts().await.quarantined), (1, 1));
    let (_, counts) = practice.store.erase(ayda, request()).await.unwrap().unwrap();
    assert_eq!(counts.set_aside, 1);
    assert_eq!(
        (practice.counts().await.skipped, practice.counts().await.quarantined, practice.counts().await.clients),
        (0, 1, 1)
    );
    assert_eq!(practice.commit(RecordKind::Client, vec![left_out("7", "archived")]).await.erased, 1);
    assert_eq!(practice.counts().await.skipped, 0);
}

async fn a_record_that_is_no_client_is_erased_by_its_own_id(on: On) {
    let mut practice = Practice::new(on).await;
    practice
        .commit(RecordKind::Client, vec![full(&client("9", "Bo Osei")), left_out("7", "archived"), unusable("8")])
        .await;
    assert_eq!((practice.counts().await.skipped, practice.counts().await.quarantined), (1, 1));
    let main: ConnectionName = "main".parse().unwrap();
    let of = |id: &str| ErasureOf::Record(main.clone(), ExternalId(id.to_owned()));
    let refused = async |id: &str| practice.store.erase(of(id), request()).await.unwrap().err();
    assert_eq!(refused("9").await, Some(Refusal::IsClient(practice.of("9").await.unwrap().id)));
    assert_eq!(refused("10").await, Some(Refusal::NoRecord(main.clone(), ExternalId("10".to_owned()))));
    let elsewhere = ErasureOf::Record("other".parse().unwrap(), ExternalId("7".to_owned()));
    assert!(practice.store.erase(elsewhere, request()).await.unwrap().is_err());
    let list = list(&practice.store).await;
    for id in ["7", "8"] {
        let rehearsed = practice.store.rehearse_erasure(of(id), now()).await.unwrap().unwrap();
        let (_, counts) = practice.store.erase(of(id), request()).await.unwrap().unwrap();
        assert_eq!((counts.set_aside, &counts), (1, &rehearsed), "{id}");
        assert_eq!(refused(id).await, Some(Refusal::NoRecord(main.clone(), ExternalId(id.to_owned()))));
    }
    let rows = practice.store.import_rows(list, None, first(10)).await.unwrap().items;
    assert!(rows[0].email.is_empty() && rows[0].external_id.is_empty(), "{rows:?}");
    assert_eq!((practice.counts().await.skipped, practice.counts().await.quarantined), (0, 0));
    let again = practice.commit(RecordKind::Client, vec![left_out("7", "archived"), unusable("8")]).await;
    assert_eq!((again.erased, practice.counts().await.skipped, practice.counts().await.quarantined), (2, 0, 0));
}

#[tokio::test]
async fn the_entry_of_an_erasure_has_its_number() {
    let (practice, id) = with_ayda(On::Memory).await;
    let verb = |verb| Act::done(crate::domain::audit::By::host("test"), "", verb, Subject::of_kind("connection"));
    let erased = practice.store.erase(id, request());
    let (erased, left) = scope::enter(Act { detail: "asked".to_owned(), ..verb("privacy.erase") }, erased).await;
    let number = erased.unwrap().unwrap().0.number;
    let (again, _) = scope::enter(verb("privacy.erase"), practice.store.erase(id, request())).await;
    assert!(again.unwrap().is_err());
    let filter = AuditFilter { verb: Some("privacy".to_owned()), ..AuditFilter::default() };
    let entries = practice.store.audit(filter, first(9)).await.unwrap().items;
    let told: Vec<_> = entries.iter().map(|entry| (Some(entry.number), entry.act.detail.as_str())).collect();
    assert_eq!(told, [(left.written, format!("asked, erasure {number}").as_str())]);
}

#[tokio::test]
async fn an_older_copy_of_the_store_forgets_again_whom_the_file_of_erasures_has() {
    let (practice, id) = with_ayda(On::File).await;
    let Place::File(folder) = &practice.place else { unreachable!() };
    let older = folder.path().join("older");
    close(practice.store).await;
    fs::copy(folder.path().join(FILE_NAME), &older).unwrap();
    let store = practice.place.open();
    let (erasure, _) = store.erase(id, request()).await.unwrap().unwrap();
    close(store).await;
    fs::copy(&older, folder.path().join(FILE_NAME)).unwrap();
    let store = practice.place.open();
    assert!(store.client(id).await.unwrap().is_none());
    assert_eq!(store.erasures().await.unwrap(), std::slice::from_ref(&erasure));
    let found = store.households(HouseholdFilter::search("quillfeather".to_owned()), first(10)).await.unwrap();
    assert!(found.items.is_empty());
    let entries = store.audit(AuditFilter::default(), first(1)).await.unwrap().items;
    assert_eq!(entries[0].act.verb, "privacy.erase_again");
    let head = store.audit_head().await.unwrap();
    close(store).await;
    // The file is lost: the store knows, and writes it anew. Nothing is done twice.
    let file = folder.path().join("tidegate.erased");
    let written = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    close(practice.place.open()).await;
    assert_eq!(fs::read(&file).unwrap(), written);
    let store = practice.place.open();
    assert_eq!(store.audit_head().await.unwrap(), head);
    // One that was lifted since stays where the older copy is put back.
    store.lift_erasure(1, request()).await.unwrap().unwrap();
    close(store).await;
    fs::copy(&older, folder.path().join(FILE_NAME)).unwrap();
    let store = practice.place.open();
    assert!(store.client(id).await.unwrap().is_some());
    close(store).await;
    // The file of another practice's erasures is none of this store's.
    fs::write(&file, "0 {}\n").unwrap();
    let error = Store::open(folder.path()).err().unwrap();
    assert!(error.to_string().contains("tidegate.erased"), "{error}");
}

/// Closes a store: its threads end after it, and with them the file.
/// The file itself is looked through, as somebody could who has it.
#[tokio::test]
async fn what_was_erased_is_in_no_page_of_the_file_after_a_start() {
    let (practice, id) = with_ayda(On::File).await;
    let Place::File(folder) = &practice.place else { unreachable!() };
    let in_file = || {
        let text = String::from_utf8_lossy(&fs::read(folder.path().join(FILE_NAME)).unwrap()).to_lowercase();
        TRACES.into_iter().filter(|trace| text.contains(trace)).collect::<Vec<_>>()
    };
    practice.store.erase(id, request()).await.unwrap().unwrap();
    let clients = practice.store.book_counts().await.unwrap().clients;
    close(practice.store).await;
    assert!(in_file().contains(&"quillfeather"), "the engine wipes nothing by itself");
    let store = practice.place.open();
    assert_eq!(store.book_counts().await.unwrap().clients, clients);
    assert_eq!(store.verify_audit(None).await.unwrap().map(|_| ()), Ok(()));
    close(store).await;
    assert_eq!(in_file(), [""; 0]);
    let written = fs::metadata(folder.path().join(FILE_NAME)).unwrap().ino();
    close(practice.place.open()).await;
    assert_eq!(fs::metadata(folder.path().join(FILE_NAME)).unwrap().ino(), written, "once for an erasure");
}

async fn close(store: Store) {
    drop(store);
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn each_table_of_the_store_is_in_the_register() {
    let practice = Practice::new(On::Memory).await;
    let Place::Memory(engine) = &practice.place else { unreachable!() };
    let registered: Vec<&str> =
        crate::domain::privacy::register::REGISTER.iter().flat_map(|row| row.tables).copied().collect();
    let tables = engine.tables();
    let missing: Vec<&&str> = tables.iter().filter(|table| !registered.contains(table)).collect();
    assert!(missing.is_empty(), "name these in domain/src/privacy/register.rs: {missing:?}");
    // A table of an earlier format is there in stores that began with it.
    let unknown: Vec<&&str> =
        registered.iter().filter(|table| !tables.contains(table) && **table != "professionals").collect();
    assert!(unknown.is_empty(), "no store has these: {unknown:?}");
}
