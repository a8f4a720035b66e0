//! Revisions that are brought for a connection and not in force yet: taken in, led through the gates, kept, let go of.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::error::{ConnectError, IntegrationError};
use super::history::{entry, taken_back};
use super::revisions::{keep_loaded, unchanged};
use super::{Integration, Integrations};
use crate::config::PackKeys;
use crate::crm::http::chain;
use crate::crm::spec::ConnectionSpec;
use crate::domain::{ConnectionName, RevisionDigest};
use crate::pack::{Edited, Gate, GateOutcome, Gates, KeptPacks, Packs, Revision, signature};
use crate::queue;
use crate::store::StoreError;
use crate::store::page::{Page, PageRequest};
use crate::store::revisions::{HistoryEntry, Why};

/// A revision that was brought, and what became of it at the gates.
pub struct Staged {
    /// The revision; none where it did not go through all gates, of which nothing is kept.
    pub revision: Option<Arc<Revision>>,
    /// The gates that were tried, in their order.
    pub gates: Vec<GateOutcome>,
}

/// An entry of a connection's history, and how its revision stands by now.
pub struct KnownRevision {
    /// The entry.
    pub entry: HistoryEntry,
    /// The state of the revision.
    pub state: RevisionState,
    /// Whether its folder is kept, so that it can be put in force.
    pub is_kept: bool,
}

/// The state of a revision of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevisionState {
    /// It went through all gates, and was never in force.
    Verified,
    /// It is in force.
    Active,
    /// It was in force before.
    Retired,
    /// It was in force before, and the breaker took it back.
    TakenBack,
}

impl Integrations {
    /// Takes in a revision of a connection's pack: an archive of its folder, or what stands in the packs' folder by now. It
    /// goes through all gates and is kept; nothing else changes.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says. A pack that does not go through the gates is no error.
    pub async fn stage(
        &self,
        name: &ConnectionName,
        archive: Option<Vec<u8>>,
        who: &str,
    ) -> Result<Staged, IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let one = self.one(name).await?;
        let brought = archive.map_or(Brought::Folder, Brought::Archive);
        self.lead(&one, brought, who).await
    }

    /// Leads what was brought for a connection through the gates, and keeps it. Under the lock of changes.
    pub(super) async fn lead(
        &self,
        one: &Integration,
        brought: Brought,
        who: &str,
    ) -> Result<Staged, IntegrationError> {
        let name = one.name();
        let base = if let Brought::Edited(base, _) = &brought { Some(*base) } else { None };
        let bench = Bench {
            packs: self.0.packs.clone(),
            kept: self.0.kept.clone(),
            packs_dir: self.0.config.server.packs_dir.clone(),
            cases: self.0.config.server.data_dir.join("cases"),
            keys: self.0.config.pack_keys.clone(),
            spec: Arc::clone(&one.spec),
        };
        let work = move || {
            let mut gates = Gates::default();
            let revision = bench.revision(&brought, &mut gates);
            Staged { revision, gates: gates.outcomes() }
        };
        let mut staged = queue::PACKS.run(work).await.map_err(ConnectError::from)?;
        if let (Some(revision), Some(base)) = (&staged.revision, base) {
            let active = self.0.store.active(name.clone()).await?.map(|active| active.digest);
            if [Some(base), active].contains(&Some(revision.digest())) {
                let why = "the rules are those of revision {}: comments, blanks and fixtures alone make no other";
                return Err(unchanged(&why.replace("{}", &revision.id().to_string())));
            }
        }
        if let Some(revision) = &staged.revision {
            match self.register(revision).await {
                Ok(()) => {
                    self.record(name, entry(revision, Why::Staged, who)).await?;
                }
                Err(ConnectError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    let reason = Some(error.to_string());
                    staged.gates.push(GateOutcome { gate: Gate::Connection, ok: false, reason });
                    staged.revision = None;
                }
            }
        }
        let revision = staged.revision.as_ref().map(|revision| revision.id().to_string());
        let failed = staged.gates.iter().filter(|outcome| !outcome.ok).count();
        tracing::info!(connection = %name, revision, failed, "a revision was brought");
        Ok(staged)
    }

    /// The revisions that a connection had staged or in force, the newest first, each as it stands by now.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn revisions(&self, of: &ConnectionName, page: PageRequest) -> Result<Page<KnownRevision>, StoreError> {
        let whole = PageRequest { cursor: None, limit: usize::MAX };
        let all = self.0.store.revision_history(of.clone(), whole).await?.items;
        let left = taken_back(&all);
        let in_force = all.into_iter().filter(|entry| entry.why != Why::Staged);
        let in_force: Vec<_> = in_force.map(|entry| entry.digest).collect();
        let page = self.0.store.revision_history(of.clone(), page).await?;
        let known = |entry: HistoryEntry| KnownRevision {
            state: match in_force.iter().position(|digest| *digest == entry.digest) {
                Some(0) => RevisionState::Active,
                Some(_) if left.contains(&entry.digest) => RevisionState::TakenBack,
                Some(_) => RevisionState::Retired,
                None => RevisionState::Verified,
            },
            is_kept: self.0.kept.folder(entry.digest).is_dir(),
            entry,
        };
        Ok(Page { items: page.items.into_iter().map(known).collect(), next: page.next })
    }

    /// A revision that was staged for a connection, or was in force there, loaded.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn known_revision(&self, name: &ConnectionName, id: &str) -> Result<Arc<Revision>, IntegrationError> {
        let one = self.one(name).await?;
        let digest = self.known_digest(&one.spec, id).await?;
        if let Some(active) = one.connection.as_ref().map(|connection| connection.revision())
            && active.digest() == digest
        {
            return Ok(active);
        }
        self.kept(&one.spec, digest).await.map_err(IntegrationError::NothingChanged)
    }

    /// Lets go of a revision that was staged and never in force.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn discard_revision(&self, name: &ConnectionName, id: &str) -> Result<RevisionDigest, IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let one = self.one(name).await?;
        let digest = self.known_digest(&one.spec, id).await?;
        let was_in_force =
            self.history(&one.spec).await?.into_iter().any(|entry| entry.digest == digest && entry.why != Why::Staged);
        if was_in_force || !self.0.store.discard_staged(name.clone(), digest).await? {
            let why = format!("revision {} was in force for `{name}`, and stays in its history", digest.short());
            return Err(unchanged(&why));
        }
        self.let_go().await?;
        Ok(digest)
    }
}

/// The pack that is led through the gates.
pub(super) enum Brought {
    /// What stands in the packs' folder by now.
    Folder,
    /// An archive of a folder.
    Archive(Vec<u8>),
    /// What is kept of a revision, with texts in place of some of its files.
    Edited(RevisionDigest, Edited),
}

/// What is needed to lead a pack through the gates.
struct Bench {
    packs: Packs,
    kept: KeptPacks,
    packs_dir: PathBuf,
    cases: PathBuf,
    keys: PackKeys,
    spec: Arc<ConnectionSpec>,
}

impl Bench {
    /// The revision, kept, if it goes through all gates. Blocks the thread.
    fn revision(&self, brought: &Brought, gates: &mut Gates) -> Option<Arc<Revision>> {
        let received = match brought {
            Brought::Folder => return self.of_packs(gates),
            Brought::Archive(archive) => self.kept.receive(archive, &self.spec.pack),
            Brought::Edited(base, edited) => self.kept.edit(*base, &self.spec.pack, edited),
        };
        let received = received.and_then(|received| received.complete(&self.packs_dir).map(|()| received));
        match received {
            Ok(received) => self.of_folder(received.folder(), gates),
            Err(error) => {
                gates.fail(&self.packs_dir, &error);
                None
            }
        }
    }

    /// What stands in the packs' folder.
    fn of_packs(&self, gates: &mut Gates) -> Option<Arc<Revision>> {
        let folder = self.packs_dir.join(&self.spec.pack);
        if !folder.is_dir() {
            let why = format!("there is no folder `{}` among the packs; send the pack's folder", self.spec.pack);
            gates.refuse(Gate::Folder, why);
            return None;
        }
        self.of_folder(&folder, gates)
    }

    fn of_folder(&self, folder: &Path, gates: &mut Gates) -> Option<Arc<Revision>> {
        let spec = &self.spec;
        gates.pass(Gate::Signature);
        match signature::check(folder, &self.keys) {
            Ok(taken) => gates.remark(Gate::Signature, taken.remark()),
            Err(error) => {
                gates.fail(folder, &error);
                return None;
            }
        }
        let loaded = self.packs.load_through(folder, &spec.dialect, gates);
        let revision = loaded.ok()?;
        gates.pass(Gate::Connection);
        if revision.pack() != spec.pack {
            let why = format!(
                "it is the pack `{}`, and the connection's is `{}`: name it as the connection's pack in the connection's settings, \
                 or the pack as the connection has it",
                revision.pack(),
                spec.pack
            );
            gates.refuse(Gate::Connection, why);
        }
        if revision.crm() != spec.crm.name {
            let why = format!("it reads the CRM `{}`, and the connection's is `{}`", revision.crm(), spec.crm.name);
            gates.refuse(Gate::Connection, why);
        }
        gates.pass(Gate::Cases);
        for error in revision.try_cases(&self.cases, &spec.pack, &spec.dialect) {
            gates.fail(&self.cases, &error);
        }
        if gates.outcomes().iter().any(|outcome| !outcome.ok) {
            return None;
        }
        let digest = revision.digest();
        let kept = keep_loaded(&self.packs, &self.kept, spec, (folder, digest));
        let refuse = |error| gates.refuse(Gate::Folder, format!("it cannot be kept: {}", chain(&error)));
        kept.map_err(refuse).ok()
    }
}
