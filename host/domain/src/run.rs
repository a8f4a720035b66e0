//! One run of a connection's sync: its state and what it counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Severity};
use crate::ids::{ConnectionName, RunId};
use crate::record::RecordKind;
use crate::value::Timestamp;

/// The code of the doubt about records of a kind that are gone from clients' lists, too many at once.
pub fn awaiting_code(kind: RecordKind) -> String {
    format!("{}-gone-unconfirmed", kind.plural())
}

/// The code of the doubt about records of a kind that one complete walk missed in clients' lists.
pub fn missed_code(kind: RecordKind) -> String {
    format!("{}-missed-once", kind.plural())
}

/// The code of the doubt about lists of clients' records that came empty for so many that it is not believed.
pub const LISTS_EMPTY: &str = "lists-empty-at-once";
/// The code of the doubt about lists of the site that came empty, in place of which those of before were used.
pub const CHOICES_EMPTY: &str = "choices-empty-once";
/// The code of the doubt about lists of the site that could not be read, in place of which those of before were used.
pub const CHOICES_NOT_READ: &str = "choices-not-read";

/// The state of a run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The run is asked for and has not begun.
    Queued,
    /// The run is active, or was interrupted and is about to be resumed.
    Running,
    /// The whole book was walked.
    Done,
    /// The run ended before the whole book was walked; what it committed stays.
    Failed,
    /// The run was ended by a person.
    Cancelled,
}

impl RunState {
    /// All states.
    pub const ALL: &[Self] = &[Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the run has ended, whichever way.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// The trigger that set a run off.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The connection's schedule.
    Schedule,
    /// A person or a program asked for it.
    Request,
    /// The host started with a run unfinished.
    Resume,
    /// A person or a program asked for one client; no walk.
    Client,
    /// Another revision of the pack came in force: what is kept is mapped again, and the CRM is not asked.
    Revision,
}

/// The counts of a run so far, of clients unless said otherwise.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct RunCounts {
    /// The number of advisers read.
    pub advisers: u64,
    /// The number of clients read from the CRM, of whatever outcome.
    pub seen: u64,
    /// The number with the same raw record and revision as last time: not mapped again.
    pub unchanged: u64,
    /// The number that are new in the practice.
    pub created: u64,
    /// The number of which at least one stored field changed.
    pub changed: u64,
    /// The number that were mapped again to the same values.
    pub same: u64,
    /// The number left out by a rule (not a person, no name, archived, deceased), by reason code.
    pub skipped: BTreeMap<String, u64>,
    /// The number of those left out by rules who were in the book until then.
    #[serde(default)]
    pub newly_left_out: u64,
    /// The number left out by a rule before, and in the book again; among `changed` or `same` too.
    #[serde(default)]
    pub returned: u64,
    /// The number that cannot be used and are kept in quarantine.
    pub quarantined: u64,
    /// The number that look like a client of the practice who is not linked, and wait for review or were ignored there.
    #[serde(default)]
    pub held: u64,
    /// The number that were erased here, and are kept away: nothing of them was stored.
    #[serde(default)]
    pub erased: u64,
    /// The number of local edits that the CRM overrode.
    pub overridden: u64,
    /// The counts of the items in the clients' lists, by kind; a kind of which nothing was counted is not there.
    pub lists: BTreeMap<RecordKind, ListCounts>,
    /// Rows that came again within the walk, because rows moved while they were read; each was taken once. Others may
    /// have been missed, so that such a walk proves nobody's departure.
    pub repeated: u64,
    /// Rows that name no record, so that nothing could be kept of them. Such a walk proves nobody's departure.
    pub unreadable: u64,
    /// Clients in the book whom the walk did not see, because rows moved while they were read, and whom the CRM shows
    /// when it is asked by id. They were imported so, and are seen.
    #[serde(default)]
    pub missed: u64,
    /// Clients whom the walk did not see, and the CRM failed when it was asked by id. Such a walk proves nobody's
    /// departure.
    #[serde(default)]
    pub unconfirmed: u64,
    /// Warnings about imported records, and errors by which a part of one was left out (a row of a list), by code.
    pub warnings: BTreeMap<String, u64>,
    /// Stored fields that changed, by canonical field; those of goals and covers as `goal.name`.
    pub changed_fields: BTreeMap<String, u64>,
    /// The number marked as not visible: two complete walks in a row did not see them.
    pub not_visible: u64,
    /// The number that were not visible before, and are seen again.
    pub visible_again: u64,
    /// The number that are gone as well, but too many at once: a person is asked before they are marked.
    pub awaiting: u64,
    /// The data-quality warnings about the whole book after a complete walk (links of couples, addresses that several
    /// households share, goals and covers that lists no longer show), by code.
    pub doubts: BTreeMap<String, u64>,
    /// Rows of the run's report that are kept: what changed, client by client, goal by goal and cover by cover.
    pub listed: u64,
    /// The number of HTTP requests made to the CRM.
    pub requests: u64,
    /// The number of requests that were repeated after a fault.
    pub retries: u64,
    /// The number of times that the CRM was asked less at once, because it slowed down or said so.
    pub slow_downs: u64,
    /// The sentences about rows that were not used, and about what else is to be seen to in what was read, where the
    /// connector can name them; the first [`MOST_TOLD`].
    #[serde(default)]
    pub told: Vec<String>,
}

/// The sentences of a run that are kept.
pub const MOST_TOLD: usize = 50;

/// The code of the warning about records of a kind that are of nobody who is in the CRM's own list of clients.
pub fn unowned_code(kind: RecordKind) -> String {
    format!("{}-of-nobody", kind.plural())
}

/// The counts of a run for the goals, or the covers, in the lists that it read.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct ListCounts {
    /// The number that are new in the practice.
    pub created: u64,
    /// The number of which at least one value changed, or which are in their list again.
    pub changed: u64,
    /// The number that stayed as they were.
    pub unchanged: u64,
    /// The number marked as gone: two complete walks in a row did not find them in their list.
    pub gone: u64,
    /// Clients whose list cannot be used and is kept in quarantine; what was known of it stays.
    pub quarantined: u64,
}

impl RunCounts {
    /// The counts of a kind that stands in lists of clients.
    pub fn list(&self, kind: RecordKind) -> ListCounts {
        self.lists.get(&kind).copied().unwrap_or_default()
    }

    /// The counts of a kind that stands in lists of clients, to be added to.
    pub fn list_mut(&mut self, kind: RecordKind) -> &mut ListCounts {
        self.lists.entry(kind).or_default()
    }

    /// The number of records of a kind that are gone, but too many at once: a person is asked before they are marked.
    pub fn awaiting(&self, kind: RecordKind) -> u64 {
        if kind.is_listed() {
            self.doubts.get(&awaiting_code(kind)).copied().unwrap_or_default()
        } else {
            self.awaiting
        }
    }

    /// Sets how many records of a kind wait for a person's answer. What stands in lists is in doubt while it waits;
    /// clients have a count of their own.
    pub fn set_awaiting(&mut self, kind: RecordKind, number: u64) {
        if !kind.is_listed() {
            self.awaiting = number;
        } else if number == 0 {
            self.doubts.remove(&awaiting_code(kind));
        } else {
            self.doubts.insert(awaiting_code(kind), number);
        }
    }

    /// Sets how many records of a kind one complete walk missed in their lists, and are gone if the next one misses them
    /// too.
    pub fn set_missed_once(&mut self, kind: RecordKind, number: u64) {
        if number > 0 {
            self.doubts.insert(missed_code(kind), number);
        }
    }

    /// Counts what somebody should look at in an imported record: warnings, and errors that left out a part of it.
    pub fn warn(&mut self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.severity >= Severity::Warning) {
            *self.warnings.entry(diagnostic.code.clone()).or_default() += 1;
        }
    }

    /// Counts a client whom a rule left out.
    pub fn skip(&mut self, diagnostics: &[Diagnostic]) {
        let reason = Diagnostic::gravest(diagnostics).map_or("without-reason", |diagnostic| &diagnostic.code);
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// Keeps sentences about what is to be seen to, as far as there is room.
    pub fn tell(&mut self, sentences: Vec<String>) {
        let room = MOST_TOLD.saturating_sub(self.told.len());
        self.told.extend(sentences.into_iter().take(room));
    }

    /// Whether the walk saw the book as a whole: who was not in it is not in the CRM's book.
    pub fn is_whole(&self) -> bool {
        self.repeated == 0 && self.unreadable == 0 && self.unconfirmed == 0
    }

    /// All clients left out by rules.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().sum()
    }
}

/// The kind of change that a run made to a client, a goal or a cover, as its report lists it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The record is new in the practice. A first walk's are not listed one by one.
    Created,
    /// Values changed in the CRM.
    Changed,
    /// Values that were edited here were overridden by the CRM's.
    Overridden,
    /// The client is left out by a rule from now on.
    LeftOut,
    /// No longer left out by a rule; of a goal or cover: stands in its list again.
    Returned,
    /// A goal or cover that no longer stands in its list.
    Gone,
    /// No longer seen by two complete walks in a row.
    NotVisible,
    /// The client is seen again.
    VisibleAgain,
}

impl ChangeKind {
    /// All kinds, in the order of a report.
    pub const ALL: &[Self] = &[
        Self::Created,
        Self::Changed,
        Self::Overridden,
        Self::LeftOut,
        Self::Returned,
        Self::Gone,
        Self::NotVisible,
        Self::VisibleAgain,
    ];

    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Overridden => "overridden",
            Self::LeftOut => "left_out",
            Self::Returned => "returned",
            Self::Gone => "gone",
            Self::NotVisible => "not_visible",
            Self::VisibleAgain => "visible_again",
        }
    }
}

/// One run, as it is stored and shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The run's id.
    pub id: RunId,
    /// The connection that the run syncs.
    pub connection: ConnectionName,
    /// The state that the run is in.
    pub state: RunState,
    /// The trigger that set it off.
    pub trigger: Trigger,
    /// The moment at which it was asked for.
    pub queued_at: Timestamp,
    /// The moment at which the run began.
    pub started_at: Option<Timestamp>,
    /// The moment at which the run ended.
    pub finished_at: Option<Timestamp>,
    /// Clients that the walk before it saw: what progress is measured against; none on a first walk.
    pub expected: Option<u64>,
    /// The counts of the run.
    pub counts: RunCounts,
    /// The reason why it failed, in a sentence for a person.
    pub error: Option<String>,
}

impl Run {
    /// The run as somebody sees it who does not see the book: how the sync went, without what it found. What is told of
    /// single rows names clients.
    #[must_use]
    pub fn without_findings(mut self) -> Self {
        let RunCounts { told, skipped, warnings, changed_fields, doubts, .. } = &mut self.counts;
        told.clear();
        for found in [skipped, warnings, changed_fields, doubts] {
            found.clear();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_finished_whichever_way_it_ended() {
        let finished: Vec<&str> =
            RunState::ALL.iter().filter(|state| state.is_finished()).map(|state| state.as_str()).collect();
        assert_eq!(finished, ["done", "failed", "cancelled"]);
    }

    #[test]
    fn what_names_clients_is_left_out_and_nothing_else() {
        let mut run = Run {
            id: RunId(uuid::Uuid::nil()),
            connection: "main".parse().unwrap(),
            state: RunState::Done,
            trigger: Trigger::Schedule,
            queued_at: Timestamp::UNIX_EPOCH,
            started_at: None,
            finished_at: None,
            expected: Some(3),
            counts: RunCounts { seen: 3, unreadable: 1, ..RunCounts::default() },
            error: None,
        };
        let without = run.clone();
        run.counts.told = vec!["The row of Ayda Khan has no ID.".to_owned()];
        assert_eq!(run.without_findings(), without);
    }

    #[test]
    fn kinds_are_counted_apart() {
        let mut counts = RunCounts::default();
        for (kind, created) in [(RecordKind::Goal, 3), (RecordKind::Cover, 5)] {
            assert_eq!(counts.list(kind), ListCounts::default());
            counts.list_mut(kind).created = created;
        }
        assert_eq!([RecordKind::Goal, RecordKind::Cover].map(|kind| counts.list(kind).created), [3, 5]);
    }

    #[test]
    fn what_waits_for_a_person_is_a_doubt_of_its_kind_as_long_as_it_waits() {
        let mut counts = RunCounts::default();
        for (kind, number) in [(RecordKind::Client, 2), (RecordKind::Goal, 3), (RecordKind::Cover, 5)] {
            assert_eq!(counts.awaiting(kind), 0, "{kind:?}");
            counts.set_awaiting(kind, number);
            assert_eq!(counts.awaiting(kind), number, "{kind:?}");
        }
        assert_eq!(counts.awaiting, 2);
        let expected =
            BTreeMap::from([("goals-gone-unconfirmed".to_owned(), 3), ("covers-gone-unconfirmed".to_owned(), 5)]);
        assert_eq!(counts.doubts, expected);
        for kind in [RecordKind::Client, RecordKind::Goal, RecordKind::Cover] {
            counts.set_awaiting(kind, 0);
            assert_eq!(counts.awaiting(kind), 0, "{kind:?}");
        }
        assert_eq!((counts.awaiting, counts.doubts.len()), (0, 0));
    }

    #[test]
    fn what_one_walk_missed_is_a_doubt_where_there_is_any() {
        let mut counts = RunCounts::default();
        counts.set_missed_once(RecordKind::Goal, 0);
        counts.set_missed_once(RecordKind::Cover, 0);
        assert_eq!(counts.doubts, BTreeMap::new());
        counts.set_missed_once(RecordKind::Goal, 1);
        counts.set_missed_once(RecordKind::Cover, 4);
        let expected = BTreeMap::from([("goals-missed-once".to_owned(), 1), ("covers-missed-once".to_owned(), 4)]);
        assert_eq!(counts.doubts, expected);
    }

    #[test]
    fn a_walk_is_whole_that_read_each_row_once() {
        let check = |repeated, unreadable, unconfirmed, expected: bool| {
            let counts = RunCounts { repeated, unreadable, unconfirmed, ..RunCounts::default() };
            assert_eq!(counts.is_whole(), expected, "{repeated} {unreadable} {unconfirmed}");
        };
        check(0, 0, 0, true);
        check(1, 0, 0, false);
        check(0, 1, 0, false);
        check(0, 0, 1, false);
        check(1, 1, 1, false);
    }

    #[test]
    fn what_somebody_should_look_at_is_counted_by_code() {
        let mut counts = RunCounts::default();
        counts.warn(&[
            Diagnostic::info("email", "placeholder-email", String::new()),
            Diagnostic::warning("mobile", "not-a-mobile", String::new()),
            Diagnostic::warning("phone", "not-a-mobile", String::new()),
            Diagnostic::error("row-without-index", String::new()),
        ]);
        let expected = [("not-a-mobile", 2), ("row-without-index", 1)].map(|(code, n)| (code.to_owned(), n));
        assert_eq!(counts.warnings, expected.into());
    }

    #[test]
    fn who_is_left_out_is_counted_by_the_first_of_the_gravest_reasons() {
        let mut counts = RunCounts::default();
        counts.skip(&[]);
        counts.skip(&[
            Diagnostic::info("status", "told", String::new()),
            Diagnostic::warning("status", "archived", String::new()),
            Diagnostic::warning("name", "no-name", String::new()),
        ]);
        let expected = [("archived", 1), ("without-reason", 1)].map(|(code, n)| (code.to_owned(), n));
        assert_eq!((&counts.skipped, counts.skipped_total()), (&expected.into(), 2));
    }

    #[test]
    fn whoever_a_rule_leaves_out_is_counted_once() {
        let skipped = BTreeMap::from([("archived".to_owned(), 3), ("no-name".to_owned(), 4)]);
        assert_eq!(RunCounts { skipped, ..RunCounts::default() }.skipped_total(), 7);
        assert_eq!(RunCounts::default().skipped_total(), 0);
    }
}
