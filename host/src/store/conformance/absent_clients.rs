//! Clients whom the CRM no longer shows: who is marked, when, and when a person is asked first.

use super::*;
use crate::domain::absence::{AbsenceReview, AbsenceReviewState};
use crate::domain::run::ChangeKind;
use crate::store::absence_review::Answered;

on_each_engine![
    who_is_not_linked_is_never_gone_from_the_crm,
    who_a_walk_has_not_seen_yet_is_told,
    who_is_unseen_by_two_complete_walks_is_not_visible_until_seen_again,
    who_is_seen_again_unchanged_or_by_a_walk_that_fails_is_visible_again,
    a_walk_that_is_not_whole_proves_nobody_gone,
    walks_through_one_edition_are_one_look,
    who_was_seen_since_by_a_walk_that_is_not_whole_is_not_missing_by_what_was_read_before,
    a_record_that_is_left_out_or_unusable_is_seen,
    many_at_once_wait_for_a_person,
    a_dismissed_question_leaves_people_as_they_are_and_is_not_put_again,
    connections_are_told_apart,
];

fn people(ids: std::ops::Range<u32>) -> Vec<Client> {
    ids.map(|id| client(&id.to_string(), "Al Osei")).collect()
}

impl Practice {
    /// The ids of all who are not visible.
    async fn not_visible(&self) -> Vec<String> {
        let filter = ClientFilter { not_visible: true, ..ClientFilter::default() };
        let found = self.store.clients(filter, first(100)).await.unwrap().items;
        assert_eq!(self.counts().await.not_visible, found.len() as u64);
        assert!(found.iter().all(|client| client.not_visible_since.is_some()));
        found.iter().map(|client| client.client.external_id.to_string()).collect()
    }

    async fn asked(&self) -> Option<AbsenceReview> {
        self.asked_about(RecordKind::Client).await
    }

    async fn answer(&self, run: RunId, confirm: bool) -> Answered {
        self.answer_about(RecordKind::Client, run, confirm).await
    }

    pub(super) async fn asked_about(&self, kind: RecordKind) -> Option<AbsenceReview> {
        self.store.absence_review("main".parse().unwrap(), kind).await.unwrap()
    }

    pub(super) async fn answer_about(&self, kind: RecordKind, run: RunId, confirm: bool) -> Answered {
        let (at, by) = (Timestamp::from_second(1_760_000_000).unwrap(), "Pat Lee".to_owned());
        self.store.answer_absence_review(("main".parse().unwrap(), kind), run, confirm, by, at).await.unwrap()
    }
}

async fn who_is_unseen_by_two_complete_walks_is_not_visible_until_seen_again(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&people(1..6)).await;
    let before = practice.of("5").await.unwrap();
    assert_eq!(practice.walk(&people(1..5)).await.not_visible, 0);
    assert!(practice.not_visible().await.is_empty());
    assert_eq!(practice.walk(&people(1..5)).await.not_visible, 1);
    assert_eq!(practice.not_visible().await, ["5"]);
    let gone = practice.of("5").await.unwrap();
    assert_eq!(gone.not_visible_since, practice.run.finished_at);
    assert_eq!(StoredClient { not_visible_since: None, ..gone }, before, "nothing else of the client is touched");
    assert_eq!(practice.household_of("5").await.people.len(), 1);
    let rows = practice.store.changes(practice.run.id, Some(ChangeKind::NotVisible), first(10)).await.unwrap().items;
    assert_eq!(rows.iter().map(|row| row.external_id.as_str()).collect::<Vec<_>>(), ["5"]);

    // Marked once, not again.
    assert_eq!(practice.walk(&people(1..5)).await.not_visible, 0);
    assert_eq!(practice.walk(&people(1..6)).await.visible_again, 1);
    assert!(practice.not_visible().await.is_empty());
    assert_eq!(practice.of("5").await, Some(before));
}

async fn who_is_seen_again_unchanged_or_by_a_walk_that_fails_is_visible_again(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&people(1..5)).await;
    practice.walk(&people(1..4)).await;
    practice.walk(&people(1..4)).await;
    assert_eq!(practice.not_visible().await, ["4"]);
    // The record is the same as before, so that the walk notes its id and maps nothing.
    practice.run = practice.store.begin_run(new_run("main")).await.unwrap();
    let mut seen = Seen::default();
    seen.note(&ExternalId("4".to_owned()));
    let group = Group { seen: Some((0, seen.pack().0)), ..practice.group(RecordKind::Client, Vec::new()) };
    let run = practice.store.commit(group).await.unwrap();
    let run = practice.store.finish_run(Run { state: RunState::Failed, ..run }, THRESHOLD).await.unwrap();
    assert_eq!(run.counts.visible_again, 1);
    assert!(practice.not_visible().await.is_empty());
}

async fn a_walk_that_is_not_whole_proves_nobody_gone(on: On) {
    for (state, trigger) in [
        (RunState::Failed, Trigger::Schedule),
        (RunState::Cancelled, Trigger::Request),
        // It was interrupted and taken up again: the list may have moved meanwhile.
        (RunState::Done, Trigger::Resume),
    ] {
        let mut practice = Practice::new(on).await;
        practice.walk(&people(1..5)).await;
        for _ in 0..3 {
            practice.walk_to(people(1..4).iter().map(mapped).collect(), state, trigger).await;
        }
        assert!(practice.not_visible().await.is_empty(), "{state:?} {trigger:?}");
        practice.walk(&people(1..4)).await;
        assert!(practice.not_visible().await.is_empty(), "{state:?} {trigger:?}: one complete walk is not enough");
    }
    // Done by name, and its last page was never read.
    let mut practice = Practice::new(on).await;
    practice.walk(&people(1..5)).await;
    for _ in 0..2 {
        practice.run = practice.store.begin_run(new_run("main")).await.unwrap();
        practice.clients(&people(1..4)).await;
        let run = Run { state: RunState::Done, ..practice.run.clone() };
        practice.store.finish_run(run, THRESHOLD).await.unwrap();
    }
    assert!(practice.not_visible().await.is_empty());
}

async fn walks_through_one_edition_are_one_look(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk_edition(&people(1..5), 1).await;
    for _ in 0..3 {
        practice.walk_edition(&people(1..4), 2).await;
        assert!(practice.not_visible().await.is_empty(), "one edition, however often it is read, is one look");
    }
    practice.walk_edition(&people(1..4), 3).await;
    assert_eq!(practice.not_visible().await, ["4"]);
    practice.walk_edition(&people(1..5), 4).await;
    // A walk without an edition is a look of its own.
    practice.walk(&people(1..4)).await;
    practice.walk(&people(1..4)).await;
    assert_eq!(practice.not_visible().await, ["4"]);
}

async fn who_was_seen_since_by_a_walk_that_is_not_whole_is_not_missing_by_what_was_read_before(on: On) {
    for (state, unreadable) in [(RunState::Done, 1), (RunState::Failed, 0), (RunState::Running, 0)] {
        let mut practice = Practice::new(on).await;
        practice.walk(&people(1..4)).await;
        practice.run = practice.store.begin_run(new_run("main")).await.unwrap();
        practice.clients(&people(1..6)).await;
        let mut group = practice.group(RecordKind::Client, Vec::new());
        group.position.as_mut().unwrap().is_over = true;
        practice.chunks += 1;
        let mut run = practice.store.commit(group).await.unwrap();
        run.counts.unreadable = unreadable;
        if state.is_finished() {
            practice.store.finish_run(Run { state, ..run }, THRESHOLD).await.unwrap();
        }
        practice.walk(&people(1..4)).await;
        assert!(practice.not_visible().await.is_empty(), "{state:?}: one look since");
        practice.walk(&people(1..4)).await;
        assert_eq!(practice.not_visible().await, ["4", "5"], "{state:?}: two looks since");
    }
    // A second walk through the edition of before takes no sighting away.
    let mut practice = Practice::new(on).await;
    practice.walk_edition(&people(1..4), 1).await;
    practice.walk_to(people(1..5).iter().map(mapped).collect(), RunState::Failed, Trigger::Schedule).await;
    practice.walk_edition(&people(1..4), 1).await;
    practice.walk_edition(&people(1..4), 2).await;
    assert!(practice.not_visible().await.is_empty());
    practice.walk_edition(&people(1..4), 3).await;
    assert_eq!(practice.not_visible().await, ["4"]);
}

async fn a_record_that_is_left_out_or_unusable_is_seen(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&people(1..4)).await;
    for _ in 0..2 {
        let incoming_records = vec![mapped(&client("1", "Al Osei")), left_out("2", "archived"), unusable("3")];
        practice.walk_to(incoming_records, RunState::Done, Trigger::Schedule).await;
    }
    assert!(practice.not_visible().await.is_empty());
    // Left out first, then gone: it is not in the book, so that nothing is to be marked.
    for _ in 0..2 {
        practice.walk(&[client("1", "Al Osei"), client("3", "Al Osei")]).await;
    }
    assert!(practice.not_visible().await.is_empty());
    // Gone, then back as one that a rule leaves out: it is not in the book, and not marked either.
    for _ in 0..2 {
        practice.walk(&[client("1", "Al Osei")]).await;
    }
    assert_eq!(practice.not_visible().await, ["3"]);
    let incoming_records = vec![mapped(&client("1", "Al Osei")), left_out("3", "deceased")];
    practice.walk_to(incoming_records, RunState::Done, Trigger::Schedule).await;
    assert!(practice.not_visible().await.is_empty());
}

async fn many_at_once_wait_for_a_person(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&people(1..9)).await;
    practice.walk(&people(1..3)).await;
    let counts = practice.walk(&people(1..3)).await;
    assert_eq!((counts.not_visible, counts.awaiting), (0, 6));
    assert!(practice.not_visible().await.is_empty());
    let asked = practice.asked().await.unwrap();
    assert_eq!((asked.missing, asked.of, asked.limit, asked.standing), (6, 8, 4, AbsenceReviewState::Waiting));
    assert_eq!(practice.store.missing("main".parse().unwrap(), 4).await.unwrap().len(), 4);

    // The next run asks anew; the answer to the earlier question is refused, so that nobody confirms what they did
    // not see.
    let earlier = practice.run.id;
    practice.walk(&people(1..2)).await;
    let again = practice.asked().await.unwrap();
    assert_eq!((again.missing, again.since), (6, asked.since), "one walk alone does not prove 2 gone");
    assert!(matches!(practice.answer(earlier, true).await, Answered::Stale(Some(_))));
    assert!(practice.not_visible().await.is_empty());

    let Answered::Done(done) = practice.answer(again.run, true).await else { panic!("it is the question") };
    assert_eq!((done.standing, done.answered.unwrap().0.as_str()), (AbsenceReviewState::Confirmed, "Pat Lee"));
    assert_eq!(practice.not_visible().await, ["3", "4", "5", "6", "7", "8"]);
    let run = practice.store.run(again.run).await.unwrap().unwrap();
    assert_eq!((run.counts.not_visible, run.counts.awaiting), (6, 0));
    assert!(matches!(practice.answer(again.run, true).await, Answered::Stale(Some(_))), "it is answered once");
    assert_eq!(practice.walk(&people(1..9)).await.visible_again, 6);
}

async fn a_dismissed_question_leaves_people_as_they_are_and_is_not_put_again(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&people(1..9)).await;
    practice.walk(&people(1..4)).await;
    practice.walk(&people(1..4)).await;
    assert!(matches!(practice.answer(practice.run.id, false).await, Answered::Done(_)));
    let counts = practice.walk(&people(1..4)).await;
    assert_eq!((counts.not_visible, counts.awaiting), (0, 0));
    assert_eq!(practice.asked().await.unwrap().standing, AbsenceReviewState::Dismissed);
    // Most are back: the question is over, and who is left is marked as anybody would be.
    let counts = practice.walk(&people(1..8)).await;
    assert_eq!((counts.not_visible, counts.awaiting), (1, 0));
    assert_eq!((practice.asked().await, practice.not_visible().await), (None, vec!["8".to_owned()]));
}

async fn connections_are_told_apart(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&people(1..4)).await;
    practice.run = practice.store.begin_run(new_run("north")).await.unwrap();
    practice.clients(&people(7..9)).await;
    practice.walk(&people(1..3)).await;
    practice.walk(&people(1..3)).await;
    assert_eq!(practice.not_visible().await, ["3"], "7 and 8 are north's");
}

async fn who_is_not_linked_is_never_gone_from_the_crm(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&people(1..4)).await;
    let partner_of = practice.of("1").await.unwrap().id;
    let made = Client { external_id: ExternalId(String::new()), ..client("-", "Sam Khan") };
    practice.make(made, Some(partner_of)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(practice.walk(&people(1..4)).await.not_visible, 0);
    }
    assert_eq!(practice.not_visible().await, [""; 0]);
}

async fn who_a_walk_has_not_seen_yet_is_told(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[client("7", "Ayda Khan"), client("8", "Sam Khan"), client("9", "Bo Osei")]).await;
    practice.run = practice.store.begin_run(new_run("main")).await.unwrap();
    practice.clients(&[client("7", "Ayda Khan")]).await;
    let absent = async |connection: &str, limit| {
        let absent = practice.store.absent(connection.parse().unwrap(), practice.run.id, limit).await.unwrap();
        absent.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(absent("main", 9).await, ["8", "9"]);
    assert_eq!(absent("main", 1).await, ["8"]);
    assert_eq!(absent("north", 9).await, [""; 0]);
}
