//! A CRM that is read from files: a folder into which a practice's system exports its tables, as CSV or JSON, and from
//! which it fetches file notes.
//!
//! Serves the connector trait. What the files and their columns are called comes from the pack's rules: a resource is a
//! file, `clients` is `clients.csv`; the first of its fields is the column that holds the record's id; a list below it is
//! another file, whose first field is the column that holds the client's.
//!
//! A walk reads a snapshot: the files are opened once, indexed, and found unchanged at its end. What is still arriving, cut
//! short or without a column that the rules name is not read at all, so that nothing that is stored follows from it.
//!
//! - [`folder`]: the files of a folder, opened without following links, and whether one has arrived
//! - [`content`]: a file's bytes, and the text of a span of them
//! - [`columns`]: the columns that the rules name, found in a file
//! - [`table`]: one file, whose [`index`] is made of each [`record`], of [`rows`] between delimiters or of [`objects`] in
//!   their [`shape`]
//! - [`looks`]: what was seen of the files before, by which one export is told from another
//! - [`snapshot`]: the files of a source together, and the raw records that are made of them
//! - [`outbound`]: file notes and their documents, each written once, and
//!   [`receipts`]: what was written
//! - [`kind`]: what the host is told of it, [`driver`]: what is made for a folder

mod columns;
mod content;
mod driver;
mod folder;
mod index;
mod kind;
mod looks;
mod objects;
mod outbound;
mod receipts;
mod record;
mod rows;
mod shape;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use self::driver::DRIVER;
use self::folder::Folder;
pub use self::kind::KIND;
use self::outbound::Outbound;
use self::snapshot::Snapshot;
use super::{Bookmark, ById, Connector, CrmError, FoundNote, RawPage, Source, Traffic};
use crate::crm::spec::ConnectionSpec;
use crate::domain::absence::Edition;
use crate::domain::note::FileNote;
use crate::domain::outbox::FoundAttachment;
use crate::domain::{ExternalId, RecordKind};

/// Rows of one page.
const PAGE: usize = 500;
/// Records asked for by id at once: each costs a look at an index.
const BY_ID: usize = 500;

/// One folder of exports.
pub struct Files {
    folder: Arc<Folder>,
    outbound: Arc<Outbound>,
    /// The snapshot of each source, as the last walk or look-up opened it.
    snapshots: Mutex<HashMap<String, Arc<Snapshot>>>,
    /// The editions that the last walk read, by the kind of record; none where a file's silence says nothing.
    walked: Mutex<BTreeMap<RecordKind, Option<u128>>>,
    traffic: Traffic,
}

/// Does work on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CrmError> + Send + 'static,
) -> Result<T, CrmError> {
    let fault = |_| CrmError::Unknown { message: "a fault while files were read or written".to_owned() };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(fault(error)))
}

impl Files {
    /// A connector that is ready to read the folder; nothing is read yet.
    pub fn new(spec: &ConnectionSpec) -> Self {
        let path = spec.forward_host.clone();
        let outbound = spec.setting(kind::OUTBOUND).map_or_else(|| Path::new(&path).join("outbound"), Into::into);
        let settle = spec.setting(kind::SETTLE).and_then(|text| text.parse().ok()).unwrap_or_default();
        let last = spec.setting(kind::WRITTEN_LAST).map(str::to_owned);
        Self {
            folder: Arc::new(Folder::new(path.into(), Duration::from_secs(settle), last)),
            outbound: Arc::new(Outbound::new(outbound)),
            snapshots: Mutex::default(),
            walked: Mutex::default(),
            traffic: Traffic::default(),
        }
    }

    fn known(&self, source: &Source) -> Option<Arc<Snapshot>> {
        let snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        snapshots.get(&source.resource).filter(|known| known.is_of(source)).cloned()
    }

    fn keep(&self, source: &Source, snapshot: &Arc<Snapshot>) {
        let mut snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        snapshots.insert(source.resource.clone(), Arc::clone(snapshot));
    }

    /// The files of a source as they are now. A walk waits until they have arrived; a look-up is told that they have not.
    async fn open(&self, source: &Source, may_wait: bool) -> Result<Arc<Snapshot>, CrmError> {
        let mut left = if may_wait { Some(self.folder.settle) } else { None };
        loop {
            self.traffic.count_request();
            let (folder, source_of) = (Arc::clone(&self.folder), source.clone());
            let arriving = match blocking(move || Snapshot::open(&folder, &source_of)).await? {
                Ok(snapshot) => {
                    let snapshot = Arc::new(snapshot);
                    self.keep(source, &snapshot);
                    return Ok(snapshot);
                }
                Err(arriving) => arriving,
            };
            match (left.take(), arriving.settles_in) {
                // Once: what changes again meanwhile is left to the next run.
                (Some(longest), Some(pause)) if pause <= longest => {
                    tokio::time::sleep(pause + Duration::from_millis(50)).await;
                }
                _ => return Err(arriving.into()),
            }
        }
    }

    /// The files of a source as they were read last, where they are still the same; else as they are now.
    async fn current(&self, source: &Source) -> Result<Arc<Snapshot>, CrmError> {
        if let Some(known) = self.known(source) {
            let (folder, same) = (Arc::clone(&self.folder), Arc::clone(&known));
            if blocking(move || Ok(same.is_current(&folder))).await? {
                return Ok(known);
            }
        }
        self.open(source, false).await
    }

    /// The snapshot in which a page begins, and the place of its first row.
    async fn place(&self, source: &Source, after: Option<&Bookmark>) -> Result<(Arc<Snapshot>, usize), CrmError> {
        let Some(Bookmark(bookmark)) = after else { return Ok((self.open(source, true).await?, 0)) };
        let (digest, row) = bookmark.split_once(':').unwrap_or_default();
        let Ok(row) = row.parse() else {
            return Err(CrmError::Protocol { message: "a bookmark is none of this folder's".to_owned() });
        };
        let snapshot = match self.known(source).filter(|known| known.name() == digest) {
            Some(known) => known,
            None => self.open(source, true).await?,
        };
        if snapshot.name() == digest {
            return Ok((snapshot, row));
        }
        let message = "the files were replaced while they were read; the next run reads those that are there now";
        Err(CrmError::NotReady { message: message.to_owned() })
    }
}

#[async_trait::async_trait]
impl Connector for Files {
    async fn whoami(&self) -> Result<String, CrmError> {
        let folder = Arc::clone(&self.folder);
        blocking(move || folder.survey()).await
    }

    async fn page(&self, source: &Source, after: Option<&Bookmark>) -> Result<RawPage, CrmError> {
        let (snapshot, first) = self.place(source, after).await?;
        self.walked.lock().unwrap_or_else(PoisonError::into_inner).extend(snapshot.editions());
        self.traffic.count_request();
        blocking(move || snapshot.page(first, PAGE)).await
    }

    async fn one(&self, source: &Source, id: &ExternalId) -> Result<Option<RawPage>, CrmError> {
        let ById { page, .. } = self.by_id(source, std::slice::from_ref(id)).await?;
        Ok(Some(page).filter(|page| !page.records.is_empty()))
    }

    fn by_id_at_once(&self) -> usize {
        BY_ID
    }

    async fn by_id(&self, source: &Source, ids: &[ExternalId]) -> Result<ById, CrmError> {
        let snapshot = self.current(source).await?;
        self.traffic.count_request();
        let ids = ids.to_vec();
        let page = blocking(move || snapshot.by_id(&ids)).await?;
        Ok(ById { page, unanswered: Vec::new() })
    }

    async fn find_notes(&self, entity: &ExternalId) -> Result<Vec<FoundNote>, CrmError> {
        self.traffic.count_request();
        let (outbound, entity) = (Arc::clone(&self.outbound), entity.clone());
        blocking(move || outbound.find(&entity)).await
    }

    async fn filed_against(&self, document_id: &ExternalId) -> Result<Option<Vec<ExternalId>>, CrmError> {
        let (outbound, id) = (Arc::clone(&self.outbound), document_id.clone());
        blocking(move || outbound.filed_against(&id)).await.map(Some)
    }

    async fn create_note(&self, note: &FileNote, marker: &str) -> Result<ExternalId, CrmError> {
        self.traffic.count_request();
        let (outbound, note, marker) = (Arc::clone(&self.outbound), note.clone(), marker.to_owned());
        blocking(move || outbound.create(&note, &marker, jiff::Timestamp::now())).await
    }

    async fn attach(
        &self,
        document_id: &ExternalId,
        filename: &str,
        _media_type: &str,
        content: &[u8],
    ) -> Result<ExternalId, CrmError> {
        self.traffic.count_request();
        let (outbound, id) = (Arc::clone(&self.outbound), document_id.clone());
        let (filename, content) = (filename.to_owned(), content.to_vec());
        blocking(move || outbound.attach(&id, &filename, &content)).await
    }

    async fn attachments_of(&self, document_id: &ExternalId) -> Result<Vec<FoundAttachment>, CrmError> {
        self.traffic.count_request();
        let (outbound, id) = (Arc::clone(&self.outbound), document_id.clone());
        blocking(move || outbound.attachments_of(&id)).await
    }

    async fn sign_out(&self) {}

    fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    fn memory(&self) -> Vec<u8> {
        self.folder.looks.all()
    }

    fn recall(&self, memory: &[u8]) {
        self.folder.looks.recall(memory);
    }

    fn edition(&self) -> Option<Edition> {
        let walked = self.walked.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Edition(walked.iter().filter_map(|(kind, edition)| Some((*kind, (*edition)?))).collect()))
    }
}
