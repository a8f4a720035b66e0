//! Goals that the CRM's lists no longer show: what is marked, when, and when a person is asked first.

use super::*;
use crate::domain::absence::AbsenceReviewState;
use crate::domain::run::{ChangeKind, awaiting_code, missed_code};
use crate::domain::stored::StoredListed;
use crate::store::absence_review::Answered;
use crate::store::book::Whose;

on_each_engine![
    what_two_complete_walks_miss_is_gone,
    the_run_that_marks_says_so_and_the_one_before_says_what_it_missed,
    an_interrupted_walk_is_one_walk,
    many_at_once_wait_for_a_person,
];

/// A list as one walk finds it.
#[derive(Clone, Copy)]
enum List<'l> {
    /// The list is read anew, with these goals.
    Read(&'l [&'l str]),
    /// The list is not another than before: it is not mapped.
    Same,
    /// A row of it cannot be understood.
    Broken,
    /// The list cannot be used.
    Unusable,
}

fn goals(ids: &[&str]) -> Outcome {
    Outcome::List(ids.iter().map(|id| Canonical::Goal(goal(id, "Sail"))).collect())
}

impl Practice {
    /// A run in which Ayda's list is found like this; `walk` tells whether a walk read it, and how that ended.
    async fn list(&mut self, list: List<'_>, walk: Option<RunState>) -> RunCounts {
        self.run = self.store.begin_run(new_run("main")).await.unwrap();
        let read = match list {
            List::Same => None,
            List::Read(ids) => Some(incoming("1", goals(ids))),
            List::Unusable => Some(incoming("1", Outcome::Excluded { quarantined: true })),
            List::Broken => {
                let said = vec![Diagnostic::error("row-without-index", "no index".to_owned())];
                Some(IncomingRecord { diagnostics: said, ..incoming("1", goals(&[])) })
            }
        };
        let (kind, by) = (RecordKind::Goal, MappedBy { revision: REVISION, as_of: None });
        let id = ExternalId("1".to_owned());
        // As a walk finds it out: a list that is what it was is noted where it proved that something is missing.
        let known = self.store.known(&self.run, kind, by, vec![(id.clone(), 1)]).await.unwrap()[0];
        let missed_again = if read.is_none() && known.has_unseen { vec![id] } else { Vec::new() };
        let incoming_records = read.into_iter().collect();
        let mut group = self.group(RecordKind::Client, Vec::new());
        group.below = vec![Lists { kind, by, incoming_records, missed_again }];
        if let Some(position) = &mut group.position {
            position.is_over = true;
        }
        if walk.is_none() {
            (group.seen, group.position) = (None, None);
        }
        self.chunks += 1;
        let at = group.at;
        let run = self.store.commit(group).await.unwrap();
        self.run = match walk {
            None => run,
            Some(state) => {
                let run = Run { state, finished_at: Some(at), ..run };
                self.store.finish_run(run, THRESHOLD).await.unwrap()
            }
        };
        self.run.counts.clone()
    }

    /// `3 4?`: the goals that stand, those that are missed with a mark.
    async fn standing(&self) -> String {
        let goals = self.store.items::<Goal>(Whose::Practice, first(100)).await.unwrap().items;
        let standing: Vec<_> = goals.iter().filter(|goal| goal.listed.gone_since.is_none()).collect();
        assert_eq!(
            self.counts().await.lists.get(&RecordKind::Goal).copied().unwrap_or_default(),
            standing.len() as u64
        );
        let word = |goal: &&StoredListed<Goal>| {
            format!("{}{}", goal.listed.value.external_id, if goal.is_missed { "?" } else { "" })
        };
        let mut words: Vec<String> = standing.iter().map(word).collect();
        words.sort();
        words.join(" ")
    }
}

async fn what_two_complete_walks_miss_is_gone(on: On) {
    use List::{Broken, Read, Same, Unusable};
    const DONE: Option<RunState> = Some(RunState::Done);
    let check = async |lists: &[(List<'_>, Option<RunState>)], expected: &[&str]| {
        let mut practice = Practice::new(on).await;
        practice.clients(&[client("1", "Ayda Khan")]).await;
        practice.list(Read(&["3", "4"]), DONE).await;
        for (number, ((list, walk), expected)) in (1..).zip(lists.iter().zip(expected)) {
            practice.list(*list, *walk).await;
            assert_eq!(practice.standing().await, *expected, "list {number} of {expected:?}");
        }
    };
    // Once is not enough, and an unchanged list counts without being mapped.
    check(&[(Read(&["3"]), DONE), (Same, DONE), (Same, DONE)], &["3 4?", "3", "3"]).await;
    check(&[(Read(&[]), DONE), (Read(&["3", "4"]), DONE), (Read(&[]), DONE)], &["3? 4?", "3 4", "3? 4?"]).await;
    check(&[(Read(&[]), DONE), (Read(&["4"]), DONE), (Same, DONE)], &["3? 4?", "4", "4"]).await;
    // Neither a client's own sync nor a walk that ended early is evidence.
    check(&[(Read(&["3"]), DONE), (Same, None), (Read(&["3"]), None)], &["3 4?", "3 4?", "3 4?"]).await;
    let failed = Some(RunState::Failed);
    check(&[(Read(&["3"]), failed), (Same, failed), (Same, DONE), (Same, DONE)], &["3 4?", "3 4?", "3 4?", "3"]).await;
    // What was not understood proves nothing, however often it comes, and takes nothing back.
    let broken = [(Read(&["3"]), DONE), (Broken, DONE), (Same, DONE), (Read(&["3"]), DONE)];
    check(&broken, &["3 4?", "3 4?", "3 4?", "3"]).await;
    let unusable = [(Read(&["3"]), DONE), (Unusable, DONE), (Same, DONE), (Read(&["3"]), DONE)];
    check(&unusable, &["3 4?", "3 4?", "3 4?", "3"]).await;
    check(&[(Read(&["3"]), DONE), (Broken, DONE), (Read(&["3", "4"]), DONE)], &["3 4?", "3 4?", "3 4"]).await;
}

async fn the_run_that_marks_says_so_and_the_one_before_says_what_it_missed(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("1", "Ayda Khan")]).await;
    practice.list(List::Read(&["3", "4"]), Some(RunState::Done)).await;
    let counts = practice.list(List::Read(&["3"]), Some(RunState::Done)).await;
    assert_eq!((counts.list(RecordKind::Goal).gone, counts.doubts.get(&missed_code(RecordKind::Goal))), (0, Some(&1)));
    let counts = practice.list(List::Same, Some(RunState::Done)).await;
    assert_eq!(
        (counts.list(RecordKind::Goal).gone, counts.doubts.get(&missed_code(RecordKind::Goal)), counts.listed),
        (1, None, 1)
    );
    let rows = practice.store.changes(practice.run.id, Some(ChangeKind::Gone), first(10)).await.unwrap().items;
    assert_eq!((rows.len(), rows[0].record, rows[0].label.as_deref()), (1, RecordKind::Goal, Some("Sail")));
}

async fn an_interrupted_walk_is_one_walk(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("1", "Ayda Khan")]).await;
    practice.list(List::Read(&["3"]), Some(RunState::Done)).await;
    practice.run = practice.store.begin_run(new_run("main")).await.unwrap();
    // The group was read before and after the host came up again.
    for _ in 0..2 {
        practice.below(RecordKind::Goal, vec![incoming("1", goals(&[]))]).await;
    }
    let mut group = practice.group(RecordKind::Client, Vec::new());
    group.position.as_mut().unwrap().is_over = true;
    let run = practice.store.commit(group).await.unwrap();
    let run = Run { state: RunState::Done, trigger: Trigger::Resume, ..run };
    practice.run = practice.store.finish_run(run, THRESHOLD).await.unwrap();
    practice.chunks += 1;
    assert_eq!(practice.standing().await, "3?");
    practice.list(List::Same, Some(RunState::Done)).await;
    assert_eq!(practice.standing().await, "");
}

async fn many_at_once_wait_for_a_person(on: On) {
    let ids: Vec<String> = (1..9).map(|id| id.to_string()).collect();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let ended = Some(RunState::Done);
    for is_confirmed in [true, false] {
        let mut practice = Practice::new(on).await;
        practice.clients(&[client("1", "Ayda Khan")]).await;
        practice.list(List::Read(&all), ended).await;
        practice.list(List::Read(&all[..2]), ended).await;
        assert_eq!(practice.asked_about(RecordKind::Goal).await, None);
        let counts = practice.list(List::Same, ended).await;
        assert_eq!(
            (counts.list(RecordKind::Goal).gone, counts.doubts.get(&awaiting_code(RecordKind::Goal))),
            (0, Some(&6))
        );
        assert_eq!(practice.standing().await, "1 2 3? 4? 5? 6? 7? 8?");
        let asked = practice.asked_about(RecordKind::Goal).await.unwrap();
        assert_eq!((asked.missing, asked.of, asked.limit, asked.standing), (6, 8, 4, AbsenceReviewState::Waiting));
        assert_eq!(practice.asked_about(RecordKind::Cover).await, None, "each kind is asked about by itself");
        assert_eq!(practice.store.missing_items::<Goal>("main".parse().unwrap(), 4).await.unwrap().len(), 4);

        // The next run asks anew, about what is still missing.
        let earlier = practice.run.id;
        practice.list(List::Read(&all[..3]), ended).await;
        let again = practice.asked_about(RecordKind::Goal).await.unwrap();
        assert_eq!((again.missing, again.since), (5, asked.since));
        assert!(matches!(practice.answer_about(RecordKind::Goal, earlier, true).await, Answered::Stale(Some(_))));
        let answered = practice.answer_about(RecordKind::Goal, again.run, is_confirmed).await;
        assert!(matches!(answered, Answered::Done(_)));
        let run = practice.store.run(again.run).await.unwrap().unwrap();
        assert_eq!(run.counts.doubts.get(&awaiting_code(RecordKind::Goal)), None);
        assert_eq!(run.counts.doubts.get(&awaiting_code(RecordKind::Cover)), None);
        if is_confirmed {
            assert_eq!((run.counts.list(RecordKind::Goal).gone, practice.standing().await), (5, "1 2 3".to_owned()));
            practice.list(List::Read(&all), ended).await;
            assert_eq!(practice.standing().await, "1 2 3 4 5 6 7 8");
        } else {
            let counts = practice.list(List::Same, ended).await;
            assert_eq!(
                (counts.list(RecordKind::Goal).gone, counts.doubts.get(&awaiting_code(RecordKind::Goal))),
                (0, None),
                "nobody is asked again"
            );
            assert_eq!(practice.standing().await, "1 2 3 4? 5? 6? 7? 8?");
            // Most are back: what is left is marked as it would be ever.
            let counts = practice.list(List::Read(&all[..7]), ended).await;
            assert_eq!((counts.list(RecordKind::Goal).gone, practice.asked_about(RecordKind::Goal).await), (1, None));
            assert_eq!(practice.standing().await, "1 2 3 4 5 6 7");
        }
    }
}
