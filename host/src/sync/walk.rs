//! One walk through a book: pages are read ahead, mapped and committed side by side, with bounded queues between, so
//! that memory does not grow with the book.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::{self, Receiver};
use tokio_util::sync::CancellationToken;

use super::map::{MappedBelow, MappedPage, mapped_by};
use super::mapper::Mapper;
use super::progress::Progress;
use super::{fetch, map};
use crate::crm::{Bookmark, Connector, CrmError, Source};
use crate::domain::RecordKind;
use crate::domain::departure::Threshold;
use crate::domain::run::Run;
use crate::store::commit::{Arrival, Group, Lists};
use crate::store::runs::WalkPosition;
use crate::store::seen::Seen;
use crate::store::{Store, StoreError};

/// Pages that may wait between two stages.
const PAGES_AHEAD: usize = 1;

/// A group is committed after so much time, however small it is.
const GROUP_TIME: Duration = Duration::from_secs(10);

/// When a group is committed.
#[derive(Clone, Copy)]
pub(super) struct GroupSize {
    /// With so many mapped records.
    pub mapped: usize,
    /// With so many seen ones.
    pub seen: usize,
}

impl Default for GroupSize {
    /// The larger a group, the fewer times a page of an index is written anew: 4,000 records were measured to cost a
    /// fifth less than 2,000, and 8,000 no less than 4,000. An unchanged record costs next to nothing.
    fn default() -> Self {
        Self { mapped: 4_000, seen: 20_000 }
    }
}

/// What a walk works with.
pub(super) struct Walk {
    pub store: Store,
    pub connector: Arc<dyn Connector>,
    pub mapper: Arc<dyn Mapper>,
    /// Takes back what it commits.
    pub is_rehearsal: bool,
    /// Ends the walk at its next commit.
    pub stop: CancellationToken,
    pub progress: Progress,
    /// The run as it was committed last.
    pub run: Run,
    /// Chunks of seen ids kept so far.
    pub chunks: u32,
    pub group: GroupSize,
    /// How many clients that are gone the run may mark by itself.
    pub threshold: Threshold,
    /// Requests and retries before this process took the run up.
    pub traffic_before: (u64, u64),
}

/// Why a walk ended before the end of the book.
#[derive(Debug, thiserror::Error)]
pub(super) enum WalkError {
    /// The CRM failed.
    #[error(transparent)]
    Crm(#[from] CrmError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The CRM's list does not end.
    #[error("the CRM's list goes round in circles: it {0}")]
    Circle(String),
    /// This program failed.
    #[error("a fault in Tidegate: {0}")]
    Fault(String),
    /// Somebody asked for it.
    #[error("the run was stopped")]
    Stopped,
}

impl Walk {
    /// Keeps the run's state; a rehearsal's is nobody's.
    pub async fn keep_run(&self) -> Result<(), StoreError> {
        if self.is_rehearsal { Ok(()) } else { self.store.keep_run(self.run.clone()).await }
    }

    /// Keeps the finished run, with what was concluded from it.
    pub async fn finish_run(&mut self) -> Result<(), StoreError> {
        if !self.is_rehearsal {
            self.run = self.store.finish_run(self.run.clone(), self.threshold).await?;
        }
        Ok(())
    }

    /// Walks all sources, from where an earlier process came to. What is committed until an error stays.
    ///
    /// # Errors
    /// Why it ended early; `self.run` is the run as it was committed last.
    pub async fn go(&mut self, from: Option<(WalkPosition, Seen)>) -> Result<(), WalkError> {
        let mut sources: Vec<Source> = self.mapper.sources().to_vec();
        sources.sort_by_key(|source| source.kind);
        let position_of = |position: &WalkPosition| {
            sources.iter().position(|source| (source.kind, &source.resource) == (position.kind, &position.resource))
        };
        let begun = from.and_then(|(position, seen)| Some((position_of(&position)?, position, seen)));
        let (skipped, mut begun) = match begun {
            Some((index, position, seen)) => (index, Some((position, seen))),
            None => (0, None),
        };
        for source in sources.into_iter().skip(skipped) {
            let begun = begun.take();
            self.source(source, begun).await?;
        }
        Ok(())
    }

    async fn source(&mut self, source: Source, begun: Option<(WalkPosition, Seen)>) -> Result<(), WalkError> {
        let (position, seen) = begun.unwrap_or_else(|| {
            let (kind, resource) = (source.kind, source.resource.clone());
            (WalkPosition { kind, resource, after: None, chunks: self.chunks, is_over: false }, Seen::default())
        });
        self.chunks = position.chunks;
        if position.is_over {
            return Ok(());
        }
        let (store, mapper, run) = (self.store.clone(), Arc::clone(&self.mapper), self.run.clone());
        let connector = Arc::clone(&self.connector);
        let (raw_to, raw_from) = mpsc::channel(PAGES_AHEAD);
        let (mapped_to, mapped_from) = mpsc::channel(PAGES_AHEAD);
        let after = position.after.clone().map(Bookmark);
        let mut reading = Box::pin(async {
            tokio::try_join!(
                fetch::pages(connector.as_ref(), &source, after, raw_to),
                map::pages(&store, &mapper, &run, &source, raw_from, mapped_to),
            )
        });
        let mut committing = pin!(self.commit_pages(position, seen, mapped_from));
        tokio::select! {
            committed = &mut committing => committed,
            read = &mut reading => {
                // A commit that is under way when reading fails is waited for, so that the run counts it.
                drop(reading);
                committing.await?;
                read.map(|_| ())
            }
        }
    }

    async fn commit_pages(
        &mut self,
        mut position: WalkPosition,
        mut seen: Seen,
        mut from: Receiver<MappedPage>,
    ) -> Result<(), WalkError> {
        let mut gathered = Gathered::new(self.run.clone());
        loop {
            let page = tokio::select! {
                biased;
                () = self.stop.cancelled() => None,
                page = from.recv() => page,
            };
            let is_stopped = self.stop.is_cancelled();
            // Without a last page nobody is left to send one: the stage before failed and says why.
            let Some(page) = page else {
                if is_stopped && gathered.pages > 0 {
                    self.commit(&mut position, &mut seen, gathered).await?;
                }
                return if is_stopped { Err(WalkError::Stopped) } else { Ok(()) };
            };
            position.after.clone_from(&page.next);
            position.is_over = page.next.is_none();
            gathered.take(page, &mut seen, position.kind)?;
            self.progress.counts(&gathered.run);
            if position.is_over || is_stopped || gathered.is_full(self.group) {
                self.commit(&mut position, &mut seen, gathered).await?;
                if is_stopped && !position.is_over {
                    return Err(WalkError::Stopped);
                }
                if position.is_over {
                    return Ok(());
                }
                gathered = Gathered::new(self.run.clone());
            }
        }
    }

    async fn commit(
        &mut self,
        position: &mut WalkPosition,
        seen: &mut Seen,
        gathered: Gathered,
    ) -> Result<(), WalkError> {
        let Gathered { mut run, arrivals, below, .. } = gathered;
        let (requests, retries) = self.connector.traffic().totals();
        run.counts.requests = requests.saturating_sub(self.traffic_before.0);
        run.counts.retries = retries.saturating_sub(self.traffic_before.1);
        let (chunk, is_new) = seen.pack();
        if !is_new {
            return Err(WalkError::Circle(format!("gave a {} a second time", position.kind.as_str())));
        }
        let number = position.chunks;
        position.chunks += 1;
        self.chunks = position.chunks;
        let kind = position.kind;
        let by = mapped_by(self.mapper.as_ref(), kind);
        let at = Timestamp::now();
        let position = position.clone();
        let lists = |(kind, arrivals)| Lists { kind, by: mapped_by(self.mapper.as_ref(), kind), arrivals };
        let below = below.into_iter().map(lists).collect();
        let group = Group { run, kind, by, arrivals, below, seen: Some((number, chunk)), position, at };
        self.run = if self.is_rehearsal { self.store.rehearse(group).await? } else { self.store.commit(group).await? };
        self.progress.counts(&self.run);
        Ok(())
    }
}

/// What came since the last commit.
struct Gathered {
    run: Run,
    arrivals: Vec<Arrival>,
    below: BTreeMap<RecordKind, Vec<Arrival>>,
    seen: usize,
    pages: usize,
    since: Instant,
}

impl Gathered {
    fn new(run: Run) -> Self {
        Self { run, arrivals: Vec::new(), below: BTreeMap::new(), seen: 0, pages: 0, since: Instant::now() }
    }

    fn take(&mut self, page: MappedPage, seen: &mut Seen, kind: RecordKind) -> Result<(), WalkError> {
        for id in &page.ids {
            if !seen.note(id) {
                return Err(WalkError::Circle(format!("gave a {} a second time", kind.as_str())));
            }
        }
        let count = page.ids.len() as u64;
        match kind {
            RecordKind::Adviser => self.run.counts.advisers += count,
            _ => {
                self.run.counts.seen += count;
                self.run.counts.unchanged += count - page.arrivals.len() as u64;
            }
        }
        self.seen += page.ids.len();
        self.pages += 1;
        self.arrivals.extend(page.arrivals);
        page.below.into_iter().for_each(|below| self.take_below(below));
        Ok(())
    }

    fn take_below(&mut self, below: MappedBelow) {
        if let Some(counts) = self.run.counts.list_mut(below.kind) {
            counts.unchanged += below.unchanged;
        }
        if below.withheld > 0 {
            let code = format!("{}s-not-shown", below.kind.as_str());
            *self.run.counts.warnings.entry(code).or_default() += below.withheld;
        }
        self.below.entry(below.kind).or_default().extend(below.arrivals);
    }

    fn is_full(&self, size: GroupSize) -> bool {
        let listed = self.below.values().map(Vec::len).max().unwrap_or_default();
        self.arrivals.len().max(listed) >= size.mapped || self.seen >= size.seen || self.since.elapsed() >= GROUP_TIME
    }
}
