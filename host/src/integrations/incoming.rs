//! Packs that somebody puts into the watched folder: each is waited for until it is whole, and then staged for every
//! connection whose pack has its name, once for the same content. What cannot be staged is tried again.
//!
//! Serves the task that watches the folder, and those who show what became of what lies there. Nothing comes in force here,
//! and nothing in the folder is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::error::IntegrationError;
use super::{Integration, Integrations, lock};
use crate::config::packs::{Activate, WatchedFolder};
use crate::crm::http::chain;
use crate::domain::{ConnectionName, RevisionDigest, Timestamp};
use crate::pack::dropped::{self, Dropped, Trace};
use crate::pack::{Gate, GateOutcome, Gates, PackError};
use crate::store::StoreError;
use crate::store::taken_in::{Activation, TakenIn};

/// Who stages what lies in the watched folder, as a connection's history says.
pub const WATCHED_FOLDER: &str = "Watched folder";

/// The time for which nothing about a pack may change before it is read.
const QUIET: Duration = Duration::from_secs(2);
/// The time between two looks where nothing tells of a change: network disks tell of none.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);
/// The shortest time between two looks, however much changes.
const SHORTEST: Duration = Duration::from_millis(250);
/// The pause before what was refused is tried again though nothing changed that is seen; it doubles, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// See [`FIRST_PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// The most characters of a reason that the log has.
const LOGGED: usize = 500;

/// A pack in the watched folder and what became of it for one connection.
#[derive(Clone, Debug)]
pub struct IncomingPack {
    /// Its name in the folder.
    pub name: String,
    /// The pack's own name; none until it could be read.
    pub pack: Option<String>,
    /// The connection; none where it is that of no connection, or is not known yet.
    pub connection: Option<ConnectionName>,
    /// What became of it.
    pub state: IncomingState,
    /// The moment at which it was last seen to change.
    pub changed_at: Timestamp,
    /// The moment at which it was last tried.
    pub tried_at: Option<Timestamp>,
    /// The moment at which it is tried again at the latest, where it was refused.
    pub next_try_at: Option<Timestamp>,
}

/// What became of a pack in the watched folder.
#[derive(Clone, PartialEq, Debug)]
pub enum IncomingState {
    /// Something about it still changes, or it was not looked at for long enough.
    Arriving,
    /// It went through all gates.
    Staged {
        /// The revision.
        revision: RevisionDigest,
        /// Whether it came in force without a person's word.
        activation: Activation,
    },
    /// It is a base: no connection is mapped by it, and packs that extend it have it from here.
    Base,
    /// It did not, or could not be read. What is in force stays so.
    Refused {
        /// The gates that were tried.
        gates: Vec<GateOutcome>,
        /// The reason, a line each.
        reason: String,
    },
}

/// What a look at the watched folder led to.
#[derive(Debug)]
pub struct Looked {
    /// The time after which to look again, where nothing is seen to change before.
    pub next: Duration,
    /// What was staged and may come in force without a person's word, by its connection and name in the folder.
    pub pending: Vec<(ConnectionName, String, RevisionDigest)>,
}

/// What is known of the watched folder.
#[derive(Default)]
pub(super) struct Watch {
    looker: tokio::sync::Mutex<Looker>,
    shown: Mutex<Shown>,
}

/// What those are shown who ask.
#[derive(Default)]
struct Shown {
    packs: Vec<IncomingPack>,
    problem: Option<String>,
}

/// What the looks before found.
#[derive(Default)]
struct Looker {
    entries: BTreeMap<String, Entry>,
    /// Everything beside a pack itself on which it depends whether it can be staged.
    surroundings: Option<blake3::Hash>,
}

/// A pack in the folder, as it was last seen.
struct Entry {
    dropped: Dropped,
    /// None where it could not be looked at.
    trace: Option<Trace>,
    changed_at: Timestamp,
    /// When it is to be read; none where there is nothing to do.
    due: Option<Instant>,
    failures: u32,
    tried_at: Option<Timestamp>,
    pack: Option<String>,
    states: Vec<(Option<ConnectionName>, IncomingState)>,
}

impl Entry {
    fn arriving(dropped: Dropped, trace: Option<Trace>, now: Instant) -> Self {
        Self {
            dropped,
            trace,
            changed_at: Timestamp::now(),
            due: Some(now + QUIET),
            failures: 0,
            tried_at: None,
            pack: None,
            states: vec![(None, IncomingState::Arriving)],
        }
    }

    fn is_base(&self) -> bool {
        self.states.iter().any(|(_, state)| *state == IncomingState::Base)
    }

    fn is_arriving(&self) -> bool {
        self.states.iter().any(|(_, state)| *state == IncomingState::Arriving)
    }
}

impl Integrations {
    /// Looks at the watched folder, and takes in what lies there whole and is not known yet.
    ///
    /// # Errors
    /// Returns an error if the store fails. What cannot be taken in is no error: it is shown with its reason.
    pub async fn take_in(&self, watched: &WatchedFolder) -> Result<Looked, StoreError> {
        let mut looker = self.0.watch.looker.lock().await;
        let folder = watched.folder.clone();
        let beside = [self.0.config.server.packs_dir.clone(), self.0.config.server.data_dir.join("cases")];
        let look = move || (look_at(&folder), beside.map(|folder| dropped::trace_of(&folder)));
        let Ok((found, beside)) = tokio::task::spawn_blocking(look).await else {
            return Ok(Looked { next: BETWEEN_LOOKS, pending: Vec::new() });
        };
        let now = Instant::now();
        let problem = found.as_ref().err().map(ToString::to_string);
        looker.note(found.unwrap_or_default(), now);
        let connections = self.list().await?;
        if looker.is_elsewhere(self.surroundings(&connections, &beside)) {
            // What was in the way may be gone, and who was not there may be.
            for entry in looker.entries.values_mut().filter(|entry| !entry.is_arriving()) {
                (entry.due, entry.failures) = (Some(now), 0);
            }
        }
        self.show(&looker, problem.clone());
        let due: Vec<String> = looker.due(now);
        for name in due {
            let is_new = self.take_one(&mut looker, &name, &connections, watched.activate).await?;
            let is_base = looker.entries.get(&name).is_some_and(Entry::is_base);
            // What was refused for want of it may be staged now, and what extends a base is another by another one.
            let others = looker.entries.iter_mut().filter(|(other, entry)| {
                **other != name && !entry.is_arriving() && (entry.failures > 0 || (is_base && !entry.is_base()))
            });
            for (_, entry) in others.filter(|_| is_new) {
                entry.due = Some(now);
            }
            self.show(&looker, problem.clone());
        }
        let pending = looker.pending();
        let next = looker.entries.values().filter_map(|entry| entry.due).min();
        let next = next.map_or(BETWEEN_LOOKS, |due| due.saturating_duration_since(Instant::now()));
        Ok(Looked { next: next.clamp(SHORTEST, BETWEEN_LOOKS), pending })
    }

    /// The packs in the watched folder with what became of them, and what is wrong with the folder itself.
    pub fn incoming(&self) -> (Vec<IncomingPack>, Option<String>) {
        let shown = lock(&self.0.watch.shown);
        (shown.packs.clone(), shown.problem.clone())
    }

    /// Keeps what was decided about putting in force what was taken in.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn decide_incoming(
        &self,
        (connection, name): (&ConnectionName, &str),
        decision: Activation,
    ) -> Result<(), StoreError> {
        let mut looker = self.0.watch.looker.lock().await;
        let known = self.0.store.taken_in(connection.clone()).await?;
        if let Some((_, row)) = known.into_iter().find(|(other, _)| other == name) {
            let row = TakenIn { activation: decision.clone(), ..row };
            self.0.store.keep_taken_in(connection.clone(), name.to_owned(), row).await?;
        }
        let states = looker.entries.get_mut(name).map(|entry| entry.states.as_mut_slice()).unwrap_or_default();
        for (of, state) in states {
            if let (true, IncomingState::Staged { activation, .. }) = (of.as_ref() == Some(connection), state) {
                *activation = decision.clone();
            }
        }
        let problem = lock(&self.0.watch.shown).problem.clone();
        self.show(&looker, problem);
        Ok(())
    }

    /// Reads a pack and takes it in for its connections. Answers whether it was not known.
    async fn take_one(
        &self,
        looker: &mut Looker,
        name: &str,
        connections: &[Integration],
        activate: Activate,
    ) -> Result<bool, StoreError> {
        let present: BTreeSet<String> = looker.entries.keys().cloned().collect();
        let others: Vec<Dropped> = looker.entries.values().map(|entry| entry.dropped.clone()).collect();
        let Some(entry) = looker.entries.get_mut(name) else { return Ok(false) };
        let dropped = entry.dropped.clone();
        let packs_dir = self.0.config.server.packs_dir.clone();
        let read = move || {
            let read = dropped.read_whole(&others, &packs_dir);
            // What changed while it was read is a mixture, or was never whole.
            (read, dropped.trace().ok())
        };
        let Ok((read, trace)) = tokio::task::spawn_blocking(read).await else { return Ok(false) };
        if trace.is_none() || trace != entry.trace {
            *entry = Entry::arriving(entry.dropped.clone(), trace, Instant::now());
            return Ok(false);
        }
        let is_new = entry.tried_at.is_none();
        entry.tried_at = Some(Timestamp::now());
        let of_nobody = |gates: Gates| vec![(None, refused(gates.outcomes()))];
        let named = read.and_then(|bytes| Ok((dropped::name_in(&bytes)?, bytes)));
        let states = match named {
            Err(error) => {
                let mut gates = Gates::default();
                gates.fail(entry.dropped.path(), &error);
                of_nobody(gates)
            }
            Ok((pack, bytes)) => {
                entry.pack = Some(pack.clone());
                let own: Vec<_> = connections.iter().filter(|one| one.spec.pack == pack).collect();
                if own.is_empty() && dropped::is_base(&bytes) {
                    vec![(None, IncomingState::Base)]
                } else if own.is_empty() {
                    let mut gates = Gates::default();
                    let known: BTreeSet<&str> = connections.iter().map(|one| one.spec.pack.as_str()).collect();
                    let known = known.into_iter().collect::<Vec<_>>().join(", ");
                    let others = match known.as_str() {
                        "" => "there is none yet: add one on the page Integrations".to_owned(),
                        known => format!("connections have: {known}"),
                    };
                    let why = format!("it is the pack `{pack}`, which no connection has; {others}");
                    gates.refuse(Gate::Connection, why);
                    of_nobody(gates)
                } else {
                    let content = blake3::hash(&bytes).to_hex().to_string();
                    let mut states = Vec::new();
                    for one in own {
                        let place = (one.name(), name, &present);
                        states.push((Some(one.name().clone()), self.for_one(place, &content, &bytes, activate).await?));
                    }
                    states
                }
            }
        };
        let is_refused = states.iter().any(|(_, state)| matches!(state, IncomingState::Refused { .. }));
        tell(name, &entry.states, &states);
        entry.states = states;
        entry.due = is_refused.then(|| Instant::now() + pause(entry.failures));
        entry.failures = if is_refused { entry.failures.saturating_add(1) } else { 0 };
        Ok(is_new)
    }

    /// Stages a pack for a connection, unless the same content was taken in before.
    async fn for_one(
        &self,
        (connection, name, present): (&ConnectionName, &str, &BTreeSet<String>),
        content: &str,
        bytes: &[u8],
        activate: Activate,
    ) -> Result<IncomingState, StoreError> {
        let known = self.0.store.taken_in(connection.clone()).await?;
        let same =
            known.iter().find(|(other, row)| row.content == content && (other == name || present.contains(other)));
        if let Some((other, row)) = same {
            let row = row.clone();
            if other != name {
                let row = TakenIn { activation: Activation::NotAsked, ..row.clone() };
                self.0.store.keep_taken_in(connection.clone(), name.to_owned(), row).await?;
            }
            return Ok(IncomingState::Staged { revision: row.revision, activation: row.activation });
        }
        let staged = match self.0.store.space().admit() {
            Ok(()) => self.stage(connection, Some(bytes.to_vec()), WATCHED_FOLDER).await,
            Err(error) => Err(IntegrationError::Store(error)),
        };
        let revision = match staged {
            Ok(staged) => match staged.revision {
                Some(revision) => revision.digest(),
                None => return Ok(refused(staged.gates)),
            },
            Err(error) => return Ok(IncomingState::Refused { gates: Vec::new(), reason: chain(&error) }),
        };
        let in_force = self.0.store.active(connection.clone()).await?.map(|active| active.digest);
        let activation = match activate {
            Activate::WhenEmpty | Activate::BelowThreshold if in_force != Some(revision) => Activation::Pending,
            _ => Activation::NotAsked,
        };
        let row = TakenIn { content: content.to_owned(), revision, at: Timestamp::now(), activation };
        let activation = row.activation.clone();
        match self.0.store.keep_taken_in(connection.clone(), name.to_owned(), row).await {
            Ok(()) => Ok(IncomingState::Staged { revision, activation }),
            Err(error @ StoreError::NoSpace { .. }) => {
                Ok(IncomingState::Refused { gates: Vec::new(), reason: chain(&error) })
            }
            Err(error) => Err(error),
        }
    }

    /// Everything beside a pack itself on which it depends whether it can be staged, and for whom.
    fn surroundings(&self, connections: &[Integration], beside: &[Option<Trace>; 2]) -> blake3::Hash {
        let connections = connections.iter().map(|one| (one.name().as_str(), &one.spec.pack, &one.spec.dialect));
        let connections: Vec<_> = connections.collect();
        let level = self.0.store.space().level();
        blake3::hash(format!("{connections:?} {beside:?} {level:?}").as_bytes())
    }

    fn show(&self, looker: &Looker, problem: Option<String>) {
        let mut shown = lock(&self.0.watch.shown);
        if shown.problem != problem
            && let Some(reason) = &problem
        {
            tracing::warn!(reason, "the watched folder for packs cannot be looked at; it is tried again");
        }
        *shown = Shown { packs: looker.shown(), problem };
    }
}

impl Looker {
    /// Notes what was found in the folder.
    fn note(&mut self, found: Vec<(Dropped, Option<Trace>)>, now: Instant) {
        let present: BTreeSet<&str> = found.iter().map(|(dropped, _)| dropped.name.as_str()).collect();
        self.entries.retain(|name, _| present.contains(name.as_str()));
        for (dropped, trace) in found {
            let known = self.entries.get(&dropped.name);
            let is_same =
                known.is_some_and(|entry| entry.dropped == dropped && trace.is_some() && entry.trace == trace);
            if !is_same {
                self.entries.insert(dropped.name.clone(), Entry::arriving(dropped, trace, now));
            }
        }
    }

    /// Whether the surroundings are others than at the last look.
    fn is_elsewhere(&mut self, surroundings: blake3::Hash) -> bool {
        self.surroundings.replace(surroundings).is_some_and(|before| before != surroundings)
    }

    fn due(&self, now: Instant) -> Vec<String> {
        let due = self.entries.iter().filter(|(_, entry)| entry.due.is_some_and(|due| due <= now));
        due.map(|(name, _)| name.clone()).collect()
    }

    fn pending(&self) -> Vec<(ConnectionName, String, RevisionDigest)> {
        let mut pending = Vec::new();
        for (name, entry) in &self.entries {
            for (connection, state) in &entry.states {
                if let (Some(connection), IncomingState::Staged { revision, activation: Activation::Pending }) =
                    (connection, state)
                {
                    pending.push((connection.clone(), name.clone(), *revision));
                }
            }
        }
        pending
    }

    fn shown(&self) -> Vec<IncomingPack> {
        let (now, moment) = (Instant::now(), Timestamp::now());
        let mut shown = Vec::new();
        for (name, entry) in &self.entries {
            for (connection, state) in &entry.states {
                let due = entry.due.filter(|_| matches!(state, IncomingState::Refused { .. }));
                shown.push(IncomingPack {
                    name: name.clone(),
                    pack: entry.pack.clone(),
                    connection: connection.clone(),
                    state: state.clone(),
                    changed_at: entry.changed_at,
                    tried_at: entry.tried_at,
                    next_try_at: due.map(|due| moment + due.saturating_duration_since(now)),
                });
            }
        }
        shown
    }
}

/// What lies in the folder, each with what shows a change of it; none of one that is gone again by then.
fn look_at(folder: &Path) -> Result<Vec<(Dropped, Option<Trace>)>, PackError> {
    let found = dropped::dropped(folder)?;
    Ok(found.into_iter().map(|one| (one.trace().ok(), one)).map(|(trace, one)| (one, trace)).collect())
}

fn refused(gates: Vec<GateOutcome>) -> IncomingState {
    let reasons: Vec<String> = gates.iter().filter_map(|gate| gate.reason.clone()).collect();
    IncomingState::Refused { reason: reasons.join("\n"), gates }
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE)
}

/// Logs what became of a pack, where that is not what became of it before.
fn tell(
    name: &str,
    before: &[(Option<ConnectionName>, IncomingState)],
    now: &[(Option<ConnectionName>, IncomingState)],
) {
    for (connection, state) in now.iter().filter(|state| !before.contains(state)) {
        let connection = connection.as_ref().map(ToString::to_string);
        match state {
            IncomingState::Arriving => {}
            IncomingState::Base => tracing::info!(name, "a base lies in the watched folder, for packs that extend it"),
            IncomingState::Staged { revision, .. } => {
                let revision = revision.short();
                tracing::info!(name, connection, %revision, "a pack of the watched folder is staged");
            }
            IncomingState::Refused { reason, .. } => {
                let reason: String = reason.chars().take(LOGGED).collect();
                tracing::warn!(
                    name,
                    connection,
                    reason,
                    "a pack of the watched folder is refused; what is in force stays so, and it is tried again"
                );
            }
        }
    }
}
