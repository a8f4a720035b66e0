//! Raw records with what was made of them, and the households that other links would make.

use super::*;
use crate::domain::made::MadeState;
use crate::store::household_effects::LinkChange;
use crate::store::kept_records::KeptRecord;

on_each_engine![
    a_kept_record_tells_what_was_made_of_it,
    what_is_not_as_it_was_mapped_is_not_told,
    records_of_other_revisions_are_found_until_they_are_mapped_again,
    what_a_revision_rejected_is_found_with_what_it_said,
    households_join_and_part_as_the_links_would_be,
    a_run_that_maps_again_is_unfinished_until_it_ends,
];

const BY: MappedBy = MappedBy { revision: REVISION, as_of: None };
const OTHER: MappedBy = MappedBy { revision: RevisionId([8; 6]), as_of: None };
const ALL: (usize, usize) = (100, 1 << 20);

fn main() -> ConnectionName {
    "main".parse().unwrap()
}

async fn kept(practice: &Practice, kind: RecordKind, by: MappedBy) -> Vec<KeptRecord> {
    practice.store.kept_records(main(), (kind, by), None, ALL).await.unwrap().records
}

fn told(records: &[KeptRecord]) -> Vec<(String, Option<MadeState>)> {
    records.iter().map(|one| (one.id.to_string(), one.made.as_ref().map(|made| made.state))).collect()
}

async fn a_kept_record_tells_what_was_made_of_it(on: On) {
    let mut practice = Practice::new(on).await;
    assert_eq!(kept(&practice, RecordKind::Client, BY).await, []);
    // Ids that are numbers come in their order; others can only be told from what was made of them.
    let people = [client("x-7", "Ayda Khan"), client("12", "Ben Ash"), client("9", "Cleo Lim")];
    practice.clients(&people).await;
    practice.commit(RecordKind::Client, vec![left_out("30", "archived"), unusable("x-31")]).await;
    practice.goals(&[("x-7", &[goal("g1", "Sail")])]).await;
    let records = kept(&practice, RecordKind::Client, BY).await;
    let mut states = told(&records);
    states.sort();
    let state = |id: &str, state| (id.to_owned(), Some(state));
    let expected = [
        state("12", MadeState::Mapped),
        state("30", MadeState::Skipped),
        state("9", MadeState::Mapped),
        state("x-31", MadeState::Rejected),
        state("x-7", MadeState::Mapped),
    ];
    assert_eq!(states, expected);
    let one = |kind, id: &str| practice.store.kept_record(main(), kind, ExternalId(id.to_owned()));
    assert_eq!(one(RecordKind::Client, "x-7").await.unwrap().as_deref(), Some(&br#"{"row":{"id":"x-7"}}"#[..]));
    assert!(one(RecordKind::Client, "x-31").await.unwrap().is_some(), "what is set aside is kept, too");
    assert_eq!(one(RecordKind::Client, "8").await.unwrap(), None);
    let other = practice.store.kept_record("other".parse().unwrap(), RecordKind::Client, ExternalId("x-7".to_owned()));
    assert_eq!(other.await.unwrap(), None);
    let ayda = records.iter().find(|one| one.id.as_str() == "x-7").unwrap();
    assert_eq!(ayda.made.as_ref().unwrap().records, [Canonical::Client(people[0].clone())]);
    assert_eq!(ayda.client, practice.of("x-7").await.map(|client| client.id));
    assert_eq!((ayda.fingerprint, ayda.revision, &*ayda.raw), (1, REVISION, &br#"{"row":{"id":"x-7"}}"#[..]));
    // What is kept of one that came unreadable is an earlier answer, and not what stands for it now.
    let unreadable = Diagnostic::error("unreadable-record", "cut short".to_owned());
    let came = IncomingRecord { diagnostics: vec![unreadable], raw: PackedRaw::default(), ..unusable("12") };
    practice.commit(RecordKind::Client, vec![came]).await;
    let part = practice.store.kept_records(main(), (RecordKind::Client, BY), None, ALL).await.unwrap();
    assert_eq!((part.records.len(), part.unusable), (4, 1));
    let part = practice.store.records_by_others(main(), (RecordKind::Client, OTHER), None, ALL).await.unwrap();
    assert_eq!((part.records.len(), part.unusable), (4, 1));
    practice.clients(&people[1..2]).await;
    let lists = kept(&practice, RecordKind::Goal, BY).await;
    assert_eq!(told(&lists), [state("x-7", MadeState::Mapped)]);
    assert_eq!(lists[0].made.as_ref().unwrap().records, [Canonical::Goal(goal("g1", "Sail"))]);
    // A part at a time, each record once.
    let (mut place, mut ids) = (None, Vec::new());
    loop {
        let part = practice.store.kept_records(main(), (RecordKind::Client, BY), place, (2, 1 << 20)).await.unwrap();
        assert!(part.records.len() <= 2 && part.unusable == 0);
        ids.extend(part.records.into_iter().map(|one| one.id));
        place = part.next;
        if place.is_none() {
            break;
        }
    }
    assert_eq!(ids, records.iter().map(|one| one.id.clone()).collect::<Vec<_>>());
    assert_eq!(practice.store.count_kept_records(main(), RecordKind::Client).await.unwrap(), 5);
    let one_byte = practice.store.kept_records(main(), (RecordKind::Client, BY), None, (100, 1)).await.unwrap();
    assert_eq!((one_byte.records.len(), one_byte.next.is_some()), (1, true));
}

async fn what_is_not_as_it_was_mapped_is_not_told(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Ben Ash")]).await;
    let ayda = practice.of("7").await.unwrap().id;
    assert_eq!(practice.edit(ayda, &[("suburb", Some("Carlton"))]).await, Ok(true));
    let records = kept(&practice, RecordKind::Client, BY).await;
    assert_eq!(told(&records), [("7".to_owned(), None), ("8".to_owned(), Some(MadeState::Mapped))]);
    let by_other = kept(&practice, RecordKind::Client, OTHER).await;
    assert_eq!(told(&by_other), [("7".to_owned(), None), ("8".to_owned(), None)]);
}

async fn records_of_other_revisions_are_found_until_they_are_mapped_again(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Ben Ash"), client("9", "Cleo Lim")]).await;
    let of_others = async |practice: &Practice, by| {
        let part = practice.store.records_by_others(main(), (RecordKind::Client, by), None, ALL).await.unwrap();
        part.records.into_iter().map(|one| one.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of_others(&practice, BY).await, Vec::<String>::new());
    assert_eq!(of_others(&practice, OTHER).await, ["7", "8", "9"]);
    let part = practice.store.records_by_others(main(), (RecordKind::Client, OTHER), None, (2, 1 << 20)).await.unwrap();
    assert_eq!((part.records.len(), part.next.is_some()), (2, true));
    let rest = practice.store.records_by_others(main(), (RecordKind::Client, OTHER), part.next, (2, 1 << 20)).await;
    assert_eq!(rest.unwrap().records.len(), 1);
    // Without its raw record, which stays as it is kept.
    let again = IncomingRecord { raw: PackedRaw::default(), ..mapped(&client("8", "Benjamin Ash")) };
    let run = Run { trigger: Trigger::Revision, ..practice.run.clone() };
    let group = Group { run, by: OTHER, seen: None, position: None, ..practice.group(RecordKind::Client, vec![again]) };
    practice.store.commit(group).await.unwrap();
    assert_eq!(of_others(&practice, OTHER).await, ["7", "9"]);
    assert_eq!(of_others(&practice, BY).await, ["8"]);
    let records = kept(&practice, RecordKind::Client, OTHER).await;
    let ben = records.iter().find(|one| one.id.as_str() == "8").unwrap();
    assert_eq!(&*ben.raw, br#"{"row":{"id":"8"}}"#);
    assert_eq!(practice.of("8").await.unwrap().client.first_name.as_deref(), Some("Benjamin"));
}

async fn what_a_revision_rejected_is_found_with_what_it_said(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    practice.commit(RecordKind::Client, vec![unusable("8"), left_out("9", "archived"), unusable("10")]).await;
    let rejected = async |revision, most| {
        practice.store.records_rejected_by(main(), (RecordKind::Client, revision), None, most).await.unwrap()
    };
    let found = rejected(REVISION, ALL).await;
    assert_eq!(
        told(&found.records),
        [("8".to_owned(), Some(MadeState::Rejected)), ("10".to_owned(), Some(MadeState::Rejected))]
    );
    assert_eq!(found.records[0].made.as_ref().unwrap().diagnostics[0].code, "broken");
    let part = rejected(REVISION, (1, 1 << 20)).await;
    assert_eq!((part.records.len(), part.next.is_some()), (1, true));
    let rest =
        practice.store.records_rejected_by(main(), (RecordKind::Client, REVISION), part.next, ALL).await.unwrap();
    assert_eq!((rest.records[0].id.as_str(), rest.next), ("10", None));
    assert_eq!(rejected(OTHER.revision, ALL).await.records, []);
    let counted = async |revision| practice.store.count_mapped(main(), (RecordKind::Client, revision)).await.unwrap();
    assert_eq!((counted(REVISION).await, counted(OTHER.revision).await), ((4, 4), (4, 0)));
    assert_eq!(practice.store.count_mapped(main(), (RecordKind::Goal, REVISION)).await.unwrap(), (0, 0));
}

async fn households_join_and_part_as_the_links_would_be(on: On) {
    let mut practice = Practice::new(on).await;
    let people = [
        linked("1", "Ayda Khan", "2", false),
        linked("2", "Ben Khan", "1", true),
        client("3", "Cleo Lim"),
        client("4", "Dan Lim"),
    ];
    practice.clients(&people).await;
    let change = |person: &str, names: Option<&str>, would_name: Option<&str>, would_be_in_book| {
        let id = |id: &str| ExternalId(id.to_owned());
        let (person, names, would_name) = (id(person), names.map(id), would_name.map(id));
        LinkChange { person, names, would_name, is_in_book: true, would_be_in_book }
    };
    let effects = async |changes: Vec<LinkChange>| {
        let found = practice.store.household_effects(main(), changes).await.unwrap();
        assert_eq!(found.joining_couples.len() as u64, found.joining);
        (found.joining, found.parting)
    };
    assert_eq!(effects(Vec::new()).await, (0, 0));
    assert_eq!(effects(vec![change("3", None, Some("4"), true)]).await, (1, 0));
    // One of a couple who no longer names the other is still named.
    assert_eq!(effects(vec![change("1", Some("2"), None, true)]).await, (0, 0));
    assert_eq!(effects(vec![change("1", Some("2"), None, true), change("2", Some("1"), None, true)]).await, (0, 1));
    assert_eq!(effects(vec![change("1", Some("2"), None, false)]).await, (0, 1));
    let both_leave = vec![change("1", Some("2"), None, false), change("2", Some("1"), None, false)];
    assert_eq!(effects(both_leave).await, (0, 0), "they leave together");
    let exchanged = vec![change("1", Some("2"), Some("3"), true), change("2", Some("1"), Some("4"), true)];
    assert_eq!(effects(exchanged).await, (2, 1));
    let nobody = practice.store.household_effects("other".parse().unwrap(), Vec::new()).await.unwrap();
    assert_eq!(nobody.joining + nobody.parting, 0);
}

async fn a_run_that_maps_again_is_unfinished_until_it_ends(on: On) {
    let practice = Practice::new(on).await;
    let run = Run { trigger: Trigger::Revision, ..new_run("main") };
    practice.store.keep_run(run.clone()).await.unwrap();
    let unfinished = async || practice.store.unfinished_remappings().await.unwrap();
    assert_eq!(unfinished().await, std::slice::from_ref(&run));
    practice.store.keep_run(Run { state: RunState::Done, ..run }).await.unwrap();
    assert_eq!(unfinished().await, []);
}
