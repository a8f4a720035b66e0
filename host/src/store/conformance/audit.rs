//! The audit log: entries in the transaction of what they tell of, in one chain however many write, and found by what
//! they are about.

use super::*;
use crate::config::Storage;
use crate::domain::access::{Role, User};
use crate::domain::audit::{Act, ActorKind, Break, By, Entry, Head, Outcome, Subject};
use crate::domain::{EmailAddress, HouseholdId, UserId};
use crate::store::StoreError;
use crate::store::access::StoredUser;
use crate::store::audit::damage::Damage;
use crate::store::audit::{AuditFilter, scope};
use crate::store::engine::lossy::Disk;

on_each_engine![
    entries_are_found_by_what_they_are_about,
    a_part_that_is_hard_to_find_is_looked_for_page_by_page,
    a_change_and_its_entry_are_one_transaction,
    what_changes_nothing_writes_no_entry,
    many_writers_make_one_chain,
    a_chain_holds_over_a_restart_and_its_end_can_be_kept_elsewhere,
    a_store_of_before_there_was_a_log_opens,
    runs_have_an_entry_when_they_begin_and_when_they_end,
];

fn act(verb: &str, subject: Subject) -> Act {
    let by = By { kind: ActorKind::Person, id: Some(Uuid::from_u128(1)), name: "Pat Lee".to_owned(), role: None };
    Act::done(by, "192.0.2.1", verb, subject)
}

fn note(number: u64) -> Act {
    act("notes.retry", Subject::new("note", number))
}

/// A change that stands for a household: an account with its id.
async fn change(store: &Store, household: HouseholdId) -> Result<(), StoreError> {
    let email = EmailAddress::try_from(format!("{}@example.com", household.0.simple())).unwrap();
    let user = User { id: UserId(household.0), email, name: "Pat Lee".to_owned(), role: Role::Adviser };
    store.add_user(StoredUser::new(user, None)).await.map(drop)
}

async fn is_changed(store: &Store, household: HouseholdId) -> bool {
    store.account(UserId(household.0)).await.unwrap().is_some()
}

async fn all(store: &Store, filter: AuditFilter) -> Vec<Entry> {
    store.audit(filter, first(500)).await.unwrap().items
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.number).collect()
}

async fn entries_are_found_by_what_they_are_about(on: On) {
    let place = on.place();
    let store = place.open();
    let household = HouseholdId(Uuid::from_u128(8));
    let refused = Act { outcome: Outcome::Refused("no".to_owned()), ..act("runs.start", Subject::of_kind("run")) };
    let acts = vec![
        note(7),
        Act { household: Some(household), ..act("clients.edit", Subject::new("client", 7)) },
        refused,
        Act { by: By::host("schedule"), ..act("sync.begin", Subject::new("run", 7)) },
        note(8),
    ];
    assert_eq!(store.append_audit(acts).await.unwrap(), 5);
    let empty = AuditFilter::default;
    let check = async |filter: AuditFilter, expected: &[u64]| {
        let mut found = numbers(&all(&store, filter.clone()).await);
        assert_eq!(found, expected, "{filter:?}");
        let (onwards, last) = store.audit_after(0, filter).await.unwrap().unwrap();
        found.reverse();
        assert_eq!((numbers(&onwards), last), (found, 5));
    };
    check(empty(), &[5, 4, 3, 2, 1]).await;
    check(AuditFilter { verb: Some("notes.retry".to_owned()), ..empty() }, &[5, 1]).await;
    check(AuditFilter { verb: Some("notes".to_owned()), ..empty() }, &[5, 1]).await;
    check(AuditFilter { verb: Some("note".to_owned()), ..empty() }, &[]).await;
    let seven = AuditFilter { subject_id: Some("7".to_owned()), ..empty() };
    check(seven.clone(), &[4, 2, 1]).await;
    check(AuditFilter { subject_kind: Some("note"), ..seven }, &[1]).await;
    check(AuditFilter { household: Some(household), ..empty() }, &[2]).await;
    check(AuditFilter { actor: Some(Uuid::from_u128(1)), ..empty() }, &[5, 3, 2, 1]).await;
    check(AuditFilter { actor_kind: Some(ActorKind::Host), ..empty() }, &[4]).await;
    check(AuditFilter { outcome: Some("refused"), ..empty() }, &[3]).await;
    check(AuditFilter { since: Some(Timestamp::now()), ..empty() }, &[]).await;
    check(AuditFilter { until: Some(Timestamp::now()), ..empty() }, &[5, 4, 3, 2, 1]).await;
    check(AuditFilter { until: Some(Timestamp::UNIX_EPOCH), ..empty() }, &[]).await;
    let pages = async |filter: AuditFilter| {
        let (mut cursor, mut found) = (None, Vec::new());
        loop {
            let page = store.audit(filter.clone(), PageRequest { cursor, limit: 2 }).await.unwrap();
            found.push(numbers(&page.items));
            cursor = page.next;
            if cursor.is_none() {
                return found;
            }
        }
    };
    assert_eq!(pages(empty()).await, [vec![5, 4], vec![3, 2], vec![1]]);
    assert_eq!(pages(AuditFilter { actor: Some(Uuid::from_u128(1)), ..empty() }).await, [[5, 3], [2, 1]]);
    assert!(store.audit(empty(), PageRequest { cursor: Some("x".to_owned()), limit: 2 }).await.is_err());
    assert!(store.audit_after(5, empty()).await.unwrap().is_none());
}

async fn a_part_that_is_hard_to_find_is_looked_for_page_by_page(on: On) {
    let place = on.place();
    let store = place.open();
    store.append_audit(vec![act("runs.start", Subject::of_kind("run"))]).await.unwrap();
    store.append_audit((0..6_000).map(note).collect()).await.unwrap();
    let filter = AuditFilter { verb: Some("runs.start".to_owned()), ..AuditFilter::default() };
    let none = store.audit(filter.clone(), first(50)).await.unwrap();
    assert_eq!(numbers(&none.items), [0; 0]);
    let found = store.audit(filter, PageRequest { cursor: none.next, limit: 50 }).await.unwrap();
    assert_eq!((numbers(&found.items), found.next), (vec![1], None));
    let mut after = 0;
    let mut count = 0;
    while let Some((entries, last)) = store.audit_after(after, AuditFilter::default()).await.unwrap() {
        (after, count) = (last, count + entries.len());
    }
    assert_eq!(count, 6_001);
    assert_eq!(store.verify_audit(None).await.unwrap().unwrap().entries, 6_001);
}

async fn a_change_and_its_entry_are_one_transaction(on: On) {
    let place = on.place();
    let store = place.open();
    let household = HouseholdId(Uuid::from_u128(8));
    let told = act("households.change", Subject::of_kind("household"));
    let (done, left) = scope::enter(told, async {
        scope::about(household);
        scope::in_household(household);
        scope::detail("primary_professional");
        scope::acting(By::host("a test"));
        change(&store, household).await?;
        change(&store, HouseholdId(Uuid::from_u128(9))).await
    })
    .await;
    done.unwrap();
    assert_eq!(left.written, Some(1));
    let entries = all(&store, AuditFilter::default()).await;
    assert_eq!(numbers(&entries), [1], "the second change has no entry of its own");
    let Act { by, subject, household: of, detail, .. } = &entries[0].act;
    assert_eq!((by.kind, detail, *of), (ActorKind::Host, &"primary_professional".to_owned(), Some(household)));
    assert_eq!(subject.id, household.to_string());
}

async fn what_changes_nothing_writes_no_entry(on: On) {
    let place = on.place();
    let store = place.open();
    let (gone, left) = scope::enter(note(1), store.remove_session([7; 32])).await;
    gone.unwrap();
    assert_eq!(left.written, None);
    let (found, left) = scope::enter(note(1), is_changed(&store, HouseholdId(Uuid::nil()))).await;
    assert_eq!((found, left.written), (false, None));
    assert_eq!(store.audit_head().await.unwrap(), Head::default());
    // Nor does what is done outside.
    change(&store, HouseholdId(Uuid::nil())).await.unwrap();
    assert_eq!(all(&store, AuditFilter::default()).await.len(), 0);
}

async fn many_writers_make_one_chain(on: On) {
    let place = on.place();
    let store = place.open();
    let writers = (0..50).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let household = HouseholdId(Uuid::from_u128(number));
            if number % 2 == 0 {
                let act = act("households.change", Subject::new("household", household));
                scope::enter(act, change(&store, household)).await.0.unwrap();
            } else {
                store.append_audit(vec![act("households.view", Subject::new("household", household))]).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let entries = all(&store, AuditFilter::default()).await;
    assert_eq!(numbers(&entries), (1..=50).rev().collect::<Vec<_>>());
    let mut subjects: Vec<_> = entries.iter().map(|entry| entry.act.subject.id.clone()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(subjects.len(), 50, "each of them is there");
    assert_eq!(store.verify_audit(None).await.unwrap().unwrap().entries, 50);
}

async fn a_chain_holds_over_a_restart_and_its_end_can_be_kept_elsewhere(on: On) {
    let place = on.place();
    let store = place.open();
    assert_eq!(store.verify_audit(None).await.unwrap().unwrap().entries, 0);
    store.append_audit(vec![note(1), note(2)]).await.unwrap();
    let kept = store.audit_head().await.unwrap();
    drop(store);
    let store = place.open();
    store.append_audit(vec![note(3)]).await.unwrap();
    let checked = store.verify_audit(Some(kept)).await.unwrap().unwrap();
    assert_eq!((checked.entries, kept.number), (3, 2));
    let other = Head { hash: [7; 32], ..kept };
    assert_eq!(store.verify_audit(Some(other)).await.unwrap(), Err(Break::NotExpected { number: 2 }));
    let longer = Head { number: 4, ..kept };
    assert_eq!(store.verify_audit(Some(longer)).await.unwrap(), Err(Break::CutOff { last: 3, head: 4 }));
}

async fn a_store_of_before_there_was_a_log_opens(on: On) {
    let place = on.place();
    let store = place.open();
    store.append_audit(vec![note(1)]).await.unwrap();
    store.forget_the_log().await;
    drop(store);
    let store = place.open();
    assert_eq!(store.verify_audit(None).await.unwrap().unwrap().entries, 0);
    assert_eq!(store.append_audit(vec![note(2)]).await.unwrap(), 1);
}

async fn runs_have_an_entry_when_they_begin_and_when_they_end(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[client("1", "Ayda Khan"), client("2", "Bram Khan")]).await;
    let entries = all(&practice.store, AuditFilter { subject_kind: Some("run"), ..AuditFilter::default() }).await;
    let told: Vec<_> = entries.iter().map(|entry| format!("{} {}", entry.act.verb, entry.act.detail)).collect();
    assert_eq!(told, ["sync.end 2 seen of main", "sync.begin 0 seen of main", "sync.begin 0 seen of main"]);
    assert_eq!(entries[0].act.by, By::host("schedule"));
}

#[tokio::test]
async fn entries_are_written_on_a_disk_that_is_nearly_full() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage { warn_below: u64::MAX, refuse_below: u64::MAX, reserve: 0 };
    let store = Store::open_sparing(folder.path(), storage).unwrap();
    assert!(change(&store, HouseholdId(Uuid::nil())).await.is_err());
    assert_eq!(store.append_audit(vec![note(1)]).await.unwrap(), 1);
}

/// Each altered byte of what is kept is found, wherever it stands.
#[tokio::test]
async fn what_is_altered_in_the_file_is_found() {
    let damages: [(Damage, Break); 9] = [
        (Damage::Byte, Break::Altered { number: 3 }),
        (Damage::Rubbish, Break::Unreadable { number: 3 }),
        (Damage::Remove, Break::Missing { number: 3 }),
        (Damage::Exchange, Break::Moved { number: 3, found: 4 }),
        (Damage::CutTail, Break::CutOff { last: 3, head: 5 }),
        (Damage::ForgetHead, Break::HeadDiffers { last: 5, head: 0 }),
        (Damage::Outcome, Break::Unreadable { number: 3 }),
        (Damage::Unlisted, Break::IndexDiffers { number: 3 }),
        (Damage::ListedElsewhere, Break::IndexDiffers { number: 3 }),
    ];
    for (damage, expected) in damages {
        let store = On::Memory.place().open();
        store.append_audit((1..=5).map(note).collect()).await.unwrap();
        store.damage_the_log(damage).await;
        assert_eq!(store.verify_audit(None).await.unwrap(), Err(expected), "{damage:?}");
    }
}

/// A power cut at any moment leaves a change and its entry, both or neither.
#[tokio::test]
async fn a_power_cut_leaves_a_change_with_its_entry_or_neither() {
    let open = |disk: &Disk| Store::open_on(Engine::open_on(disk.clone()).unwrap()).unwrap();
    let (mut answered, mut cut_off) = (0, 0);
    for seed in 0..8 {
        let mut disk = Disk::new(seed);
        let mut store = open(&disk);
        let mut number = 0;
        for cut in 1..=3 {
            disk.cut_after(10 + (seed as u32 * 37 + cut * 11) % 60);
            loop {
                number += 1;
                let household = HouseholdId(Uuid::from_u128(number));
                let told = act("households.change", Subject::new("household", household));
                if scope::enter(told, change(&store, household)).await.0.is_err() {
                    cut_off += 1;
                    break;
                }
                answered += 1;
            }
            disk = disk.after_the_cut();
            store = open(&disk);
            let entries = all(&store, AuditFilter::default()).await;
            for number in 1..=number {
                let household = HouseholdId(Uuid::from_u128(number));
                let is_changed = is_changed(&store, household).await;
                let is_told = entries.iter().any(|entry| entry.act.subject.id == household.to_string());
                assert_eq!(is_changed, is_told, "seed {seed}, change {number}");
            }
            let checked = store.verify_audit(None).await.unwrap().unwrap();
            assert_eq!(checked.entries, entries.len() as u64, "seed {seed}");
        }
    }
    assert!(answered > 20 && cut_off == 24, "{answered} {cut_off}");
}
