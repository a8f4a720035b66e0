//! The gaps through which an erased person could come back, be kept, or take others along.

use super::*;
use crate::domain::access::emergency::EmergencyAccess;
use crate::domain::review::{ReviewDecision, ReviewState};
use crate::domain::{EmergencyId, UserId};
use crate::store::backup::{Fingerprint, SubjectKeys};
use crate::store::engine::Engine;
use crate::store::household_access::{EmergencyFilter, Opened};
use crate::store::keys::own;
use crate::store::outbox::MissingClient;
use crate::store::subject::Subject;
use crate::store::tombstones;

on_each_engine![
    a_note_of_somebody_who_was_erased_meanwhile_is_refused_without_a_trace,
    a_hold_on_a_household_goes_with_its_people,
    an_erased_client_who_was_unlinked_does_not_come_back,
    what_an_emergency_says_of_an_erased_client_is_blanked,
    a_household_that_an_erasure_empties_leads_nowhere,
];

async fn a_note_of_somebody_who_was_erased_meanwhile_is_refused_without_a_trace(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("7", "Ayda Quillfeather", "8", false), linked("8", "Bo Osei", "7", true)]).await;
    let (ayda, bo) = (practice.of("7").await.unwrap(), practice.of("8").await.unwrap());
    let both = note_of(bo.household_id, &[ayda.id, bo.id], "Ayda Quillfeather and Bo");
    let alone = note_of(bo.household_id, &[bo.id], "Of the Quillfeather household");
    practice.store.erase(ayda.id, request()).await.unwrap().unwrap();
    for (new, people) in [(both, vec![]), (alone.clone(), vec![bo.id, ayda.id])] {
        let key = new.key.clone();
        let refused = practice.store.accept_note_of(new, people).await.unwrap();
        assert_eq!(refused.err(), Some(MissingClient(ayda.id)));
        assert!(practice.store.keyed_note(key).await.unwrap().is_none());
    }
    let notes = practice.store.notes(crate::store::outbox::NoteFilter::default(), first(10)).await.unwrap().items;
    assert!(notes.is_empty());
    assert_eq!(traces(&practice.place), Vec::<String>::new());
    assert!(practice.store.accept_note_of(alone.clone(), vec![bo.id]).await.unwrap().unwrap().is_none());
    assert!(practice.store.accept_note_of(alone, vec![ayda.id]).await.unwrap().unwrap().is_some(), "its key is known");
}

async fn a_hold_on_a_household_goes_with_its_people(on: On) {
    let far = now() + jiff::SignedDuration::from_hours(24 * 90);
    for held in ["7", "8"] {
        let mut practice = Practice::new(on).await;
        let apart = [client("7", "Ayda Khan"), client("8", "Bo Osei")];
        let together = [linked("7", "Ayda Khan", "8", false), linked("8", "Bo Osei", "7", true)];
        practice.clients(&apart).await;
        for id in ["7", "8"] {
            let hold = LegalHold {
                subject: HeldSubject::Household(practice.of(id).await.unwrap().household_id),
                reason: format!("A complaint of {id}"),
                by: "Kim Osei".to_owned(),
                by_account: None,
                since: now(),
                until: (id != held).then_some(far),
            };
            practice.store.put_hold(hold, None).await.unwrap().unwrap();
        }
        // The one that ends later is on everybody, whichever household is left, and wherever they go from there.
        for clients in [&together, &apart, &together] {
            practice.clients(clients).await;
            for id in ["7", "8"] {
                let of = practice.of(id).await.unwrap();
                let hold = practice.store.hold(HeldSubject::Household(of.household_id)).await.unwrap();
                let hold = hold.unwrap_or_else(|| panic!("{held}: the household of {id} has none"));
                assert_eq!((hold.until, hold.reason), (None, format!("A complaint of {held}")));
                let refused = practice.store.erase(of.id, request()).await.unwrap().err();
                assert!(matches!(refused, Some(Refusal::Held(_))), "{refused:?}");
            }
        }
    }
}

async fn an_erased_client_who_was_unlinked_does_not_come_back(on: On) {
    // Before and after the next walk asks whether the record that was theirs is theirs.
    for is_asked in [false, true] {
        let mut practice = Practice::new(on).await;
        practice.commit(RecordKind::Client, vec![full(&ayda("7")), full(&client("8", "Bo Osei"))]).await;
        let id = practice.of("7").await.unwrap().id;
        assert!(practice.store.former_raw_records(id).await.unwrap().is_empty());
        practice.store.unlink_client(id, now()).await.unwrap().unwrap();
        let former = practice.store.former_raw_records(id).await.unwrap();
        let kinds: Vec<RecordKind> = former[0].raw.iter().map(|(kind, _)| *kind).collect();
        assert_eq!((former.len(), former[0].connection.as_str(), kinds), (1, "main", vec![RecordKind::Client]));
        if is_asked {
            practice.commit(RecordKind::Client, vec![full(&ayda("7"))]).await;
            assert_eq!(practice.store.erase(id, request()).await.unwrap().err(), Some(Refusal::AwaitsReview));
            let rehearsed = practice.store.rehearse_erasure(id, now()).await.unwrap();
            assert_eq!(rehearsed.err(), Some(Refusal::AwaitsReview));
            let waiting = practice.store.reviews(ReviewState::Waiting, first(2)).await.unwrap().items[0].0;
            practice.store.decide_review(waiting, ReviewDecision::Ignore, now()).await.unwrap().unwrap();
        }
        let (erasure, _) = practice.store.erase(id, request()).await.unwrap().unwrap();
        assert!(matches!(erasure.act, ErasureAct::Erased { tombstones } if tombstones.len() == 2));
        assert_eq!(traces(&practice.place), Vec::<String>::new());
        let counts = practice.commit(RecordKind::Client, vec![full(&ayda("7"))]).await;
        assert_eq!((counts.erased, counts.created), (1, 0));
        assert_eq!(traces(&practice.place), Vec::<String>::new());
    }
    // A record that is somebody else's by now is left to them.
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Quillfeather")]).await;
    let id = practice.of("7").await.unwrap().id;
    practice.store.unlink_client(id, now()).await.unwrap().unwrap();
    let bo = practice.make(client("", "Bo Osei"), None).await.unwrap();
    let main = "main".parse::<ConnectionName>().unwrap();
    practice.store.link_client(bo, main, ExternalId("7".to_owned()), now()).await.unwrap().unwrap();
    assert!(practice.store.former_raw_records(id).await.unwrap().is_empty(), "it is Bo's");
    let (erasure, _) = practice.store.erase(id, request()).await.unwrap().unwrap();
    assert!(matches!(erasure.act, ErasureAct::Erased { tombstones } if tombstones.len() == 1));
    assert_eq!(practice.of("7").await.map(|client| client.id), Some(bo));
}

/// The key that the third format's backups have for an emergency.
fn former_key(id: EmergencyId) -> [u8; 32] {
    blake3::hash(id.0.as_bytes()).into()
}

async fn what_an_emergency_says_of_an_erased_client_is_blanked(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Quillfeather"), client("8", "Bo Osei")]).await;
    let (theirs, other) = (practice.of("7").await.unwrap(), practice.of("8").await.unwrap().household_id);
    let user = UserId(Uuid::now_v7());
    for (household, reason) in
        [(theirs.household_id, "She rang"), (other, "The cousin of QUILLFEATHER, Ayda rang"), (other, "He rang")]
    {
        let access = EmergencyAccess {
            id: EmergencyId(Uuid::now_v7()),
            user,
            household,
            reason: reason.to_owned(),
            opened_at: now(),
            ends_at: now() + jiff::SignedDuration::from_hours(1),
            ended: None,
            reviewed: None,
            finding: None,
        };
        assert!(matches!(practice.store.open_in_emergency(access.clone(), 9).await.unwrap(), Opened::Yes(_)));
        let by = || crate::domain::access::household::Chosen { by: "Kim Osei".to_owned(), at: now() };
        if household == other {
            practice.store.end_emergency(access.id, by()).await.unwrap();
        }
        practice.store.review_emergency(access.id, by(), Some(reason.to_owned())).await.unwrap();
        let former = Subject::emergency(&own(access.id.0));
        practice.store.keep_keys(vec![(former, former_key(access.id))], 0).await.unwrap();
    }
    practice.store.erase(theirs.id, request()).await.unwrap().unwrap();
    let kept = practice.store.emergencies(EmergencyFilter::default(), first(9)).await.unwrap().items;
    // In a backup of the third format its row has a key of its own, with which what it says goes there, too.
    let keys = practice.store.file_of_keys(SubjectKeys::default()).await.unwrap().keys;
    let is_open = |one: &EmergencyAccess| keys.get(Fingerprint::of(&former_key(one.id))).is_some();
    assert_eq!(kept.iter().map(is_open).collect::<Vec<_>>(), [true, false, false]);
    let blanked = "Taken away with a client who was erased.";
    let texts: Vec<_> = kept.iter().map(|one| (one.reason.as_str(), one.finding.as_deref())).collect();
    assert_eq!(texts, [("He rang", Some("He rang")), (blanked, Some(blanked)), (blanked, Some(blanked))]);
    assert!(kept.iter().all(|one| one.ended.is_some()));
    assert!(practice.store.emergencies_open_to(user, now()).await.unwrap().is_empty());
    assert_eq!(traces(&practice.place), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_of_another_stores_erasures_erases_nobody() {
    let (practice, id) = with_ayda(On::File).await;
    let (other, others_id) = with_ayda(On::File).await;
    other.store.erase(others_id, request()).await.unwrap().unwrap();
    let (Place::File(folder), Place::File(others)) = (&practice.place, &other.place) else { unreachable!() };
    let file = folder.path().join("tidegate.erased");
    close(practice.store).await;
    fs::copy(others.path().join("tidegate.erased"), &file).unwrap();
    let error = Store::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("is not of this store") && error.contains("tidegate.erased"), "{error}");
    fs::remove_file(&file).unwrap();
    let store = practice.place.open();
    assert!(store.client(id).await.unwrap().is_some() && store.erasures().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_store_of_before_is_asked_about_before_its_clients_are_erased_again() {
    let (practice, id) = with_ayda(On::File).await;
    let Place::File(folder) = &practice.place else { unreachable!() };
    let (file, older) = (folder.path().join(FILE_NAME), folder.path().join("older"));
    close(practice.store).await;
    let engine = Engine::open(&file).unwrap();
    let transaction = engine.write().unwrap();
    tombstones::forget_key(&transaction);
    transaction.commit().unwrap();
    drop(engine);
    fs::copy(&file, &older).unwrap();
    let store = practice.place.open();
    store.erase(id, request()).await.unwrap().unwrap();
    close(store).await;

    fs::copy(&older, &file).unwrap();
    let error = Store::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("Nothing was erased") && error.contains("tidegate.erased.is-ours"), "{error}");
    let (erasures, aside) = (folder.path().join("tidegate.erased"), folder.path().join("aside"));
    fs::rename(&erasures, &aside).unwrap();
    let store = practice.place.open();
    assert!(store.client(id).await.unwrap().is_some());
    close(store).await;

    fs::copy(&older, &file).unwrap();
    fs::rename(&aside, &erasures).unwrap();
    let is_ours = folder.path().join("tidegate.erased.is-ours");
    fs::write(&is_ours, "").unwrap();
    let store = practice.place.open();
    assert!(store.client(id).await.unwrap().is_none() && !is_ours.exists());
    close(store).await;
    close(practice.place.open()).await;
}

async fn a_household_that_an_erasure_empties_leads_nowhere(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("7", "Ayda Quillfeather", "8", false), linked("8", "Bo Osei", "7", true)]).await;
    let both = practice.of("7").await.unwrap();
    let bo = practice.of("8").await.unwrap().id;
    practice.store.accept_note(note_of(both.household_id, &[both.id, bo], "Both")).await.unwrap();
    practice.clients(&[client("7", "Ayda Quillfeather"), client("8", "Bo Osei")]).await;
    let home = practice.of("8").await.unwrap().household_id;
    assert_ne!(home, both.household_id, "the couple parted");
    let user = UserId(Uuid::now_v7());
    let open = EmergencyAccess {
        id: EmergencyId(Uuid::now_v7()),
        user,
        household: both.household_id,
        reason: "For one of them only".to_owned(),
        opened_at: now(),
        ends_at: now() + jiff::SignedDuration::from_hours(4),
        ended: None,
        reviewed: None,
        finding: None,
    };
    assert!(matches!(practice.store.open_in_emergency(open.clone(), 5).await.unwrap(), Opened::Yes(_)));
    practice.store.erase(both.id, request()).await.unwrap().unwrap();
    // Its id leads to nobody, whose partner the person was included; and what was open ends with it.
    assert_eq!(practice.store.resolved_household(both.household_id).await.unwrap(), None);
    assert!(practice.store.emergencies_open_to(user, now()).await.unwrap().is_empty());
    assert!(practice.store.emergency(open.id).await.unwrap().unwrap().ended.is_some());
    // The note that is the partner's too is in the household in which the partner is.
    let notes = practice.store.notes(crate::store::outbox::NoteFilter::default(), first(10)).await.unwrap().items;
    let kept: Vec<_> = notes.iter().map(|note| (note.household_id, note.clients.as_slice())).collect();
    assert_eq!(kept, [(home, [bo].as_slice())]);
}
