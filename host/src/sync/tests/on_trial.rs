//! A revision on trial is held against the one before.

use super::*;
use crate::connection::OnTrial;
use crate::crm::Source;
use crate::domain::Date;
use crate::sync::on_trial::Watched;

/// Maps the script's lines as [`Lines`] does, but for one last name, which it rejects.
struct Stricter {
    lines: Lines,
    rejects: &'static str,
    code: &'static str,
}

impl Mapper for Stricter {
    fn revision(&self) -> RevisionId {
        RevisionId([2; 6])
    }

    fn reads_as_of(&self, kind: RecordKind) -> bool {
        self.lines.reads_as_of(kind)
    }

    fn as_of(&self) -> Date {
        self.lines.as_of()
    }

    fn sources(&self) -> &[Source] {
        self.lines.sources()
    }

    fn map(&self, records: &[RawInput]) -> Vec<Verdict> {
        let is_meant = |record: &RawInput| String::from_utf8_lossy(&record.json).contains(self.rejects);
        let rejected = || Verdict::Rejected(vec![Diagnostic::error(self.code, self.code.to_owned())]);
        let verdict = |(record, verdict)| if is_meant(record) { rejected() } else { verdict };
        records.iter().zip(self.lines.map(records)).map(verdict).collect()
    }
}

fn watched(rejects: &'static str, code: &'static str, promised: u64) -> Watched {
    Watched {
        connection: "main".parse().unwrap(),
        mapper: Arc::new(Stricter { lines: Lines::new(), rejects, code }),
        before: Some(Arc::new(Lines::new())),
        trial: OnTrial::new(None, [(RecordKind::Client, promised)].into()),
        threshold: Threshold { percent: 10, at_least: 2 },
        tripped: Arc::default(),
        counts: Mutex::default(),
    }
}

/// A walk by a mapper, and what came of it; a process that ends with it.
async fn walk_by(practice: &Practice, mapper: Arc<dyn Mapper>) -> Result<(), WalkError> {
    let run = practice.store.begin_run(new_run()).await.unwrap();
    let mut walk = practice.walk(run, false);
    walk.mapper = mapper;
    let outcome = walk.go(None).await;
    walk.run.state = if outcome.is_ok() { RunState::Done } else { RunState::Cancelled };
    walk.finish_run().await.unwrap();
    outcome
}

/// So many people of each of these last names.
fn people(names: &[(&str, usize)]) -> Vec<String> {
    let each = names.iter().flat_map(|(name, number)| std::iter::repeat_n(*name, *number));
    each.enumerate().map(|(at, name)| format!("Bo{at} {name}")).collect()
}

fn practice_of(names: &[(&str, usize)]) -> Practice {
    let people = people(names);
    Practice::new(&people.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn only_what_the_revision_before_maps_counts_against_it() {
    let check = async |names: &[(&str, usize)], promised: u64, expected: Option<u64>| {
        let practice = practice_of(names);
        let mapper = Arc::new(watched("Odd", "odd", promised));
        let outcome = walk_by(&practice, mapper.clone()).await;
        let found = mapper.taken_back().map(|taken_back| taken_back.trip.rejected);
        assert_eq!(found, expected, "{names:?}");
        assert_eq!(outcome.is_err(), expected.is_some(), "{names:?}: {outcome:?}");
    };
    check(&[("Hill", 10), ("Odd", 2)], 0, None).await;
    check(&[("Hill", 3), ("Odd", 6)], 0, Some(3)).await;
    // Both reject these, whatever is wrong with them.
    check(&[("Hill", 3), ("Broken", 9)], 0, None).await;
    check(&[("Hill", 3), ("Broken", 9), ("Odd", 2)], 0, None).await;
    // A preview had shown so many.
    check(&[("Hill", 3), ("Odd", 6)], 4, None).await;
    check(&[("Hill", 3), ("Odd", 7)], 4, Some(7)).await;
}

#[tokio::test]
async fn nothing_more_is_kept_of_a_revision_that_is_taken_back() {
    let practice = practice_of(&[("Hill", 4), ("Odd", 20)]);
    let mapper = Arc::new(watched("Odd", "odd", 0));
    let outcome = walk_by(&practice, mapper.clone()).await;
    assert!(matches!(outcome, Err(WalkError::TakenBack(found)) if found.before == RevisionId([1; 6])), "{outcome:?}");
    let aside = practice.store.set_aside(true, None, PageRequest { cursor: None, limit: 99 }).await.unwrap().items;
    assert!(aside.len() <= 2, "what was too much is not committed: {}", aside.len());
    let again = walk_by(&practice, mapper).await;
    assert!(matches!(again, Err(WalkError::TakenBack(_))), "{again:?}");
    // By the one before, all come.
    let counts = practice.complete().await;
    assert_eq!((counts.seen, counts.quarantined), (24, 0));
}

#[tokio::test]
async fn what_was_found_before_a_restart_counts() {
    let practice = practice_of(&[("Hill", 10), ("Odd", 2)]);
    walk_by(&practice, Arc::new(watched("Odd", "plugin-failed", 0))).await.unwrap();
    // One more comes, and the process knows nothing of the two.
    practice.crm.people.lock().unwrap().push((99, "Cy Odd".to_owned()));
    let mapper = Arc::new(watched("Odd", "plugin-failed", 0));
    let outcome = walk_by(&practice, mapper.clone()).await;
    assert!(matches!(outcome, Err(WalkError::TakenBack(_))), "{outcome:?}");
    let trip = mapper.taken_back().unwrap().trip;
    assert_eq!((trip.rejected, trip.failed, trip.tried), (3, 3, 13));
}

#[tokio::test]
async fn a_run_that_fails_and_comes_again_counts_nothing_twice() {
    let practice = practice_of(&[("Odd", 2), ("Hill", 10)]);
    for pages in [4, 3, 4, 2, 4] {
        *practice.crm.pages_left.lock().unwrap() = Some(pages);
        let mapper = Arc::new(watched("Odd", "plugin-failed", 0));
        let outcome = walk_by(&practice, mapper.clone()).await;
        assert!(matches!(outcome, Err(WalkError::Crm(_))), "{outcome:?}");
        assert_eq!(mapper.taken_back(), None, "after {pages} pages");
    }
}

#[tokio::test]
async fn without_one_to_go_back_to_all_is_kept_and_the_finding_noted() {
    let practice = practice_of(&[("Hill", 3), ("Odd", 9)]);
    let mapper = Arc::new(Watched { before: None, ..watched("Odd", "odd", 0) });
    walk_by(&practice, mapper.clone()).await.unwrap();
    assert_eq!((mapper.taken_back(), mapper.trial.tripped().map(|trip| trip.rejected)), (None, Some(3)));
    let aside = practice.store.set_aside(true, None, PageRequest { cursor: None, limit: 99 }).await.unwrap().items;
    assert_eq!(aside.len(), 9);
}
