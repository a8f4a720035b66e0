//! Takes due notes up, makes the calls that each needs, and stores what came of every one before the next.
//!
//! The state machine is the domain's (`domain::outbox`), the order is the store's. Here is which connection's notes go
//! out and how many side by side: each connection has places of its own, so that a site that is down takes none of
//! another's, and a breaker; one whose sign-in is refused rests.

pub(super) mod calls;
mod clocks;
mod sites;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use self::clocks::{Quiet, Wall};
pub use self::sites::Gate;
use self::sites::Sites;
use super::failpoint::FailPoints;
use crate::connection::Connections;
use crate::crm::Connector;
use crate::domain::breaker::Health;
use crate::domain::note::{Note, NoteState};
use crate::domain::outbox::{Call, LONGEST_WAIT, MadeCall, Outcome, Timing};
use crate::domain::text::sentence;
use crate::domain::{ConnectionName, NoteId, Timestamp};
use crate::store::outbox::{Hold, Pick};
use crate::store::{Store, StoreError};
use crate::supervise::{self, Death};
use crate::telemetry::figures;

/// Notes of one connection under way at once. A site bounds its calls further.
const SIDE_BY_SIDE: usize = 8;
/// The time that calls under way may go on once the host is told to stop; what is cut short is looked up at the next
/// start.
const GRACE: Duration = Duration::from_secs(5);
/// The longest sleep before the wall's clock is looked at again, while anything is due at some time: it may be set
/// forward, and a machine that sleeps does not count.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The pause before the store is asked again after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The pause before a note is looked up again whose sending died by a fault; doubled each time.
const AFTER_DEATH: Duration = Duration::from_secs(5);

/// The connector of a connection, while that is at work.
pub(super) type Connectors = Box<dyn Fn(&ConnectionName) -> Option<Arc<dyn Connector>> + Send + Sync>;

/// Delivers the outbox's notes.
pub(super) struct Delivery {
    pub(super) store: Store,
    connectors: Connectors,
    pub(super) timing: Timing,
    /// The time since which nothing is sent that may make something of a note.
    quiet: Quiet,
    /// The note up to which the last round of reconciliation came; none at the end of its queue.
    pub(super) reconciled_to: Mutex<Option<NoteId>>,
    /// Notified when a note may have become due.
    pub(super) wake: Notify,
    sites: Sites,
    pub(super) fail_points: FailPoints,
}

/// Notes under way.
#[derive(Default)]
struct ActiveRuns {
    calls: JoinSet<()>,
    of: HashMap<Id, (ConnectionName, NoteId)>,
    /// The number of times in a row that the sending of a note died.
    deaths: HashMap<NoteId, u32>,
}

impl ActiveRuns {
    fn count(&self, connection: &ConnectionName) -> usize {
        self.of.values().filter(|(one, _)| one == connection).count()
    }

    /// Waits until one ends, for ever where there is none. Answers the note whose sending died, and how many times it
    /// did in a row.
    async fn one_ends(&mut self) -> Option<(NoteId, u32)> {
        match self.calls.join_next_with_id().await {
            Some(Ok((id, ()))) => {
                let (_, note) = self.of.remove(&id)?;
                self.deaths.remove(&note);
                None
            }
            Some(Err(ended)) => {
                let (_, note) = self.of.remove(&ended.id())?;
                let deaths = self.deaths.entry(note).or_default();
                *deaths += 1;
                Some((note, *deaths))
            }
            None => std::future::pending().await,
        }
    }
}

impl Delivery {
    pub(super) fn new(store: Store, connectors: Connectors, timing: Timing) -> Self {
        let sites = Sites::new(timing.outage.clone());
        let fail_points = FailPoints::from_environment();
        let (quiet, reconciled_to, wake) = (Quiet::default(), Mutex::default(), Notify::new());
        Self { store, connectors, timing, quiet, reconciled_to, wake, sites, fail_points }
    }

    /// Delivers until shut down.
    pub(super) async fn run(self: &Arc<Self>, shutdown: &CancellationToken) {
        let mut under_way = ActiveRuns::default();
        let mut is_begun = false;
        let mut wall = Wall::new();
        // An earlier process may have let notes wait for longer than they may.
        let mut to_pull = Some(SignedDuration::ZERO);
        while !shutdown.is_cancelled() {
            if let Some(back) = wall.was_set_back() {
                tracing::warn!(seconds = back.as_secs(), "the clock was set back; file notes wait no longer for it");
                self.sites.release_all();
                to_pull = Some(to_pull.unwrap_or_default() + back);
            }
            if !is_begun {
                is_begun = self.begin().await;
            }
            if let Some(back) = to_pull
                && self.pull_forward(back).await
            {
                to_pull = None;
            }
            let next = match is_begun && to_pull.is_none() {
                true => self.take_due(&mut under_way, shutdown).await,
                false => Some(AFTER_FAILURE),
            };
            let next = next.map(|next| next.min(LONGEST_SLEEP));
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wake.notified() => {}
                died = under_way.one_ends() => if let Some((note, deaths)) = died {
                    self.take_up_again(note, deaths, shutdown).await;
                },
                () = tokio::time::sleep(next.unwrap_or_default()), if next.is_some() => {}
            }
        }
        let calls = &mut under_way.calls;
        let _ = tokio::time::timeout(GRACE, async { while calls.join_next().await.is_some() {} }).await;
    }

    /// Lets a connection be tried at once, whatever its site asked for.
    pub(super) fn release(&self, connection: &ConnectionName) {
        self.sites.release(connection);
        if let Some(connector) = self.connector(connection) {
            connector.release();
        }
        self.wake.notify_one();
    }

    /// Lets a connection be tried at once whose site has shown that it is well, with the notes that wait for no other
    /// reason than the pause that it asked for.
    pub(super) async fn site_is_well(&self, connection: &ConnectionName) {
        self.release(connection);
        self.end_pauses(connection).await;
    }

    async fn end_pauses(&self, connection: &ConnectionName) {
        match self.store.end_pauses(Timestamp::now(), connection.clone(), self.timing.clone()).await {
            Ok(_) => self.wake.notify_one(),
            // They go out when their pause is over.
            Err(error) => tracing::error!(%error, "file notes are not let go while the store fails"),
        }
    }

    /// Lets a connection be tried at once, with the notes that wait for its authorisation.
    pub(super) async fn authorised(&self, connection: &ConnectionName) {
        // First, so that what is let go is not put off again.
        self.sites.release(connection);
        loop {
            match self.store.let_held_notes_go(Timestamp::now(), connection.clone()).await {
                Ok(true) => {}
                Ok(false) => break,
                // They go out when their hold is over.
                Err(error) => {
                    tracing::error!(%error, "file notes are not let go while the store fails");
                    break;
                }
            }
        }
        self.end_pauses(connection).await;
    }

    /// The gate of a connection's notes: what they wait for as a whole, or that they go out.
    pub(super) fn gate(&self, connection: &ConnectionName, now: Timestamp) -> Gate {
        let connector = self.connector(connection);
        let held = connector.as_ref().and_then(|connector| connector.held().map(until_seen_to));
        // A walk may have been asked to leave the site alone: a note that tried would only count a failure.
        let left_alone = connector.and_then(|connector| connector.left_alone_until()).filter(|until| *until > now);
        match (held, left_alone) {
            (Some(message), _) => Gate::Held(Hold::from(now, self.timing.authorisation, message)),
            (None, Some(until)) => Gate::Closed(until),
            (None, None) => self.sites.gate(connection, now),
        }
    }

    /// The connector of a connection.
    pub(super) fn connector(&self, connection: &ConnectionName) -> Option<Arc<dyn Connector>> {
        (self.connectors)(connection)
    }

    /// Takes up what an earlier process left.
    async fn begin(&self) -> bool {
        match self.store.take_up_notes(Timestamp::now()).await {
            Ok(taken_up) => {
                if taken_up > 0 {
                    tracing::info!(taken_up, "notes that were being sent when the host ended are looked up");
                }
                true
            }
            Err(error) => {
                tracing::error!(%error, "file notes are not delivered while the store fails");
                false
            }
        }
    }

    /// Takes up a note whose sending died: its call may have taken effect. At once, and later where it dies again.
    async fn take_up_again(&self, note: NoteId, deaths: u32, shutdown: &CancellationToken) {
        supervise::died("sending of a file note", Death::Panic);
        let pause = if deaths > 1 { supervise::pause(AFTER_DEATH, deaths - 1) } else { Duration::ZERO };
        // The next start of the host takes up what is left.
        while !shutdown.is_cancelled() {
            let due_at = Timestamp::now() + pause;
            let change = move |note: &mut Note| note.died(Timestamp::now(), due_at);
            match self.store.change_note(note, change).await {
                Ok(_) => return,
                Err(error) => tracing::error!(%note, %error, "a file note whose sending died is not taken up yet"),
            }
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }

    /// Lets notes be due so much earlier, and none later than a note may wait; answers whether the store let it.
    async fn pull_forward(&self, back: SignedDuration) -> bool {
        let latest = Timestamp::now().saturating_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX);
        match self.store.pull_notes_forward(back, latest).await {
            Ok(0) => true,
            Ok(pulled) => {
                tracing::info!(pulled, "file notes are tried earlier than they were to be");
                true
            }
            Err(error) => {
                tracing::error!(%error, "file notes are not delivered while the store fails");
                false
            }
        }
    }

    /// Starts the calls of due notes; answers how long nothing else will be due.
    async fn take_due(self: &Arc<Self>, under_way: &mut ActiveRuns, shutdown: &CancellationToken) -> Option<Duration> {
        match self.try_take_due(under_way, shutdown).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "file notes are not delivered while the store fails");
                Some(AFTER_FAILURE)
            }
        }
    }

    async fn try_take_due(
        self: &Arc<Self>,
        under_way: &mut ActiveRuns,
        shutdown: &CancellationToken,
    ) -> Result<Option<Duration>, StoreError> {
        loop {
            let now = Timestamp::now();
            let (mut picks, mut next) = (Vec::new(), None);
            for (connection, due) in self.store.next_notes_due().await? {
                let gate = self.gate(&connection, now);
                if let Gate::Held(hold) = &gate
                    && due <= now
                {
                    while self.store.hold_due_notes(now, connection.clone(), hold.clone()).await? {}
                }
                let at = gate.opens_at().map_or(due, |opens| opens.max(due));
                let free = gate.places(SIDE_BY_SIDE).saturating_sub(under_way.count(&connection));
                if at > now {
                    next = Some(next.map_or(at, |next: Timestamp| next.min(at)));
                } else if free > 0 {
                    let newest_first = self.sites.takes_newest(&connection);
                    picks.push(Pick { connection, limit: free, newest_first });
                }
            }
            // With all places taken, the end of a call wakes the loop.
            if picks.is_empty() {
                return Ok(next.map(|at| at.duration_since(Timestamp::now()).try_into().unwrap_or_default()));
            }
            for (note, call) in self.store.take_due_notes(now, picks).await? {
                let (delivery, shutdown) = (Arc::clone(self), shutdown.clone());
                let of = (note.connection.clone(), note.id);
                let task = under_way.calls.spawn(async move { delivery.deliver(note, call, &shutdown).await });
                under_way.of.insert(task.id(), of);
            }
        }
    }

    /// Makes a note's call, stores what came of it, and goes on with the next while there is one to be made at once.
    async fn deliver(&self, note: Note, call: Call, shutdown: &CancellationToken) {
        let mut next = Some((note, call));
        while let Some((note, call)) = next.take() {
            let began = Timestamp::now();
            let quiet = match call {
                Call::Create | Call::Attach(_) => self.quiet.broken_by(note.id),
                Call::LookUp | Call::ListAttachments => self.quiet.since(note.id),
            };
            self.fail_points.reach_before(call).await;
            let (outcome, health) = self.call(&note, call).await;
            if let Call::Create | Call::Attach(_) = call {
                self.quiet.begins(note.id);
            }
            self.fail_points.reach_after(call).await;
            let now = Timestamp::now();
            let is_well_again = self.sites.heard(&note, &outcome, health, now, self.timing.authorisation);
            let connection = note.connection.clone();
            next = self.conclude(note, MadeCall { call, began, quiet }, outcome, now, shutdown).await;
            if is_well_again {
                self.end_pauses(&connection).await;
            }
        }
    }

    /// Stores what came of a call, with the intent of the next one where that is to be made at once.
    async fn conclude(
        &self,
        note: Note,
        made: MadeCall,
        outcome: Outcome,
        now: Timestamp,
        shutdown: &CancellationToken,
    ) -> Option<(Note, Call)> {
        let jitter = rand::random::<f64>();
        loop {
            let (outcome, timing, may_go_on) = (outcome.clone(), self.timing.clone(), !shutdown.is_cancelled());
            let change = move |note: &mut Note| {
                note.conclude(made, outcome, now, jitter, &timing);
                (note.state == NoteState::Sending && may_go_on).then(|| note.begin(now))
            };
            match self.store.change_note(note.id, change).await {
                Ok(changed) => {
                    let (note, next) = changed?;
                    if note.state == NoteState::Done {
                        figures::note_delivered(&note);
                    }
                    if let NoteState::Done | NoteState::Dead = note.state {
                        self.quiet.forget(note.id);
                    }
                    tracing::info!(note = %note.id, state = ?note.state, attempts = note.attempts.len(), "file note");
                    return next.map(|call| (note, call));
                }
                // Until it is stored, the note stays with this call; a process that ends here looks it up.
                Err(error) => tracing::error!(note = %note.id, %error, "what came of a file note is not stored yet"),
            }
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }

    async fn call(&self, note: &Note, call: Call) -> (Outcome, Health) {
        match (self.connectors)(&note.connection) {
            Some(connector) => calls::make(&self.store, connector.as_ref(), note, call).await,
            None => {
                let message = format!("{}.", sentence(&Connections::not_at_work(&note.connection)));
                (Outcome::Held { message: until_seen_to(&message) }, Health::Unknown)
            }
        }
    }
}

/// The reason why a note waits whose connection may not speak to its site.
fn until_seen_to(message: &str) -> String {
    format!("Waits until somebody sees to the connection. {message}")
}

#[cfg(test)]
mod tests;
