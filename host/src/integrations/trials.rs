//! Revisions on trial: what a revision that comes in force is held against, and the breaker's step back where it rejects much
//! more than the one before.
//!
//! A revision that the breaker took back stays out until a person insists, and is then on no trial: nothing goes back and
//! forth by itself. Going back is on no trial either, because what is gone back to was good.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Integrations;
use super::error::IntegrationError;
use super::history::{entry, taken_back};
use crate::connection::{Connection, InForce, OnTrial};
use crate::crm::http::chain;
use crate::crm::parse::FieldError;
use crate::crm::spec::ConnectionSpec;
use crate::domain::{RecordKind, RevisionDigest, RevisionId};
use crate::pack::Revision;
use crate::store::StoreError;
use crate::store::revisions::{HistoryEntry, Why};
use crate::telemetry::figures;

/// Who puts the revision before in force again.
const BREAKER: &str = "Breaker";

/// What somebody says who puts a revision in force.
#[derive(Clone, Default, Debug)]
pub struct Activation<'a> {
    /// The beginning of its digest; what stands in the pack's folder by now, if none.
    pub revision: Option<&'a str>,
    /// The records that it would reject anew, of each kind, by the preview that is followed.
    pub promised: BTreeMap<RecordKind, u64>,
    /// The revision once more, written out: asked for where the breaker took it back.
    pub confirm: Option<&'a str>,
}

/// The fewest digits of a revision that is written out.
const WRITTEN_OUT: usize = 6;

/// Whether a text is a revision, written out.
pub fn is_written_out(text: Option<&str>, digest: RevisionDigest) -> bool {
    let begins_so = |text: &str| text.len() >= WRITTEN_OUT && digest.to_string().starts_with(text);
    text.map(|text| text.trim().to_ascii_lowercase()).is_some_and(|text| begins_so(&text))
}

impl Integrations {
    /// The trial of a revision that is about to come in force; none where it needs none.
    pub(super) async fn trial_of(
        &self,
        spec: &Arc<ConnectionSpec>,
        revision: &Revision,
        promised: BTreeMap<RecordKind, u64>,
    ) -> Result<Option<Arc<OnTrial>>, StoreError> {
        let in_force = self.0.connections.get(&spec.name).map(|connection| connection.in_force());
        let (before, shown) = match in_force {
            // One that is on trial itself is none to go back to: the one that it is held against is, and what somebody saw of
            // either counts.
            Some(InForce { revision: now, trial: Some(trial) }) => {
                (Some(trial.before.clone().unwrap_or(now)), trial.promised.clone())
            }
            Some(InForce { revision: now, trial: None }) => (Some(now), BTreeMap::new()),
            None => (self.last_good(spec, revision.digest()).await?, BTreeMap::new()),
        };
        if before.as_ref().is_some_and(|before| before.digest() == revision.digest()) {
            return Ok(None);
        }
        let mut all = shown;
        for (kind, number) in promised {
            let known: &mut u64 = all.entry(kind).or_default();
            *known = known.saturating_add(number);
        }
        Ok(Some(OnTrial::new(before, all)))
    }

    /// Takes up the trial of the revision that is in force, as it is kept.
    pub(super) async fn resume_trial(&self, connection: &Connection) -> Result<(), StoreError> {
        let revision = connection.revision();
        let active = self.0.store.active(connection.name.clone()).await?;
        let active = active.filter(|active| active.digest == revision.digest());
        let Some(trial) = active.and_then(|active| active.trial) else { return Ok(()) };
        let spec = &connection.spec;
        let before = match trial.before {
            None => None,
            Some(digest) => match self.kept(spec, digest).await {
                Ok(before) => Some(before),
                Err(error) => {
                    let reason = chain(&error);
                    tracing::warn!(connection = %connection.name, reason, "the revision before the one on trial cannot be loaded");
                    self.last_good(spec, revision.digest()).await?
                }
            },
        };
        connection.activate(revision, Some(OnTrial::new(before, trial.promised)));
        Ok(())
    }

    /// The last revision that was in force and can be gone back to from another.
    async fn last_good(
        &self,
        spec: &Arc<ConnectionSpec>,
        from: RevisionDigest,
    ) -> Result<Option<Arc<Revision>>, StoreError> {
        let history = self.history(spec).await?;
        let mut left = taken_back(&history);
        left.insert(from);
        for entry in history.into_iter().filter(|entry| entry.why != Why::Staged) {
            if left.insert(entry.digest)
                && let Ok(revision) = self.kept(spec, entry.digest).await
            {
                return Ok(Some(revision));
            }
        }
        Ok(None)
    }

    /// Refuses a revision that the breaker took back, unless somebody insists. Answers whether somebody does.
    pub(super) async fn insisted_on(
        &self,
        spec: &ConnectionSpec,
        revision: &Revision,
        confirm: Option<&str>,
    ) -> Result<bool, IntegrationError> {
        let (id, digest) = (revision.id(), revision.digest());
        let history = self.history(spec).await?;
        if !taken_back(&history).contains(&digest) {
            return Ok(false);
        }
        if is_written_out(confirm, digest) {
            return Ok(true);
        }
        let found = history.iter().find(|entry| entry.taken_back == Some(digest)).and_then(found).unwrap_or_default();
        let message = format!(
            "{found} If it is to be in force all the same, write the revision out: {id} (`--yes` on the command line). It \
             then stays, whatever it rejects"
        );
        Err(IntegrationError::Invalid(vec![FieldError::new("confirm", message)]))
    }

    /// Takes a revision on trial back over which the breaker tripped, in one step, where it is still in force. Where there is
    /// none to go back to, it stays, and that is kept. Answers whether another one is in force now.
    ///
    /// # Errors
    /// Returns an error if the store fails; the revision stays in force then.
    pub async fn take_back(&self, connection: &Arc<Connection>, trial: &Arc<OnTrial>) -> Result<bool, StoreError> {
        let _changing = self.0.changing.lock().await;
        let name = &connection.name;
        let is_at_work = self.0.connections.get(name).is_some_and(|now| Arc::ptr_eq(&now, connection));
        let InForce { revision, trial: now } = connection.in_force();
        let is_on_it = now.is_some_and(|now| Arc::ptr_eq(&now, trial));
        let Some(trip) = trial.tripped().filter(|_| is_at_work && is_on_it) else { return Ok(false) };
        let before = trial.before.as_ref().map(|before| before.id());
        let found = trip.found(before);
        let Some(before) = &trial.before else {
            self.0.store.end_trial(name.clone(), revision.digest(), Some(trip)).await?;
            connection.end_trial(trial);
            tracing::error!(connection = %name, revision = %revision.id(), found, "the breaker tripped, and there is no earlier revision to go back to: what was known stays");
            return Ok(false);
        };
        let taken_back = Some(revision.digest());
        let back = HistoryEntry { taken_back, trip: Some(trip), ..entry(before, Why::Breaker, BREAKER) };
        self.0.store.keep_in_history(name.clone(), back).await?;
        connection.activate(Arc::clone(before), None);
        figures::taken_back(name);
        tracing::error!(connection = %name, revision = %revision.id(), now = %before.id(), found, "the breaker took the revision back");
        // What cannot be let go of costs room alone.
        if let Err(error) = self.let_go().await {
            tracing::warn!(%error, "pack folders that nobody goes back to are kept");
        }
        Ok(true)
    }
}

/// What the breaker found, in sentences; none of an entry that it has nothing to do with.
pub fn found(entry: &HistoryEntry) -> Option<String> {
    let (trip, now) = (entry.trip?, entry.digest.short());
    Some(match entry.taken_back.map(|left| left.short()) {
        Some(left) => format!(
            "Revision {left} {}. The breaker took it back: revision {now} is in force again, and what is stored is mapped \
             by it.",
            trip.found(Some(now))
        ),
        None => format!(
            "Revision {now} {}. There is no earlier revision to go back to: it stays in force, and what was known of those \
             it rejects stays as it was.",
            trip.found(None)
        ),
    })
}

/// The revision that the one in force is held against, as long as that is on trial and there is one.
pub fn held_against(connection: &Connection) -> Option<RevisionId> {
    connection.trial()?.before.as_ref().map(|before| before.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_written_out_by_six_digits_at_least() {
        let digest = RevisionDigest([0xab; 32]);
        for (text, expected) in [
            (None, false),
            (Some(""), false),
            (Some("ababa"), false),
            (Some("ababab"), true),
            (Some(" ABABABAB "), true),
            (Some("ababac"), false),
        ] {
            assert_eq!(is_written_out(text, digest), expected, "{text:?}");
        }
    }
}
