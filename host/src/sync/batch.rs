//! The commit batch of a walk: the pages since the last commit, each record once.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::commit_lock::FreshReads;
use super::map::{MappedBelow, MappedPage, mapped_by};
use super::mapper::Mapper;
use crate::domain::run::{Run, unowned_code};
use crate::domain::{ExternalId, RecordKind, Timestamp};
use crate::store::commit::{Group, IncomingRecord, Lists};
use crate::store::seen::Seen;
use crate::store::walks::WalkPosition;

/// A group is committed after so much time, however small it is.
const GROUP_TIME: Duration = Duration::from_secs(10);

/// The size at which a group is committed.
#[derive(Clone, Copy)]
pub(super) struct GroupSize {
    /// The number of mapped clients or advisers; of the lists below them, two count as one.
    pub mapped: usize,
    /// The number of clients or advisers that were seen.
    pub seen: usize,
    /// The number of bytes of raw records, as they are kept.
    pub bytes: usize,
}

impl Default for GroupSize {
    /// The larger a group, the fewer times a page of an index is written anew: 4,000 records were measured to cost a
    /// fifth less than 2,000, and 8,000 no less than 4,000. An unchanged record costs next to nothing.
    fn default() -> Self {
        Self { mapped: 4_000, seen: 20_000, bytes: 32 << 20 }
    }
}

/// The records that came since the last commit.
pub(super) struct CommitBatch {
    pub run: Run,
    pub incoming_records: Vec<IncomingRecord>,
    below: BTreeMap<RecordKind, Below>,
    /// The number of different ids.
    pub seen: u64,
    pub pages: usize,
    /// Pages in a row that brought only what the group had already.
    pub repeating: u32,
    /// The moment at which the first page was asked for.
    asked: Option<Instant>,
    since: Instant,
}

/// The lists of one kind that came.
#[derive(Default)]
struct Below {
    incoming_records: Vec<IncomingRecord>,
    missed_again: Vec<ExternalId>,
}

impl CommitBatch {
    /// A batch with nothing in it yet, on top of what the run has counted.
    pub fn new(run: Run) -> Self {
        let (incoming_records, below) = (Vec::new(), BTreeMap::new());
        Self { run, incoming_records, below, seen: 0, pages: 0, repeating: 0, asked: None, since: Instant::now() }
    }

    /// Takes a page in. Of a record that comes again, what was read later stands.
    pub fn take(&mut self, page: MappedPage, seen: &mut Seen, kind: RecordKind) {
        let again: HashSet<&ExternalId> = page.ids.iter().filter(|id| !seen.note(id)).collect();
        let new = (page.ids.len() - again.len()) as u64;
        let before = self.incoming_records.len() as u64;
        add(&mut self.incoming_records, page.incoming_records, &again);
        let counts = &mut self.run.counts;
        counts.repeated += again.len() as u64;
        counts.unreadable += page.unreadable;
        counts.tell(page.told);
        match kind {
            RecordKind::Adviser => counts.advisers += new,
            _ => {
                counts.seen += new;
                counts.unchanged = (counts.unchanged + new + before).saturating_sub(self.incoming_records.len() as u64);
            }
        }
        for below in page.below {
            self.take_below(below, &again);
        }
        self.repeating = if new == 0 && !page.ids.is_empty() { self.repeating + 1 } else { 0 };
        self.seen += new;
        self.pages += 1;
        self.asked.get_or_insert(page.asked);
    }

    fn take_below(&mut self, below: MappedBelow, again: &HashSet<&ExternalId>) {
        if below.unchanged > 0 {
            self.run.counts.list_mut(below.kind).unchanged += below.unchanged;
        }
        if below.withheld > 0 {
            let code = format!("{}-not-shown", below.kind.plural());
            *self.run.counts.warnings.entry(code).or_default() += below.withheld;
        }
        if below.unowned > 0 {
            *self.run.counts.warnings.entry(unowned_code(below.kind)).or_default() += below.unowned;
        }
        let lists = self.below.entry(below.kind).or_default();
        lists.missed_again.retain(|id| !again.contains(id));
        lists.missed_again.extend(below.missed_again);
        add(&mut lists.incoming_records, below.incoming_records, again);
    }

    /// Drops what was read by itself since the group began: what stands in the book is newer. It counts as unchanged.
    pub fn drop_superseded(&mut self, apart: &FreshReads, kind: RecordKind) {
        let Some(asked) = self.asked.filter(|_| !apart.is_empty()) else { return };
        let before = self.incoming_records.len();
        let is_kept = |id: &ExternalId| !apart.is_newer(kind, id, asked);
        self.incoming_records.retain(|incoming| is_kept(&incoming.id));
        for lists in self.below.values_mut() {
            lists.incoming_records.retain(|incoming| is_kept(&incoming.id));
            lists.missed_again.retain(is_kept);
        }
        self.run.counts.unchanged += (before - self.incoming_records.len()) as u64;
    }

    fn bytes(&self) -> usize {
        let below = self.below.values().flat_map(|lists| &lists.incoming_records);
        below.chain(&self.incoming_records).map(|incoming| incoming.raw.size()).sum()
    }

    /// Whether it is time to commit.
    pub fn is_full(&self, size: GroupSize) -> bool {
        // Two lists take about the memory of a client.
        let lists: usize = self.below.values().map(|lists| lists.incoming_records.len()).sum();
        let mapped = self.incoming_records.len() + lists / 2;
        mapped >= size.mapped
            || self.bytes() >= size.bytes
            || self.seen >= size.seen as u64
            || self.since.elapsed() >= GROUP_TIME
    }

    /// The group to commit, of a walk or of none.
    pub fn into_group(
        self,
        mapper: &dyn Mapper,
        kind: RecordKind,
        walk: Option<(u32, Vec<u8>, WalkPosition)>,
    ) -> Group {
        let lists = |(kind, Below { incoming_records, missed_again })| {
            let by = mapped_by(mapper, kind);
            Lists { kind, by, incoming_records, missed_again }
        };
        let (seen, position) = match walk {
            Some((number, chunk, position)) => (Some((number, chunk)), Some(position)),
            None => (None, None),
        };
        Group {
            run: self.run,
            kind,
            by: mapped_by(mapper, kind),
            incoming_records: self.incoming_records,
            below: self.below.into_iter().map(lists).collect(),
            seen,
            position,
            at: Timestamp::now(),
        }
    }
}

/// Adds incoming records in place of those of the same ids, which are `again`.
fn add(to: &mut Vec<IncomingRecord>, mut more: Vec<IncomingRecord>, again: &HashSet<&ExternalId>) {
    if !again.is_empty() {
        to.retain(|incoming| !again.contains(&incoming.id));
        let mut later = HashSet::new();
        more.reverse();
        more.retain(|incoming| later.insert(incoming.id.clone()));
    }
    to.extend(more);
}
