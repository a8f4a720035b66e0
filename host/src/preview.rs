//! Previews: what another revision of a pack would make of the whole book, before it is in force. The raw records that are
//! kept are mapped by it and held against what is stored; nothing is asked of a CRM, and nothing is written but the
//! preview itself, which expires.
//!
//! Serves `ops`, `api`, `web` and, through the API, `cli`. A preview is of a pair of revisions of one connection: its
//! summary is small and read whole, its differences are a file, written and read a record at a time.

mod comparing;
mod differences;
mod job;
mod lines;
mod notes;
mod summary;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use std::{fs, io};

use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::connection::Connection;
use crate::domain::privacy::ErasureAct;
use crate::domain::{ConnectionName, PreviewId, RevisionDigest, Timestamp};
use crate::pack::Revision;
use crate::store::connections::By;
use crate::store::page::{Page, PageRequest, cursor_of};
use crate::store::{Store, StoreError};

pub use differences::{Filter, RecordDifference};
pub use notes::{DocumentOutcome, NoteChanges, NoteDifference, PastEvent, PastEvents};
pub use summary::{
    Couples, DiagnosticChanges, Example, FieldSummary, HouseholdChanges, Preview, PreviewState, RecordChanges,
};

/// The previews that are kept, the newest ones …
const KEPT: usize = 20;
/// … and none for longer.
const DAYS: i64 = 7;
/// The time between two looks at what is to be thrown away.
const TIDIED_EVERY: Duration = Duration::from_secs(60 * 60);

/// The reason why a preview was not made or read.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// There is no preview of this id, or not any more.
    #[error("there is no preview `{0}`, or it has expired; make it anew")]
    Unknown(PreviewId),
    /// Its files cannot be written or read.
    #[error("the preview's files: {0}")]
    Io(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Previews: those at work and those that are kept. Cheap to clone.
#[derive(Clone)]
pub struct Previews(Arc<Inner>);

struct Inner {
    store: Store,
    zone: jiff::tz::TimeZone,
    folder: PathBuf,
    events: Arc<dyn PastEvents>,
    at_work: Mutex<BTreeMap<PreviewId, AtWork>>,
    starting: Mutex<()>,
    /// The lock under which a preview is followed.
    following: tokio::sync::Mutex<()>,
}

/// A preview that is being made.
struct AtWork {
    changes: watch::Receiver<Arc<Preview>>,
    stop: CancellationToken,
}

impl Previews {
    /// Previews that are kept below a data folder, for a while: those that are too old, or from before somebody was erased,
    /// are thrown away now and every hour. "Today" is a day of `zone`; `events` are those whose notes are written once more.
    pub fn new(store: Store, data_dir: &Path, zone: jiff::tz::TimeZone, events: Arc<dyn PastEvents>) -> Self {
        let folder = data_dir.join("previews");
        let (at_work, starting, following) = (Mutex::default(), Mutex::default(), tokio::sync::Mutex::default());
        let previews = Self(Arc::new(Inner { store, zone, folder, events, at_work, starting, following }));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tidy_again_and_again(Arc::downgrade(&previews.0)));
        }
        previews
    }

    /// Throws away what is too old, and what was made before somebody was erased: it may have their values.
    ///
    /// # Errors
    /// Returns an error if the store fails, or the files cannot be removed.
    pub async fn tidy(&self, now: Timestamp) -> Result<(), PreviewError> {
        let erasures = self.0.store.erasures().await?;
        let erased = erasures.iter().filter(|erasure| matches!(erasure.act, ErasureAct::Erased { .. }));
        let erased_at = erased.map(|erasure| erasure.at.as_millisecond()).max();
        let _starting = self.0.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.ids()?;
        kept.retain(|id| stays(*id, erased_at, now));
        kept.truncate(KEPT);
        self.keep_alone(&kept)
    }

    /// Throws all previews away, those at work included: somebody was erased whose values they may have.
    ///
    /// # Errors
    /// Returns an error if the files cannot be removed.
    pub fn forget_all(&self) -> Result<(), PreviewError> {
        let _starting = self.0.starting.lock().unwrap_or_else(PoisonError::into_inner);
        self.keep_alone(&[])
    }

    /// Throws all other previews away. One at work ends, and leaves nothing.
    fn keep_alone(&self, kept: &[PreviewId]) -> Result<(), PreviewError> {
        let mut at_work = self.at_work();
        at_work.retain(|id, at_work| {
            let stays = kept.contains(id);
            if !stays {
                at_work.stop.cancel();
            }
            stays
        });
        Ok(differences::retain(&self.0.folder, kept)?)
    }

    /// Begins to make the preview of a connection's change to another revision. Answers it as it begins; one of the same that
    /// is under way already goes on.
    ///
    /// # Errors
    /// Returns an error if its files cannot be made.
    pub fn start(&self, connection: &Arc<Connection>, to: Arc<Revision>, who: &str) -> Result<Preview, PreviewError> {
        let from = connection.revision();
        let now = Timestamp::now();
        // One after the other: what one begins is not taken for left over by the next.
        let _starting = self.0.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (from.digest(), to.digest());
        let is_same = |one: &Preview| (&one.connection, (one.from_digest, one.to_digest)) == (&connection.name, pair);
        let under_way =
            self.at_work().values().map(|at_work| Arc::clone(&at_work.changes.borrow())).find(|one| is_same(one));
        if let Some(under_way) = under_way.filter(|one| one.state == PreviewState::Running) {
            return Ok(under_way.as_ref().clone());
        }
        self.expire(now)?;
        let by = By { who: who.to_owned(), at: now };
        let preview = Preview::new(PreviewId(Uuid::now_v7()), connection, (&from, &to), by);
        let records = lines::Writer::create(&differences::path(&self.0.folder, preview.id))?;
        let notes = lines::Writer::create(&differences::notes_path(&self.0.folder, preview.id))?;
        differences::keep_summary(&self.0.folder, &preview)?;
        let (progress, changes) = watch::channel(Arc::new(preview.clone()));
        let stop = connection.gone.child_token();
        let job = job::Job {
            store: self.0.store.clone(),
            connection: Arc::clone(connection),
            from,
            to,
            as_of: now.to_zoned(self.0.zone.clone()).date(),
            events: Arc::clone(&self.0.events),
            progress,
            stop: stop.clone(),
        };
        self.at_work().insert(preview.id, AtWork { changes, stop });
        let (previews, first) = (self.clone(), preview.clone());
        tokio::spawn(async move {
            let finished = job.run(first, (records, notes)).await;
            previews.finished(&finished);
        });
        Ok(preview)
    }

    /// A preview as it is by now.
    ///
    /// # Errors
    /// [`PreviewError::Unknown`], or where its file cannot be read.
    pub fn one(&self, id: PreviewId) -> Result<Preview, PreviewError> {
        if let Some(at_work) = self.at_work().get(&id) {
            return Ok(at_work.changes.borrow().as_ref().clone());
        }
        self.kept(id)
    }

    /// A preview as it goes; the last value is the finished one. None where it is not at work in this process.
    pub fn watch(&self, id: PreviewId) -> Option<watch::Receiver<Arc<Preview>>> {
        self.at_work().get(&id).map(|at_work| at_work.changes.clone())
    }

    /// Ends a preview that is at work; false where it is not.
    pub fn cancel(&self, id: PreviewId) -> bool {
        let at_work = self.at_work();
        let found = at_work.get(&id);
        found.inspect(|at_work| at_work.stop.cancel()).is_some()
    }

    /// The previews of a connection, the newest first.
    ///
    /// # Errors
    /// Returns an error if their folder cannot be read.
    pub fn list(&self, connection: &ConnectionName) -> Result<Vec<Preview>, PreviewError> {
        let previews = self.ids()?.into_iter().filter_map(|id| self.one(id).ok());
        Ok(previews.filter(|preview| preview.connection == *connection).collect())
    }

    /// The newest finished preview of a connection from one revision to another.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be read.
    pub fn of_pair(
        &self,
        connection: &ConnectionName,
        (from, to): (RevisionDigest, RevisionDigest),
    ) -> Result<Option<Preview>, PreviewError> {
        let is_of_pair = |preview: &Preview| {
            preview.state == PreviewState::Done && (preview.from_digest, preview.to_digest) == (from, to)
        };
        Ok(self.list(connection)?.into_iter().find(is_of_pair))
    }

    /// The turn to put a revision in force, held from the look at a preview until the exchange: a preview is followed once,
    /// and by what is in force then.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.following.lock().await
    }

    /// Notes that a preview was followed: the same cannot be followed again.
    ///
    /// # Errors
    /// Returns an error if its file cannot be written.
    pub fn spend(&self, mut preview: Preview) -> Result<(), PreviewError> {
        preview.activated_at = Some(Timestamp::now());
        Ok(differences::keep_summary(&self.0.folder, &preview)?)
    }

    /// Records that differ, a page of those that fit the filter.
    ///
    /// # Errors
    /// [`PreviewError::Unknown`], [`PreviewError::Store`] where the cursor is none of this list, or where the file cannot be
    /// read.
    pub async fn differences(
        &self,
        id: PreviewId,
        filter: Filter,
        page: PageRequest,
    ) -> Result<Page<RecordDifference>, PreviewError> {
        self.lines(id, differences::path(&self.0.folder, id), page, move |one| filter.fits(one)).await
    }

    /// File notes of the last month that would read otherwise, a page of them, the newest first.
    ///
    /// # Errors
    /// As for [`Previews::differences`].
    pub async fn notes(&self, id: PreviewId, page: PageRequest) -> Result<Page<NoteDifference>, PreviewError> {
        self.lines(id, differences::notes_path(&self.0.folder, id), page, |_| true).await
    }

    /// A page of one of a preview's files.
    async fn lines<T: DeserializeOwned + Send + 'static>(
        &self,
        id: PreviewId,
        path: PathBuf,
        page: PageRequest,
        fits: impl Fn(&T) -> bool + Send + 'static,
    ) -> Result<Page<T>, PreviewError> {
        self.one(id)?;
        let list = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let place = page.text(&list)?.unwrap_or_default();
        let read = move || lines::read(&path, fits, (place, page.limit));
        let read = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?;
        let (items, next) = read.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => PreviewError::Unknown(id),
            _ => error.into(),
        })?;
        Ok(Page { items, next: next.map(|next| cursor_of(&list, next.to_string().as_bytes())) })
    }

    /// The files with all of a preview's differences, a JSON object a line, to be handed on: of records, and of notes.
    pub fn files(&self, id: PreviewId) -> [PathBuf; 2] {
        [differences::path(&self.0.folder, id), differences::notes_path(&self.0.folder, id)]
    }

    fn finished(&self, preview: &Preview) {
        // Under the lock: what is thrown away meanwhile is not kept afterwards.
        let mut at_work = self.at_work();
        if at_work.remove(&preview.id).is_none() {
            return;
        }
        if let Err(error) = differences::keep_summary(&self.0.folder, preview) {
            tracing::warn!(%error, preview = %preview.id, "a preview could not be kept");
        }
    }

    fn kept(&self, id: PreviewId) -> Result<Preview, PreviewError> {
        match differences::summary(&self.0.folder, id) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PreviewError::Unknown(id)),
            kept => {
                let mut kept = kept?;
                if kept.state == PreviewState::Running {
                    kept.state = PreviewState::Failed;
                    kept.error = Some("the host stopped before it was done; make it anew".to_owned());
                }
                Ok(kept)
            }
        }
    }

    /// The ids of all previews, the newest first.
    fn ids(&self) -> Result<Vec<PreviewId>, PreviewError> {
        let mut ids: Vec<PreviewId> = self.at_work().keys().copied().collect();
        match fs::read_dir(&self.0.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            entries => {
                for entry in entries? {
                    let path = entry?.path();
                    let is_summary = path.extension().is_some_and(|extension| extension == "json");
                    let id = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
                    ids.extend(id.filter(|id| is_summary && !ids.contains(id)));
                }
            }
        }
        ids.sort_unstable_by(|one, other| other.cmp(one));
        Ok(ids)
    }

    /// Removes previews that are too old or too many, and what an earlier process did not finish.
    fn expire(&self, now: Timestamp) -> Result<(), PreviewError> {
        let mut kept = self.ids()?;
        kept.retain(|id| is_fresh(*id, now));
        kept.truncate(KEPT - 1);
        Ok(differences::retain(&self.0.folder, &kept)?)
    }

    fn at_work(&self) -> MutexGuard<'_, BTreeMap<PreviewId, AtWork>> {
        self.0.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The moment at which a preview was begun, in milliseconds since 1970: its id has it.
fn made_at(id: PreviewId) -> i64 {
    let made = id.0.get_timestamp().map_or((0, 0), |at| at.to_unix());
    i64::try_from(made.0).unwrap_or_default() * 1000 + i64::from(made.1 / 1_000_000)
}

fn is_fresh(id: PreviewId, now: Timestamp) -> bool {
    made_at(id) >= now.as_millisecond() - DAYS * 24 * 60 * 60 * 1000
}

/// Whether a preview may be kept, where somebody was erased last at a moment.
fn stays(id: PreviewId, erased_at: Option<i64>, now: Timestamp) -> bool {
    is_fresh(id, now) && erased_at.is_none_or(|erased_at| made_at(id) > erased_at)
}

/// Tidies up until nobody has the previews any more.
async fn tidy_again_and_again(previews: Weak<Inner>) {
    loop {
        let Some(inner) = previews.upgrade() else { return };
        if let Err(error) = Previews(inner).tidy(Timestamp::now()).await {
            tracing::warn!(%error, "previews that are over could not be removed");
        }
        tokio::time::sleep(TIDIED_EVERY).await;
    }
}
