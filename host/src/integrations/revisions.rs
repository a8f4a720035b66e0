//! The revision of its pack that a connection works by: kept when it comes in force, taken up again at a start, exchanged
//! and gone back from while everything runs.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use super::error::{ConnectError, IntegrationError, PackUnavailable};
use super::history::{entry, taken_back};
use super::trials::Activation;
use super::{Integration, Integrations, load_pack};
use crate::config::Config;
use crate::connection::{Connection, OnTrial};
use crate::crm::parse::FieldError;
use crate::crm::spec::ConnectionSpec;
use crate::domain::{ConnectionName, RevisionDigest, RevisionId};
use crate::pack::{KeptPacks, PackError, Packs, Revision, signature};
use crate::queue;
use crate::store::StoreError;
use crate::store::page::PageRequest;
use crate::store::revisions::{HistoryEntry, Why};

/// Revisions of a connection whose folders are kept, the newest ones.
const KEPT: usize = 10;

/// Who puts the first revision of a connection in force.
const SET_UP: &str = "Set-up";

impl Integrations {
    /// Puts a revision in force for a connection: the one of this id, which was in force before, or what stands in the
    /// pack's folder by now. It is loaded and verified first, and kept; the exchange is one step. What is under way ends on
    /// the revision it began with. It is on trial from then on. Answers which was in force before.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says; the revision stays in force that was.
    pub async fn activate(
        &self,
        name: &ConnectionName,
        activation: Activation<'_>,
        who: &str,
    ) -> Result<(Integration, RevisionId), IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let one = self.enabled(name).await?;
        let Activation { revision, promised, confirm } = activation;
        let revision = match revision {
            None => self.in_folder(&one.spec).await.map_err(IntegrationError::NothingChanged)?,
            Some(id) => {
                let known = self.known_digest(&one.spec, id).await?;
                self.may_be_in_force(known).await?;
                self.kept(&one.spec, known).await.map_err(IntegrationError::NothingChanged)?
            }
        };
        // Who insists has the last word.
        let is_insisted_on = self.insisted_on(&one.spec, &revision, confirm).await?;
        let trial = if is_insisted_on { None } else { self.trial_of(&one.spec, &revision, promised).await? };
        self.put_in_force(one, (revision, trial), Why::Activated, who).await
    }

    /// Puts the revision in force again that was in force before the one that is. Answers which was. `from` is the revision
    /// that is left, where the caller has seen which one: a form that is sent twice goes back once.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says; the revision stays in force that was.
    pub async fn roll_back(
        &self,
        name: &ConnectionName,
        from: Option<&str>,
        who: &str,
    ) -> Result<(Integration, RevisionId), IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let one = self.enabled(name).await?;
        let active = self.0.store.active(name.clone()).await?.map(|active| active.digest);
        if let Some(from) = from {
            let from = beginning_of_digest("from", from)?;
            if !active.is_some_and(|active| active.to_string().starts_with(&from)) {
                return Err(unchanged(&format!("another revision is in force for the connection `{name}` by now")));
            }
        }
        let before = self.activated_before(&one.spec, |known| Some(known) != active).await?;
        let Some(before) = before else {
            return Err(unchanged(&format!("the connection `{name}` had no other revision in force before")));
        };
        let revision = self.kept(&one.spec, before).await.map_err(IntegrationError::NothingChanged)?;
        self.put_in_force(one, (revision, None), Why::RolledBack, who).await
    }

    /// Holds a revision that is kept against the settings' keys as they are by now: it may be from a time when others were
    /// believed.
    async fn may_be_in_force(&self, digest: RevisionDigest) -> Result<(), IntegrationError> {
        let (folder, keys) = (self.0.kept.folder(digest), self.0.config.pack_keys.clone());
        let checked = queue::PACKS.run(move || signature::check(&folder, &keys)).await.map_err(ConnectError::from);
        let checked = checked
            .and_then(|checked| checked.map(drop).map_err(|error| ConnectError::from(PackUnavailable::from(error))));
        checked.map_err(IntegrationError::NothingChanged)
    }

    /// A connection that is enabled.
    async fn enabled(&self, name: &ConnectionName) -> Result<Integration, IntegrationError> {
        let one = self.one(name).await?;
        if one.spec.enabled {
            return Ok(one);
        }
        Err(unchanged(&format!("the connection `{name}` is disabled; enable it first")))
    }

    /// The last revision of its pack that a connection had in force and that is wanted, of those that the breaker did not
    /// take back.
    async fn activated_before(
        &self,
        spec: &ConnectionSpec,
        is_wanted: impl Fn(RevisionDigest) -> bool,
    ) -> Result<Option<RevisionDigest>, StoreError> {
        let history = self.history(spec).await?;
        let left = taken_back(&history);
        let in_force = history.into_iter().filter(|entry| entry.why != Why::Staged).map(|entry| entry.digest);
        Ok(in_force.filter(|digest| !left.contains(digest)).find(|digest| is_wanted(*digest)))
    }

    /// The revision of its pack that a connection had staged or in force and whose digest begins so.
    pub(super) async fn known_digest(
        &self,
        spec: &ConnectionSpec,
        id: &str,
    ) -> Result<RevisionDigest, IntegrationError> {
        let id = beginning_of_digest("revision", id)?;
        let name = &spec.name;
        let mut found = self.history(spec).await?.into_iter().map(|entry| entry.digest);
        let Some(digest) = found.find(|digest| digest.to_string().starts_with(&id)) else {
            return Err(unchanged(&format!(
                "the connection `{name}` never had a revision `{id}`; `tidegate pack history --connection {name}` lists \
                 those it had"
            )));
        };
        if found.any(|other| other != digest && other.to_string().starts_with(&id)) {
            return Err(unchanged(&format!(
                "several revisions of `{name}` begin with `{id}`; give more of its digest"
            )));
        }
        if !self.0.kept.folder(digest).exists() {
            return Err(unchanged(&format!(
                "revision {} is no longer kept: the latest {KEPT} are. Bring its folder again (`tidegate pack stage`)",
                digest.short()
            )));
        }
        Ok(digest)
    }

    /// The history of a connection, as far as it is of its pack.
    pub(super) async fn history(&self, spec: &ConnectionSpec) -> Result<Vec<HistoryEntry>, StoreError> {
        let page = PageRequest { cursor: None, limit: usize::MAX };
        let mut entries = self.0.store.revision_history(spec.name.clone(), page).await?.items;
        entries.retain(|entry| entry.pack == spec.pack);
        Ok(entries)
    }

    /// Keeps that a revision is in force, and exchanges it; a connection that a pack kept from work begins with it.
    async fn put_in_force(
        &self,
        one: Integration,
        (revision, trial): (Arc<Revision>, Option<Arc<OnTrial>>),
        why: Why,
        who: &str,
    ) -> Result<(Integration, RevisionId), IntegrationError> {
        let name = one.name().clone();
        let now = revision.id();
        let kept = HistoryEntry { trial: trial.as_ref().map(|trial| trial.kept()), ..entry(&revision, why, who) };
        let Some(connection) = &one.connection else {
            let access = match self.0.config.connections.get(&name) {
                Some(access) => access.clone(),
                None => self.access(&self.stored(&name).await?).map_err(IntegrationError::NothingChanged)?,
            };
            self.put_to_work(&access, Arc::clone(&revision)).await.map_err(IntegrationError::NothingChanged)?;
            self.record(&name, kept).await?;
            let one = self.one(&name).await?;
            if let Some(connection) = one.connection.as_ref().filter(|_| trial.is_some()) {
                connection.activate(revision, trial);
            }
            tracing::info!(connection = %name, %now, "the connection is at work again");
            return Ok((one, RevisionId::NONE));
        };
        let before = connection.revision().id();
        if self.record(&name, kept).await? {
            connection.activate(revision, trial);
        }
        tracing::info!(connection = %name, %before, %now, why = why.as_str(), "another revision is in force");
        Ok((one, before))
    }

    /// Keeps that a revision is in force, where another was, or that one is staged; and lets go of folders that nobody goes
    /// back to. False where it stands there already.
    pub(super) async fn record(&self, name: &ConnectionName, entry: HistoryEntry) -> Result<bool, StoreError> {
        let known = match entry.why {
            // One that is brought again, with nothing else meanwhile, stands there already.
            Why::Staged => {
                let newest = PageRequest { cursor: None, limit: 1 };
                self.0.store.revision_history(name.clone(), newest).await?.items.pop()
            }
            _ => self.0.store.active(name.clone()).await?,
        };
        if known.is_some_and(|known| known.digest == entry.digest) {
            return Ok(false);
        }
        self.0.store.keep_in_history(name.clone(), entry).await?;
        self.let_go().await?;
        Ok(true)
    }

    /// Lets go of the folders of revisions that nobody goes back to.
    pub(super) async fn let_go(&self) -> Result<(), StoreError> {
        let mut wanted = HashSet::new();
        for one in self.list().await? {
            let page = PageRequest { cursor: None, limit: usize::MAX };
            let entries = self.0.store.revision_history(one.name().clone(), page).await?.items;
            // What is only staged never pushes out what can be gone back to.
            let (staged, in_force): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.why == Why::Staged);
            for entries in [staged, in_force] {
                wanted.extend(latest(entries.into_iter().map(|entry| entry.digest)));
            }
        }
        let kept = self.0.kept.clone();
        // What cannot be removed costs room, and is tried again the next time.
        if let Ok(Err(error)) = queue::PACKS.run(move || kept.retain(&wanted)).await {
            tracing::warn!(%error, "pack folders that nobody goes back to cannot be removed");
        }
        Ok(())
    }

    /// The revision that a connection begins to work by: the one that was in force, or, where there was none or the
    /// settings name another pack since, what stands in the pack's folder.
    pub(super) async fn to_begin_with(&self, spec: &Arc<ConnectionSpec>) -> Result<Arc<Revision>, ConnectError> {
        let active = self.0.store.active(spec.name.clone()).await?;
        if let Some(active) = active.filter(|active| active.pack == spec.pack) {
            return self.kept(spec, active.digest).await;
        }
        let revision = self.in_folder(spec).await?;
        self.record(&spec.name, entry(&revision, Why::First, SET_UP)).await?;
        Ok(revision)
    }

    /// The same while the host is being opened, before anything is at work; [`Integrations::keep_first`] has to follow.
    pub(super) fn to_begin_with_at_opening(&self, spec: &ConnectionSpec) -> Result<Arc<Revision>, ConnectError> {
        match self.0.store.active_at_opening(&spec.name)?.filter(|active| active.pack == spec.pack) {
            Some(active) => Ok(load_kept(&self.0.packs, &self.0.kept, spec, active.digest)?),
            None => Ok(load_pack(&self.0.packs, &self.0.config, spec)?),
        }
    }

    /// Keeps the revision that a connection was opened with, where it is the first one.
    pub(super) async fn keep_first(&self, connection: &Connection) -> Result<(), ConnectError> {
        let revision = connection.revision();
        self.register(&revision).await?;
        let active = self.0.store.active(connection.name.clone()).await?;
        if active.is_some_and(|active| active.digest == revision.digest()) {
            return Ok(());
        }
        let revision = self.in_folder(&connection.spec).await?;
        self.record(&connection.name, entry(&revision, Why::First, SET_UP)).await?;
        connection.activate(revision, None);
        Ok(())
    }

    /// Whether a connection's pack loads: as it is in force, or else as it stands in its folder. Nothing is kept of it.
    pub(super) async fn loads(&self, spec: &Arc<ConnectionSpec>) -> Result<(), ConnectError> {
        let active = self.0.store.active(spec.name.clone()).await?;
        if let Some(active) = active.filter(|active| active.pack == spec.pack) {
            return self.kept(spec, active.digest).await.map(drop);
        }
        let (packs, config, of) = (self.0.packs.clone(), Arc::clone(&self.0.config), Arc::clone(spec));
        Ok(queue::PACKS.run(move || load_pack(&packs, &config, &of)).await?.map(drop)?)
    }

    /// What stands in the pack's folder by now, loaded, verified and kept.
    async fn in_folder(&self, spec: &Arc<ConnectionSpec>) -> Result<Arc<Revision>, ConnectError> {
        let (packs, kept, config) = (self.0.packs.clone(), self.0.kept.clone(), Arc::clone(&self.0.config));
        let of = Arc::clone(spec);
        let revision = queue::PACKS.run(move || load_and_keep(&packs, &kept, &config, &of)).await??;
        self.register(&revision).await?;
        Ok(revision)
    }

    /// A revision that was in force before.
    pub(super) async fn kept(
        &self,
        spec: &Arc<ConnectionSpec>,
        digest: RevisionDigest,
    ) -> Result<Arc<Revision>, ConnectError> {
        let (packs, kept, of) = (self.0.packs.clone(), self.0.kept.clone(), Arc::clone(spec));
        Ok(queue::PACKS.run(move || load_kept(&packs, &kept, &of, digest)).await??)
    }

    /// Keeps which whole digest the revision's short id stands for in rows.
    pub(super) async fn register(&self, revision: &Revision) -> Result<(), ConnectError> {
        let is_known_by_it_alone = self.0.store.keep_revision(revision.digest()).await?;
        let like_another = || ConnectError::RevisionLikeAnother { digest: revision.digest(), id: revision.id() };
        if is_known_by_it_alone { Ok(()) } else { Err(like_another()) }
    }
}

/// The revisions of a history, the newest first, whose folders are kept. Who goes back and forth between two has them in the
/// history many times.
fn latest(history: impl Iterator<Item = RevisionDigest>) -> Vec<RevisionDigest> {
    let mut latest = Vec::with_capacity(KEPT);
    for digest in history {
        if latest.len() < KEPT && !latest.contains(&digest) {
            latest.push(digest);
        }
    }
    latest
}

pub(super) fn unchanged(why: &str) -> IntegrationError {
    IntegrationError::WrongState(format!("nothing was changed: {why}"))
}

/// The shortest beginning of a digest that stands for a revision, and a whole one.
const DIGITS: RangeInclusive<usize> = 6..=64;

/// A text that a person or program gave for a revision, as the beginning of a digest.
pub(super) fn beginning_of_digest(field: &str, text: &str) -> Result<String, IntegrationError> {
    let text = text.trim();
    if DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    let message = "a revision is its digest, or the beginning of it: 6 to 64 of the digits 0 to 9 and a to f";
    Err(IntegrationError::Invalid(vec![FieldError::new(field, message)]))
}

/// Loads what stands in a pack's folder, and keeps it. What runs is what is kept: where the folder changed while it was
/// read, the two are not the same.
fn load_and_keep(
    packs: &Packs,
    kept: &KeptPacks,
    config: &Config,
    spec: &ConnectionSpec,
) -> Result<Arc<Revision>, PackUnavailable> {
    let folder = config.server.packs_dir.join(&spec.pack);
    let revision = load_pack(packs, config, spec)?;
    signature::check(&folder, &config.pack_keys)?;
    let wrong = revision.try_cases(&config.server.data_dir.join("cases"), &spec.pack, &spec.dialect);
    if !wrong.is_empty() {
        return Err(PackError::Several(wrong).into());
    }
    keep_loaded(packs, kept, spec, (&folder, revision.digest()))
}

/// Keeps the folder of a revision that was loaded from there, and loads it from what is kept.
pub(super) fn keep_loaded(
    packs: &Packs,
    kept: &KeptPacks,
    spec: &ConnectionSpec,
    (folder, digest): (&Path, RevisionDigest),
) -> Result<Arc<Revision>, PackUnavailable> {
    kept.keep(folder, digest)?;
    load_kept(packs, kept, spec, digest).or_else(|_| {
        // What was kept before is damaged, and what it was is at hand.
        kept.discard(digest)?;
        kept.keep(folder, digest)?;
        load_kept(packs, kept, spec, digest)
    })
}

/// Loads a revision that is kept.
fn load_kept(
    packs: &Packs,
    kept: &KeptPacks,
    spec: &ConnectionSpec,
    digest: RevisionDigest,
) -> Result<Arc<Revision>, PackUnavailable> {
    let unusable =
        |source| PackUnavailable::NotAsKept { revision: digest.short(), connection: spec.name.clone(), source };
    let revision = packs.load(&kept.folder(digest), &spec.dialect).map_err(|error| unusable(Some(Box::new(error))))?;
    if revision.digest() == digest { Ok(revision) } else { Err(unusable(None)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_and_forth_lets_go_of_no_other_revision() {
        let digest = |number: u8| RevisionDigest([number; 32]);
        let to_and_fro = [1, 2].into_iter().cycle().take(40).chain(3..20);
        let kept: Vec<u8> = latest(to_and_fro.map(digest)).iter().map(|digest| digest.0[0]).collect();
        assert_eq!(kept, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
}
