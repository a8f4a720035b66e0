//! One walk through a book: pages are read ahead, mapped and committed side by side, with bounded queues between, so
//! that memory does not grow with the book.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver};
use tokio_util::sync::CancellationToken;

use super::batch::{CommitBatch, GroupSize};
use super::commit_lock::CommitLock;
use super::map::MappedPage;
use super::mapper::Mapper;
use super::progress::Progress;
use super::walk_error::WalkError;
use super::{fetch, map};
use crate::crm::{Bookmark, Connector, Source, TrafficTotals};
use crate::domain::RecordKind;
use crate::domain::absence::Threshold;
use crate::domain::run::{CHOICES_EMPTY, CHOICES_NOT_READ, Run, RunCounts, RunState};
use crate::domain::site_list::Came;

use crate::store::seen::Seen;
use crate::store::walks::WalkPosition;
use crate::store::{Store, StoreError};

/// Pages that may wait between two stages.
const PAGES_AHEAD: usize = 1;

/// Pages, or groups, in a row that bring only what had come before: then the list does not end.
const MOST_REPEATING: u32 = 3;

/// The parts that a walk works with.
pub(super) struct Walk {
    pub store: Store,
    pub connector: Arc<dyn Connector>,
    pub mapper: Arc<dyn Mapper>,
    /// The lock that orders this walk's commits and single-client syncs of the same connection.
    pub order: Arc<CommitLock>,
    /// Whether the walk takes back what it commits.
    pub is_rehearsal: bool,
    /// The token that ends the walk at its next commit.
    pub stop: CancellationToken,
    pub progress: Progress,
    /// The run as it was committed last.
    pub run: Run,
    /// Chunks of seen ids kept so far.
    pub chunks: u32,
    pub group: GroupSize,
    /// Groups in a row that brought only what had come before.
    pub repeating: u32,
    /// The number of clients that are gone which the run may mark by itself.
    pub threshold: Threshold,
    /// The site's traffic before this process took the run up.
    pub traffic_before: TrafficTotals,
}

impl Walk {
    /// Keeps the run's state; a rehearsal's is nobody's.
    pub async fn keep_run(&self) -> Result<(), StoreError> {
        if self.is_rehearsal { Ok(()) } else { self.store.keep_run(self.run.clone()).await }
    }

    /// Keeps what was found out about the site, for the next process.
    async fn keep_memory(&self) -> Result<(), StoreError> {
        self.store.keep_sizes(self.run.connection.clone(), self.connector.memory()).await
    }

    /// Keeps the finished run, with what was concluded from it.
    pub async fn finish_run(&mut self) -> Result<(), StoreError> {
        // Since the last commit too: what was asked by id, or repeated until the walk gave up.
        count_traffic(&mut self.run.counts, self.connector.traffic().totals().since(self.traffic_before));
        self.keep_memory().await?;
        let lists = self.connector.site_lists();
        for (came, code) in [(Came::Empty, CHOICES_EMPTY), (Came::Not, CHOICES_NOT_READ)] {
            let number = lists.iter().filter(|list| list.came == came).count() as u64;
            if number > 0 && self.run.state == RunState::Done {
                self.run.counts.doubts.insert(code.to_owned(), number);
            }
        }
        if !self.is_rehearsal {
            self.store.keep_site_lists(self.run.connection.clone(), self.run.id, lists).await?;
            let edition = self.connector.edition();
            self.run = self.store.finish_walk(self.run.clone(), self.threshold, edition).await?;
        }
        Ok(())
    }

    /// Walks all sources, from where an earlier process came to. What is committed until an error stays.
    ///
    /// # Errors
    /// Returns why it ended early; `self.run` is the run as it was committed last.
    pub async fn go(&mut self, from: Option<(WalkPosition, Seen)>) -> Result<(), WalkError> {
        self.order.turn().await.clear();
        self.mapper.begin(&self.store).await?;
        let memory = self.store.sizes(self.run.connection.clone()).await?;
        self.connector.recall(&memory);
        self.connector.recall_site_lists(self.store.site_lists(self.run.connection.clone()).await?);
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
        for source in &sources[skipped..] {
            let begun = begun.take();
            self.source(source.clone(), begun).await?;
        }
        self.look_for_missed(&sources).await
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
        let mut gathered = CommitBatch::new(self.run.clone());
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
            gathered.take(page, &mut seen, position.kind);
            if gathered.repeating > MOST_REPEATING {
                return Err(circle(position.kind));
            }
            self.progress.counts(&gathered.run);
            if position.is_over || is_stopped || gathered.is_full(self.group) {
                self.commit(&mut position, &mut seen, gathered).await?;
                if is_stopped && !position.is_over {
                    return Err(WalkError::Stopped);
                }
                if position.is_over {
                    return Ok(());
                }
                gathered = CommitBatch::new(self.run.clone());
            }
        }
    }

    /// Commits what was gathered, with the walk's position behind it.
    pub(super) async fn commit(
        &mut self,
        position: &mut WalkPosition,
        seen: &mut Seen,
        mut gathered: CommitBatch,
    ) -> Result<(), WalkError> {
        let order = Arc::clone(&self.order);
        let turn = order.turn().await;
        if let Some(taken_back) = self.mapper.taken_back() {
            return Err(WalkError::TakenBack(taken_back));
        }
        let kind = position.kind;
        gathered.drop_superseded(&turn, kind);
        let counts = &mut gathered.run.counts;
        count_traffic(counts, self.connector.traffic().totals().since(self.traffic_before));
        let (chunk, again) = seen.pack();
        // They were counted as if they were new.
        counts.repeated += again;
        if kind == RecordKind::Client {
            counts.seen -= again;
            counts.unchanged = counts.unchanged.saturating_sub(again);
        }
        let is_all_again = again > 0 && again == gathered.seen && !position.is_over;
        self.repeating = if is_all_again { self.repeating + 1 } else { 0 };
        if self.repeating > MOST_REPEATING {
            return Err(circle(kind));
        }
        let number = position.chunks;
        position.chunks += 1;
        self.chunks = position.chunks;
        let group = gathered.into_group(self.mapper.as_ref(), kind, Some((number, chunk, position.clone())));
        self.run = if self.is_rehearsal { self.store.rehearse(group).await? } else { self.store.commit(group).await? };
        self.progress.counts(&self.run);
        self.keep_memory().await?;
        Ok(())
    }
}

/// The error of a list that does not end.
fn circle(kind: RecordKind) -> WalkError {
    WalkError::Circle(format!("gave each {} again that it had given before", kind.as_str()))
}

/// Puts traffic into a run's counts.
pub(super) fn count_traffic(counts: &mut RunCounts, traffic: TrafficTotals) {
    let TrafficTotals { requests, retries, slow_downs } = traffic;
    (counts.requests, counts.retries, counts.slow_downs) = (requests, retries, slow_downs);
}
