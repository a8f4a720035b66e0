//! The hourly walk: pull, skip, map, merge, commit.
//!
//! Serves people (runs, live progress) and the schedule. It never knows a CRM field's name or what it means.

mod active_runs;
mod batch;
mod commit_lock;
mod emptied;
mod fetch;
mod map;
mod map_again;
mod mapper;
mod missed;
mod on_trial;
mod progress;
mod single_client;
#[cfg(test)]
mod tests;
mod walk;
mod walk_error;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::connection::{Connection, Connections, OnTrial};
use crate::crm::{Connector, CrmError, TrafficTotals};
use crate::domain::absence::Threshold;
use crate::domain::run::{Run, RunCounts, RunState, Trigger};
use crate::domain::text::{full_stop, sentence};
use crate::domain::{ConnectionName, Date, RunId};
use crate::queue::NotDone;
use crate::store::runs::Interrupted;
use crate::store::seen::Seen;
use crate::store::walks::WalkPosition;
use crate::store::{Store, StoreError};
use crate::supervise::{self, Death, failpoint};
use crate::telemetry::figures;
use active_runs::ActiveRuns;
use batch::GroupSize;
use commit_lock::CommitLocks;
pub use emptied::EMPTY_ONCE;
use mapper::{Mapper, Sandboxed};
use progress::Progress;
pub use single_client::{ClientSyncError, ClientSyncOutcome, SyncedClient};
use walk::Walk;
use walk_error::{FAULT, STORE_FAILED, WalkError};

/// The time for which a rehearsal waits for the CRM's first answer.
const REHEARSAL_WAITS: Duration = Duration::from_secs(5);

/// Starts runs, one at a time a connection, and tells how they go. Cheap to clone.
#[derive(Clone)]
pub struct Syncs {
    store: Store,
    connections: Connections,
    zone: jiff::tz::TimeZone,
    under_way: Arc<ActiveRuns>,
    /// The lock that is held while a run is started, so that two requests at once start one.
    starting: Arc<tokio::sync::Mutex<()>>,
    orders: Arc<CommitLocks>,
    /// The locks under which what is kept is mapped again, a connection at a time.
    mapping_again: Arc<CommitLocks>,
    /// Notified when the breaker trips over a revision that is on trial.
    tripped: Arc<Notify>,
}

/// The reason why a run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// No connection has this name.
    #[error("there is no connection `{0}`")]
    UnknownConnection(ConnectionName),
    /// The connection's site does not let the host in; the words say what to do.
    #[error("the connection `{connection}` is paused. {message}")]
    NotAuthorised {
        /// The connection.
        connection: ConnectionName,
        /// The message: what has to be done.
        message: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Syncs {
    /// Ready to run the practice's connections. "Today" is a day of `zone`.
    pub fn new(store: Store, connections: Connections, zone: jiff::tz::TimeZone) -> Self {
        Self {
            store,
            connections,
            zone,
            under_way: Arc::default(),
            starting: Arc::default(),
            orders: Arc::default(),
            mapping_again: Arc::default(),
            tripped: Arc::default(),
        }
    }

    /// The practice's day of this moment.
    fn today(&self) -> Date {
        Timestamp::now().to_zoned(self.zone.clone()).date()
    }

    /// Takes up runs that an earlier process left unfinished, and ends those whose connection is gone or waits for
    /// somebody to authorise it.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn resume(&self) -> Result<(), SyncError> {
        for run in self.store.unfinished_runs().await? {
            let (state, reason, code) = match self.request(&run.connection, Trigger::Resume).await {
                Ok(_) => continue,
                Err(SyncError::UnknownConnection(name)) => (
                    RunState::Cancelled,
                    format!("{}.", sentence(&Connections::not_at_work(&name))),
                    "the connection is not at work",
                ),
                Err(SyncError::NotAuthorised { message, .. }) => {
                    (RunState::Failed, message, "it waits to be authorised")
                }
                Err(other) => return Err(other),
            };
            let run = self.settle(run, state, &reason).await?;
            log_end(&run, Some(code));
        }
        self.resume_mapping_again().await
    }

    /// Ends a run that nobody goes on with.
    async fn settle(&self, mut run: Run, state: RunState, reason: &str) -> Result<Run, StoreError> {
        run.state = state;
        run.error =
            Some(format!("{reason} The run was interrupted and does not go on. What had come over before stays."));
        run.finished_at = Some(Timestamp::now());
        self.store.finish_run(run, Threshold::default()).await
    }

    /// Starts a run in the background, or answers the one that is under way. Where an earlier process left one
    /// unfinished, that one goes on.
    ///
    /// # Errors
    /// [`SyncError::UnknownConnection`], [`SyncError::NotAuthorised`], or where the store fails.
    pub async fn request(&self, connection: &ConnectionName, trigger: Trigger) -> Result<Run, SyncError> {
        let connection = &self.connection(connection)?;
        if trigger == Trigger::Request {
            connection.connector.release();
        }
        let _starting = self.starting.lock().await;
        if let Some(run) = self.under_way.run_of(&connection.name) {
            return Ok(run);
        }
        let_in(connection)?;
        let (run, from) = match self.store.interrupted(connection.name.clone()).await? {
            Some(Interrupted { mut run, position, seen }) => {
                run.trigger = Trigger::Resume;
                (run, position.map(|position| (position, Seen::of_chunks(seen))))
            }
            None => (self.store.begin_run(queued(connection, trigger)).await?, None),
        };
        self.spawn(connection, run.clone(), from, false);
        Ok(run)
    }

    /// Walks, maps and merges in the background and keeps nothing: the run's counts say what a sync would change. The
    /// run is watched by its id and is not among the runs of the store; people whose partner comes in another group
    /// are counted as if they came alone.
    ///
    /// # Errors
    /// [`SyncError::UnknownConnection`], [`SyncError::NotAuthorised`].
    pub fn rehearse(&self, connection: &ConnectionName) -> Result<Run, SyncError> {
        let connection = self.connection(connection)?;
        let_in(&connection)?;
        connection.connector.release();
        let run = queued(&connection, Trigger::Request);
        self.spawn(&connection, run.clone(), None, true);
        Ok(run)
    }

    /// The run as it goes: each change of state or counts (at most a few a second); the last value is the finished
    /// run. None where it is not under way in this process.
    pub fn watch(&self, run: RunId) -> Option<watch::Receiver<Arc<Run>>> {
        self.under_way.watch(run)
    }

    /// Ends a run at its next commit.
    pub fn cancel(&self, run: RunId) -> bool {
        self.under_way.cancel(run)
    }

    /// Stops all runs at their next commit and waits for them; they go on when the host starts again.
    pub async fn shut_down(&self) {
        self.under_way.shut_down().await;
    }

    fn connection(&self, name: &ConnectionName) -> Result<Arc<Connection>, SyncError> {
        self.connections.get(name).ok_or_else(|| SyncError::UnknownConnection(name.clone()))
    }

    fn spawn(&self, connection: &Arc<Connection>, run: Run, from: Option<(WalkPosition, Seen)>, is_rehearsal: bool) {
        let (progress, changes) = Progress::new(run.clone());
        let (store, last_words) = (self.store.clone(), progress.clone());
        // Who changes or removes the connection ends its runs.
        let stop = connection.gone.child_token();
        let traffic = connection.connector.traffic().totals();
        // What the run counted in an earlier process is added by beginning so much before.
        let counted = &run.counts;
        let (requests, retries, slow_downs) = (counted.requests, counted.retries, counted.slow_downs);
        let traffic_before = traffic.since(TrafficTotals { requests, retries, slow_downs });
        let (mapper, trial) = if is_rehearsal {
            let mapper: Arc<dyn Mapper> = Arc::new(Sandboxed::new(connection, connection.revision(), self.today()));
            (mapper, None)
        } else {
            self.mapper_of(connection, self.today())
        };
        let walk = Walk {
            store: self.store.clone(),
            connector: Arc::clone(&connection.connector),
            mapper,
            order: if is_rehearsal { Arc::default() } else { self.orders.of(&connection.name) },
            is_rehearsal,
            stop: stop.clone(),
            progress,
            run,
            chunks: 0,
            group: GroupSize::default(),
            repeating: 0,
            threshold: connection.spec.gone_threshold,
            traffic_before,
        };
        let under_way = Arc::clone(&self.under_way);
        let (syncs, connection) = (self.clone(), Arc::clone(connection));
        self.under_way.start(changes, stop, is_rehearsal, move |id| async move {
            let ending = Arc::clone(&under_way).until_dropped(id);
            let name = format!("run of {}", last_words.last().connection);
            let driven = AssertUnwindSafe(async {
                tokio::select! {
                    () = drive(walk, from, &under_way) => {}
                    () = failpoint::reached_by_run(&name) => {}
                }
            });
            if driven.catch_unwind().await.is_err() {
                supervise::died("run", Death::Panic);
                end_of_fault(&store, last_words, is_rehearsal).await;
                return;
            }
            let ended = last_words.last();
            // Whoever asks for a run from here on gets another one.
            drop(ending);
            if ended.state == RunState::Done {
                connection.came_through.notify_one();
            }
            if let Some(trial) = trial {
                syncs.after_walk(&connection, &trial, &ended).await;
            }
        });
    }

    /// Concludes a trial after a walk; one that the breaker ended is begun anew by the revision that is in force then.
    async fn after_walk(&self, connection: &Arc<Connection>, trial: &Arc<OnTrial>, ended: &Run) {
        match ended.state {
            RunState::Done => {
                trial.note_walk();
                self.conclude(connection, trial).await;
            }
            RunState::Cancelled if trial.is_to_be_left() => {
                let is_changed = connection.gone.run_until_cancelled(connection.until_over(trial)).await.is_none();
                let trigger = if ended.trigger == Trigger::Request { Trigger::Request } else { Trigger::Schedule };
                if !is_changed && let Err(error) = self.request(&connection.name, trigger).await {
                    tracing::warn!(connection = %connection.name, %error, "a sync that the breaker ended could not be begun anew");
                }
            }
            _ => {}
        }
    }
}

fn let_in(connection: &Connection) -> Result<(), SyncError> {
    match connection.authorisation.state().obstacle() {
        None => Ok(()),
        Some(message) => Err(SyncError::NotAuthorised { connection: connection.name.clone(), message }),
    }
}

fn queued(connection: &Connection, trigger: Trigger) -> Run {
    Run {
        id: RunId(Uuid::now_v7()),
        connection: connection.name.clone(),
        state: RunState::Queued,
        trigger,
        queued_at: Timestamp::now(),
        started_at: None,
        finished_at: None,
        expected: None,
        counts: RunCounts::default(),
        error: None,
    }
}

/// Takes a run from its start to its end.
async fn drive(mut walk: Walk, from: Option<(WalkPosition, Seen)>, under_way: &ActiveRuns) {
    walk.run.state = RunState::Running;
    walk.run.started_at = walk.run.started_at.or(Some(Timestamp::now()));
    walk.progress.state(&walk.run);
    let outcome = match walk.keep_run().await {
        Ok(()) if walk.is_rehearsal => match is_there(walk.connector.as_ref()).await {
            Ok(()) => walk.go(from).await,
            Err(error) => Err(error.into()),
        },
        Ok(()) => walk.go(from).await,
        Err(error) => Err(error.into()),
    };
    let reason = outcome.as_ref().err().map(WalkError::for_log);
    let (state, error) = match outcome {
        Ok(()) => (RunState::Done, None),
        // The host goes down: the run goes on when it comes up again.
        Err(WalkError::Stopped) if under_way.is_shutting_down() => return,
        Err(WalkError::Stopped) => (RunState::Cancelled, None),
        Err(error @ WalkError::TakenBack(_)) => (RunState::Cancelled, Some(in_words(&error))),
        Err(error) => (RunState::Failed, Some(in_words(&error))),
    };
    walk.run.state = state;
    walk.run.error = error;
    walk.run.finished_at = Some(Timestamp::now());
    if let Err(error) = walk.finish_run().await {
        tracing::error!(run = %walk.run.id, %error, "the end of a run could not be kept; it goes on at the next start");
    }
    log_end(&walk.run, reason.as_deref());
    if !walk.is_rehearsal {
        figures::run_ended(&walk.run);
    }
    walk.progress.state(&walk.run);
}

/// Ends a run that died by a fault, so that nobody takes it for one that is under way, and tells those who watch it.
async fn end_of_fault(store: &Store, mut progress: Progress, is_rehearsal: bool) {
    let error = Some(in_words(&NotDone::Fault.into()));
    let mut run = Run { state: RunState::Failed, error, finished_at: Some(Timestamp::now()), ..progress.last() };
    if !is_rehearsal {
        match store.finish_run(run.clone(), Threshold::default()).await {
            Ok(finished) => run = finished,
            Err(error) => {
                tracing::error!(run = %run.id, %error, "the end of a run could not be kept; it goes on at the next start");
            }
        }
        figures::run_ended(&run);
    }
    log_end(&run, Some(FAULT));
    progress.state(&run);
}

/// Logs how a run ended, with what the log may have of the reason.
fn log_end(run: &Run, reason: Option<&str>) {
    let (id, connection, state) = (run.id, &run.connection, run.state.as_str());
    match (run.state, reason) {
        (RunState::Failed, Some(reason @ (STORE_FAILED | FAULT))) => {
            tracing::error!(run = %id, %connection, state, reason, "run over");
        }
        (RunState::Failed, reason) => {
            tracing::warn!(run = %id, %connection, state, reason = reason.unwrap_or("unknown"), "run over");
        }
        _ => tracing::info!(run = %id, %connection, state, "run over"),
    }
}

/// Whether the CRM answers at all. A person waits for a rehearsal, so that it is not asked as patiently as by a walk.
async fn is_there(connector: &dyn Connector) -> Result<(), CrmError> {
    let message = || format!("it did not answer within {} seconds", REHEARSAL_WAITS.as_secs());
    let asked = tokio::time::timeout(REHEARSAL_WAITS, connector.whoami()).await;
    asked.unwrap_or_else(|_| Err(CrmError::Unreachable { message: message() })).map(drop)
}

/// Sentences about an error: what happened, what it means for the data, what to do.
fn in_words(error: &WalkError) -> String {
    let what_to_do = match error {
        WalkError::Crm(CrmError::Unauthorised { .. }) => {
            "Check the user and password of the connection, or authorise it again."
        }
        WalkError::Store(_) => "Check the disk of the data folder.",
        WalkError::TakenBack(_) => "The revision before comes in force again, and all is mapped by it.",
        _ => "The next run begins anew.",
    };
    format!("{} What came over before stays. {what_to_do}", full_stop(&error.to_string()))
}
