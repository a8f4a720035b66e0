//! Copies of the store for backups: whole, sealed for each client and household, and without whoever was erased since.

use super::*;
use crate::domain::UserId;
use crate::domain::access::Role;
use crate::domain::access::household::{Chosen, StaffAccess};
use crate::store::backup::{Copied, CopyError, Rows, SubjectKeys, check, restore, rows_of};
use crate::store::household_access::NewAccess;

on_each_engine![a_copy_opens_with_its_keys_and_tells_nothing_without, a_copy_that_is_damaged_or_cut_short_is_refused];

async fn copy(store: &Store) -> (Vec<u8>, Copied, SubjectKeys) {
    let (bytes, copied) = store.write_copy(Vec::new()).await.unwrap();
    (bytes, copied, keys_of(store).await)
}

async fn keys_of(store: &Store) -> SubjectKeys {
    store.file_of_keys(SubjectKeys::default()).await.unwrap().keys
}

fn has(bytes: &[u8], trace: &str) -> bool {
    String::from_utf8_lossy(bytes).to_lowercase().contains(trace)
}

async fn a_copy_opens_with_its_keys_and_tells_nothing_without(on: On) {
    let (practice, _) = with_ayda(on).await;
    let (bytes, copied, keys) = copy(&practice.store).await;
    assert!(copied.sealed > 20 && copied.rows > copied.sealed, "{copied:?}");
    assert_eq!(check(bytes.as_slice(), &keys).unwrap(), copied);
    for trace in ["ayda.quill", "491570156", "house in byron"] {
        assert!(!has(&bytes, trace), "{trace}");
    }
    let blind = check(bytes.as_slice(), &SubjectKeys::default()).unwrap();
    assert_eq!(blind, Copied { keyless: copied.sealed, ..copied });
    // Keys are kept: a second copy is sealed with the same.
    let (again, _, same) = copy(&practice.store).await;
    let (bytes_of_keys, forgotten) = keys.to_bytes();
    assert_eq!((&same, SubjectKeys::from_bytes(&bytes_of_keys, &forgotten)), (&keys, Some(same.clone())));
    assert_ne!(bytes, again);
    assert_eq!(rows_of(&bytes, &keys), rows_of(&again, &keys));
}

async fn a_copy_that_is_damaged_or_cut_short_is_refused(on: On) {
    let (practice, _) = with_ayda(on).await;
    let (bytes, _, keys) = copy(&practice.store).await;
    for length in [0, 7, 11, 27, 28, bytes.len() / 2, bytes.len() - 9, bytes.len() - 1] {
        let cut = check(&bytes[..length], &keys);
        assert!(matches!(cut, Err(CopyError::Damaged(_))), "{length}: {cut:?}");
    }
    let mut other = bytes.clone();
    other[11] += 1;
    assert!(matches!(check(other.as_slice(), &keys), Err(CopyError::OtherFormat { .. })));
    let mut longer = bytes.clone();
    longer[28] = 9;
    assert!(matches!(check(longer.as_slice(), &keys), Err(CopyError::Damaged(_))));
    // A row that says that it has four gigabytes costs no memory.
    let begun: Vec<u8> = bytes[..28].iter().copied().chain([2, 0xff, 0xff, 0xff, 0xff]).collect();
    assert!(matches!(check(begun.as_slice(), &keys), Err(CopyError::Damaged(_))));
    let folder = tempfile::tempdir().unwrap();
    assert!(restore(folder.path(), &bytes[..bytes.len() - 1], &keys, now()).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of it");
}

/// All rows of a store but those that tell of what was done to it.
async fn rows(store: &Store, but: &[&str]) -> Rows {
    let (bytes, _, keys) = copy(store).await;
    let mut rows = rows_of(&bytes, &keys);
    for table in ["audit", "audit-head", "audit-index"].iter().chain(but) {
        rows.remove(*table);
    }
    rows
}

/// Holds that two stores have the same rows, table by table.
fn same(found: &Rows, expected: &Rows) {
    let tables = |of: &Rows| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(tables(found), tables(expected));
    for (table, rows) in expected {
        assert_eq!(found.get(table), Some(rows), "{table}");
    }
}

/// The store of a copy, put back beside the newest file of erasures.
fn put_back(bytes: &[u8], keys: &SubjectKeys, erased: Option<Vec<u8>>) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    if let Some(erased) = erased {
        fs::write(folder.path().join("tidegate.erased"), erased).unwrap();
    }
    restore(folder.path(), bytes, keys, now()).unwrap().finish().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

#[tokio::test]
async fn a_copy_that_is_put_back_has_every_row() {
    let (practice, _) = with_ayda(On::File).await;
    let (bytes, _, keys) = copy(&practice.store).await;
    let (folder, restored) = put_back(&bytes, &keys, practice.store.erasure_lines().unwrap());
    // A note that waits is looked for at once.
    let but = ["notes", "note-lanes", "notes-due"];
    same(&rows(&restored, &but).await, &rows(&practice.store, &but).await);
    let notes = restored.notes(crate::store::outbox::NoteFilter::default(), first(10)).await.unwrap().items;
    assert!(
        matches!(notes[0].step, crate::domain::note::DeliveryStep::Creating { .. }),
        "looked for before it is sent"
    );
    close(restored).await;
    assert!(restore(folder.path(), bytes.as_slice(), &keys, now()).is_err(), "there is a store");
}

#[tokio::test]
async fn whoever_was_erased_after_a_copy_is_in_none_of_it() {
    let alone = with_ayda(On::File).await;
    let mut practice = Practice::new(On::File).await;
    practice.clients(&[linked("7", "Ayda Quillfeather", "8", false), linked("8", "Bo Osei", "7", true)]).await;
    practice.goals(&[("7", &[goal("g1", "House in Byron")]), ("8", &[goal("g2", "Boat")])]).await;
    practice.end_walk().await;
    let (ayda, bo) = (practice.of("7").await.unwrap(), practice.of("8").await.unwrap());
    practice.store.accept_note(note_of(bo.household_id, &[ayda.id, bo.id], "Both")).await.unwrap();
    practice.store.accept_note(note_of(bo.household_id, &[bo.id], "Bo alone")).await.unwrap();
    practice.store.accept_note(note_of(bo.household_id, &[ayda.id], "Ayda Quillfeather alone")).await.unwrap();
    for (practice, id) in [alone, (practice, ayda.id)] {
        let (bytes, copied, before) = copy(&practice.store).await;
        practice.store.erase(id, request()).await.unwrap().unwrap();
        let keys = keys_of(&practice.store).await;
        assert!(rows_of(&bytes, &before).values().flatten().any(|(_, row)| has(row, "quillfeather")));
        let checked = check(bytes.as_slice(), &keys).unwrap();
        assert!(checked.forgotten > 0 && checked.keyless == 0 && checked.rows == copied.rows, "{checked:?}");
        // A file of keys of before the copy is no erasure.
        let missing = restore(tempfile::tempdir().unwrap().path(), bytes.as_slice(), &SubjectKeys::default(), now());
        assert!(matches!(missing, Err(CopyError::Keyless { .. })));
        let (_folder, restored) = put_back(&bytes, &keys, practice.store.erasure_lines().unwrap());
        assert!(restored.client(id).await.unwrap().is_none());
        // Sentences of runs that tell a name stay as they were; a row of a list is gone where the erasure blanked it.
        let but = ["notes", "note-lanes", "notes-due", "runs", "imports", "import-details", "import-rows"];
        same(&rows(&restored, &but).await, &rows(&practice.store, &but).await);
        assert_eq!(restored.book_counts().await.unwrap(), practice.store.book_counts().await.unwrap());
        // The latest events are in no copy, and are made anew of those that are left.
        let latest = practice.store.latest_event(bo.household_id, "note.written").await.unwrap();
        assert_eq!(restored.latest_event(bo.household_id, "note.written").await.unwrap(), latest);
        assert_eq!(latest.and_then(|event| event.client_id), (id == ayda.id).then_some(bo.id));
        let subjects = |notes: Vec<crate::domain::note::Note>| {
            let mut all: Vec<_> = notes.into_iter().map(|note| (note.note.subject, note.clients, note.state)).collect();
            all.sort_by(|one, other| one.0.cmp(&other.0));
            all
        };
        let of = |store: &Store| {
            let store = store.clone();
            async move { store.notes(crate::store::outbox::NoteFilter::default(), first(10)).await.unwrap().items }
        };
        assert_eq!(subjects(of(&restored).await), subjects(of(&practice.store).await));
    }
}

/// A hold has to be ended before its client is erased, and a list may have been removed by then.
#[tokio::test]
async fn what_went_before_an_erasure_is_in_no_copy_either() {
    let (practice, id) = with_ayda(On::File).await;
    let store = &practice.store;
    let subject = HeldSubject::Client(id);
    let (reason, by) = ("Ayda Quillfeather complained".to_owned(), "Kim Osei".to_owned());
    store
        .put_hold(LegalHold { subject, reason, by, by_account: None, since: now(), until: None }, None)
        .await
        .unwrap()
        .unwrap();
    let household = store.client(id).await.unwrap().unwrap().household_id;
    let access = store.household_access(household).await.unwrap().unwrap();
    let given = StaffAccess {
        user: UserId(Uuid::now_v7()),
        role: Role::Support,
        expires_at: None,
        reason: Some("Mrs Quillfeather moves house".to_owned()),
        given_by: "Kim Osei".to_owned(),
        given_at: now(),
    };
    let new = NewAccess {
        household,
        follows: None,
        primary: access.primary,
        secondary: None,
        staff: vec![given],
        chosen: Chosen { by: "Kim Osei".to_owned(), at: now() },
    };
    store.set_household_access(new).await.unwrap();
    let (bytes, _, before) = copy(store).await;
    let tables = |keys: &SubjectKeys| {
        let rows = rows_of(&bytes, keys).into_iter();
        let named =
            rows.filter(|(_, rows)| rows.iter().any(|(key, row)| has(key, "quillfeather") || has(row, "quillfeather")));
        named.map(|(table, _)| table).filter(|table| table != "runs").collect::<Vec<_>>()
    };
    assert!(
        ["access-reasons", "clients", "import-rows", "legal-holds"]
            .iter()
            .all(|table| tables(&before).contains(&(*table).to_owned()))
    );
    let import = store.imports(first(1)).await.unwrap().items.remove(0);
    let held = store.forget_import_unless_held(import.id, now()).await.unwrap();
    assert!(held.is_err() && store.import(import.id).await.unwrap().is_some(), "a list is a source, too: {held:?}");
    assert!(store.end_hold(subject, None).await.unwrap().unwrap());
    assert_eq!(store.forget_import_unless_held(import.id, now()).await.unwrap(), Ok(true));
    assert!(!store.forget_import(import.id).await.unwrap());
    store.erase(id, request()).await.unwrap().unwrap();
    assert_eq!(tables(&keys_of(store).await), [""; 0]);
}

#[tokio::test]
async fn a_partner_of_before_has_a_household_after_the_other_ones_erasure() {
    let mut practice = Practice::new(On::File).await;
    let together = [linked("7", "Ayda Quillfeather", "8", false), linked("8", "Bo Osei", "7", true)];
    practice.clients(&together).await;
    let (bytes, _, _) = copy(&practice.store).await;
    practice.clients(&[client("7", "Ayda Quillfeather"), client("8", "Bo Osei")]).await;
    let (ayda, bo) = (practice.of("7").await.unwrap(), practice.of("8").await.unwrap());
    assert_ne!(ayda.household_id, bo.household_id);
    practice.store.erase(ayda.id, request()).await.unwrap().unwrap();
    let keys = keys_of(&practice.store).await;
    let (_folder, restored) = put_back(&bytes, &keys, practice.store.erasure_lines().unwrap());
    let back = restored.client(bo.id).await.unwrap().unwrap();
    let row = restored.household(back.household_id).await.unwrap().unwrap();
    assert_eq!((row.people.len(), row.people[0].id), (1, bo.id));
    assert!(restored.household_access(back.household_id).await.unwrap().is_some(), "somebody answers for it");
    let counts = restored.book_counts().await.unwrap();
    assert_eq!((counts.clients, counts.households), (1, 1));
}

/// A record of the CRM that was left out when the copy was made, and became a client who is erased.
#[tokio::test]
async fn a_record_that_was_no_client_yet_is_forgotten_with_the_client_that_it_became() {
    let mut practice = Practice::new(On::File).await;
    let raw = |record: IncomingRecord| IncomingRecord { raw: full(&ayda("7")).raw, ..record };
    practice.commit(RecordKind::Client, vec![raw(left_out("7", "archived")), full(&client("8", "Bo Osei"))]).await;
    let (bytes, _, before) = copy(&practice.store).await;
    assert!(rows_of(&bytes, &before)["raw"].iter().any(|(_, row)| has(&unpack(row).unwrap(), "quillfeather")));
    practice.commit(RecordKind::Client, vec![full(&ayda("7"))]).await;
    practice.store.erase(practice.of("7").await.unwrap().id, request()).await.unwrap().unwrap();
    let keys = keys_of(&practice.store).await;
    assert!(rows_of(&bytes, &keys)["raw"].iter().all(|(_, row)| !has(&unpack(row).unwrap(), "quillfeather")));
    assert_eq!(check(bytes.as_slice(), &keys).unwrap().keyless, 0);
}

/// Somebody who is erased while a copy is made, after the copy saw them.
#[tokio::test]
async fn whoever_is_erased_while_a_copy_is_made_has_no_key() {
    let (practice, id) = with_ayda(On::Memory).await;
    let store = practice.store.clone();
    // The snapshot is taken before the erasure, and the keys are kept after it.
    let seen = taken(&store).await;
    store.erase(id, request()).await.unwrap().unwrap();
    let subject = crate::store::subject::Subject::client(id.0);
    store.keep_keys(vec![(subject, [7; 32])], seen).await.unwrap();
    let keys = keys_of(&store).await;
    assert!(keys.get(crate::store::backup::Fingerprint::of(&[7; 32])).is_none());
    assert!(
        keys.is_forgotten(crate::store::backup::Fingerprint::of(&[7; 32])),
        "it is told from a key that is missing"
    );
    // What was erased before the snapshot, and came again, has one.
    store.keep_keys(vec![(subject, [8; 32])], taken(&store).await).await.unwrap();
    assert!(keys_of(&store).await.get(crate::store::backup::Fingerprint::of(&[8; 32])).is_some());
}

/// The number of what was taken away so far.
async fn taken(store: &Store) -> u64 {
    let count = |transaction: &crate::store::engine::Snapshot| {
        crate::store::subject_keys::count(&transaction.open_table(crate::store::subject_keys::STATE)?)
    };
    store.read(count).await.unwrap()
}

/// The file of keys is old once something was taken away since it was written, and only where there is one.
#[tokio::test]
async fn a_file_of_keys_is_old_after_an_erasure() {
    let (practice, id) = with_ayda(On::File).await;
    let store = &practice.store;
    let (bytes, _, keys) = copy(store).await;
    let (_folder, restored) = put_back(&bytes, &keys, store.erasure_lines().unwrap());
    assert_eq!(
        store.mark().await.unwrap(),
        restored.mark().await.unwrap(),
        "a copy that is put back is the same store"
    );
    assert_ne!(store.mark().await.unwrap(), Practice::new(On::File).await.store.mark().await.unwrap());
    let as_of = store.file_of_keys(SubjectKeys::default()).await.unwrap().as_of;
    store.erase(id, request()).await.unwrap().unwrap();
    assert!(
        !store.is_file_of_keys_old().await.unwrap() && !store.has_file_of_keys().await.unwrap(),
        "there never was one"
    );
    store.note_keys_written(as_of).await.unwrap();
    assert!(store.is_file_of_keys_old().await.unwrap() && store.has_file_of_keys().await.unwrap());
    let as_of = store.file_of_keys(SubjectKeys::default()).await.unwrap().as_of;
    store.note_keys_written(as_of).await.unwrap();
    assert!(!store.is_file_of_keys_old().await.unwrap());
}

/// A data folder of before the backups, put in place of the one that made them: it does not know their keys, and erases all the same.
#[tokio::test]
async fn a_key_that_only_the_file_has_goes_with_its_client() {
    let (practice, id) = with_ayda(On::File).await;
    let store = &practice.store;
    let mut file = SubjectKeys::default();
    file.add(crate::store::subject::Subject::client(id.0), [7; 32]);
    // A hold that was put on after the copy was made, and is in a later backup.
    file.add(crate::store::subject::Subject::hold(&crate::store::keys::own(id.0)), [8; 32]);
    let marks = [[7; 32], [8; 32]].map(|key| crate::store::backup::Fingerprint::of(&key));
    let beside = store.file_of_keys(file.clone()).await.unwrap();
    let opens = |keys: &SubjectKeys| marks.map(|mark| keys.get(mark).is_some());
    assert!(!beside.is_to_be_renewed && opens(&beside.keys) == [true; 2], "older backups go on opening");
    store.erase(id, request()).await.unwrap().unwrap();
    let beside = store.file_of_keys(file).await.unwrap();
    assert!(beside.is_to_be_renewed && opens(&beside.keys) == [false; 2]);
    assert!(marks.iter().all(|mark| beside.keys.is_forgotten(*mark)));
    let again = store.file_of_keys(beside.keys).await.unwrap();
    assert!(!again.is_to_be_renewed && marks.iter().all(|mark| again.keys.is_forgotten(*mark)));
}
